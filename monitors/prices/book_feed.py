"""Follow the venue's order books over WebSocket, in the format of docs/book_feed.md.

What is read goes to the book board at once. A market whose book the board had to drop is asked for
again on the same connection; what concerns all markets (silence, a message that tells no market, an
error) ends the connection, and the next one begins with snapshots.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import aiohttp

from monitors.prices.book_board import (
    BookBoard,
    BookMessage,
    BookSnapshot,
    BookTrade,
    BookUpdate,
)
from monitors.prices.book_metrics import BookMetrics
from monitors.prices.decimals import price_from_decimal, read_integer, read_time, width_from_decimal
from monitors.prices.http import MOST_ANSWER_BYTES, load_json, member, shown
from monitors.prices.port import FaultKind, ReportSink, SourceFault, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected
from monitors.prices.websocket import CONNECT_SECONDS, as_text
from risk.order_book import Level
from risk.units import PriceE8, SizeE8
from runtime.clock import Clock

MILLIS_PER_SECOND: Final = 1_000
ABOUT_A_MARKET: Final = frozenset({"snapshot", "update", "trade"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFeedSettings:
    """Where the books are told; times in seconds."""

    name: str
    url: str
    silence_seconds: float = 5.0
    """Several heartbeats."""
    resync_seconds: float = 1.0
    """Shortest time between two requests for a snapshot of one market."""


def parse_book_message(message: Mapping[str, Any], kind: str) -> BookMessage:
    """Read a message about a market, of the kind snapshot, update or trade; else WrongShapeError."""
    market = member(message, "market", str, kind)
    sequence = _sequence(message, "sequence")
    time_ms = _time(message)
    if kind == "trade":
        return BookTrade(
            market=market,
            sequence=sequence,
            previous=_sequence(message, "previous"),
            time_ms=time_ms,
            price=_price(message.get("price")),
        )
    bids, asks = _levels(message, "bids"), _levels(message, "asks")
    if kind == "snapshot":
        return BookSnapshot(market=market, sequence=sequence, time_ms=time_ms, bids=bids, asks=asks)
    return BookUpdate(
        market=market,
        sequence=sequence,
        previous=_sequence(message, "previous"),
        time_ms=time_ms,
        bids=bids,
        asks=asks,
    )


def _sequence(message: Mapping[str, Any], key: str) -> int:
    number = read_integer(message.get(key), key)
    if number < 0:
        raise WrongShapeError(f"expected {key} to be at least 0, found a negative number")
    return number


def _time(message: Mapping[str, Any]) -> int:
    return read_time(message.get("time_ms"), "time_ms", per_second=MILLIS_PER_SECOND)


def _levels(message: Mapping[str, Any], side: str) -> tuple[Level, ...]:
    return tuple(_level(entry, side) for entry in member(message, side, list, "the book"))


def _level(entry: object, side: str) -> Level:
    if not isinstance(entry, list) or len(entry) != 2:
        raise WrongShapeError(f"expected {side} to be pairs of price and size, found another thing")
    return _price(entry[0]), SizeE8(_exact_e8(entry[1], "size"))


def _price(value: object) -> PriceE8:
    price = PriceE8(_exact_e8(value, "price"))
    if price == 0:
        raise WrongShapeError("expected a price above 0, found 0")
    return price


def _exact_e8(value: object, what: str) -> int:
    """Read a number from 0 on in 1e-8; a finer one is no rounding matter: two levels may be one."""
    rounded_down = price_from_decimal(value, what)
    if rounded_down != width_from_decimal(value, what):
        raise WrongShapeError(f"expected {what} with at most 8 decimals, found more")
    return rounded_down


class BookFeed:
    """A supervised worker that keeps a book board told."""

    def __init__(
        self,
        settings: BookFeedSettings,
        session: aiohttp.ClientSession,
        *,
        board: BookBoard,
        metrics: BookMetrics,
        clock: Clock,
        random: Random,
        rules: ReconnectRules | None = None,
    ) -> None:
        self._settings = settings
        self._session = session
        self._board = board
        self._metrics = metrics
        self._clock = clock
        self._random = random
        self._rules = rules or ReconnectRules()

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._settings.name

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Follow the books until `stop`, telling faults to the sink; it gives no reports."""
        courier = Courier(name=self.name, sink=sink)
        await keep_connected(
            courier,
            lambda: self._serve(courier),
            stop=stop,
            rules=self._rules,
            clock=self._clock,
            random=self._random,
        )

    async def _serve(self, courier: Courier) -> None:
        """Serve one connection; whatever ends it, no book is held afterwards."""
        socket = await self._connect()
        conversation = _Conversation(
            socket,
            courier,
            board=self._board,
            metrics=self._metrics,
            clock=self._clock,
            resync_seconds=self._settings.resync_seconds,
        )
        try:
            await conversation.run()
        finally:
            for symbol in self._board.symbols:
                self._board.drop(symbol)
            await socket.close()

    async def _connect(self) -> aiohttp.ClientWebSocketResponse[bool]:
        settings = self._settings
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._session.ws_connect(
                    settings.url,
                    timeout=aiohttp.ClientWSTimeout(
                        ws_receive=settings.silence_seconds, ws_close=0.5
                    ),
                    max_msg_size=MOST_ANSWER_BYTES,
                    decode_text=False,
                )
        except TimeoutError as error:
            raise SourceFault(
                FaultKind.UNREACHABLE,
                f"expected a connection within {CONNECT_SECONDS} s, found none",
            ) from error


