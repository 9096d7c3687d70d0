"""Reports as files, and the command that writes them from records of before."""

import importlib.util
from pathlib import Path

import pytest

from drills.report.__main__ import main
from drills.report.flow_charts import liquidation_chart
from drills.report.output import write_index, write_scenario
from drills.report.picture import draw_png
from drills.report.price_charts import price_chart
from drills.report.record_file import write_record
from runtime.errors import OperatorError
from tests.drills.report.values import crash, quiet

SMALL = crash(seconds=9_000, step=60)


def test_each_scenario_gets_a_page_and_several_an_index(tmp_path: Path) -> None:
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for record, path in zip((SMALL, quiet()), paths, strict=True):
        write_record(record, path)
    folder = tmp_path / "new" / "folder"
    assert main([*map(str, paths), "--out", str(folder)]) == 0
    written = sorted(each.name for each in folder.iterdir())
    assert written == ["friday_night.html", "index.html", "quiet.html"]
    assert 'href="quiet.html"' in (folder / "index.html").read_text(encoding="utf-8")
    alone = tmp_path / "alone"
    assert main([str(paths[0]), "--out", str(alone)]) == 0
    assert [each.name for each in alone.iterdir()] == ["friday_night.html"]


def test_the_same_records_give_the_same_page(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_index([write_scenario([SMALL], tmp_path / name)], tmp_path / name)
    for name in ("index.html", "friday_night.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_cannot_be_read_or_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.json"), "--out", str(tmp_path)]) == 78
    assert capsys.readouterr().err.count("\n") == 1
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OperatorError, match="name another"):
        write_scenario([SMALL], file)


def test_without_matplotlib_pictures_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main([str(tmp_path / "none.json"), "--out", str(tmp_path), "--pictures"]) == 78
    assert "make drill" in capsys.readouterr().err


@pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="drawn by `make drill`"
)  # fmt: skip
def test_charts_are_drawn_as_pictures(tmp_path: Path) -> None:
    for chart in (price_chart(SMALL, SMALL.markets[0]), liquidation_chart(crash(step=600))):
        path = tmp_path / f"{chart.name}.png"
        draw_png(chart, path)
        assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OperatorError, match="may be written"):
        draw_png(liquidation_chart(SMALL), tmp_path / "no" / "x.png")
