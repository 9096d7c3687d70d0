"""The server of a drill's books speaks the format, to each client of its own markets."""

import asyncio
import contextlib
import socket as sockets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from drills.book_server import BookServer, decimal_text
from drills.matching_engine import (
    MatchingEngine,
    Side,
)
from tests.builders import price, shares
from tests.drills.engine_stage import (
    MAKER,
    NOW_MS,
    TAKER,
    make_engine,
)


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
