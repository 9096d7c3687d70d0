"""The book that is followed is the engine's own, or there is none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from random import Random
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from drills.book_server import BookServer
from drills.matching_engine import BookChange, Event, MatchingEngine, Side
from monitors.prices.book_board import (
    BookBoard,
    BookMessage,
    BookRules,
    BookSnapshot,
    BookTrade,
    BookUpdate,
)
from monitors.prices.book_feed import BookFeed, BookFeedSettings, parse_book_message
from monitors.prices.book_metrics import BookMetrics
from monitors.prices.port import FaultKind, WrongShapeError
from risk.internal_price import ImpactPrices
from risk.mark_price import BookPrices
from risk.order_book import OrderBook
from risk.units import AccountId, PriceE8, Seconds, SizeE8
from tests.builders import NOW, price, shares, usd
from tests.monitors.prices.servers import FakeClock, Recorder, Server, serving, tools

NOW_MS = NOW * 1_000
TRADER = AccountId(1)
SNAPSHOT = BookSnapshot(
    market="AAPL",
    sequence=7,
    time_ms=NOW_MS,
    bids=((price(100), shares(10)), (price(99), shares(10))),
    asks=((price(101), shares(10)), (price(102), shares(10))),
)
UPDATE = BookUpdate(
    market="AAPL", sequence=8, previous=7, time_ms=NOW_MS, bids=((price(100), shares(4)),), asks=()
)
TRADE = BookTrade(market="AAPL", sequence=8, previous=7, time_ms=NOW_MS, price=price(101))


class Board(BookBoard):
    """A book board that a test can wait for, and whose venue's time it sets."""

    def __init__(self, *symbols: str) -> None:
        self.now = NOW
        self.registry = CollectorRegistry()
        self.metrics = BookMetrics.create(self.registry, symbols=symbols)
        super().__init__(
            impact_notional=dict.fromkeys(symbols, usd(1_500)),
            metrics=self.metrics,
            venue_now=lambda: self.now,
            rules=BookRules(stale_after=Seconds(10), trade_stale_after=Seconds(60)),
        )
        self._changed_event = asyncio.Event()

    def take(self, message: BookMessage) -> None:
        self._changed_event.set()
        super().take(message)

    def heard(self, time_ms: int) -> None:
        self._changed_event.set()
        super().heard(time_ms)

    def drop(self, symbol: str) -> None:
        self._changed_event.set()
        super().drop(symbol)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self._changed_event.clear()
                await self._changed_event.wait()

    async def until_as(self, engine: MatchingEngine) -> None:
        """Wait until all that the engine said has come."""
        held = self._held[engine.market]
        await self.until(lambda: held.book is not None and held.sequence == engine.sequence)

    def count(self, name: str, market: str = "AAPL") -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_book_{name}", {"market": market})


@contextlib.asynccontextmanager
async def publishing(*engines: MatchingEngine, port: int = 0) -> AsyncIterator[BookServer]:
    server = BookServer(
        {engine.market: engine for engine in engines},
        now_ms=lambda: NOW_MS,
        port=port,
        heartbeat_seconds=3_600,
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(stop))
        await server.started.wait()
        try:
            yield server
        finally:
            stop.set()


@contextlib.asynccontextmanager
async def following(
    url: str, board: Board, clock: FakeClock | None = None, **facts: Any
) -> AsyncIterator[Recorder]:
    """Run a feed into a board; at the end see that it stops, and that no book is left."""
    sink, stop = Recorder(), asyncio.Event()
    settings = replace(BookFeedSettings(name="book", url=url), **facts)
    async with aiohttp.ClientSession() as session:
        feed = BookFeed(settings, session, board=board, metrics=board.metrics, **tools(clock))
        task = asyncio.create_task(feed.run(sink, stop))
        try:
            yield sink
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await task
    assert not any(board.is_followed(symbol) for symbol in board.symbols)
    assert sink.reports == []


def make_engine(market: str = "AAPL") -> MatchingEngine:
    return MatchingEngine(market, now_ms=lambda: NOW_MS)


