"""The rolling mean is that of a full record of prices, with bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.band_rules import MeanKind, ReferenceRules
from risk.reference_price import EMPTY, PriceWindow, mean, next_reference, with_price
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import price


def rules(kind: MeanKind, window: int = 300) -> ReferenceRules:
    return ReferenceRules(
        window=Seconds(window), mean=kind, least_change=Ppm(10_000), least_age=Seconds(30)
    )


TRADES, TIME = rules(MeanKind.TRADES), rules(MeanKind.TIME)


def seen(prices: list[tuple[int, int]], how: ReferenceRules) -> PriceWindow:
    window = EMPTY
    for second, value in prices:
        window = with_price(window, PriceE8(value), now=Seconds(second), rules=how)
    return window


@pytest.mark.parametrize(
    ("prices", "now", "trades", "time"),
    [
        ([], 0, None, None),
        ([(0, 100)], 0, 100, 100),
        ([(0, 100), (0, 200)], 0, 150, 200),
        ([(0, 100), (10, 200)], 20, 150, 150),
        ([(0, 100), (90, 200)], 100, 150, 110),
        # By trades a price leaves when its age is the window; by time the level holds on.
        ([(0, 100), (200, 400)], 299, 250, 199),
        ([(0, 100), (200, 400)], 300, 400, 200),
        ([(0, 100), (200, 400)], 350, 400, 250),
        ([(0, 100), (200, 400)], 500, None, 400),
        # Rounded down.
        ([(0, 1), (1, 2)], 2, 1, 1),
    ],
)
def test_gives_the_mean_of_the_window(
    prices: list[tuple[int, int]], now: int, trades: int | None, time: int | None
) -> None:
    assert mean(seen(prices, TRADES), now=Seconds(now), rules=TRADES) == trades
    assert mean(seen(prices, TIME), now=Seconds(now), rules=TIME) == time


RECORDS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10**6)), min_size=1, max_size=80)


@given(RECORDS, st.integers(0, 40), st.integers(1, 30))
def test_is_the_mean_of_a_full_record(
    record: list[tuple[int, int]], later: int, length: int
) -> None:
    clock, prices = 0, []
    for elapsed, value in record:
        clock += elapsed
        prices.append((clock, value))
    now = clock + later
    by_trades, by_time = rules(MeanKind.TRADES, length), rules(MeanKind.TIME, length)
    recent = [value for second, value in prices if now - second < length]
    expected = sum(recent) // len(recent) if recent else None
    assert mean(seen(prices, by_trades), now=Seconds(now), rules=by_trades) == expected
    levels = dict(prices)
    each_second = [
        levels[max(at for at in levels if at <= second)]
        for second in range(max(now - length, prices[0][0]), now)
    ]
    expected = sum(each_second) // len(each_second) if each_second else prices[-1][1]
    assert mean(seen(prices, by_time), now=Seconds(now), rules=by_time) == expected


@pytest.mark.parametrize("how", [TRADES, TIME])
def test_memory_is_bounded_by_the_seconds_of_the_window(how: ReferenceRules) -> None:
    window = seen([(tick // 3, 100 + tick) for tick in range(6_000)], how)
    assert len(window.entries) <= how.window + 1


def test_time_has_one_direction() -> None:
    with pytest.raises(ValueError, match="at 5 or later, found 1 at 4"):
        seen([(5, 1), (4, 1)], TRADES)
    with pytest.raises(ValueError, match="price above 0"):
        seen([(5, 0)], TIME)


@pytest.mark.parametrize(
    ("mean_price", "age", "moved"),
    [
        # Simulators of the US plan: at least 1 % away, and a reference stays at least 30 s.
        pytest.param("101", 30, True, id="both reached"),
        pytest.param("99", 30, True, id="downward too"),
        pytest.param("100.99999999", 30, False, id="too near"),
        pytest.param("150", 29, False, id="too young"),
        pytest.param(None, 900, False, id="no trade in the window keeps the old one"),
    ],
)
def test_the_reference_moves_only_far_and_seldom(
    mean_price: str | None, age: int, *, moved: bool
) -> None:
    wanted = None if mean_price is None else price(mean_price)
    got = next_reference(price(100), wanted, age=Seconds(age), rules=TRADES)
    assert got == (wanted if moved else price(100))
