"""CME's dynamic circuit breaker (cmegroup.com): 3.5 % within a rolling hour, 2 minutes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.band_rules import DynamicRules
from risk.dynamic_breaker import (
    EMPTY,
    BreakerLimits,
    BreakerWindow,
    limits,
    pause_length,
    variant,
    with_price,
)
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import price

RULES = DynamicRules(
    move=Ppm(35_000),
    tick=price("0.01"),
    window=Seconds(3_600),
    pause=Seconds(120),
    late_window=Seconds(300),
    late_pause=Seconds(5),
)
CLOSE = price(5_000)
"""3.5 % of it is 175."""


def seen(prices: list[tuple[int, int]], rules: DynamicRules = RULES) -> BreakerWindow:
    window = EMPTY
    for second, value in prices:
        window = with_price(window, PriceE8(value), now=Seconds(second), rules=rules)
    return window


def limits_of(prices: list[tuple[int, str]], now: int) -> BreakerLimits | None:
    window = seen([(second, price(dollars)) for second, dollars in prices])
    return limits(window, CLOSE, now=Seconds(now), rules=RULES)


@pytest.mark.parametrize(
    ("prices", "now", "low", "high"),
    [
        pytest.param([(0, "5000")], 0, "4825", "5175", id="one price"),
        pytest.param([(0, "5000"), (9, "5100")], 9, "4925", "5175", id="from both extremes"),
        pytest.param([(0, "5100"), (9, "5000")], 3_599, "4925", "5175", id="an hour less a second"),
        pytest.param([(0, "5100"), (9, "5000")], 3_600, "4825", "5175", id="an hour: forgotten"),
        pytest.param([(5, "5000"), (5, "5100"), (5, "5050")], 5, "4925", "5175", id="one second"),
    ],
)
def test_limits_are_the_windows_extremes_and_the_variant(
    prices: list[tuple[int, str]], now: int, low: str, high: str
) -> None:
    assert limits_of(prices, now) == BreakerLimits(low=price(low), high=price(high))


def test_an_empty_window_limits_nothing() -> None:
    assert limits_of([], 0) is None
    assert limits_of([(0, "5000")], 3_600) is None


@pytest.mark.parametrize(
    ("dollars", "trips"),
    [("4825.00000001", False), ("4825", True), ("5174.99999999", False), ("5175", True)],
)
def test_a_price_at_a_limit_trips(dollars: str, *, trips: bool) -> None:
    limit = limits_of([(0, "5000")], 0)
    assert limit is not None
    assert limit.is_tripped_by(price(dollars)) is trips


def test_the_variant_is_rounded_down_to_a_tick_but_is_one_at_least() -> None:
    assert variant(price("4999.99"), RULES) == price("174.99")
    assert variant(price("0.01"), RULES) == price("0.01")


@pytest.mark.parametrize(("to_close", "pause"), [(None, 120), (301, 120), (300, 5), (0, 5)])
def test_the_pause_is_short_in_the_last_five_minutes(to_close: int | None, pause: int) -> None:
    assert pause_length(None if to_close is None else Seconds(to_close), RULES) == pause


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), min_size=1, max_size=80),
    st.integers(0, 30),
    st.integers(1, 30),
)
def test_the_extremes_are_those_of_a_full_record(
    record: list[tuple[int, int]], later: int, length: int
) -> None:
    rules = DynamicRules(
        move=Ppm(500_000),
        tick=PriceE8(1),
        window=Seconds(length),
        pause=Seconds(1),
        late_window=Seconds(0),
        late_pause=Seconds(0),
    )
    clock, prices = 0, []
    for elapsed, value in record:
        clock += elapsed
        prices.append((clock, value))
    window = seen(prices, rules)
    assert max(len(window.lows), len(window.highs)) <= length
    recent = [value for second, value in prices if clock + later - second < length]
    got = limits(window, PriceE8(10), now=Seconds(clock + later), rules=rules)
    if not recent:
        assert got is None
    else:
        assert got == BreakerLimits(low=max(recent) - 5, high=PriceE8(min(recent) + 5))


def test_time_has_one_direction() -> None:
    with pytest.raises(ValueError, match="at 5 or later, found one at 4"):
        seen([(5, 1), (4, 1)])
