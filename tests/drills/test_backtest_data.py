"""Daily series: what is read, what is a weekend, and what is refused in one sentence."""

import gzip
import math
from datetime import date, timedelta
from pathlib import Path

import pytest

from drills.backtest import data
from drills.backtest.data import SHORTEST_HISTORY, Day, load, parse, weekends
from risk.units import PriceE8
from runtime.errors import OperatorError
from tests.builders import price

HEADER = "date,open,close"
FRIDAY = date(2024, 3, 1)


def day(on: date, opened: int = 100, close: int = 100) -> Day:
    return Day(date=on, open=price(opened), close=price(close))


def week_days(count: int) -> list[Day]:
    """Trade on every day from Monday to Friday; each night moves from 100 to 101 and back."""
    days = [FRIDAY - timedelta(days=back) for back in range(count * 2)]
    trading = sorted(on for on in days if on.weekday() < 5)[-count:]
    return [day(on, opened=101) for on in trading]


def test_prices_are_read_exactly_and_columns_by_name() -> None:
    (only,) = parse(["Close,DATE , Open,Volume", "1228.09997600,2024-03-01,0.1,7"], name="x")
    assert only == Day(date=FRIDAY, open=PriceE8(10_000_000), close=PriceE8(122_809_997_600))


def test_the_shipped_files_are_compressed_and_have_american_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "arch" / "data" / "sp500"
    folder.mkdir(parents=True)
    (tmp_path / "arch" / "__init__.py").write_text("raise AssertionError('never imported')")
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n1/4/1999,2,3,1,2.5,2.5,9\n"
    (folder / "sp500.csv.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load("sp500") == [Day(date=date(1999, 1, 4), open=price(2), close=price("2.5"))]


def test_says_how_to_get_a_shipped_series_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(data.SHIPPED, "nasdaq", "data/no/such.csv.gz")
    with pytest.raises(OperatorError, match="`make backtest`, which installs it") as refused:
        load("nasdaq")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param([], "found no date, open, close", id="empty"),
        pytest.param(["date,close", "2024-03-01,1"], "found no open", id="column"),
        pytest.param([HEADER, "1/3/2024,1,1"], "line 2 of x, found '1/3/2024'", id="date"),
        pytest.param([HEADER, "2024-03-01,1"], "line 2 of x, found None", id="short line"),
        pytest.param([HEADER, "2024-03-01,abc,1"], "found 'abc'", id="word"),
        pytest.param([HEADER, "2024-03-01,1,nan"], "found 'nan'", id="nan"),
        pytest.param([HEADER, "2024-03-01,0,1"], "above 0", id="zero"),
        pytest.param([HEADER, "2024-03-01,1,1e-9"], "at least 1e-8", id="dust"),
        pytest.param([HEADER, "2024-03-01,1,1e30"], "below 10000000", id="too large"),
        pytest.param(
            [HEADER, "2024-03-01,1,1", "2024-03-01,1,1"], "a date after 2024-03-01", id="twice"
        ),
    ],
)
def test_bad_lines_are_refused_in_one_sentence(lines: list[str], said: str) -> None:
    with pytest.raises(OperatorError, match=said) as refused:
        parse(lines, name="x")
    assert str(refused.value).startswith("expected ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("none.csv", None, "No such file", id="missing"),
        pytest.param("x.csv", b"\xff\xfe\x00", "bytes that are none", id="binary"),
        pytest.param("x.csv.gz", b"plain", "Not a gzipped file", id="not compressed"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperatorError, match=said) as refused:
        load(str(path))
    assert "\n" not in str(refused.value)


def test_a_weekend_is_three_to_seven_days_and_nothing_else() -> None:
    days = week_days(SHORTEST_HISTORY + 1)
    known = len(weekends(days))
    last = days[-1].date
    for gap, is_one in ((1, False), (2, False), (3, True), (4, True), (7, True), (8, False)):
        after = day(last + timedelta(days=gap))
        assert len(weekends([*days, after])) - known == is_one, gap


def test_a_weekend_lasts_from_the_close_to_the_open() -> None:
    (*_, plain) = weekends([*week_days(40), day(FRIDAY + timedelta(days=3))])
    (*_, long) = weekends([*week_days(40), day(FRIDAY + timedelta(days=4))])
    assert plain.length == 65.5 * 3_600
    assert long.length == 89.5 * 3_600


def test_the_volatility_is_that_of_the_nights_before_and_never_of_the_weekend_itself() -> None:
    days = week_days(40)
    for opened in (101, 150):
        last = weekends([*days, day(FRIDAY + timedelta(days=3), opened=opened)])[-1]
        assert last.open == price(opened)
        assert last.volatility == pytest.approx(math.log(1.01))


def test_weekends_without_enough_nights_before_them_are_left_out() -> None:
    monday = day(FRIDAY + timedelta(days=3))
    assert weekends([*week_days(SHORTEST_HISTORY), monday]) == []
    assert len(weekends([*week_days(SHORTEST_HISTORY + 1), monday])) == 1
