"""Memories of prices go on after a split or a dividend as if prices had always been told on the new basis."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import dynamic_breaker, reference_price
from risk.band_rules import DynamicRules, MeanKind, ReferenceRules
from risk.band_state import BandState, Stage
from risk.corporate_prices import (
    Rebase,
    rebase_of,
    rebased_band,
    rebased_edges,
    rebased_jump,
    rebased_mark,
    rebased_moves,
    rebased_round,
    rebased_window,
)
from risk.corporate_values import ActionKind, CorporateAction, Ratio
from risk.discovery_bound import BoundRules, BoundState, used
from risk.jump_guard import JumpRules, JumpState, Step, consider
from risk.mark_price import MarkState, Mode
from risk.precedence import BandEdges
from risk.price_round import RoundState
from risk.source_validity import SourceMemory
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import NOW, price
from tests.risk.corporate_world import CONVERTED_MERGER, PAID_SPIN_OFF, make_action

HALF = Rebase(ratio=Ratio(numerator=2, denominator=1))
LESS_ONE = Rebase(amount=price(1))
MEANS = {
    kind: ReferenceRules(
        window=Seconds(300), mean=kind, least_change=Ppm(10_000), least_age=Seconds(30)
    )
    for kind in MeanKind
}
DYNAMIC = DynamicRules(
    move=Ppm(35_000),
    window=Seconds(3_600),
    tick=PriceE8(1),
    pause=Seconds(120),
    late_window=Seconds(0),
    late_pause=Seconds(5),
)
TOLD = st.lists(st.tuples(st.integers(0, 40), st.integers(10**9, 10**12)), min_size=1, max_size=30)
REBASES = st.one_of(
    st.builds(
        lambda new, old: Rebase(ratio=Ratio(numerator=new, denominator=old)),
        st.sampled_from([2, 3, 5, 7, 10]),
        st.just(1),
    ),
    st.builds(Rebase, amount=st.integers(0, 10**8)),
)
MARK = MarkState(
    index=price(203),
    close=price(200),
    bound=BoundState(reference=price(210), resets_up=1),
    basis=-price("0.5"),
    mode=Mode.INTERNAL,
    updated_at=NOW,
    external_at=NOW,
    external_updates=7,
)


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (make_action(), HALF),
        (make_action(ActionKind.CASH_DIVIDEND), LESS_ONE),
        (CONVERTED_MERGER, Rebase(ratio=Ratio(numerator=3, denominator=7))),
        (PAID_SPIN_OFF, Rebase(amount=price(12))),
        (make_action(ActionKind.SYMBOL_CHANGE), None),
        (make_action(ActionKind.CASH_MERGER), None),
    ],
)
def test_what_each_action_does_to_prices(action: CorporateAction, wanted: Rebase | None) -> None:
    assert rebase_of(action) == wanted


def test_the_mark_goes_on_with_as_much_of_its_bound_used() -> None:
    rules = BoundRules(bound=Ppm(50_000))
    after = rebased_mark(MARK, HALF)
    assert (after.index, after.close, after.basis) == (price("101.5"), price(100), -price("0.25"))
    assert after.bound == BoundState(reference=price(105), resets_up=1)
    assert used(after.index, after.bound, rules) == used(MARK.index, MARK.bound, rules)
    assert after.external_updates == 0


def test_a_dividend_takes_its_amount_off_and_leaves_the_basis() -> None:
    after = rebased_mark(MARK, LESS_ONE)
    assert (after.index, after.close, after.basis) == (price(202), price(199), MARK.basis)


def test_after_a_split_the_new_price_is_a_small_step_and_the_old_one_a_refused_jump() -> None:
    state = JumpState(accepted=price(200), anchor=price(200), claim=price(190), claimed_since=NOW)
    after = rebased_jump(state, HALF)
    assert after.claim is None
    _, step = consider(after, price("101.5"), 1, now=NOW, rules=JumpRules())
    assert step is Step.SMALL
    _, step = consider(after, price(200), 2, now=NOW, rules=JumpRules())
    assert step is Step.REFUSED


def test_a_round_believes_no_source_before_it_tells_another_value() -> None:
    memory = SourceMemory(price=price(200), value=price(200))
    state = RoundState(memories={"pyth": memory}, jump=JumpState(), mark=MARK)
    after = rebased_round(state, HALF)
    assert after.memories["pyth"] == replace(memory, price=None, distrusted=price(200))
    assert after.mark == rebased_mark(MARK, HALF)
    assert after.jump == JumpState()
    assert rebased_round(RoundState(), HALF) == RoundState()


@given(TOLD, REBASES, st.sampled_from(MeanKind))
def test_a_rolling_mean_is_what_it_would_be_to_one_unit(
    told: list[tuple[int, int]], by: Rebase, kind: MeanKind
) -> None:
    rules, now = MEANS[kind], NOW
    old = new = reference_price.EMPTY
    for waited, raw in told:
        now = Seconds(now + waited)
        old = reference_price.with_price(old, PriceE8(raw), now=now, rules=rules)
        new = reference_price.with_price(new, by.price(PriceE8(raw)), now=now, rules=rules)
    after = rebased_window(old, by, kind)
    assert after.count == new.count
    for later in (0, 1, 150, 299, 301, 10_000):
        moment = Seconds(now + later)
        one = reference_price.mean(after, now=moment, rules=rules)
        other = reference_price.mean(new, now=moment, rules=rules)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert abs(one - other) <= 1
    # And it takes further prices: sums and entries still belong together.
    more = reference_price.with_price(after, PriceE8(10**9), now=Seconds(now + 1), rules=rules)
    far = reference_price.with_price(more, PriceE8(10**9), now=Seconds(now + 9_999), rules=rules)
    assert reference_price.mean(far, now=Seconds(now + 9_999), rules=rules) == 10**9


@given(TOLD, REBASES)
def test_a_rolling_breaker_keeps_its_extremes(told: list[tuple[int, int]], by: Rebase) -> None:
    now = NOW
    old = new = dynamic_breaker.EMPTY
    for waited, raw in told:
        now = Seconds(now + waited)
        old = dynamic_breaker.with_price(old, PriceE8(raw), now=now, rules=DYNAMIC)
        new = dynamic_breaker.with_price(new, by.price(PriceE8(raw)), now=now, rules=DYNAMIC)
    after = rebased_moves(old, by)
    close = by.price(PriceE8(10**10))
    for later in (0, 600, 3_599, 4_000):
        moment = Seconds(now + later)
        assert dynamic_breaker.limits(
            after, close, now=moment, rules=DYNAMIC
        ) == dynamic_breaker.limits(new, close, now=moment, rules=DYNAMIC)


def test_a_band_keeps_its_stage_its_clocks_and_its_reference_on_the_new_basis() -> None:
    state = BandState(
        stage=Stage.PAUSED,
        since=NOW,
        seen_at=NOW,
        reference=price(200),
        reference_close=price(190),
        pause_ends=Seconds(NOW + 300),
        may_extend=True,
    )
    after = rebased_band(state, HALF, MeanKind.TRADES)
    assert after == replace(state, reference=price(100), reference_close=price(95))
    nothing = replace(state, reference=None, reference_close=None)
    assert rebased_band(nothing, HALF, MeanKind.TIME) == nothing


def test_edges_are_rebased() -> None:
    edges = BandEdges(low=price(190), high=price(211))
    assert rebased_edges(edges, HALF) == BandEdges(low=price(95), high=price("105.5"))


def test_no_price_stays_none_and_what_a_dividend_would_eat_is_refused() -> None:
    assert LESS_ONE.price(PriceE8(0)) == 0
    with pytest.raises(ValueError, match="this action is not for it"):
        LESS_ONE.price(price("0.5"))
