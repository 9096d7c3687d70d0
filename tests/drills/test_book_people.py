"""Makers and takers of a drill's book: around the fair price, toward it, and the same from the same seed."""

from random import Random
from typing import Any

import pytest

from drills.makers import Ladder, Makers, Takers
from drills.matching_engine import (
    Event,
    Side,
)
from risk.order_book import OrderBook
from risk.units import Ppm, SizeE8
from tests.builders import price, shares
from tests.drills.engine_stage import (
    MAKER,
    OTHER_MAKER,
    TAKER,
    make_engine,
    trades,
)

LADDER = Ladder(levels=3, spread=Ppm(2_000), step=Ppm(1_000), size=shares(10))


def drill(seed: int) -> list[Event]:
    engine, events = make_engine()
    random = Random(seed)
    makers = Makers(engine, [MAKER, OTHER_MAKER], ladder=LADDER, random=random)
    takers = Takers(engine, [TAKER], most=shares(30), noise=shares(1), random=random)
    for dollars in (100, 100, 101, 99):
        makers.step(price(dollars))
        takers.step(price(100))
    return events


def test_a_drill_is_the_same_again_from_the_same_seed_only() -> None:
    assert drill(1) == drill(1)
    assert drill(1) != drill(2)


def test_makers_quote_around_the_fair_price_and_anew_in_every_step() -> None:
    engine, events = make_engine()
    makers = Makers(engine, [MAKER, OTHER_MAKER], ladder=LADDER, random=Random(1))
    for dollars in (100, 250):
        makers.step(price(dollars))
        fair = price(dollars)
        nearest, farthest = fair // 1_000, fair * 3 * 12 // 10_000
        for found, sign in ((engine.bids, -1), (engine.asks, 1)):
            away = [sign * (at - fair) for at, _ in found]
            assert min(away) >= nearest
            assert max(away) <= farthest + 1
            # Six orders of ten shares, give or take a fifth.
            assert shares(48) <= sum(size for _, size in found) <= shares(72)
    assert not trades(events)
    makers.withdraw()
    assert engine.bids == engine.asks == ()


@pytest.mark.parametrize(("fair", "side"), [(101, Side.BUY), (99, Side.SELL)])
def test_takers_push_the_book_to_what_they_hold_to_be_fair(fair: int, side: Side) -> None:
    engine, events = make_engine()
    Makers(engine, [MAKER], ladder=LADDER, random=Random(1)).step(price(100))
    takers = Takers(engine, [TAKER], most=shares(3), noise=SizeE8(0), random=Random(1))
    for _ in range(50):
        takers.step(price(fair))
    assert {trade.side for trade in trades(events)} == {side}
    book = OrderBook(bids=engine.bids, asks=engine.asks)
    if side is Side.BUY:
        assert book.best_ask is None or book.best_ask >= price(fair)
        assert all(trade.price < price(fair) for trade in trades(events))
    else:
        assert book.best_bid is None or book.best_bid <= price(fair)
        assert all(trade.price > price(fair) for trade in trades(events))


def test_takers_gain_nothing_from_who_quotes_the_fair_price_itself() -> None:
    engine, events = make_engine()
    engine.limit(MAKER, Side.BUY, price(99), shares(1))
    engine.limit(MAKER, Side.SELL, price(101), shares(1))
    takers = Takers(engine, [TAKER], most=shares(1), noise=SizeE8(0), random=Random(1))
    takers.step(price(99))
    takers.step(price(101))
    assert not trades(events)


def test_takers_who_see_nothing_to_gain_wait_or_make_a_little_noise() -> None:
    engine, events = make_engine()
    Makers(engine, [MAKER], ladder=LADDER, random=Random(1)).step(price(100))
    before = len(events)
    Takers(engine, [TAKER], most=shares(3), noise=SizeE8(0), random=Random(1)).step(price(100))
    assert len(events) == before
    noisy = Takers(engine, [TAKER], most=shares(3), noise=SizeE8(5), random=Random(1))
    noisy.step(price(100))
    assert 0 < sum(trade.size for trade in trades(events)) <= 5


@pytest.mark.parametrize("facts", [{"levels": 0}, {"spread": 0}, {"step": 0}, {"jitter": 10**6}])
def test_a_ladder_that_could_cross_itself_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected levels, spread and step above 0"):
        Ladder(size=shares(1), **facts)
