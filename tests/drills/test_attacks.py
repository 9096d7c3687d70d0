"""Attacks on the price, on short stages: what they move, what they do not, and what tells of them."""

from dataclasses import replace

import pytest

from drills.attacks.crowd import Watched, draw_crowd
from drills.attacks.hands import Attack, PushedBook
from drills.attacks.outcome import Outcome, compare, play_all
from drills.attacks.play import Ground, play
from drills.attacks.scenarios import SCENARIOS, Scenario
from drills.attacks.setting import FIRMS, SYMBOL, default_setting
from drills.attacks.stages import ELEVEN, FRIDAY, MINUTE, NOON, Leg, Stage
from drills.attacks.table import as_report
from drills.matching_engine import MatchingEngine, Side
from drills.weekend import CLOSE
from risk.units import AccountId, PriceE8, Seconds, SizeE8
from tests.builders import price, shares

HOUR = 3_600
SETTING = default_setting()
CROWD = draw_crowd(40, 1, SETTING.markets)
QUIET = Ground(setting=SETTING, crowd=CROWD, seed=1, source_noise=0)
"""Honest sources say exactly the same, so that one fewer of them changes nothing."""
NOISY = Ground(setting=SETTING, crowd=CROWD, seed=1)
BY_NAME = {each.name: each for each in SCENARIOS}


def shortened(name: str, **facts: object) -> Scenario:
    """Take a scenario, on less of the calendar."""
    scenario = BY_NAME[name]
    return replace(scenario, **{"stage": stage_of(scenario.stage), **facts})  # type: ignore[arg-type]


def stage_of(stage: Stage) -> Stage:
    if stage.begin != FRIDAY:
        return replace(stage, legs=(Leg(until=Seconds(ELEVEN + 12 * MINUTE), step=Seconds(1)),))
    legs = ((NOON - MINUTE, 60), (NOON + 15 * MINUTE, 3))
    return replace(
        stage, legs=tuple(Leg(until=Seconds(until), step=Seconds(step)) for until, step in legs)
    )


def played(scenario: Scenario, ground: Ground = QUIET) -> Outcome:
    (outcome,) = play_all(ground, [scenario])
    return outcome


def signals(outcome: Outcome) -> dict[str, tuple[int, int]]:
    return {each.signal: (each.after, each.seconds) for each in outcome.alarms}


def test_a_history_without_an_attack_equals_itself() -> None:
    scenario = shortened("print-minute", make=Attack)
    honest, again = play(NOISY, scenario.stage, None), play(NOISY, scenario.stage, scenario)
    assert honest == again
    outcome = compare(scenario, again, honest, NOISY)
    assert (outcome.mark.distance, outcome.index.distance, outcome.back_after) == (0, 0, 0)
    assert (outcome.wronged.accounts, outcome.late.accounts, outcome.alarms) == (0, 0, ())
    assert len({look.mark for look in honest.looks}) > 100


def test_a_one_share_print_moves_nothing_and_is_told_at_once() -> None:
    outcome = played(shortened("print-minute"))
    assert (outcome.mark.distance, outcome.index.distance) == (0, 0)
    assert outcome.wronged.accounts == 0
    told = signals(outcome)
    assert told["feed-1 outlier"] == (0, 60)
    assert told["rung widened"][0] == 0
    assert "feed-2 outlier" not in told


def test_two_providers_who_lie_together_are_believed() -> None:
    outcome = played(shortened("providers-two"))
    assert outcome.index.distance == pytest.approx(-80_000, abs=500)
    assert outcome.mark.distance < -60_000
    # And the one that is right is the one that is called wrong.
    assert "feed-3 outlier" in signals(outcome)


def test_two_providers_are_not_believed_beyond_the_large_jump() -> None:
    outcome = played(shortened("providers-two-far"))
    assert signals(outcome)["jump refused"][0] == 0
    assert signals(outcome)["internal while outside markets trade"][0] == 30
    assert abs(outcome.mark.distance) < 3_000


def test_a_future_dated_report_never_moves_anything_and_silences_nobody() -> None:
    outcome = played(shortened("future-dated"))
    assert (outcome.mark.distance, outcome.index.distance) == (0, 0)
    assert signals(outcome)["feed-1 future_dated"] == (0, 1)
    assert {name for name in signals(outcome) if name.startswith("feed-1")} == {
        "feed-1 future_dated"
    }


def test_a_pushed_book_moves_the_index_by_less_than_a_third_of_the_push() -> None:
    outcome = played(shortened("push-ten-minutes"))
    assert 0 < outcome.index.distance < 50_000 / 3
    assert outcome.index.distance < outcome.mark.distance < 50_000 / 2
    assert outcome.cost is not None
    assert outcome.cost > 0


