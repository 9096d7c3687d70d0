"""Daily prices for the advice: what is read, what is a gap, and what is refused in one sentence."""

import gzip
import io
import sys
import tarfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from drills.advice.gaps import OLDEST, Kind, gaps_of, pooled
from drills.advice.series import Day, Layout, is_stale, load_file, parse
from drills.advice.sources import SOURCES, Series, checked, load_class
from risk.units import PriceE8
from runtime.errors import OperatorError
from tests.builders import price

HEADER = "date,open,high,low,close"
FRIDAY = date(2024, 3, 1)


def day(on: date, opened: float, high: float, low: float, close: float) -> Day:
    return Day(
        date=on,
        open=price(str(opened)),
        high=price(str(high)),
        low=price(str(low)),
        close=price(str(close)),
    )


def test_a_split_and_a_dividend_are_no_gaps() -> None:
    days = parse(
        [
            f"{HEADER},adj close",
            "2024-03-04,100,104,98,100,50",
            "2024-03-05,50,52,49,51,51",
        ],
        name="x",
        layout=Layout(),
    )
    assert days[0].close == days[1].open == price(50)
    (move,) = gaps_of(Series(name="x", days=tuple(days))).move
    assert move == 0.0


def test_closures_are_named_and_holes_are_none() -> None:
    on = [FRIDAY, FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=4)]
    on += [on[-1] + timedelta(days=2), on[-1] + timedelta(days=30)]
    days = tuple(day(each, 100, 100, 100, 100) for each in on)
    gaps = gaps_of(Series(name="x", days=days))
    assert gaps.kind == (Kind.WEEKEND, Kind.NIGHT, Kind.HOLIDAY)
    assert gaps.is_closure.tolist() == [True, False, True]


def test_an_account_knows_where_it_entered_and_how_far_the_price_went_since() -> None:
    monday = date(2024, 3, 4)
    days = (
        day(monday, 110, 112, 90, 100),
        day(monday + timedelta(days=1), 105, 120, 95, 100),
        day(monday + timedelta(days=2), 90, 91, 89, 90),
    )
    gaps = gaps_of(Series(name="x", days=days))
    assert gaps.move.tolist() == pytest.approx([0.05, -0.10])
    assert gaps.entry[1, :2].tolist() == pytest.approx([1.05, 1.10])
    assert gaps.lowest[1, :2].tolist() == pytest.approx([0.95, 0.90])
    assert gaps.highest[1, :2].tolist() == pytest.approx([1.20, 1.20])
    assert np.isnan(gaps.entry[1, 2:]).all()
    assert gaps.entry.shape == (2, OLDEST)


def test_of_closes_alone_only_closures_are_gaps_but_all_days_are_years() -> None:
    lines = ["date,x", "2024-03-01,100", "2024-03-04,90", "2024-03-05,.", "2024-03-06,99"]
    layout = Layout(closes_only=True, close_column="x")
    days = parse(lines, name="x", layout=layout)
    assert [each.close for each in days] == [price(100), price(90), price(99)]
    gaps = gaps_of(Series(name="x", days=tuple(days), closes_only=True))
    assert gaps.move.tolist() == pytest.approx([-0.1, 0.1])
    five = tuple(day(FRIDAY + timedelta(days=each), 1, 1, 1, 1) for each in (-1, 0, 3, 4))
    played = gaps_of(Series(name="x", days=five, closes_only=True))
    assert len(played) == 1
    assert played.series_years == pytest.approx(3 / 252)


def test_years_whose_opens_are_no_opens_are_left_out() -> None:
    good = [day(date(2023, 5, each), 101, 101, 100, 100) for each in range(1, 11)]
    stale = [day(date(2024, 5, each), 100, 100, 100, 100) for each in range(1, 11)]
    assert is_stale(good + stale, most=0.3) == {2023: False, 2024: True}
    series = checked("x", good + stale)
    assert series.left_out == {2024}
    assert set(gaps_of(series).year.tolist()) == {2023}


def test_pooled_gaps_add_their_years_and_a_choice_takes_its_part() -> None:
    days = tuple(day(date(2024, 5, each), 101, 101, 100, 100) for each in range(1, 12))
    one = gaps_of(Series(name="x", days=days))
    both = pooled([one, one])
    assert len(both) == 20
    assert both.series_years == pytest.approx(20 / 252)
    assert both.chosen(np.arange(20) < 5).series_years == pytest.approx(5 / 252)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param([], "no date and no open", id="empty"),
        pytest.param(["date,open,high,close", "x"], "found no low", id="column"),
        pytest.param([HEADER], "expected days of trade in x", id="no days"),
        pytest.param([HEADER, "1/3/2024,1,1,1,1"], "found '1/3/2024'", id="date"),
        pytest.param([HEADER, "2024-03-01,1,1,1"], "line 2 of x, found None", id="short line"),
        pytest.param([HEADER, "2024-03-01,1,1,1,-1"], "above 0 .* found '-1'", id="negative"),
        pytest.param([HEADER, "2024-03-01,nan,1,1,1"], "found 'nan'", id="nan"),
        pytest.param([HEADER, "2024-03-01,5,4,1,2"], "low <= open", id="open above high"),
        pytest.param([HEADER, "2024-03-01,2,4,1,0.5"], "low <= open", id="close below low"),
        pytest.param(
            [HEADER, "2024-03-01,1,1,1,1", "2024-03-01,1,1,1,1"], "after 2024-03-01", id="twice"
        ),
    ],
)
def test_bad_data_is_refused_in_one_sentence(lines: list[str], said: str) -> None:
    with pytest.raises(OperatorError, match=said) as refused:
        parse(lines, name="x", layout=Layout())
    assert "\n" not in str(refused.value)


def test_files_are_read_plain_gzipped_and_alone_in_an_archive(tmp_path: Path) -> None:
    text = f"{HEADER}\n2024-03-01,2,3,1,2.5\n".encode()
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    read = [load_file(tmp_path / name, Layout()) for name in ("a.csv", "a.csv.gz", "a.tar.gz")]
    assert read[0] == read[1] == read[2]
    assert read[0][0].close == PriceE8(250_000_000)


def test_rows_of_other_markets_are_passed_over() -> None:
    lines = [f"Ticker,{HEADER}", "A,2024-03-01,1,1,1,1", "B,2024-03-01,2,2,2,2"]
    (only,) = parse(lines, name="x", layout=Layout(only_rows=("ticker", "B")))
    assert only.open == price(2)


@pytest.mark.parametrize("content", [b"\x1f\x8bbroken", b"\xff\xfe"])
def test_says_what_is_wrong_with_a_file_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("a.csv.gz" if content.startswith(b"\x1f") else "a.csv")
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="expected") as refused:
        load_file(path, Layout())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("asset_class", list(SOURCES))
def test_says_how_to_get_the_series_that_are_not_there(
    asset_class: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(OperatorError, match="run `make advise`") as refused:
        load_class(asset_class)
    assert "\n" not in str(refused.value)