def book_of(engine: MatchingEngine) -> OrderBook:
    return OrderBook(bids=engine.bids, asks=engine.asks)


def order_at_random(engine: MatchingEngine, random: Random) -> None:
    side, size = random.choice(tuple(Side)), SizeE8(random.randint(1, 10**10))
    match random.randint(0, 9):
        case 0:
            engine.market_order(TRADER, side, size)
        case 1 | 2 | 3:
            engine.cancel(random.randint(1, engine.sequence + 1))
        case _:
            engine.limit(TRADER, side, PriceE8(random.randint(95, 105) * 10**8 + 1), size)


def quote(engine: MatchingEngine, *, bid: int = 100, ask: int = 101) -> None:
    engine.limit(TRADER, Side.BUY, price(bid), shares(10))
    engine.limit(TRADER, Side.SELL, price(ask), shares(10))


def lose(engine: MatchingEngine, act: Callable[[], object]) -> None:
    """Let what the engine does stay untold."""
    listeners = engine._listeners[:]
    engine._listeners.clear()
    act()
    engine._listeners.extend(listeners)


# --- against the real server -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
async def test_snapshot_and_updates_make_the_books_of_the_engines(seed: int) -> None:
    random, board = Random(seed), Board("AAPL", "NVDA")
    engines = [make_engine("AAPL"), make_engine("NVDA")]
    events: list[Event] = []
    engines[0].subscribe(events.append)
    for _ in range(100):
        order_at_random(random.choice(engines), random)
    async with publishing(*engines) as server, following(server.url, board) as sink:
        for _ in range(20):
            for engine in engines:
                await board.until_as(engine)
                assert board.book(engine.market) == book_of(engine)
            for _ in range(25):
                order_at_random(random.choice(engines), random)
        await board.until_as(engines[0])
        last = next(event for event in reversed(events) if not isinstance(event, BookChange))
        assert board.prices("AAPL", NOW).last_trade == last.price
    assert sink.faults == []
    for symbol in board.symbols:
        assert board.count("gaps_total", symbol) == board.count("crossed_total", symbol) == 0
        assert board.count("resyncs_total", symbol) == 0


async def test_a_gap_drops_the_book_until_the_snapshot_that_is_asked_for() -> None:
    engine, other, board, clock = (
        make_engine(),
        make_engine("NVDA"),
        Board("AAPL", "NVDA"),
        FakeClock(),
    )
    quote(engine)
    quote(other)
    async with (
        publishing(engine, other) as server,
        following(server.url, board, clock) as sink,
    ):
        await board.until_as(engine)
        await board.until_as(other)
        clock.seconds += 1
        lose(engine, lambda: engine.market_order(TRADER, Side.BUY, shares(3)))
        held = board.book("AAPL")
        assert held is not None
        assert held != book_of(engine)
        with capture_logs() as lines:
            engine.limit(TRADER, Side.BUY, price(98), shares(1))
            await board.until(lambda: not board.is_followed("AAPL"))
            assert board.book("AAPL") is None
            assert board.mid("AAPL") is None
            assert board.prices("AAPL", NOW) == BookPrices()
            assert board.mid("NVDA") == price("100.5")
            await board.until_as(engine)
        assert board.book("AAPL") == book_of(engine)
        assert board.count("gaps_total") == board.count("resyncs_total") == 1
        assert board.count("resyncs_total", "NVDA") == 0
        assert sink.faults == []
    assert [line["event"] for line in lines] == ["order_book_gap"]


async def test_a_snapshot_is_asked_for_once_in_a_while_and_again_with_a_heartbeat() -> None:
    engine, board, clock = make_engine(), Board("AAPL"), FakeClock()
    quote(engine)
    async with publishing(engine) as server, following(server.url, board, clock):
        await board.until_as(engine)
        lose(engine, lambda: engine.limit(TRADER, Side.BUY, price(98), shares(1)))
        for amount in (1, 2, 3):
            engine.limit(TRADER, Side.BUY, price(97), shares(amount))
        await board.until(lambda: board._held["AAPL"].sequence == engine.sequence)
        assert not board.is_followed("AAPL")
        assert board.count("resyncs_total") == 0
        clock.seconds += 1
        server.beat()
        await board.until_as(engine)
        assert board.book("AAPL") == book_of(engine)
        assert board.count("gaps_total") == board.count("resyncs_total") == 1


