"""The mark follows the market when it is open, discovers when it is closed, and is hard to push."""

from dataclasses import replace

import pytest

from risk.discovery_bound import BoundRules
from risk.internal_price import ImpactPrices
from risk.mark_price import (
    BookPrices,
    MarkInputs,
    MarkResult,
    MarkRules,
    MarkState,
    Mode,
    next_mark,
    rebased,
    starting_from,
)
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import NOW, price

RULES = MarkRules(bound=BoundRules(bound=Ppm(50_000)))
ROUND = 3
"""Seconds between two rounds."""


def book(dollars: float, *, spread: float = 0.02) -> BookPrices:
    """Make a book around a price, with enough depth for the impact notional at its best prices."""
    bid, ask = (price(f"{dollars + side * spread / 2:.4f}") for side in (-1, 1))
    return BookPrices(
        impact=ImpactPrices(bid=bid, ask=ask),
        best_bid=bid,
        best_ask=ask,
        last_trade=price(f"{dollars:.4f}"),
    )


def open_market(dollars: str, *, at: int = NOW, **facts: object) -> MarkInputs:
    inputs = MarkInputs(
        session=Session.REGULAR, external=price(dollars), external_at=Seconds(at), book=book(100)
    )
    return replace(inputs, **facts)


WEEKEND = MarkInputs(session=Session.WEEKEND, external=price(100), external_at=NOW, book=book(100))
FRIDAY = starting_from(price(100), now=NOW, external_at=NOW)


def step(
    state: MarkState | None, inputs: MarkInputs, now: int = NOW
) -> tuple[MarkState, MarkResult]:
    made = next_mark(state, inputs, now=Seconds(now), rules=RULES)
    assert made is not None
    return made


def hold(
    state: MarkState, inputs: MarkInputs, *, seconds: int, start: int = NOW
) -> tuple[MarkState, list[MarkResult]]:
    """Keep these inputs for a while."""
    results = []
    for now in range(start + ROUND, start + seconds + 1, ROUND):
        state, result = step(state, inputs, now)
        results.append(result)
    return state, results


def test_follows_the_outside_price_while_markets_trade() -> None:
    _, result = step(FRIDAY, open_market("101"))
    assert (result.mode, result.index) == (Mode.EXTERNAL, price(101))
    assert result.components[0] == ("index", price(101))


def test_without_a_book_the_mark_is_the_index() -> None:
    _, result = step(FRIDAY, open_market("101", book=BookPrices()))
    assert result.mark == price(101)
    assert result.components == (("index_and_basis", price(101)),)


def test_says_nothing_before_the_first_outside_price() -> None:
    for inputs in (replace(WEEKEND, external=None), WEEKEND, open_market("1", external=None)):
        assert next_mark(None, inputs, now=NOW, rules=RULES) is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"session": Session.WEEKEND}, "the session is weekend"),
        ({"session": Session.UNKNOWN}, "the session is unknown"),
        ({"is_underlying_halted": True}, "the underlying is halted"),
        ({"external_at": Seconds(NOW - 31)}, "no outside price was accepted for 31 s"),
        ({"seconds_since_boundary": Seconds(59)}, "the session has only begun"),
    ],
)
def test_says_why_it_is_internal_and_does_not_step(facts: dict[str, object], why: str) -> None:
    _, result = step(FRIDAY, open_market("120", **facts))
    assert (result.mode, result.why) == (Mode.INTERNAL, why)
    assert result.index == price(100)


def test_warms_up_after_a_gap() -> None:
    state, seen = FRIDAY, []
    for update in range(4):
        state, result = step(state, open_market("100", at=NOW + update), NOW + update)
        seen.append(result.is_warming_up)
    assert seen == [True, True, False, False]
    state, _ = step(state, WEEKEND, NOW + 10)
    _, result = step(state, open_market("100", at=NOW + 20), NOW + 20)
    assert result.is_warming_up


def test_an_outside_price_that_is_only_repeated_warms_nothing_up() -> None:
    state = FRIDAY
    for second in range(6):
        state, result = step(state, open_market("100"), NOW + second)
        assert result.is_warming_up


def test_moves_in_small_steps_right_after_a_border() -> None:
    state, _ = step(FRIDAY, open_market("100"))
    locked = open_market("104", at=NOW + 3, seconds_since_boundary=Seconds(3))
    state, result = step(state, locked, NOW + 3)
    assert (result.is_locked, result.index) == (True, price("100.25"))
    free = open_market("104", at=NOW + 60, seconds_since_boundary=Seconds(60))
    assert step(state, free, NOW + 60)[1].index == price(104)


