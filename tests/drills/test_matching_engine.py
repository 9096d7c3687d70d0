"""The engine trades by price, then time, loses no share, and its server waits for nobody."""

import asyncio
import contextlib
import socket as sockets
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.book_server import BookServer, decimal_text
from drills.makers import Ladder, Makers, Takers
from drills.matching_engine import (
    MOST_PRICE,
    MOST_SIZE,
    BookChange,
    Event,
    MatchingEngine,
    Side,
    Trade,
)
from risk.order_book import Level, OrderBook
from risk.units import AccountId, Ppm, PriceE8, SizeE8
from tests.builders import NOW, price, shares

MAKER, OTHER_MAKER, TAKER = AccountId(1), AccountId(2), AccountId(3)
NOW_MS = NOW * 1_000


def make_engine() -> tuple[MatchingEngine, list[Event]]:
    engine, events = MatchingEngine("AAPL", now_ms=lambda: NOW_MS), list[Event]()
    engine.subscribe(events.append)
    return engine, events


def level(dollars: int | str, amount: int | str) -> Level:
    return price(dollars), shares(amount)


def trades(events: list[Event]) -> list[Trade]:
    return [event for event in events if isinstance(event, Trade)]


# --- matching ----------------------------------------------------------------------------------


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


# --- makers and takers -------------------------------------------------------------------------

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


# --- the server --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def serving(*engines: MatchingEngine, **facts: Any) -> AsyncIterator[BookServer]:
    server = BookServer(
        {engine.market: engine for engine in engines},
        now_ms=lambda: NOW_MS,
        heartbeat_seconds=3_600,
        **facts,
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(stop))
        await server.started.wait()
        try:
            yield server
        finally:
            stop.set()
    assert server.clients == 0


async def receive(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[Any]:
    async with asyncio.timeout(20):
        return [await socket.receive_json() for _ in range(count)]


async def test_speaks_the_format() -> None:
    engine, _ = make_engine()
    engine.limit(MAKER, Side.SELL, price("227.60"), shares(8))
    engine.limit(MAKER, Side.BUY, price("227.50"), shares("12.5"))
    async with (
        serving(engine) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url) as socket,
    ):
        await socket.send_json({"type": "subscribe", "markets": ["AAPL", "DOGE"]})
        subscribed, snapshot = await receive(socket, 2)
        engine.market_order(TAKER, Side.BUY, shares(2))
        trade, update = await receive(socket, 2)
        server.beat()
        await socket.send_json({"type": "resync", "market": "AAPL"})
        heartbeat, again = await receive(socket, 2)
    assert subscribed == {"type": "subscribed", "markets": ["AAPL"]}
    assert snapshot == {
        "type": "snapshot",
        "market": "AAPL",
        "sequence": 2,
        "time_ms": NOW_MS,
        "bids": [["227.5", "12.5"]],
        "asks": [["227.6", "8"]],
    }
    assert trade == {
        "type": "trade",
        "market": "AAPL",
        "sequence": 3,
        "previous": 2,
        "time_ms": NOW_MS,
        "price": "227.6",
        "size": "2",
        "side": "buy",
        "taker_order": 3,
        "maker_order": 1,
    }
    assert update == {
        "type": "update",
        "market": "AAPL",
        "sequence": 4,
        "previous": 3,
        "time_ms": NOW_MS,
        "bids": [],
        "asks": [["227.6", "6"]],
    }
    assert heartbeat == {"type": "heartbeat", "time_ms": NOW_MS}
    assert again == {**snapshot, "sequence": 4, "asks": [["227.6", "6"]]}


async def test_each_client_hears_of_its_own_markets_only() -> None:
    engine, other = make_engine()[0], MatchingEngine("NVDA", now_ms=lambda: NOW_MS)
    async with (
        serving(engine, other) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url) as one,
        session.ws_connect(server.url) as both,
    ):
        await one.send_json({"type": "subscribe", "markets": ["NVDA"]})
        await both.send_json({"type": "subscribe", "markets": ["AAPL", "NVDA"]})
        await receive(one, 2)
        await receive(both, 3)
        for each in (engine, other):
            each.limit(MAKER, Side.BUY, price(99), shares(1))
        (heard,) = await receive(one, 1)
        assert [message["market"] for message in await receive(both, 2)] == ["AAPL", "NVDA"]
    assert heard["market"] == "NVDA"


@pytest.mark.parametrize(
    "request_text",
    ["", "[]", "{", '{"type":"subscribe"}', '{"type":"resync","market":"AAPL"}', '{"type":"buy"}'],
)
async def test_a_request_that_is_none_is_answered_with_an_error(request_text: str) -> None:
    engine, _ = make_engine()
    async with (
        serving(engine) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url) as socket,
    ):
        await socket.send_str(request_text)
        (answer,) = await receive(socket, 1)
    assert answer["type"] == "error"


def narrow(address: Any) -> sockets.socket:
    """Make a socket that takes little before it is read."""
    family, kind, protocol, _, _ = address
    socket = sockets.socket(family, kind, protocol)
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    return socket


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_miss_nothing() -> None:
    engine, _ = make_engine()
    connector = aiohttp.TCPConnector(socket_factory=narrow)
    async with (
        serving(engine, most_waiting=64) as server,
        aiohttp.ClientSession(connector=connector) as slow_session,
        aiohttp.ClientSession() as session,
        slow_session.ws_connect(server.url, timeout=aiohttp.ClientWSTimeout(ws_close=0.1)) as slow,
        session.ws_connect(server.url) as healthy,
    ):
        for socket in (slow, healthy):
            await socket.send_json({"type": "subscribe", "markets": ["AAPL"]})
        await receive(slow, 2)
        await receive(healthy, 2)
        assert server.clients == 2
        async with asyncio.timeout(60):
            while server.clients == 2:
                await send_padding(server, healthy)
        engine.limit(MAKER, Side.BUY, price(99), shares(1))
        (update,) = await receive(healthy, 1)
    assert update["sequence"] == 1
    assert server.clients == 0


async def send_padding(server: BookServer, healthy: aiohttp.ClientWebSocketResponse) -> None:
    """Send a long message to everybody and wait until the healthy client has it."""
    for client in server._clients:
        client.send(orjson.dumps({"type": "padding", "text": "x" * 50_000}).decode())
    (message,) = await receive(healthy, 1)
    assert message["type"] == "padding"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (1, "0.00000001"), (10**8, "1"), (22_750_000_000, "227.5"), (10**15, "10000000")],
)
def test_writes_decimals_exactly(amount: int, text: str) -> None:
    assert decimal_text(amount) == text