async def test_what_comes_twice_or_late_changes_nothing() -> None:
    engine, board = make_engine(), Board("AAPL")
    events: list[Event] = []
    engine.subscribe(events.append)
    async with publishing(engine) as server, following(server.url, board):
        await board.until_as(engine)
        quote(engine)
        engine.market_order(TRADER, Side.BUY, shares(4))
        for event in (*events, *reversed(events)):
            server.publish(event)
        engine.limit(TRADER, Side.BUY, price(98), shares(1))
        await board.until_as(engine)
        assert board.book("AAPL") == book_of(engine)
        assert board.count("out_of_order_total") == 8
        assert board.count("trades_total") == 1
        assert board.count("gaps_total") == 0


async def test_a_crossed_book_is_dropped_and_asked_for_again() -> None:
    engine, board, clock = make_engine(), Board("AAPL"), FakeClock()
    quote(engine)
    async with publishing(engine) as server, following(server.url, board, clock):
        await board.until_as(engine)
        clock.seconds += 1
        lie = BookChange(
            market="AAPL",
            sequence=engine.sequence + 1,
            previous=engine.sequence,
            time_ms=NOW_MS,
            bids=((price(101), shares(1)),),
            asks=(),
        )
        server.publish(lie)
        await board.until(lambda: board.count("crossed_total") == 1)
        assert board.book("AAPL") is None
        await board.until_as(engine)
        assert board.book("AAPL") == book_of(engine)
        assert board.count("resyncs_total") == 1


async def test_a_cut_connection_leaves_no_book_and_the_next_one_begins_anew() -> None:
    engine, board = make_engine(), Board("AAPL")
    quote(engine)
    async with publishing(engine) as server, following(server.url, board) as sink:
        await board.until_as(engine)
        for client in server._clients:
            assert client._request.transport is not None
            client._request.transport.abort()
        engine.market_order(TRADER, Side.SELL, shares(4))
        await sink.until(faults=1)
        assert board.book("AAPL") is None
        await board.until_as(engine)
        assert board.book("AAPL") == book_of(engine)
        assert sink.kinds == [FaultKind.UNREACHABLE]
        assert board.count("gaps_total") == 0


async def test_a_venue_that_starts_anew_may_count_from_zero_again() -> None:
    engine, fresh, board = make_engine(), make_engine(), Board("AAPL")
    for _ in range(5):
        quote(engine)
    async with contextlib.AsyncExitStack() as stack:
        async with publishing(engine) as server:
            port = server.port
            sink = await stack.enter_async_context(following(server.url, board))
            await board.until_as(engine)
        await sink.until(faults=1)
        assert sink.kinds[0] is FaultKind.STREAM_CLOSED
        assert board.book("AAPL") is None
        async with publishing(fresh, port=port):
            await board.until_as(fresh)
            quote(fresh, bid=200, ask=201)
            await board.until_as(fresh)
            assert board.mid("AAPL") == price("200.5")
    assert board.count("gaps_total") == board.count("out_of_order_total") == 0


async def test_silence_beyond_the_heartbeat_ends_the_connection() -> None:
    engine, board = make_engine(), Board("AAPL")
    quote(engine)
    async with (
        publishing(engine) as server,
        following(server.url, board, silence_seconds=0.05) as sink,
    ):
        await sink.until(faults=1)
        assert not board.is_followed("AAPL")
        assert sink.kinds == [FaultKind.SILENT]
        await board.until_as(engine)


async def test_a_market_that_the_venue_does_not_have_is_told_and_the_others_followed() -> None:
    engine, board, clock = make_engine(), Board("AAPL", "DOGE"), FakeClock()
    quote(engine)
    async with publishing(engine) as server, following(server.url, board, clock) as sink:
        await board.until_as(engine)
        clock.seconds += 60
        board.now = Seconds(NOW + 60)
        server.beat()
        engine.limit(TRADER, Side.BUY, price(98), shares(1))
        await board.until_as(engine)
        assert sink.kinds == [FaultKind.UNKNOWN_FEED]
        assert "DOGE" in sink.faults[0][1]
        assert board.count("resyncs_total", "DOGE") == 0


