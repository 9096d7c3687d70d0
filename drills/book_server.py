"""Publish matching engines over WebSocket in the format of docs/book_feed.md.

Every client has its own queue, filled without waiting: one that does not read is cut off when its
queue is full, and costs the others nothing. A snapshot is put into the queue in the same instant in
which the client is subscribed, so that no change falls between them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from drills.matching_engine import BookChange, Event, MatchingEngine, Trade
from risk.order_book import Level
from runtime.supervise import sleep_unless

PATH: Final = "/v1/book"
MOST_REQUEST_BYTES: Final = 1 << 16
CLOSE_SECONDS: Final = 0.5
DECIMALS: Final = 8


class BookServer:
    """Serve the books of `engines` until stop; `port` is known once `started` is set."""

    def __init__(
        self,
        engines: Mapping[str, MatchingEngine],
        *,
        now_ms: Callable[[], int],
        host: str = "127.0.0.1",
        port: int = 0,
        heartbeat_seconds: float = 1.0,
        most_waiting: int = 4_096,
    ) -> None:
        self._engines = engines
        self._now_ms = now_ms
        self._host = host
        self._heartbeat_seconds = heartbeat_seconds
        self._most_waiting = most_waiting
        """Messages that a client may lag behind."""
        self._clients: set[_Client] = set()
        self.port = port
        self.started = asyncio.Event()

    @property
    def url(self) -> str:
        """Give the WebSocket's address."""
        return f"ws://{self._host}:{self.port}{PATH}"

    @property
    def clients(self) -> int:
        """Count the clients that are connected."""
        return len(self._clients)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then close every client's socket."""
        application = web.Application()
        application.router.add_get(PATH, self._websocket)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSE_SECONDS)
        await runner.setup()
        with ExitStack() as subscriptions:
            for engine in self._engines.values():
                subscriptions.callback(engine.subscribe(self.publish))
            try:
                await web.TCPSite(runner, self._host, self.port).start()
                self.port = int(runner.addresses[0][1])
                self.started.set()
                while not await sleep_unless(stop, self._heartbeat_seconds):
                    self.beat()
            finally:
                await asyncio.gather(*(client.close() for client in self._clients))
                await runner.cleanup()

    def beat(self) -> None:
        """Tell every client that nothing is missing up to now."""
        text = _text({"type": "heartbeat", "time_ms": self._now_ms()})
        for client in tuple(self._clients):
            client.send(text)

    def publish(self, event: Event) -> None:
        """Tell an event to the clients of its market."""
        text = _text(_trade(event) if isinstance(event, Trade) else _update(event))
        for client in tuple(self._clients):
            if event.market in client.markets:
                client.send(text)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=CLOSE_SECONDS, max_msg_size=MOST_REQUEST_BYTES)
        await socket.prepare(request)
        client = _Client(request, socket, self._most_waiting)
        self._clients.add(client)
        writer = asyncio.create_task(client.write(), name="book_writer")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._answer(client, message.data)
        finally:
            self._clients.discard(client)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def _answer(self, client: "_Client", request: str) -> None:
        try:
            message = orjson.loads(request)
        except orjson.JSONDecodeError:
            message = None
        match message:
            case {"type": "subscribe", "markets": [*asked]}:
                known = [name for name in self._engines if name in asked]
                client.send(_text({"type": "subscribed", "markets": known}))
                client.markets.update(known)
                for name in known:
                    client.send(self._snapshot(name))
            case {"type": "resync", "market": str(name)} if name in client.markets:
                client.send(self._snapshot(name))
            case _:
                client.send(
                    _text(
                        {
                            "type": "error",
                            "message": "expected subscribe with markets, or resync with a market"
                            " that is subscribed, found another request",
                        }
                    )
                )

    def _snapshot(self, market: str) -> str:
        engine = self._engines[market]
        return _text(
            {
                "type": "snapshot",
                "market": market,
                "sequence": engine.sequence,
                "time_ms": self._now_ms(),
                "bids": _levels(engine.bids),
                "asks": _levels(engine.asks),
            }
        )


class _Client:
    """One client, what it asked for, and what it is still to be sent."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, most_waiting: int
    ) -> None:
        self.markets: set[str] = set()
        self._request = request
        self._socket = socket
        self._waiting = asyncio.Queue[str](most_waiting)

    def send(self, text: str) -> None:
        """Queue a message; a client whose queue is full is cut off."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            # A close frame would wait behind all that the client does not read.
            if self._request.transport is not None:
                self._request.transport.abort()

    async def write(self) -> None:
        """Write what is queued until cancelled or until the client is gone."""
        try:
            while True:
                await self._socket.send_str(await self._waiting.get())
        except ConnectionError:
            return

    async def close(self) -> None:
        await self._socket.close(code=WSCloseCode.GOING_AWAY)


def decimal_text(amount_e8: int) -> str:
    """Write a price or size of 1e-8 as decimal text, exactly and without needless zeros."""
    digits = f"{amount_e8:0{DECIMALS + 1}d}"
    part = digits[-DECIMALS:].rstrip("0")
    return f"{digits[:-DECIMALS]}.{part}" if part else digits[:-DECIMALS]


def _levels(levels: Sequence[Level]) -> list[tuple[str, str]]:
    return [(decimal_text(price), decimal_text(size)) for price, size in levels]


def _update(event: BookChange) -> dict[str, object]:
    return {
        "type": "update",
        "market": event.market,
        "sequence": event.sequence,
        "previous": event.previous,
        "time_ms": event.time_ms,
        "bids": _levels(event.bids),
        "asks": _levels(event.asks),
    }


def _trade(trade: Trade) -> dict[str, object]:
    return {
        "type": "trade",
        "market": trade.market,
        "sequence": trade.sequence,
        "previous": trade.previous,
        "time_ms": trade.time_ms,
        "price": decimal_text(trade.price),
        "size": decimal_text(trade.size),
        "side": trade.side.value,
        "taker_order": trade.taker_order,
        "maker_order": trade.maker_order,
    }


def _text(message: dict[str, object]) -> str:
    return orjson.dumps(message).decode()
