"""Scenarios as files, and the section [stress]: the narrowest move counts, and a mistake is one sentence."""

from pathlib import Path

import pytest

from config.loader import load, shipped_profile
from config.schema.stress import Stress
from config.stress import STRESS_DIRECTORY, asset_classes, is_equity, load_scenario, load_scenarios
from runtime.errors import OperatorError

GOOD = """
description = "d"
source = "s"
[moves_ppm]
ALL = -10_000
stock = -20_000
NVDA = 30_000
"""


def write(folder: Path, text: str, name: str = "one.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_narrowest_move_counts(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    assert scenario.move_of("NVDA", "stock") == 30_000
    assert scenario.move_of("AAPL", "stock") == -20_000
    assert scenario.move_of("GLD", "commodity") == -10_000
    assert scenario.move_of("NEWCO", "") == -10_000


def test_nothing_is_moved_that_nobody_named(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD.replace("ALL = -10_000", "")))
    assert scenario.move_of("GLD", "commodity") == 0


def test_the_shipped_scenarios_move_something_of_every_shipped_class() -> None:
    shipped = load_scenarios()
    assert {each.name for each in shipped} >= {
        "friday_2025_10_10",
        "monday_2020_03_16",
        "sunday_gap",
    }
    classes = asset_classes()
    for scenario in shipped:
        assert any(scenario.move_of(symbol, kind) for symbol, kind in classes.items())
        # A scenario that names a class which no market has would be a misspelt one.
        assert set(scenario.moves) <= {*classes.values(), *classes, "ALL"}
    assert [each.name for each in shipped] == sorted(p.stem for p in STRESS_DIRECTORY.iterdir())


def test_equities_are_stocks_and_their_funds_and_what_nobody_classed() -> None:
    classes = asset_classes()
    assert {each for each in classes if is_equity(each, classes)} == {
        *("AAPL", "COIN", "NVDA", "QQQ", "SPY", "TSLA")
    }
    assert is_equity("NEWCO", classes)


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        (GOOD.replace("-20_000", "-1_000_001"), "one.toml", "one.toml"),
        (GOOD.replace("-20_000", "-0.2"), "one.toml", "one.toml"),
        (GOOD.replace("stock", "stocks"), "one.toml", 'found "stocks"'),
        (GOOD.replace('source = "s"', ""), "one.toml", "source"),
        (GOOD, "One.toml", "rename it"),
        (GOOD, "equities_down.toml", "rename it"),
        ('description = "d"\nsource = "s"\n[moves_ppm]\n', "one.toml", "moves_ppm"),
    ],
)
def test_a_wrong_scenario_is_one_sentence(
    tmp_path: Path, text: str, name: str, sentence: str
) -> None:
    with pytest.raises(OperatorError, match=sentence) as failure:
        load_scenario(write(tmp_path, text, name))
    assert "\n" not in str(failure.value)


def test_a_missing_folder_is_one_sentence_and_an_empty_one_is_none(tmp_path: Path) -> None:
    assert load_scenarios(tmp_path) == ()
    with pytest.raises(OperatorError, match=r"correct \[stress\] scenario_directory"):
        load_scenarios(tmp_path / "missing")


def test_too_many_scenarios_are_refused(tmp_path: Path) -> None:
    for number in range(25):
        write(tmp_path, GOOD, f"s{number}.toml")
    with pytest.raises(OperatorError, match="at most 24 scenarios"):
        load_scenarios(tmp_path)


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"steps_ppm": [55_555]}, "whole percents"),
        ({"steps_ppm": [50_000, 50_000]}, "each step once"),
        ({"steps_ppm": [1_000_000]}, "less than 1000000"),
        ({"period_seconds": 0.0}, "greater than 0"),
    ],
)
def test_a_senseless_section_is_refused(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Stress.model_validate(knobs)


def test_the_section_is_part_of_every_profile() -> None:
    settings = load(shipped_profile("devnet"), environment={}).settings
    assert settings.stress.steps_ppm == (50_000, 100_000, 200_000, 300_000)
