"""The internal price follows the book slowly, and never farther than it may in one step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.internal_price import (
    BOOK_ALONE,
    BlendWeights,
    ImpactPrices,
    InternalRules,
    Voices,
    blended_difference,
    impact_difference,
    next_internal_price,
)
from risk.units import PriceE8, Seconds
from tests.builders import price

RULES = InternalRules(weights=BOOK_ALONE)


def book(bid: str | None, ask: str | None) -> ImpactPrices:
    return ImpactPrices(
        bid=None if bid is None else price(bid), ask=None if ask is None else price(ask)
    )


@pytest.mark.parametrize(
    ("bid", "ask", "dollars"),
    [
        ("99", "101", "0"),
        ("102", "103", "2"),
        ("97", "98", "-2"),
        ("102", None, "2"),
        (None, "98", "-2"),
        (None, None, "0"),
        ("103", "98", "0"),
    ],
)
def test_only_a_book_that_lies_aside_pulls(bid: str | None, ask: str | None, dollars: str) -> None:
    assert impact_difference(price(100), book(bid, ask)) == price(dollars)


def test_a_step_is_the_share_of_the_difference_that_the_time_gives() -> None:
    after = next_internal_price(
        price(100), Voices(book=book("102", "103")), elapsed=Seconds(3), rules=RULES
    )
    assert after - price(100) == pytest.approx(2e8 * (1 - math.exp(-3 / 1_800)), abs=2)


def test_a_long_silence_counts_as_a_tenth_of_the_time_constant() -> None:
    # The step of 9.52 % of the difference is below the limit of half a percent of the price.
    after = next_internal_price(
        price(100), Voices(book=book("102", "103")), elapsed=Seconds(86_400), rules=RULES
    )
    assert after - price(100) == pytest.approx(2e8 * (1 - math.exp(-0.1)), abs=2)


def test_a_step_is_never_larger_than_its_limit() -> None:
    after = next_internal_price(
        price(100), Voices(book=book("900", None)), elapsed=Seconds(180), rules=RULES
    )
    assert after == price("100.5")


@given(
    start=st.integers(1, 10**12),
    bid=st.one_of(st.none(), st.integers(1, 10**12)),
    ask=st.one_of(st.none(), st.integers(1, 10**12)),
    elapsed=st.integers(-5, 10**6),
)
def test_never_passes_the_book_or_its_limit(
    start: int, bid: int | None, ask: int | None, elapsed: int
) -> None:
    sides = ImpactPrices(
        bid=None if bid is None else PriceE8(bid), ask=None if ask is None else PriceE8(ask)
    )
    after = next_internal_price(
        PriceE8(start), Voices(book=sides), elapsed=Seconds(elapsed), rules=RULES
    )
    assert abs(after - start) * 200 <= start
    if after > start:
        assert bid is not None
        assert after <= bid
    if after < start:
        assert ask is not None
        assert after >= ask


@pytest.mark.parametrize(
    ("participants", "close", "dollars"),
    [
        # (6 · 2 + 3 · 4 − 1 · 1) / 10
        ("104", "99", "2.3"),
        # Who is silent leaves the others no louder.
        (None, None, "1.2"),
        ("104", None, "2.4"),
    ],
)
def test_voices_pull_by_their_weights(
    participants: str | None, close: str | None, dollars: str
) -> None:
    voices = Voices(
        book=book("102", "103"),
        participants=None if participants is None else price(participants),
        last_close=None if close is None else price(close),
    )
    assert blended_difference(price(100), voices, BlendWeights()) == price(dollars)


@pytest.mark.parametrize("weights", [(0, 0, 0), (-1, 3, 1)])
def test_weights_that_pull_nothing_are_refused(weights: tuple[int, int, int]) -> None:
    book_weight, participants, last_close = weights
    with pytest.raises(ValueError, match="weights of at least 0 and one above it"):
        BlendWeights(book=book_weight, participants=participants, last_close=last_close)


@given(
    start=st.integers(1, 10**12),
    said=st.lists(st.one_of(st.none(), st.integers(1, 10**12)), min_size=4, max_size=4),
    elapsed=st.integers(0, 10**6),
)
def test_stays_among_what_is_said(start: int, said: list[int | None], elapsed: int) -> None:
    bid, ask, participants, close = (None if each is None else PriceE8(each) for each in said)
    voices = Voices(
        book=ImpactPrices(bid=bid, ask=ask), participants=participants, last_close=close
    )
    after = next_internal_price(
        PriceE8(start), voices, elapsed=Seconds(elapsed), rules=InternalRules()
    )
    heard = [start, *(each for each in said if each is not None)]
    assert min(heard) <= after <= max(heard)