async def test_each_heartbeat_confirms_the_books_that_are_followed() -> None:
    now_ms, engine, board = [NOW_MS], make_engine(), Board("AAPL", "NVDA")
    quote(engine)
    async with publishing(engine) as server, following(server.url, board):
        await board.until_as(engine)
        server._now_ms = lambda: now_ms[0]
        board.now, now_ms[0] = Seconds(NOW + 11), NOW_MS + 11_000
        assert board.book("AAPL") is None
        server.beat()
        await board.until(lambda: board.book("AAPL") is not None)
        assert board.count("seen_timestamp_seconds") == NOW + 11
        assert board.count("seen_timestamp_seconds", "NVDA") == 0


# --- what a server may say wrong ---------------------------------------------------------------


def wire(message: BookMessage, **facts: object) -> dict[str, Any]:
    """Write a message as the format has it, in whole dollars and shares."""
    kind = type(message).__name__.removeprefix("Book").lower()
    written: dict[str, Any] = {"type": kind}
    for key in message.__slots__:
        value = getattr(message, key)
        if key == "price":
            value = str(value // 10**8)
        elif key in {"bids", "asks"}:
            value = [[str(at // 10**8), str(size // 10**8)] for at, size in value]
        written[key] = value
    return written | facts


def say(server: Server, *messages: object) -> None:
    """Let a server answer a subscription with these messages, and requests for snapshots not."""

    async def answer(socket: web.WebSocketResponse) -> None:
        if server.received[-1]["type"] != "subscribe":
            return
        await socket.send_json({"type": "subscribed", "markets": ["AAPL", "NVDA"]})
        for message in messages:
            await socket.send_str(
                message if isinstance(message, str) else orjson.dumps(message).decode()
            )

    server.on_socket = answer


async def test_what_cannot_be_read_costs_the_market_that_it_is_about() -> None:
    board, clock = Board("AAPL", "NVDA"), FakeClock()
    async with serving() as server:
        say(
            server,
            wire(SNAPSHOT),
            wire(SNAPSHOT, market="NVDA"),
            {"type": "news", "text": "of no interest"},
            wire(UPDATE, bids=[["100", "x"]]),
            wire(UPDATE, market="NVDA"),
        )
        async with following(server.ws_url, board, clock, resync_seconds=0.0) as sink:
            await sink.until(faults=1)
            await board.until(lambda: board._held["NVDA"].sequence == 8)
            assert board.book("AAPL") is None
            assert board.is_followed("NVDA")
            assert board.count("malformed_total") == 1
            assert sink.kinds == [FaultKind.WRONG_SHAPE]
            assert sink.faults[0][1].startswith("AAPL: expected size")
    assert [message["type"] for message in server.received] == ["subscribe", "resync"]
    assert server.received[0]["markets"] == ["AAPL", "NVDA"]
    assert server.received[1]["market"] == "AAPL"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("<html>", FaultKind.NOT_JSON),
        ("[]", FaultKind.WRONG_SHAPE),
        ({"kind": "update"}, FaultKind.WRONG_SHAPE),
        (wire(UPDATE, market="DOGE"), FaultKind.WRONG_SHAPE),
        ({"type": "heartbeat", "time_ms": "soon"}, FaultKind.WRONG_SHAPE),
        ({"type": "error", "message": "too many markets"}, FaultKind.REFUSED),
    ],
)
async def test_what_concerns_all_markets_ends_the_connection(
    message: object, kind: FaultKind
) -> None:
    board = Board("AAPL", "NVDA")
    async with serving() as server:
        say(server, wire(SNAPSHOT), message, wire(UPDATE))
        async with following(server.ws_url, board) as sink:
            await sink.until(faults=2)
            assert set(sink.kinds) == {kind}
            assert not board.is_followed("AAPL")
    assert len(server.requests) >= 2
    assert board.count("updates_total") == len(server.requests)


@pytest.mark.parametrize("message", [SNAPSHOT, UPDATE, TRADE])
def test_reads_what_the_format_says(message: BookMessage) -> None:
    written = wire(message)
    assert parse_book_message(written, written["type"]) == message


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        (UPDATE, {"sequence": None}),
        (UPDATE, {"sequence": -1}),
        (UPDATE, {"previous": 1.5}),
        (UPDATE, {"time_ms": 10**14}),
        (UPDATE, {"bids": None}),
        (UPDATE, {"bids": [["100"]]}),
        (UPDATE, {"bids": ["100", "1"]}),
        (UPDATE, {"bids": [["0", "1"]]}),
        (UPDATE, {"bids": [["-1", "1"]]}),
        (UPDATE, {"bids": [["100", "-1"]]}),
        (UPDATE, {"bids": [[100.5, "1"]]}),
        (UPDATE, {"bids": [["100.000000001", "1"]]}),
        (UPDATE, {"bids": [["100", "0.000000001"]]}),
        (SNAPSHOT, {"asks": [["NaN", "1"]]}),
        (TRADE, {"price": "0"}),
        (TRADE, {"price": None}),
        (TRADE, {"market": 1}),
    ],
)
def test_refuses_a_malformed_message(message: BookMessage, facts: dict[str, object]) -> None:
    written = wire(message, **facts)
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse_book_message(written, written["type"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(
    st.sampled_from([SNAPSHOT, UPDATE, TRADE]),
    st.dictionaries(
        st.sampled_from(["market", "sequence", "previous", "time_ms", "bids", "asks", "price"]),
        JSON | st.lists(st.lists(JSON, min_size=2, max_size=2), max_size=2),
    ),
)
def test_random_json_raises_only_the_wrong_shape_error(
    message: BookMessage, facts: dict[str, Any]
) -> None:
    written = wire(message, **facts)
    with contextlib.suppress(WrongShapeError):
        parse_book_message(written, written["type"])


# --- the board ---------------------------------------------------------------------------------


def told(*messages: BookMessage) -> Board:
    board = Board("AAPL")
    for message in messages:
        board.take(message)
    return board


def test_gives_the_mark_what_it_wants_to_know() -> None:
    prices = told(SNAPSHOT, TRADE).prices("AAPL", NOW)
    # 1,500 dollars are ten shares at 100 and 500 dollars at 99; ten at 101 and 490 at 102.
    assert prices.impact.bid == price("99.66442953")
    assert prices.impact.ask == price("101.32450332")
    assert (prices.best_bid, prices.best_ask) == (price(100), price(101))
    assert prices.last_trade == price(101)
    assert prices.mid == price("100.5")


def test_impact_is_computed_once_for_each_state_of_the_book() -> None:
    board = told(SNAPSHOT)
    first = board.prices("AAPL", NOW).impact
    board.take(TRADE)
    board.heard(NOW_MS + 1_000)
    assert board.prices("AAPL", Seconds(NOW + 1)).impact is first
    board.take(replace(UPDATE, sequence=9, previous=8))
    # Four shares at 100 and ten at 99 are less than 1,500 dollars.
    assert board.prices("AAPL", NOW).impact == ImpactPrices(bid=None, ask=first.ask)


@pytest.mark.parametrize(
    ("seconds", "is_there"), [(0, True), (10, True), (11, False), (-10, True), (-11, False)]
)
def test_a_book_long_unconfirmed_or_from_the_future_is_none(
    seconds: int, *, is_there: bool
) -> None:
    board = told(SNAPSHOT)
    board.now = Seconds(NOW + seconds)
    assert (board.book("AAPL") is not None) is is_there
    assert (board.mid("AAPL") is not None) is is_there
    found = board.prices("AAPL", board.now)
    assert (found.best_bid is not None) is is_there
    assert (found.impact.ask is not None) is is_there


@pytest.mark.parametrize(("seconds", "is_there"), [(60, True), (61, False), (-61, False)])
def test_a_trade_long_past_is_none(seconds: int, *, is_there: bool) -> None:
    board, now = told(SNAPSHOT, TRADE), Seconds(NOW + seconds)
    assert (board.prices("AAPL", now).last_trade is not None) is is_there


def test_one_time_from_the_future_does_not_keep_a_book_fresh() -> None:
    board = told(SNAPSHOT, replace(UPDATE, time_ms=NOW_MS + 86_400_000))
    assert board.book("AAPL") is None
    board.take(replace(UPDATE, sequence=9, previous=8, time_ms=NOW_MS))
    assert board.book("AAPL") is not None
    board.now = Seconds(NOW + 11)
    assert board.book("AAPL") is None


def test_no_heartbeat_brings_back_a_book_that_was_dropped() -> None:
    board = told(SNAPSHOT, replace(UPDATE, sequence=10, previous=9))
    board.heard(NOW_MS)
    board.take(replace(UPDATE, sequence=11, previous=10))
    assert board.book("AAPL") is None
    assert board.count("followed") == 0
    board.take(replace(SNAPSHOT, sequence=11))
    assert board.book("AAPL") == OrderBook(bids=SNAPSHOT.bids, asks=SNAPSHOT.asks)
    assert board.count("followed") == 1


def history(random: Random) -> list[tuple[BookMessage, OrderBook]]:
    """Let an engine run; give each message with the book as published after it."""
    engine, told_so_far = make_engine(), list[tuple[BookMessage, OrderBook]]()
    book = OrderBook()

    def note(event: Event) -> None:
        facts = {key: getattr(event, key) for key in ("market", "sequence", "previous", "time_ms")}
        message: BookMessage
        if isinstance(event, BookChange):
            book.apply(bids=event.bids, asks=event.asks)
            message = BookUpdate(**facts, bids=event.bids, asks=event.asks)
        else:
            message = BookTrade(**facts, price=event.price)
        told_so_far.append((message, OrderBook(bids=book.bids, asks=book.asks)))

    engine.subscribe(note)
    for _ in range(30):
        order_at_random(engine, random)
    return told_so_far


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 59), st.booleans()), max_size=60))
def test_whatever_is_lost_repeated_or_late_a_followed_book_is_true(
    seed: int, steps: list[tuple[int, bool]]
) -> None:
    told_in_order = history(Random(seed))
    truth = {message.sequence: book for message, book in told_in_order}
    board, place = Board("AAPL"), 0
    for chance, is_snapshot in steps:
        # Mostly the next message, sometimes any other one.
        place = place + 1 if chance < 40 else chance * len(told_in_order) // 60
        message, book = told_in_order[place % len(told_in_order)]
        if is_snapshot:
            message = replace(SNAPSHOT, sequence=message.sequence, bids=book.bids, asks=book.asks)
        board.take(message)
        held = board.book("AAPL")
        assert held is None or held == truth[board._held["AAPL"].sequence]


