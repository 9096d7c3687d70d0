"""`bellkeeper incentives simulate --weekend`, and the prices that it reads."""

import argparse
import importlib.util
import json
from pathlib import Path

import pytest

from drills import incentives_command
from drills.incentives.data import parse
from drills.incentives.table import as_markdown
from runtime.errors import OperatorError


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    incentives_command.add_arguments(parser)
    return incentives_command.run(parser.parse_args([*arguments, "--jobs", "1"]))


def test_the_command_writes_the_table_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, document = tmp_path / "new" / "folder", tmp_path / "out.json"
    code = command(
        *("--weekend", "--seeds", "1", "--no-plots", "--hold", "taker_fee"),
        *("--report", str(folder), "--json", str(document)),
    )
    assert code == 0
    printed = capsys.readouterr().out
    assert printed == (folder / "incentives_nvda.md").read_text()
    report = json.loads((folder / "incentives_nvda.json").read_text())
    assert printed.splitlines() == as_markdown(report)
    assert json.loads(document.read_text()) == report
    assert report["held"] == ["taker_fee"]
    assert len(report["weekends"]) == 3
    assert "one weekend (seed 1)" in printed
    assert sorted(path.name for path in folder.iterdir()) == [
        "incentives_nvda.json",
        "incentives_nvda.md",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "expected --weekend", id="nothing to simulate"),
        pytest.param(["--weekend", "--seeds", "0"], "at least 1", id="no seeds"),
        pytest.param(["--weekend", "--budget", "-1"], "at least 0", id="budget"),
        pytest.param(["--weekend", "--report", "x"], "--no-plots", id="no matplotlib"),
        pytest.param(["--weekend", "--data", "none.csv"], "none.csv", id="no such data"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(OperatorError, match=said) as refused:
        command(*arguments)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_prices_are_read_with_either_kind_of_time() -> None:
    lines = ["Price,time", "178.25,2026-11-20T15:00:00-05:00", "178.3,1795204860"]
    assert parse(lines, name="x.csv") == [
        (1_795_204_800, 17_825_000_000),
        (1_795_204_860, 17_830_000_000),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(["time"], "no price", id="column"),
        pytest.param(["time,price"], "found none", id="empty"),
        pytest.param(["time,price", "2026-11-20T15:00:00,1"], "offset from UTC", id="no offset"),
        pytest.param(["time,price", "10,1", "10,2"], "line 3 of x.csv", id="order"),
        pytest.param(["time,price", "10,nan"], "line 2 of x.csv", id="nan"),
        pytest.param(["time,price", "10,0.000000001"], "1e-8", id="too small"),
        pytest.param(["time,price", "10,-1"], "found '-1'", id="negative"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(lines: list[str], said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        parse(lines, name="x.csv")


@pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is only for research"
)
def test_the_command_draws_both_pictures(tmp_path: Path) -> None:
    command("--weekend", "--seeds", "1", "--report", str(tmp_path))
    for name in ("liquidity", "levers"):
        assert (tmp_path / f"incentives_nvda_{name}.png").read_bytes().startswith(b"\x89PNG")
