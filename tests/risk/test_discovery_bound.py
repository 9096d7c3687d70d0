"""The bound moves so often and no more, and holds what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.discovery_bound import BoundRules, after_price, anchored, bounded, limits, used
from risk.units import Ppm, PriceE8
from tests.builders import price

RULES = BoundRules(bound=Ppm(50_000))


def pushed(direction: int) -> PriceE8:
    """Push a price against its bound until it moves no more."""
    state = anchored(price(100))
    for _ in range(20):
        wanted = bounded(PriceE8(state.reference + direction * price(50)), state, RULES)
        state = after_price(state, wanted, RULES)
    return bounded(PriceE8(state.reference + direction * price(50)), state, RULES)


def test_the_whole_range_is_that_of_the_published_rule() -> None:
    assert pushed(1) == price("115.7625")
    assert pushed(-1) == price("85.7375")


@pytest.mark.parametrize(
    ("dollars", "reference"),
    [("104.49", "100"), ("104.50", "105"), ("95.50", "95"), ("95.51", "100")],
)
def test_the_reference_moves_at_nine_tenths_of_the_bound(dollars: str, reference: str) -> None:
    state = after_price(anchored(price(100)), price(dollars), RULES)
    assert state.reference == price(reference)


def test_resets_are_counted_in_each_direction() -> None:
    state = after_price(anchored(price(100)), price(105), RULES)
    assert (state.resets_up, state.resets_down) == (1, 0)
    state = after_price(state, price(100), RULES)
    assert (state.resets_up, state.resets_down) == (1, 1)


def test_says_how_much_of_the_bound_is_used() -> None:
    assert used(price(100), anchored(price(100)), RULES) == 0
    assert used(price("102.5"), anchored(price(100)), RULES) == 500_000
    assert used(price(95), anchored(price(100)), RULES) == 1_000_000


@given(st.lists(st.integers(1, 3 * 10**10), max_size=40), st.integers(0, 3))
def test_no_wish_leads_out_of_the_whole_range(wishes: list[int], resets: int) -> None:
    rules = BoundRules(bound=Ppm(50_000), most_resets=resets)
    state = anchored(price(100))
    for wish in wishes:
        kept = bounded(PriceE8(wish), state, rules)
        low, high = limits(state, rules)
        assert low <= kept <= high
        assert 100 * 0.95 ** (resets + 1) - 1e-6 <= kept / 10**8
        assert kept / 10**8 <= 100 * 1.05 ** (resets + 1) + 1e-6
        state = after_price(state, kept, rules)


@pytest.mark.parametrize(
    "facts",
    [{"bound": 0}, {"bound": 10**6}, {"bound": 1, "threshold": 0}, {"bound": 1, "most_resets": -1}],
)
def test_rules_that_bound_nothing_are_refused(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        BoundRules(**facts)
