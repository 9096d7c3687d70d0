"""The book that is followed is the engine's own, or there is none."""

import contextlib
from random import Random

import pytest
from structlog.testing import capture_logs

from drills.matching_engine import BookChange, Event, Side
from monitors.prices.port import FaultKind
from risk.mark_price import BookPrices
from risk.units import Seconds
from tests.builders import NOW, price, shares
from tests.monitors.prices.book_stage import (
    NOW_MS,
    TRADER,
    Board,
    book_of,
    following,
    lose,
    make_engine,
    order_at_random,
    publishing,
    quote,
)
from tests.monitors.prices.servers import FakeClock


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
