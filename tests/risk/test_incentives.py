"""The controller buys liquidity with the cheapest lever first, slowly, and within every bound."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from risk.incentive_reserve import Allotment
from risk.incentive_rules import UnknownLiquidity, shortage, shortage_words
from risk.incentive_terms import Lever, LiquidityTarget
from risk.incentives import IncentiveDecision, IncentiveFacts, IncentiveState, begin, step
from risk.units import Ppm, QuoteAtoms, Seconds
from tests.builders import NOW, usd
from tests.risk.incentive_world import (
    RULES,
    TARGET,
    WEEKDAY,
    WEEKEND,
    facts,
    liquidity,
)

THIN = liquidity(usd(20_000))
UNKNOWN = UnknownLiquidity(reason="the book feed is silent for 40 s")


def run(
    seen: IncentiveFacts, steps: int, *, state: IncentiveState | None = None, every: int = 60
) -> tuple[IncentiveState, list[IncentiveDecision]]:
    """Step through constant facts; the venue's fee follows the decision."""
    state = begin(NOW) if state is None else state
    decisions: list[IncentiveDecision] = []
    for _ in range(steps):
        now = Seconds(state.seen_at + every)
        state, decision = step(state, seen, now=now, rules=RULES)
        decisions.append(decision)
        seen = replace(seen, maker_fee=Ppm(decision.wanted(Lever.MAKER_FEE)))
    return state, decisions


def fees(decisions: list[IncentiveDecision]) -> list[int]:
    return [each.wanted(Lever.MAKER_FEE) for each in decisions]


@pytest.mark.parametrize(
    ("measured", "lacking"),
    [
        (liquidity(), 0),
        (liquidity(usd(25_000)), 750_000),
        (liquidity(usd(100_000), ask_depth=usd(40_000)), 600_000),
        (liquidity(spread=300), 500_000),
        (liquidity(0), 1_000_000),
        (liquidity(spread=10_000), 1_000_000),
        (liquidity(usd(500_000), 20), -900_000),
        (liquidity(usd(500_000), 200), 0),
    ],
)
def test_the_worst_of_depth_and_spread_is_the_shortage(measured: Any, lacking: int) -> None:
    assert shortage(measured, TARGET) == lacking


def test_a_shortage_is_told_with_what_was_measured() -> None:
    assert shortage_words(THIN, TARGET) == ("bid depth is 20000.00 USD and 100000.00 USD is wanted")
    assert "the spread is 0.05 %" in shortage_words(liquidity(spread=500), TARGET)


def test_a_market_at_its_target_stays_as_scheduled() -> None:
    state, decisions = run(facts(), 20)
    assert fees(decisions) == [-100] * 20
    assert (state.rebate_boost, state.multiplier_boost, state.integral) == (0, 0, 0)


def test_the_rebate_is_used_up_before_the_multiplier_moves() -> None:
    _, decisions = run(facts(THIN), 120)
    multipliers = [each.wanted(Lever.FUNDING_MULTIPLIER) for each in decisions]
    first = next(i for i, each in enumerate(multipliers) if each > WEEKEND.funding_multiplier)
    assert fees(decisions)[first] == WEEKEND.maker_fee - 150
    assert fees(decisions)[-1] == -250
    assert multipliers[-1] == 2_000_000


def test_a_change_waits_for_its_cool_down_and_is_no_larger_than_a_step() -> None:
    _, decisions = run(facts(THIN), 120)
    seen = [int(WEEKEND.maker_fee), *fees(decisions)]
    changes = [i for i in range(1, len(seen)) if seen[i] != seen[i - 1]]
    assert max(abs(seen[i] - seen[i - 1]) for i in changes) <= 50
    assert len(changes) >= 3
    assert all(b - a >= 5 for a, b in pairwise(changes))


def test_a_decision_says_the_measurement_and_the_way_back() -> None:
    _, decisions = run(facts(THIN), 30)
    fee = next(each for each in decisions[-1].levers if each.lever is Lever.MAKER_FEE)
    assert fee.home == WEEKDAY.maker_fee
    assert "bid depth is 20000.00 USD and 100000.00 USD is wanted" in fee.why
    assert {each.lever for each in decisions[-1].levers} == set(Lever)
    margin = next(each for each in decisions[-1].levers if each.lever is Lever.INITIAL_MARGIN)
    assert (margin.wanted, margin.home, margin.why) == (100_000, 50_000, "as scheduled")


def test_within_the_dead_band_what_is_held_stays() -> None:
    state, _ = run(facts(THIN), 20)
    held = state.rebate_boost
    assert held > 0
    state = replace(state, integral=integral_of(held), is_bound=False)
    after, decisions = run(facts(liquidity(usd(95_000))), 40, state=state)
    assert set(fees(decisions)) == {WEEKEND.maker_fee - held}
    assert after.rebate_boost == held


