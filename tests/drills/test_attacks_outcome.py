"""The comparison of two histories, on histories that are made here; the tables and the command."""

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from drills import attacks_command
from drills.attacks.crowd import Fall, draw_crowd
from drills.attacks.outcome import Alarm, Outcome, compare
from drills.attacks.play import Ground, History, Look
from drills.attacks.scenarios import SCENARIOS
from drills.attacks.setting import default_setting
from drills.attacks.stages import ELEVEN, Leg, Stage, Truth
from drills.attacks.table import as_markdown, as_report, span
from keepers import cli
from risk.units import AccountId, PriceE8, QuoteAtoms, Seconds
from tests.builders import price, usd

SETTING = default_setting()
GROUND = Ground(
    setting=SETTING,
    crowd=replace(draw_crowd(4, 1, SETTING.markets), open_interest=usd(1_000)),
    seed=1,
)
SCENARIO = replace(SCENARIOS[0], start=ELEVEN, stop=Seconds(ELEVEN + 2))


def history(
    *marks: str, fallen: dict[int, tuple[int, int]] | None = None, on: dict[int, str] | None = None
) -> History:
    """Make a history from one second before the start of the attack on; the index stands still."""
    return History(
        looks=tuple(
            Look(
                now=Seconds(ELEVEN - 1 + place),
                mark=price(mark),
                index=price(100),
                signals=frozenset((on or {}).get(place, "").split()),
            )
            for place, mark in enumerate(marks)
        ),
        fallen={
            AccountId(who): Fall(at=Seconds(ELEVEN + at), notional=usd(worth))
            for who, (at, worth) in (fallen or {}).items()
        },
        weights={},
    )


def compared(attacked: History, honest: History) -> Outcome:
    return compare(SCENARIO, attacked, honest, GROUND)


def test_tells_the_largest_move_and_when_the_mark_was_back() -> None:
    flat = history(*["100"] * 6)
    outcome = compared(history("100", "99", "98", "99.5", "99.9", "100"), flat)
    assert (outcome.mark.distance, outcome.mark.after) == (-20_000, 1)
    assert outcome.mark_at_stop == -5_000
    # 10 bp away is back: that was one second after the end.
    assert outcome.back_after == 1
    assert outcome.index.distance == 0


@pytest.mark.parametrize(
    ("marks", "back_after"),
    [
        pytest.param(["100", "99", "100", "100", "99.8", "100"], 2, id="away again"),
        pytest.param(["100", "100", "100", "100", "100", "99.8"], None, id="never"),
        pytest.param(["100", "99", "100", "100", "100", "100"], 0, id="before the end"),
        pytest.param(["100"] * 6, 0, id="never away"),
    ],
)
def test_the_mark_is_back_when_it_stays(marks: list[str], back_after: int | None) -> None:
    assert compared(history(*marks), history(*["100"] * 6)).back_after == back_after


def test_counts_who_fell_only_under_attack_and_who_fell_too_late() -> None:
    marks = ["100"] * 6
    attacked = history(*marks, fallen={1: (0, 50), 2: (61, 70), 3: (59, 70)})
    honest = history(*marks, fallen={2: (1, 60), 3: (0, 20), 4: (2, 30)})
    outcome = compared(attacked, honest)
    assert (outcome.wronged.accounts, outcome.wronged.notional) == (1, usd(50))
    assert outcome.wronged.share == 50_000
    assert (outcome.late.accounts, outcome.late.notional) == (2, usd(90))


def test_an_alarm_is_a_signal_that_the_honest_history_does_not_give_then() -> None:
    marks = ["100"] * 6
    attacked = history(*marks, on={1: "stale outlier", 2: "stale", 4: "outlier"})
    honest = history(*marks, on={1: "stale"})
    assert compared(attacked, honest).alarms == (
        Alarm(signal="outlier", after=Seconds(0), seconds=Seconds(2)),
        Alarm(signal="stale", after=Seconds(1), seconds=Seconds(1)),
    )


def test_the_table_says_what_the_report_says() -> None:
    attacked = history("100", "99", "98", "99.5", "99.9", "100", on={1: "outlier"})
    attacked = replace(attacked, cost=QuoteAtoms(1_234_999_999))
    report = as_report(GROUND, [compared(attacked, history(*["100"] * 6))])
    text = "\n".join(as_markdown(json.loads(json.dumps(report))))
    assert "| -2.000 % after 1 s | 0 | -0.500 % | 1 s | 0 | 0 | 1,234 USD |" in text
    assert "| print-minute | outlier at 0 s for 1 s |" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(179, "179 s"), (180, "3 min 00 s"), (7_260, "2 h 01 min")]
)
def test_writes_spans_as_people_read_them(seconds: int, text: str) -> None:
    assert span(seconds) == text


def test_every_scenario_lies_within_its_stage_and_has_its_own_name() -> None:
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)
    for each in SCENARIOS:
        moments = set(each.stage.moments())
        assert {each.start, each.stop, each.stage.end} <= moments


def test_the_honest_price_depends_on_the_seed_and_not_on_the_steps() -> None:
    stage = Stage(
        name="short",
        begin=ELEVEN,
        legs=(Leg(until=Seconds(ELEVEN + 100), step=Seconds(7)),),
        volatility=50,
    )
    truth = Truth(stage, PriceE8(10**10), 1)
    prices = [truth.at(now) for now in stage.moments()]
    finer = replace(stage, legs=(Leg(until=stage.end, step=Seconds(1)),))
    again = Truth(finer, PriceE8(10**10), 1)
    assert prices == [again.at(now) for now in stage.moments()]
    assert prices != [Truth(stage, PriceE8(10**10), 2).at(now) for now in stage.moments()]
    assert list(stage.moments())[-2:] == [ELEVEN + 98, ELEVEN + 100]


@pytest.fixture
def _logging_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


@pytest.mark.usefixtures("_logging_again")
def test_the_command_prints_the_table_and_writes_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    attacks_command.add_arguments(parser)
    file = tmp_path / "report.json"
    arguments = ["future-dated", "future-dated", "--accounts", "20", "--json", str(file)]
    assert attacks_command.run(parser.parse_args(arguments)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    report = json.loads(file.read_text())
    assert printed.out.splitlines() == as_markdown(report)
    assert [each["name"] for each in report["scenarios"]] == ["future-dated"]
    assert report["accounts"] == 24


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["print-year"], "found print-year", id="name"),
        pytest.param(["--accounts", "1"], "--accounts of at least 2", id="accounts"),
        pytest.param(["--seed", "-1"], "--seed of at least 0", id="seed"),
    ],
)
def test_what_cannot_be_played_is_one_sentence_and_exit_78(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "attack-drills", ("drills.attacks_command", "attacks"))
    assert cli.main(["attack-drills", *arguments]) == 78
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