def test_sources_that_stand_still_are_left_out_while_the_truth_falls() -> None:
    scenario = shortened("frozen-fresh")
    scenario = replace(scenario, stop=Seconds(ELEVEN + 11 * MINUTE))
    outcome = played(scenario)
    told = signals(outcome)
    assert told["feed-1 unchanged"][0] == 121
    assert told["internal while outside markets trade"][0] == 151
    # The index hangs on to the old price; the book takes the mark a part of the way.
    assert 0 < outcome.mark.distance < outcome.index.distance
    assert outcome.index.distance > 50_000


def test_old_timestamps_are_left_out_sooner() -> None:
    scenario = shortened("frozen-old")
    told = signals(played(replace(scenario, stop=Seconds(ELEVEN + MINUTE))))
    assert told["feed-1 stale"][0] == 11
    assert told["internal while outside markets trade"][0] == 41


@pytest.fixture(scope="module")
def liars() -> dict[int, Outcome]:
    """Let one participant lie through a Friday evening, and two."""
    until = Seconds(CLOSE + 4 * HOUR)
    stage = replace(
        BY_NAME["liar-one"].stage, legs=(Leg(until=Seconds(until + HOUR), step=Seconds(60)),)
    )
    scenarios = [
        replace(BY_NAME[name], stage=stage, stop=until) for name in ("liar-one", "liars-two")
    ]
    return dict(enumerate(play_all(QUIET, scenarios), start=1))


def test_one_participant_of_three_who_lies_moves_next_to_nothing(liars: dict[int, Outcome]) -> None:
    assert abs(liars[1].index.distance) < 100
    assert abs(liars[1].mark.distance) < 100


def test_two_participants_who_lie_together_move_the_index_and_the_mark_less(
    liars: dict[int, Outcome],
) -> None:
    assert 20_000 < liars[2].index.distance < 90_000 / 3
    assert 5_000 < liars[2].mark.distance < liars[2].index.distance
    assert not any(name.startswith("quote refused") for name in signals(liars[2]))


def test_participants_without_a_lie_are_never_refused() -> None:
    scenario = shortened("print-minute", make=Attack)
    history = play(NOISY, scenario.stage, None)
    assert set(history.weights) == set(FIRMS)
    assert not any("refused" in signal for look in history.looks for signal in look.signals)


def test_a_book_without_bids_does_not_make_the_mark_leap() -> None:
    scenario = BY_NAME["no-bids"]
    legs = ((NOON - 65 * MINUTE, 60), (NOON - 20 * MINUTE, 3))
    stage = replace(
        scenario.stage,
        legs=tuple(Leg(until=Seconds(until), step=Seconds(step)) for until, step in legs),
    )
    scenario = replace(scenario, stage=stage)
    outcome = played(scenario)
    assert signals(outcome)["book one-sided"][0] == 0
    assert abs(outcome.mark.distance) < 5_000
    marks = {look.now: look.mark for look in play(QUIET, stage, scenario).looks if look.now > CLOSE}
    before, after = marks[Seconds(scenario.start - 3)], marks[scenario.start]
    assert abs(after - before) * 10**6 < 500 * before


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    scenario = shortened("providers-two")
    one, again, other = (
        as_report(ground, play_all(ground, [scenario]))
        for ground in (NOISY, NOISY, replace(NOISY, seed=2))
    )
    assert one == again
    assert one["scenarios"] != other["scenarios"]


def test_a_pusher_pays_the_difference_to_whoever_sells_to_him() -> None:
    engine = MatchingEngine(SYMBOL, now_ms=lambda: 0)
    push, seller = PushedBook(50_000), AccountId(9)
    fair = price(100)
    push.trade(engine, fair)
    best = PriceE8(engine.bids[0][0])
    assert price("104.9") < best < price(105)
    engine.limit(seller, Side.SELL, fair, shares(10))
    assert push.cost == (best - fair) * 10 // 100
    push.leave(engine)
    assert (engine.bids, engine.asks) == ((), ())


def test_the_crowd_balances_and_nobody_is_under_margin_before_anything_happens() -> None:
    held = CROWD.columns.positions
    for number in SETTING.markets:
        assert int(held.size[held.market == number].sum()) == 0
    assert CROWD.open_interest > 0
    watched = Watched(CROWD, ELEVEN)
    assert watched.fallen == {}
    market = SETTING.market
    crashed = PriceE8(market.mark - market.mark * 3 // 10)
    watched.see(replace(market, mark=crashed, price_timestamp=ELEVEN), Seconds(ELEVEN + 1))
    assert watched.fallen
    assert all(fall.at == ELEVEN + 1 and fall.notional > 0 for fall in watched.fallen.values())
    assert SizeE8(0) not in held.size