def test_a_book_pushed_by_five_percent_for_ten_minutes_on_saturday() -> None:
    _, results = hold(FRIDAY, replace(WEEKEND, book=book(105)), seconds=600)
    # The book has 6 of 10 weights, the close 1: 6/7 of 5 %, times 1 − exp(−0.7 · 600/1800).
    assert results[-1].index / 10**8 == pytest.approx(100.893, abs=0.01)
    # The mark goes with index plus average basis, whose time constant is half an hour off hours.
    assert results[-1].mark / 10**8 == pytest.approx(102.169, abs=0.01)
    # In the first minute it has moved by a sixth of a percent and a bit.
    assert results[19].mark / 10**8 == pytest.approx(100.26, abs=0.02)


def test_a_liar_among_participants_pulls_no_more_than_their_weight() -> None:
    _, results = hold(FRIDAY, replace(WEEKEND, participants=price(105)), seconds=6 * 3_600)
    # Participants pull with 3, the close with 1; the book stands at 100 and pulls back with 6.
    assert results[-1].index / 10**8 == pytest.approx(101.5, abs=0.05)


def test_participants_move_a_market_without_a_book() -> None:
    quoted = replace(WEEKEND, book=BookPrices(), participants=price(104))
    _, results = hold(FRIDAY, quoted, seconds=12 * 3_600)
    assert results[-1].mark == results[-1].index
    assert results[-1].index / 10**8 == pytest.approx(103, abs=0.01)


def test_a_pushed_book_that_comes_back_leaves_the_index_where_the_time_took_it() -> None:
    state, pushed = hold(FRIDAY, replace(WEEKEND, book=book(105)), seconds=60)
    _, back = hold(state, WEEKEND, seconds=1_800, start=NOW + 60)
    assert pushed[-1].index <= price("100.17")
    assert back[-1].mark <= price("100.07")


def test_a_war_on_sunday_is_followed_as_far_as_the_bounds_allow() -> None:
    _, results = hold(FRIDAY, replace(WEEKEND, book=book(70)), seconds=6 * 3_600)
    assert results[-1].index == price("85.7375")
    assert results[-1].mark == price("85.7375")
    assert results[-1].bound_used == 1_000_000
    assert all(result.mark >= price("85.7375") for result in results)


def test_all_sources_frozen_with_an_empty_book_hold_the_last_price() -> None:
    frozen = open_market("100", book=BookPrices())
    _, results = hold(FRIDAY, frozen, seconds=3_600)
    assert {result.mark for result in results} == {price(100)}
    assert results[-1].mode is Mode.INTERNAL


def test_a_crossed_or_one_sided_book_is_no_book() -> None:
    crossed = replace(
        book(105), best_bid=price(110), impact=ImpactPrices(bid=price(110), ask=price(105))
    )
    one_sided = replace(book(105), best_ask=None, impact=ImpactPrices(bid=None, ask=None))
    for broken in (crossed, one_sided):
        _, results = hold(FRIDAY, replace(WEEKEND, book=broken), seconds=600)
        assert {result.mark for result in results} == {price(100)}


def test_a_side_that_is_gone_for_a_moment_makes_no_leap() -> None:
    state, before = hold(FRIDAY, replace(WEEKEND, book=book(103)), seconds=1_800)
    gone = replace(book(103), best_ask=None, impact=ImpactPrices(bid=price("102.99"), ask=None))
    state, without = step(state, replace(WEEKEND, book=gone), NOW + 1_803)
    assert abs(without.mark - before[-1].mark) < price("0.01")
    # Without a book for long, what the book once said fades.
    _, later = hold(state, replace(WEEKEND, book=BookPrices()), seconds=18_000, start=NOW + 1_803)
    assert abs(later[-1].mark - later[-1].index) < price("0.01")


def test_reopening_returns_to_the_outside_price_and_anchors_the_bound_there() -> None:
    state, _ = hold(FRIDAY, replace(WEEKEND, book=book(103)), seconds=3_600)
    later = NOW + 3_700
    state, result = step(state, open_market("97", at=later), later)
    assert (result.mode, result.index) == (Mode.EXTERNAL, price(97))
    assert state.bound.reference == price(97)
    assert (state.bound.resets_up, state.bound.resets_down) == (0, 0)


def test_a_split_starts_from_the_new_price() -> None:
    state = rebased(FRIDAY, price(10))
    _, result = step(state, replace(WEEKEND, book=BookPrices()))
    assert result.mark == price(10)


def test_a_clock_that_goes_back_moves_nothing() -> None:
    _, result = step(FRIDAY, replace(WEEKEND, book=book(105)), NOW - 100)
    assert result.index == price(100)


def test_the_median_of_a_book_is_an_integer_of_its_own_prices() -> None:
    assert book(100).median == price(100)
    assert replace(book(100), last_trade=None).median == PriceE8(price(100))
    assert replace(book(100), last_trade=price(90)).median == price("99.99")
