"""The prices of a crash day."""

from random import Random

import pytest

from drills.market import (
    FIRST_TO_FALL,
    SECOND_TO_FALL,
    Day,
    Phase,
    Tick,
    aftermath,
    crash_day,
    moved,
)
from risk.units import PPM_SCALE, PriceE8
from tests.builders import price

CLAMP_PPM = 5_000
SEEDS = range(20)
STARTS = {
    symbol: price(dollars)
    for symbol, dollars in {"AAPL": 227, "NVDA": 178, "TSLA": 391, "QQQ": 590, "GLD": 374}.items()
}


def draw(seed: int, day: Day | None = None) -> list[Tick]:
    return crash_day(Random(seed), STARTS, day or Day())


def falls(ticks: list[Tick], symbol: str) -> list[float]:
    return [1 - tick.marks[symbol] / STARTS[symbol] for tick in ticks]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_tick_wants_to_move_farther_than_the_exchange_lets_it(seed: int) -> None:
    before = STARTS
    for tick in draw(seed):
        for symbol, mark in tick.marks.items():
            assert abs(mark - before[symbol]) <= before[symbol] * CLAMP_PPM // PPM_SCALE
        before = dict(tick.marks)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_stock_falls_by_what_was_asked_and_comes_back_in_part(seed: int) -> None:
    seen = falls(draw(seed), FIRST_TO_FALL)
    assert max(seen) == pytest.approx(0.12, abs=0.01)
    assert 0.06 < seen[-1] < max(seen) - 0.015


@pytest.mark.parametrize("seed", SEEDS)
def test_the_second_stock_follows_later_and_less_deep(seed: int) -> None:
    ticks = draw(seed)
    first, second = falls(ticks, FIRST_TO_FALL), falls(ticks, SECOND_TO_FALL)
    assert 0.05 < max(second) < max(first)
    assert next(i for i, fall in enumerate(first) if fall > 0.02) < next(
        i for i, fall in enumerate(second) if fall > 0.02
    )


def test_other_markets_stay_far_from_the_crash() -> None:
    assert max(falls(draw(1), "AAPL")) < 0.04


def test_a_deeper_fall_takes_longer() -> None:
    assert len(draw(1, Day(fall=0.2))) > len(draw(1, Day(fall=0.12))) > len(draw(1, Day(fall=0.05)))


def test_the_phases_come_in_order_and_a_day_fits_into_a_minute() -> None:
    ticks = draw(1)
    seen = list(dict.fromkeys(tick.phase for tick in ticks))
    assert seen == [Phase.CALM, Phase.DRIFT, Phase.CRASH, Phase.REBOUND]
    assert len(ticks) < 60


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_pace_shortens_the_quiet_phases_only() -> None:
    day = Day(calm=10, drift=10, rebound=10, lag=10).paced(0.2)
    assert day == Day(calm=2, drift=2, rebound=2, lag=2)


def test_the_aftermath_hardly_moves() -> None:
    tick = aftermath(Random(1), STARTS)
    assert tick.phase is Phase.AFTER
    assert all(abs(mark / STARTS[symbol] - 1) < 0.001 for symbol, mark in tick.marks.items())


def test_a_move_is_cut_at_the_clamp_on_both_sides() -> None:
    assert moved(PriceE8(1_000_000), 9_999) == 1_004_950
    assert moved(PriceE8(1_000_000), -9_999) == 995_050
