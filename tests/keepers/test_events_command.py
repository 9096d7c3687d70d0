"""`bellkeeper events` as an operator sees it."""

import argparse
import json
from datetime import date
from pathlib import Path

import pytest

from config.event_import import events_document
from config.events import load_events
from config.schema.events import EventRow
from keepers.commands import events
from runtime.errors import OperatorError

MEETING = {"title": "FOMC Meeting", "month": "2027-01", "days": "26-27", "time": "2:00 p.m."}
OWN = 'timezone = "America/New_York"\n[[event]]\nkind = "fomc"\nday = 2027-01-27\ntime = "13:00"\n'


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    events.add_arguments(parser)
    return events.run(parser.parse_args(arguments))


@pytest.fixture
def download(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder / "calendar.json"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "events"
    folder.mkdir()
    return folder / "fed.toml"


def fed(download: Path, *meetings: dict[str, str]) -> None:
    download.write_text(json.dumps({"events": [MEETING | meeting for meeting in meetings]}))


def bring(download: Path, out: Path, form: str = "fed-json") -> int:
    return run("import", "--format", form, "--from", str(download), "--out", str(out))


def test_an_import_tells_what_was_added_changed_and_gone(
    download: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fed(download, {}, {"month": "2027-03", "days": "16-17"}, {"month": "2027-04", "days": "27-28"})
    assert bring(download, out) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: 3 events",
        "added:",
        "  2027-01-27 14:00 fomc FOMC statement",
        "  2027-03-17 14:00 fomc FOMC statement",
        "  2027-04-28 14:00 fomc FOMC statement",
    ]
    assert bring(download, out) == 0
    assert capsys.readouterr().out.splitlines() == [f"{out}: 3 events", "nothing is different"]
    # January moves by half an hour, March by a day, April is gone.
    fed(download, {"time": "2:30 p.m."}, {"month": "2027-03", "days": "17-18"})
    assert bring(download, out) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: 2 events",
        "added:",
        "  2027-03-18 14:00 fomc FOMC statement",
        "changed:",
        "  2027-01-27 14:30 fomc FOMC statement",
        "gone:",
        "  2027-03-17 14:00 fomc FOMC statement",
        "  2027-04-28 14:00 fomc FOMC statement",
    ]
    assert [each.row.day.isoformat() for each in load_events(out.parent)] == [
        "2027-01-27",
        "2027-03-18",
    ]


def test_what_is_past_and_no_longer_published_is_kept(download: Path, out: Path) -> None:
    fed(download, {}, {"month": "2027-03", "days": "16-17"})
    bring(download, out)
    fed(download, {"month": "2027-03", "days": "16-17"})
    bring(download, out)
    assert [each.row.day.month for each in load_events(out.parent)] == [1, 3]


def test_one_day_of_earnings_leaves_the_other_days_alone(
    download: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day, rows in (
        ("Wed, Dec 09, 2026", [{"symbol": "AAPL", "time": "time-pre-market"}]),
        ("Thu, Dec 10, 2026", [{"symbol": "NVDA", "time": "time-after-hours"}]),
        ("Wed, Dec 09, 2026", []),
    ):
        download.write_text(json.dumps({"data": {"asOf": day, "rows": rows}}))
        assert bring(download, out, "nasdaq-json") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "gone:",
        "  2026-12-09 before open earnings AAPL AAPL earnings",
    ]
    assert [each.row.symbol for each in load_events(out.parent)] == ["NVDA"]


def test_funds_have_no_earnings(download: Path, out: Path) -> None:
    row = {"symbol": "SPY", "time": "time-pre-market"}
    download.write_text(json.dumps({"data": {"asOf": "Wed, Dec 09, 2026", "rows": [row]}}))
    bring(download, out, "nasdaq-json")
    assert load_events(out.parent) == ()


def test_the_operators_own_file_is_named_where_it_wins(
    download: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.with_name("own.toml").write_text(OWN)
    fed(download, {})
    bring(download, out)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "overruled by a file of your own:",
        "  2027-01-27 14:00 fomc FOMC statement",
    ]
    (held,) = load_events(out.parent)
    assert held.row.time == "13:00"


def test_gives_stable_json(download: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fed(download, {})
    run(
        *("import", "--format", "fed-json", "--from", str(download)),
        *("--out", str(out), "--json", "-"),
    )
    report = json.loads(capsys.readouterr().out)
    assert report["events"] == 1
    assert report["changed"] == report["gone"] == report["overruled"] == []
    assert report["added"] == [
        {
            "day": "2027-01-27",
            "kind": "fomc",
            "name": "FOMC statement",
            "part": None,
            "symbol": None,
            "time": "14:00",
        }
    ]


def test_an_import_never_writes_over_a_file_of_the_operators_own(download: Path, out: Path) -> None:
    out.write_text(OWN)
    fed(download, {})
    with pytest.raises(OperatorError, match="found one of your own: name another file for --out"):
        bring(download, out)
    assert out.read_text() == OWN


def test_an_import_of_one_format_never_writes_over_one_of_another(
    download: Path, out: Path
) -> None:
    fed(download, {})
    bring(download, out)
    with pytest.raises(OperatorError, match="found one from fed-json"):
        bring(download, out, "bea-json")


def test_a_download_that_is_no_calendar_changes_nothing(download: Path, out: Path) -> None:
    fed(download, {})
    bring(download, out)
    before = out.read_text()
    download.write_text("<html>Access Denied</html>")
    with pytest.raises(OperatorError) as caught:
        bring(download, out)
    assert "is not as fed-json is published: expected JSON" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert out.read_text() == before


def test_files_that_cannot_be_read_or_written_are_one_sentence(download: Path, out: Path) -> None:
    with pytest.raises(OperatorError, match=r"expected to read .*No such file"):
        bring(download, out)
    download.write_bytes(b"\xff\xfe")
    with pytest.raises(OperatorError, match="must be text in UTF-8"):
        bring(download, out)
    fed(download, {})
    with pytest.raises(OperatorError, match=r"expected to write the events to .*No such file"):
        bring(download, out.parent / "no" / "fed.toml")


def test_what_is_written_reads_back_whatever_the_name_holds(tmp_path: Path) -> None:
    row = EventRow.model_validate(
        {
            "kind": "other",
            "day": date(2026, 12, 9),
            "time": "14:00",
            "name": 'a "quote", \\, \x7f and é',
        }
    )
    path = tmp_path / "x.toml"
    path.write_text(events_document([row], form="bls-ics", source="a\nb"), encoding="utf-8")
    assert [each.row for each in load_events(tmp_path)] == [row]


def test_lists_the_events_ahead(
    out: Path, download: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fed(download, {"month": "2020-01", "days": "28-29"}, {"month": "2999-01", "days": "29"})
    bring(download, out)
    capsys.readouterr()
    assert run("list", "--events", str(out.parent)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "UTC               kind  market          file      name",
        "2999-01-29 19:00  fomc  all it touches  fed.toml  FOMC statement",
    ]
    assert run("list", "--events", str(out.parent), "--json", "-") == 0
    (listed,) = json.loads(capsys.readouterr().out)["events"]
    assert (listed["symbol"], listed["is_imported"]) == (None, True)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="expected a folder of files of events"):
        run("list", "--events", str(tmp_path / "none"))