class _Conversation:
    """One connection: which markets the venue gives on it, and when each was last asked for."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[bool],
        courier: Courier,
        *,
        board: BookBoard,
        metrics: BookMetrics,
        clock: Clock,
        resync_seconds: float,
    ) -> None:
        self._socket = socket
        self._courier = courier
        self._board = board
        self._metrics = metrics
        self._clock = clock
        self._resync_seconds = resync_seconds
        self._asked_at: dict[str, float] = {}

    async def run(self) -> None:
        """Subscribe and read until the socket is closed; faults as `listen` raises them."""
        request = {"type": "subscribe", "markets": self._board.symbols}
        await self._socket.send_str(as_text(request))
        while True:
            message = await self._socket.receive()
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                for market in self._take(message.data):
                    await self._ask_again(market)
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise SourceFault(
                    FaultKind.UNREACHABLE, "expected a WebSocket message, found a broken frame"
                )
            elif self._socket.close_code in {None, aiohttp.WSCloseCode.ABNORMAL_CLOSURE}:
                raise SourceFault(
                    FaultKind.UNREACHABLE, "expected a close frame, found a cut connection"
                )
            else:
                return

    def _take(self, payload: bytes) -> Iterable[str]:
        """Take a message; give the markets whose book may have been lost, now or before."""
        message = load_json(payload)
        kind = member(message, "type", str, "the message")
        if kind in ABOUT_A_MARKET:
            return (self._take_book(message, kind),)
        if kind == "heartbeat":
            self._board.heard(_time(message))
            return tuple(self._asked_at)
        if kind == "subscribed":
            self._begin(member(message, "markets", list, "the answer"))
        elif kind == "error":
            raise SourceFault(
                FaultKind.REFUSED,
                f"expected books, found an error: {shown(message.get('message'))}",
            )
        return ()

    def _take_book(self, message: Mapping[str, Any], kind: str) -> str:
        market: str = member(message, "market", str, kind)
        if market not in self._asked_at:
            raise WrongShapeError(
                f"expected a market that was subscribed, found one more in {kind}"
            )
        try:
            self._board.take(parse_book_message(message, kind))
        except ValueError as error:
            # It may have been a change: what is held of this market is not to be trusted.
            self._board.drop(market)
            self._metrics.malformed.labels(market).inc()
            self._courier.tell(FaultKind.WRONG_SHAPE, f"{market}: {error}")
        return market

    def _begin(self, given: list[object]) -> None:
        unknown = [symbol for symbol in self._board.symbols if symbol not in given]
        if unknown:
            self._courier.tell(
                FaultKind.UNKNOWN_FEED,
                f"expected the venue to know all markets, found {unknown} left out",
            )
        now = self._clock.monotonic()
        self._asked_at = {symbol: now for symbol in self._board.symbols if symbol in given}

    async def _ask_again(self, market: str) -> None:
        """Ask for a snapshot of a market without a book, unless one was asked for just now."""
        now = self._clock.monotonic()
        if self._board.is_followed(market) or now - self._asked_at[market] < self._resync_seconds:
            return
        self._asked_at[market] = now
        self._metrics.resyncs.labels(market).inc()
        await self._socket.send_str(as_text({"type": "resync", "market": market}))
