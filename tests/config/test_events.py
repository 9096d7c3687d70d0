"""Files of events: what holds, who wins, and what a file may not say."""

from datetime import datetime
from pathlib import Path

import pytest

from config.events import load_event_file, load_events
from risk.incentive_events import EventKind
from runtime.errors import OperatorError

ZONE = 'timezone = "America/New_York"\n'
IMPORTED = ZONE + 'imported_from = "fed-json"\n'


def row(kind: str = "fomc", day: str = "2026-12-09", rest: str = 'time = "14:00"') -> str:
    return f'[[event]]\nkind = "{kind}"\nday = {day}\n{rest}\n'


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def held(folder: Path) -> list[tuple[str, int, int]]:
    events = [each.event for each in load_events(folder)]
    return [(each.kind.value, each.start, each.stop) for each in events]


@pytest.mark.parametrize(
    ("rest", "start", "stop"),
    [
        ('time = "14:00"', "2026-12-09T14:00-05:00", "2026-12-09T14:00-05:00"),
        ('part = "before_open"', "2026-12-09T04:00-05:00", "2026-12-09T09:30-05:00"),
        ('part = "after_close"', "2026-12-09T16:00-05:00", "2026-12-09T20:00-05:00"),
        ('part = "all_day"', "2026-12-09T00:00-05:00", "2026-12-10T00:00-05:00"),
    ],
)
def test_local_days_become_seconds(folder: Path, rest: str, start: str, stop: str) -> None:
    (folder / "own.toml").write_text(ZONE + row(rest=rest))
    assert held(folder) == [("fomc", seconds(start), seconds(stop))]


def test_summer_time_is_the_zones_own(folder: Path) -> None:
    (folder / "own.toml").write_text(ZONE + row(day="2027-07-28"))
    assert held(folder)[0][1] == seconds("2027-07-28T18:00+00:00")


def test_a_day_of_25_hours_is_covered_to_its_end(folder: Path) -> None:
    (folder / "own.toml").write_text(ZONE + row(day="2026-11-01", rest='part = "all_day"'))
    ((_, start, stop),) = held(folder)
    assert stop - start == 25 * 3_600


def test_the_operators_own_file_wins(folder: Path) -> None:
    (folder / "a_import.toml").write_text(IMPORTED + row() + row(day="2027-01-27"))
    (folder / "own.toml").write_text(ZONE + row(rest='time = "13:00"'))
    assert held(folder) == [
        ("fomc", seconds("2026-12-09T13:00-05:00"), seconds("2026-12-09T13:00-05:00")),
        ("fomc", seconds("2027-01-27T14:00-05:00"), seconds("2027-01-27T14:00-05:00")),
    ]


def test_the_operator_may_take_an_event_out(folder: Path) -> None:
    (folder / "a_import.toml").write_text(IMPORTED + row())
    (folder / "own.toml").write_text(ZONE + row(rest="is_cancelled = true"))
    assert held(folder) == []


def test_an_event_of_one_market_is_another_than_that_of_all(folder: Path) -> None:
    (folder / "a_import.toml").write_text(IMPORTED + row("other"))
    (folder / "own.toml").write_text(ZONE + row("other", rest='time = "14:00"\nsymbol = "AAPL"'))
    assert len(held(folder)) == 2


def test_two_imports_that_agree_are_one_event_and_that_differ_both_hold(folder: Path) -> None:
    (folder / "one.toml").write_text(IMPORTED + row())
    (folder / "two.toml").write_text(IMPORTED + row())
    assert len(held(folder)) == 1
    (folder / "two.toml").write_text(IMPORTED + row(rest='time = "14:30"'))
    assert len(held(folder)) == 2


def test_two_words_of_the_operators_on_one_event_are_refused(folder: Path) -> None:
    (folder / "one.toml").write_text(ZONE + row())
    (folder / "two.toml").write_text(ZONE + row(rest='time = "14:30"'))
    with pytest.raises(OperatorError, match="one word on fomc for all of 2026-12-09, found two"):
        load_events(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(ZONE + row(rest=""), "must have `time` or `part`, found neither", id="when?"),
        pytest.param(
            ZONE + row(rest='time = "14:00"\npart = "all_day"'), "found both: keep one", id="both"
        ),
        pytest.param(
            ZONE + row("earnings"), "must name the `symbol` of earnings, found none", id="whose?"
        ),
        pytest.param(ZONE + row("cpl"), "kind must be one of", id="a kind that we do not know"),
        pytest.param(ZONE + row(day='"soon"'), "event[0].day must be", id="a day that is none"),
        pytest.param(
            ZONE + row(rest='time = "25:00"'), 'must be a time of day such as "09:30"', id="25:00"
        ),
        pytest.param(row(), "timezone is missing", id="no zone"),
        pytest.param(ZONE + row() + "tiem = 1", "did you mean `time`?", id="a misspelt key"),
    ],
)
def test_a_file_that_is_wrong_is_one_sentence(folder: Path, text: str, sentence: str) -> None:
    path = folder / "own.toml"
    path.write_text(text)
    with pytest.raises(OperatorError) as caught:
        load_event_file(path)
    assert str(caught.value).startswith(str(path))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_shipped_events_are_the_meetings_that_the_board_announced() -> None:
    shipped = load_events()
    assert {each.event.kind for each in shipped} == {EventKind.FOMC}
    # Eight meetings a year, each ending on a Wednesday, the statement at 14:00.
    assert [each.row.day.year for each in shipped] == [2026] * 8 + [2027] * 8
    assert all(each.row.day.weekday() == 2 and each.row.time == "14:00" for each in shipped)
    # The operator's own word goes before what is shipped.
    assert all(each.is_imported for each in shipped)
