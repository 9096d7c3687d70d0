"""The engine trades by price, then time, and loses no share."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.matching_engine import (
    MOST_PRICE,
    MOST_SIZE,
    BookChange,
    Side,
)
from risk.order_book import OrderBook
from risk.units import PriceE8, SizeE8
from tests.builders import price, shares
from tests.drills.engine_stage import (
    MAKER,
    OTHER_MAKER,
    TAKER,
    level,
    make_engine,
    trades,
)


def test_the_best_price_trades_first_then_the_oldest_order() -> None:
    engine, events = make_engine()
    late_and_dear = engine.limit(MAKER, Side.SELL, price(102), shares(5)).order
    first = engine.limit(MAKER, Side.SELL, price(101), shares(2)).order
    second = engine.limit(OTHER_MAKER, Side.SELL, price(101), shares(3)).order
    placed = engine.limit(TAKER, Side.BUY, price(102), shares(6))
    assert (placed.filled, placed.resting) == (shares(6), 0)
    assert [(trade.maker_order, trade.price, trade.size) for trade in trades(events)] == [
        (first, price(101), shares(2)),
        (second, price(101), shares(3)),
        (late_and_dear, price(102), shares(1)),
    ]
    assert [trade.maker for trade in trades(events)] == [MAKER, OTHER_MAKER, MAKER]
    assert {(trade.taker, trade.side) for trade in trades(events)} == {(TAKER, Side.BUY)}
    assert engine.asks == (level(102, 4),)


def test_a_partly_filled_order_keeps_its_place() -> None:
    engine, events = make_engine()
    first = engine.limit(MAKER, Side.BUY, price(99), shares(5)).order
    engine.limit(OTHER_MAKER, Side.BUY, price(99), shares(5))
    engine.market_order(TAKER, Side.SELL, shares(2))
    engine.market_order(TAKER, Side.SELL, shares(2))
    assert [trade.maker_order for trade in trades(events)] == [first, first]
    assert engine.bids == (level(99, 6),)


def test_what_is_left_of_a_limit_order_rests_and_of_a_market_order_is_gone() -> None:
    engine, _ = make_engine()
    engine.limit(MAKER, Side.SELL, price(101), shares(1))
    placed = engine.limit(TAKER, Side.BUY, price(101), shares(3))
    assert (placed.filled, placed.resting) == (shares(1), shares(2))
    assert engine.bids == (level(101, 2),)
    placed = engine.market_order(OTHER_MAKER, Side.SELL, shares(7))
    assert (placed.filled, placed.resting) == (shares(2), 0)
    assert engine.bids == engine.asks == ()


def test_a_market_order_that_finds_nothing_says_nothing() -> None:
    engine, events = make_engine()
    assert engine.market_order(TAKER, Side.BUY, shares(1)).filled == 0
    assert events == []
    assert engine.sequence == 0


def test_a_cancelled_order_trades_no_more_and_is_told_once() -> None:
    engine, events = make_engine()
    placed = engine.limit(MAKER, Side.SELL, price(101), shares(5))
    engine.market_order(TAKER, Side.BUY, shares(2))
    assert engine.cancel(placed.order) == shares(3)
    assert engine.cancel(placed.order) == 0
    last = events[-1]
    assert isinstance(last, BookChange)
    assert (last.bids, last.asks) == ((), ((price(101), 0),))
    assert engine.market_order(TAKER, Side.BUY, shares(1)).filled == 0


@pytest.mark.parametrize(
    ("at", "size"), [(0, 1), (-1, 1), (MOST_PRICE + 1, 1), (1, 0), (1, -1), (1, MOST_SIZE + 1)]
)
def test_an_order_that_could_not_be_settled_is_refused(at: int, size: int) -> None:
    engine, events = make_engine()
    with pytest.raises(ValueError, match=r"^expected a .* above 0 and at most .*, found"):
        engine.limit(TAKER, Side.BUY, PriceE8(at), SizeE8(size))
    assert events == []


ORDERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(Side), st.integers(1, 8), st.integers(1, 9)),
        st.tuples(st.sampled_from(Side), st.none(), st.integers(1, 30)),
        st.integers(1, 40),
    ),
    max_size=60,
)
"""Limit orders, market orders, and cancellations of the order so numbered."""


class SlowEngine:
    """The rules said again as plainly as can be: a list of resting orders, searched for the best."""

    def __init__(self) -> None:
        self.resting: dict[int, list[Any]] = {}
        self.trades: list[tuple[int, int, int, int]] = []

    def place(self, number: int, side: Side, at: int | None, size: int) -> None:
        sign = 1 if side is Side.BUY else -1
        while size:
            takable = [
                (sign * price, other)
                for other, (own, price, _) in self.resting.items()
                if own is not side and (at is None or sign * price <= sign * at)
            ]
            if not takable:
                break
            _, maker = min(takable)
            row = self.resting[maker]
            part = min(size, row[2])
            self.trades.append((number, maker, row[1], part))
            size -= part
            row[2] -= part
            if not row[2]:
                del self.resting[maker]
        if size and at is not None:
            self.resting[number] = [side, at, size]

    def levels(self, side: Side) -> dict[int, int]:
        sizes: Counter[int] = Counter()
        for own, at, size in self.resting.values():
            if own is side:
                sizes[at] += size
        return dict(sizes)


@given(ORDERS)
def test_matches_as_the_plain_rules_do_and_conserves_every_share(orders: list[Any]) -> None:
    (engine, events), slow = make_engine(), SlowEngine()
    number = gone = cancelled = wanted = 0
    for order in orders:
        if isinstance(order, int):
            cancelled += engine.cancel(order)
            slow.resting.pop(order, None)
            continue
        side, at, size = order
        number += 1
        slow.place(number, side, at, size)
        if at is None:
            placed = engine.market_order(TAKER, side, SizeE8(size))
            gone += size - placed.filled
        else:
            placed = engine.limit(TAKER, side, PriceE8(at), SizeE8(size))
            assert placed.filled + placed.resting == size
        assert placed.order == number
        wanted += size
    found = [(each.taker_order, each.maker_order, each.price, each.size) for each in trades(events)]
    assert found == slow.trades
    assert dict(engine.bids) == slow.levels(Side.BUY)
    assert dict(engine.asks) == slow.levels(Side.SELL)
    resting = sum(size for _, size in (*engine.bids, *engine.asks))
    assert wanted == resting + gone + cancelled + 2 * sum(each.size for each in trades(events))


@given(ORDERS)
def test_its_changes_alone_make_its_book_which_is_never_crossed(orders: list[Any]) -> None:
    engine, events = make_engine()
    for order in orders:
        if isinstance(order, int):
            engine.cancel(order)
        elif order[1] is None:
            engine.market_order(TAKER, order[0], SizeE8(order[2]))
        else:
            engine.limit(TAKER, order[0], PriceE8(order[1]), SizeE8(order[2]))
    book = OrderBook()
    for sequence, event in enumerate(events, start=1):
        assert (event.sequence, event.previous) == (sequence, sequence - 1)
        if isinstance(event, BookChange):
            book.apply(bids=event.bids, asks=event.asks)
            assert not book.is_crossed
    assert engine.sequence == len(events)
    assert (book.bids, book.asks) == (engine.bids, engine.asks)
