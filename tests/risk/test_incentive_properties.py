"""Whatever is measured: levers inside their bounds, more for more shortage, no swinging to and fro."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from risk.incentive_reserve import Allotment
from risk.incentive_rules import ControllerRules, UnknownLiquidity
from risk.incentive_terms import ControllerBounds, Lever
from risk.incentives import IncentiveFacts, IncentiveState, begin, step
from risk.units import Ppm, QuoteAtoms, Seconds
from tests.builders import NOW, usd
from tests.risk.incentive_world import PLENTY, WEEKEND, facts, liquidity

UNKNOWN = UnknownLiquidity(reason="the book feed is silent for 40 s")
BOUNDS = st.builds(
    lambda boost, size, least: (boost, size + least, least),
    st.integers(0, 300),
    st.integers(0, 100),
    st.integers(1, 40),
)
DEPTHS = st.integers(0, usd(400_000))


@st.composite
def controllers(draw: st.DrawFn) -> ControllerRules:
    """Any rules that hold together."""
    largest, rebate_step, least = draw(BOUNDS)
    return ControllerRules(
        shortage_band=Ppm(draw(st.integers(0, 300_000))),
        surplus_band=Ppm(draw(st.integers(0, 300_000))),
        proportional_gain_ppm=draw(st.integers(0, 2_000_000)),
        integral_gain_ppm_per_second=draw(st.integers(1, 5_000)),
        decay_ppm_per_second=draw(st.integers(1, 5_000)),
        longest_gap=Seconds(draw(st.integers(1, 1_000))),
        maker_fee=ControllerBounds(
            minimum=-largest,
            maximum=draw(st.integers(0, 100)),
            largest_step=rebate_step,
            cool_down=Seconds(draw(st.integers(0, 600))),
            hysteresis=least,
        ),
        funding_multiplier=ControllerBounds(
            minimum=0,
            maximum=draw(st.integers(0, 2_000_000)),
            largest_step=draw(st.integers(50_000, 500_000)),
            cool_down=Seconds(draw(st.integers(0, 600))),
            hysteresis=draw(st.integers(0, 50_000)),
        ),
    )


@st.composite
def seen_facts(draw: st.DrawFn) -> IncentiveFacts:
    """Any facts: measured or not, with or without money."""
    measured = draw(
        st.one_of(
            st.just(UNKNOWN),
            st.builds(liquidity, DEPTHS, st.integers(0, 1_000), ask_depth=DEPTHS.map(QuoteAtoms)),
        )
    )
    allotment = Allotment(
        largest_rebate=Ppm(draw(st.integers(50, 400))),
        paced_rebate=Ppm(draw(st.integers(50, 400))),
        why="so it is",
    )
    return facts(
        measured,
        allotment=draw(st.sampled_from([PLENTY, allotment])),
        lowest_maker_fee=Ppm(draw(st.integers(-400, -100))),
        maker_fee=Ppm(draw(st.integers(-400, 100))),
        may_boost=draw(st.sampled_from([True, True, True, False])),
    )


WALKS = st.lists(st.tuples(st.integers(0, 900), seen_facts()), max_size=12)


def walked(rules: ControllerRules, walk: list[tuple[int, IncentiveFacts]]) -> IncentiveState:
    state = begin(NOW)
    for passed, seen in walk:
        state, _ = step(state, seen, now=Seconds(state.seen_at + passed), rules=rules)
    return state


@given(rules=controllers(), walk=WALKS)
def test_levers_are_always_inside_every_bound(
    rules: ControllerRules, walk: list[tuple[int, IncentiveFacts]]
) -> None:
    state = begin(NOW)
    for passed, seen in walk:
        before = state
        state, decision = step(state, seen, now=Seconds(state.seen_at + passed), rules=rules)
        fee = decision.wanted(Lever.MAKER_FEE)
        assert max(0, -fee) <= seen.allotment.largest_rebate
        assert fee >= WEEKEND.maker_fee + rules.maker_fee.minimum
        added = decision.wanted(Lever.FUNDING_MULTIPLIER) - WEEKEND.funding_multiplier
        assert 0 <= added <= rules.funding_multiplier.maximum
        assert state.rebate_boost - before.rebate_boost <= rules.maker_fee.largest_step
        moved = abs(state.multiplier_boost - before.multiplier_boost)
        assert moved <= rules.funding_multiplier.largest_step
        if isinstance(seen.liquidity, UnknownLiquidity):
            assert state.rebate_boost <= max(0, before.rebate_boost)
            assert state.multiplier_boost <= before.multiplier_boost
        for lever in (Lever.INITIAL_MARGIN, Lever.TAKER_FEE, Lever.OPEN_INTEREST_CAP):
            assert decision.wanted(lever) == getattr(WEEKEND, lever.value)


@given(
    rules=controllers(),
    walk=WALKS,
    depths=st.tuples(DEPTHS, DEPTHS),
    spreads=st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)),
    passed=st.integers(0, 900),
)
def test_more_shortage_never_gives_less(
    rules: ControllerRules,
    walk: list[tuple[int, IncentiveFacts]],
    depths: tuple[int, int],
    spreads: tuple[int, int],
    passed: int,
) -> None:
    state = walked(rules, walk)
    now = Seconds(state.seen_at + passed)
    worse = facts(liquidity(min(depths), max(spreads)))
    better = facts(liquidity(max(depths), min(spreads)))
    much, with_much = step(state, worse, now=now, rules=rules)
    little, with_little = step(state, better, now=now, rules=rules)
    assert with_much.wanted(Lever.MAKER_FEE) <= with_little.wanted(Lever.MAKER_FEE)
    assert with_much.wanted(Lever.FUNDING_MULTIPLIER) >= with_little.wanted(
        Lever.FUNDING_MULTIPLIER
    )
    assert much.effort >= little.effort


@given(
    rules=controllers(),
    walk=WALKS,
    depth=DEPTHS,
    spread=st.integers(0, 1_000),
)
def test_a_constant_measurement_settles(
    rules: ControllerRules, walk: list[tuple[int, IncentiveFacts]], depth: int, spread: int
) -> None:
    """Whatever came before, the rebate moves one way only once it has caught up."""
    state = walked(rules, walk)
    seen = facts(liquidity(depth, spread))
    boosts = []
    for _ in range(60):
        now = Seconds(state.seen_at + 600)
        state, decision = step(state, seen, now=now, rules=rules)
        seen = replace(seen, maker_fee=Ppm(decision.wanted(Lever.MAKER_FEE)))
        boosts.append(state.rebate_boost)
    turns = [b - a for a, b in pairwise(boosts[2:]) if a != b]
    assert all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)
