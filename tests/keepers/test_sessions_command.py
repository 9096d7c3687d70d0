"""`bellkeeper sessions` as an operator sees it."""

import json
from pathlib import Path

import pytest

from config.calendars import CALENDARS_DIRECTORY
from keepers.cli import main

SPAN = ("--from", "2026-11-25", "--to", "2026-11-29")


def test_prints_the_days_around_a_holiday(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", *SPAN]) == 0
    lines = capsys.readouterr().out.splitlines()
    (heading,) = [
        line for line in lines if line.startswith("us_equities (America/New_York): AAPL, ")
    ]
    assert lines[lines.index(heading) + 2].split() == [
        "Wed",
        "2026-11-25",
        "00:00",
        "-0500",
        "Wed",
        "05:00",
        "overnight",
    ]
    assert "Wed 2026-11-25 20:00 -0500  Thu 01:00  holiday       Thanksgiving Day" in lines
    assert "Fri 2026-11-27 13:00 -0500  Fri 18:00  post          Day after Thanksgiving" in lines
    assert "cme_energy (America/New_York): WTI" in lines


def test_shows_the_change_of_the_clocks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "--from", "2026-03-06", "--to", "2026-03-09"]) == 0
    text = capsys.readouterr().out
    assert "Fri 2026-03-06 09:30 -0500  Fri 14:30  regular" in text
    assert "Mon 2026-03-09 09:30 -0400  Mon 13:30  regular" in text


def test_gives_stable_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", *SPAN, "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["markets_without_calendar"] == []
    calendar = report["us_equities"]
    assert "NVDA" in calendar["markets"]
    assert calendar["boundaries"][4] == {
        "local_time": "2026-11-25T20:00:00-05:00",
        "note": "Thanksgiving Day",
        "session": "holiday",
        "start_seconds": 1_795_654_800,
    }


def test_a_market_without_a_calendar_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "us_equities.toml"
    (tmp_path / name).write_text((CALENDARS_DIRECTORY / name).read_text())
    assert main(["sessions", *SPAN, "--calendars", str(tmp_path)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "WTI: no calendar, so the session is unknown: restricted"


def test_without_dates_it_shows_the_coming_week(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["us_equities"]["boundaries"]) >= 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "tomorrow"), 'expected --from as a date such as 2026-11-25, found "tomorrow"'),
        (("--from", "2026-11-25", "--to", "2026-11-24"), "expected --to on or after --from"),
        (("--from", "2026-11-25", "--to", "2099-11-24"), "at most 3660 days later"),
    ],
)
def test_bad_dates_are_one_sentence(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sessions", *arguments]) == 78
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_folder_without_calendars_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sessions", "--calendars", str(tmp_path)]) == 78
    assert "expected calendar files in" in capsys.readouterr().err