def test_a_trade_that_reveals_a_gap_is_taken_all_the_same() -> None:
    board = told(SNAPSHOT, replace(TRADE, sequence=10, previous=9))
    assert board.prices("AAPL", NOW) == BookPrices(last_trade=price(101))
    assert board.count("gaps_total") == 1


def test_an_older_snapshot_does_not_turn_back_the_book() -> None:
    board = told(SNAPSHOT, UPDATE, SNAPSHOT)
    book = board.book("AAPL")
    assert book is not None
    assert book.bids[0] == (price(100), shares(4))
    assert board.count("out_of_order_total") == 1


def test_a_snapshot_that_is_crossed_is_no_book() -> None:
    board = told(replace(SNAPSHOT, bids=((price(101), shares(1)),)))
    assert board.book("AAPL") is None
    assert not board.is_followed("AAPL")


def test_levels_that_cannot_be_leave_no_book() -> None:
    board = told(SNAPSHOT)
    twice = (SNAPSHOT.bids[0], SNAPSHOT.bids[0])
    with pytest.raises(ValueError, match="expected each price once"):
        board.take(replace(SNAPSHOT, bids=twice))
    assert board.book("AAPL") is None


def test_a_market_without_an_impact_notional_is_a_bug() -> None:
    with pytest.raises(KeyError):
        told().prices("DOGE", NOW)