def integral_of(boost: int) -> int:
    """Give the integral that asks for exactly this boost."""
    return -(-boost * 10**12 // RULES.largest_rebate_boost)


def test_plenty_takes_the_boost_back_to_the_schedule_exactly() -> None:
    state, _ = run(facts(THIN), 120)
    after, decisions = run(facts(liquidity(usd(300_000), 50)), 200, state=state)
    assert fees(decisions)[-1] == WEEKEND.maker_fee
    assert (after.rebate_boost, after.multiplier_boost) == (0, 0)


def test_an_unknown_measurement_never_adds_and_decays_to_the_schedule() -> None:
    state, _ = run(facts(THIN), 30)
    held = state.rebate_boost
    assert held > 0
    _, decisions = run(facts(UNKNOWN), 60, state=state)
    seen = fees(decisions)
    assert min(seen) >= WEEKEND.maker_fee - held
    assert seen == sorted(seen)
    assert seen[-1] == WEEKEND.maker_fee
    fee = next(each for each in decisions[0].levers if each.lever is Lever.MAKER_FEE)
    assert "the book feed is silent for 40 s" in fee.why


def test_a_first_measurement_that_is_unknown_adds_nothing() -> None:
    _, decisions = run(facts(UNKNOWN), 30)
    assert set(fees(decisions)) == {WEEKEND.maker_fee}


def test_on_weekdays_nothing_is_added_and_what_was_goes() -> None:
    state, _ = run(facts(THIN), 60)
    after, decisions = run(facts(THIN, scheduled=WEEKDAY, may_boost=False), 60, state=state)
    assert fees(decisions)[-1] == WEEKDAY.maker_fee
    assert (after.integral, after.rebate_boost, after.multiplier_boost) == (0, 0, 0)


def test_a_long_absence_counts_no_longer_than_the_longest_gap() -> None:
    once, _ = step(begin(NOW), facts(THIN), now=Seconds(NOW + 300), rules=RULES)
    away, _ = step(begin(NOW), facts(THIN), now=Seconds(NOW + 90_000), rules=RULES)
    assert away.integral == once.integral > 0


def test_time_that_goes_back_counts_as_none() -> None:
    state, _ = run(facts(THIN), 10)
    after, _ = step(state, facts(THIN), now=Seconds(NOW), rules=RULES)
    assert (after.seen_at, after.integral) == (state.seen_at, state.integral)


def test_what_the_reserve_does_not_carry_is_dropped_at_once() -> None:
    state, _ = run(facts(THIN), 60)
    assert state.rebate_boost == 150
    short = Allotment(largest_rebate=Ppm(60), paced_rebate=Ppm(400), why="the budget is short")
    _, decision = step(
        state, facts(THIN, allotment=short), now=Seconds(state.seen_at + 1), rules=RULES
    )
    assert decision.wanted(Lever.MAKER_FEE) == -60
    fee = next(each for each in decision.levers if each.lever is Lever.MAKER_FEE)
    assert "but the budget is short" in fee.why


def test_the_pace_takes_back_even_what_the_schedule_gives_step_by_step() -> None:
    slow = Allotment(largest_rebate=Ppm(400), paced_rebate=Ppm(50), why="spending is fast")
    _, decisions = run(facts(THIN, allotment=slow), 20)
    assert fees(decisions)[-1] == -50


@pytest.mark.parametrize(
    "binding",
    [
        {"allotment": Allotment(largest_rebate=Ppm(130), paced_rebate=Ppm(400), why="short")},
        {"allotment": Allotment(largest_rebate=Ppm(400), paced_rebate=Ppm(130), why="fast")},
        {"lowest_maker_fee": Ppm(-130)},
        {"scheduled": replace(WEEKEND, taker_fee=Ppm(130))},
    ],
)
def test_the_integral_stands_still_while_something_binds(binding: dict[str, Any]) -> None:
    bound, _ = run(facts(THIN, **binding), 40)
    longer, decisions = run(facts(THIN, **binding), 100, state=bound)
    assert longer.integral == bound.integral
    assert -130 <= fees(decisions)[-1] < -130 + RULES.maker_fee.hysteresis
    # So plenty is answered soon, as if the shortage had not lasted.
    freed, _ = run(facts(liquidity(usd(300_000), 20), **binding), 15, state=longer)
    assert freed.effort == 0


def test_a_full_effort_stands_still() -> None:
    full, _ = run(facts(THIN), 400)
    assert full.effort == 2 * 10**12
    assert full.is_bound


def test_a_market_that_answers_settles() -> None:
    """Each ppm of rebate brings 500 USD of depth, at once; the target wants a rebate of about 185."""
    state, decided, fee = begin(NOW), [], -100
    for _ in range(400):
        depth = usd(10_000) + usd(500) * -fee
        seen = facts(liquidity(depth), maker_fee=Ppm(fee))
        now = Seconds(state.seen_at + 60)
        state, decision = step(state, seen, now=now, rules=RULES)
        fee = decision.wanted(Lever.MAKER_FEE)
        decided.append(fee)
    assert len(set(decided[-200:])) == 1
    assert abs(shortage(liquidity(usd(10_000) + usd(500) * -fee), TARGET)) <= 200_000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shortage_band": Ppm(10**6)}, "dead bands"),
        ({"integral_gain_ppm_per_second": 0}, "integral gain above 0"),
        ({"longest_gap": Seconds(0)}, "longest gap above 0"),
        ({"maker_fee": replace(RULES.maker_fee, minimum=1)}, "bounds around the schedule"),
        ({"maker_fee": replace(RULES.maker_fee, largest_step=0)}, "largest step of at least 1"),
    ],
)
def test_rules_that_cannot_hold_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(RULES, **wrong)


def test_a_target_of_nothing_is_never_missed() -> None:
    nothing = LiquidityTarget(depth=QuoteAtoms(0), spread=Ppm(0))
    assert shortage(liquidity(0, 500), nothing) == -1_000_000
