"""`bellkeeper actions` as an operator sees it."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from config.corporate_actions import load_actions, read_actions_file
from keepers.commands import actions
from risk.corporate_agreement import Accord
from risk.corporate_rules import CorporateRules
from runtime.errors import OperatorError

SPLIT = {"symbol": "NVDA", "new_rate": 10, "old_rate": 1, "ex_date": "2199-06-10"}


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    actions.add_arguments(parser)
    return actions.run(parser.parse_args(arguments))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "actions"
    out.mkdir()
    return out


def alpaca(tmp_path: Path, *splits: dict[str, Any], **others: object) -> Path:
    path = tmp_path / "alpaca.json"
    table = {"forward_splits": list(splits)} | others
    path.write_text(json.dumps({"corporate_actions": table, "next_page_token": None}))
    return path


def polygon(tmp_path: Path, split_to: int) -> Path:
    path = tmp_path / "polygon.json"
    row = {
        "ticker": "NVDA",
        "execution_date": "2199-06-10",
        "split_from": 1,
        "split_to": split_to,
    }
    path.write_text(json.dumps({"results": [row]}))
    return path


def bring(form: str, source: Path, folder: Path, name: str | None = None) -> int:
    out = folder / f"{name or form}.toml"
    return run("import", "--format", form, "--from", str(source), "--out", str(out))


def test_an_import_tells_what_was_added_gone_and_left_out(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = SPLIT | {"ex_date": "2020-01-02"}
    assert bring("alpaca", alpaca(tmp_path, SPLIT, past), folder) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/alpaca.toml: 1 actions, 1 past ones left out",
        "added:",
        "  2199-06-10 NVDA split 10:1",
    ]
    assert bring("alpaca", alpaca(tmp_path, SPLIT), folder) == 0
    assert "nothing is different" in capsys.readouterr().out
    moved = SPLIT | {"ex_date": "2199-06-11"}
    left_out = {"unit_splits": [{"old_symbol": "NVDA"}]}
    assert bring("alpaca", alpaca(tmp_path, moved, **left_out), folder) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "added:",
        "  2199-06-11 NVDA split 10:1",
        "gone, or told otherwise now:",
        "  2199-06-10 NVDA split 10:1",
        "left out, to be written by hand:",
        "  NVDA: unit_splits, which there is no rule for: write it by hand",
    ]


def test_what_was_imported_can_be_loaded_again_to_the_same_rows(
    tmp_path: Path, folder: Path
) -> None:
    others: dict[str, object] = {
        "cash_dividends": [
            {"symbol": "AAPL", "rate": 0.26, "special": True, "ex_date": "2199-05-10"}
        ],
        "name_changes": [{"old_symbol": "SPY", "new_symbol": "EYE", "process_date": "2199-09-09"}],
        "stock_mergers": [
            {
                "acquirer_symbol": "NVDA",
                "acquirer_rate": 0.4,
                "acquiree_symbol": "QQQ",
                "acquiree_rate": 1,
                "effective_date": "2199-10-04",
            }
        ],
    }
    bring("alpaca", alpaca(tmp_path, SPLIT, **others), folder)
    told = [str(report.action) for report in load_actions(folder).reports]
    assert told == [
        "AAPL special cash_dividend 2199-05-10 0.26 USD a share",
        "NVDA split 2199-06-10 10:1",
        "SPY symbol_change 2199-09-09 to EYE",
        "QQQ stock_merger 2199-10-04 2:5 to NVDA",
    ]
    assert read_actions_file(folder / "alpaca.toml").source == "alpaca.json"


def test_two_imports_that_agree_confirm_an_action(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("alpaca", alpaca(tmp_path, SPLIT), folder)
    assert run("show", "--actions", str(folder), "--strict") == 2
    bring("polygon", polygon(tmp_path, 10), folder)
    capsys.readouterr()
    assert run("show", "--actions", str(folder), "--strict") == 0
    assert capsys.readouterr().out.splitlines()[1].split("  ") == [
        "2199-06-10 00:00",
        "NVDA split 2199-06-10",
        "agreed",
        "alpaca and polygon agree on NVDA split 2199-06-10 10:1",
    ]


def test_two_imports_that_differ_are_shown_and_fail_a_strict_check(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("alpaca", alpaca(tmp_path, SPLIT), folder)
    bring("polygon", polygon(tmp_path, 20), folder)
    capsys.readouterr()
    assert run("show", "--actions", str(folder), "--json", "-") == 0
    (shown,) = json.loads(capsys.readouterr().out)["actions"]
    assert (shown["accord"], shown["terms"]) == ("disagreed", None)
    assert "ratio 10:1 and 20:1" in shown["why"]
    assert run("show", "--actions", str(folder), "--strict") == 2


def test_an_import_touches_no_file_of_the_operators_own(tmp_path: Path, folder: Path) -> None:
    own = folder / "alpaca.toml"
    own.write_text(
        'timezone = "America/New_York"\nprovider = "me"\nheard_at = 2030-01-01T00:00:00Z\n'
    )
    before = own.read_text()
    with pytest.raises(OperatorError, match="found one of your own: name another file for --out"):
        bring("alpaca", alpaca(tmp_path, SPLIT), folder)
    bring("polygon", polygon(tmp_path, 10), folder)
    with pytest.raises(OperatorError, match="found one from polygon"):
        bring("alpaca", alpaca(tmp_path, SPLIT), folder, name="polygon")
    assert own.read_text() == before


def test_a_bad_download_is_one_sentence_and_changes_nothing(tmp_path: Path, folder: Path) -> None:
    bring("alpaca", alpaca(tmp_path, SPLIT), folder)
    download = tmp_path / "page.html"
    for payload, words in ((b"<html>", "is not as alpaca publishes it"), (b"\xff", "UTF-8")):
        download.write_bytes(payload)
        with pytest.raises(OperatorError, match=words):
            bring("alpaca", download, folder)
    with pytest.raises(OperatorError, match="expected to read"):
        bring("alpaca", tmp_path / "none.json", folder)
    (report,) = load_actions(folder).reports
    assert report.action.symbol == "NVDA"
    judged = load_actions(folder).agreements(CorporateRules())
    assert judged["NVDA split 2199-06-10"].accord is Accord.SINGLE


def test_no_folder_and_nothing_ahead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OperatorError, match="expected a folder of files of actions"):
        run("show", "--actions", str(tmp_path / "none"))
    assert run("show") == 0
    assert capsys.readouterr().out == "no corporate action is ahead\n"
