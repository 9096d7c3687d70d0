"""`bellkeeper backtest-mark`, on a series that is made here."""

import argparse
import importlib.util
import json
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from drills import backtest_command
from drills.backtest.table import as_markdown
from runtime.errors import OperatorError

FRIDAY = date(2024, 3, 1)


def write_series(path: Path, *, days: int = 60) -> None:
    random = Random(9)
    lines, close = ["date,open,close"], 100.0
    for on in (FRIDAY + timedelta(days=ahead) for ahead in range(days)):
        if on.weekday() < 5:
            opened = close * (1 + random.gauss(0, 0.01))
            close = opened * (1 + random.gauss(0, 0.01))
            lines.append(f"{on},{opened:.4f},{close:.4f}")
    path.write_text("\n".join(lines))


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    backtest_command.add_arguments(parser)
    return backtest_command.run(parser.parse_args([*arguments, "--jobs", "1"]))


def test_the_command_writes_the_table_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    series, out = tmp_path / "abc.csv", tmp_path / "new" / "folder"
    write_series(series)
    code = command("--series", str(series), "--out", str(out), "--no-plots", "--seed", "2")
    assert code == 0
    printed = capsys.readouterr().out
    assert printed == (out / "backtest_abc.md").read_text()
    report = json.loads((out / "backtest_abc.json").read_text())
    assert printed.splitlines() == as_markdown(report)
    assert report["data"]["weekends"] == 9
    assert 0 < report["data"]["weekends_played"] < 9
    assert report["rules"]["mark"]["bound"]["bound"] == 50_000
    assert sorted(path.name for path in out.iterdir()) == ["backtest_abc.json", "backtest_abc.md"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--from", "2030"], "expected weekends", id="no such year"),
        pytest.param(["--from", "5", "--to", "4"], "exchange them", id="years"),
        pytest.param(["--seed", "-1"], "--seed of at least 0", id="seed"),
        pytest.param(["--out", "x"], "--no-plots", id="no matplotlib"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    series = tmp_path / "abc.csv"
    write_series(series)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(OperatorError, match=said) as refused:
        command("--series", str(series), *arguments)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == [series]


@pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="drawn by `make backtest`"
)
def test_the_command_draws_both_pictures(tmp_path: Path) -> None:
    series = tmp_path / "abc.csv"
    write_series(series)
    assert command("--series", str(series), "--out", str(tmp_path)) == 0
    for name in ("errors", "weekends"):
        assert (tmp_path / f"backtest_abc_{name}.png").read_bytes().startswith(b"\x89PNG")
