"""What is known of a market's book is exported, and it comes the whole way over sockets."""

from math import isnan
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from drills.book_server import BookServer
from drills.makers import Ladder, Makers
from drills.matching_engine import Event, MatchingEngine, Side, Trade
from monitors.book import BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from risk.liquidity import LiquidityRules, measure_book
from risk.market_liquidity import Figure, MarketLiquidity, Reason
from risk.order_book import OrderBook
from risk.sessions import Session
from risk.units import (
    MarketId,
    Ppm,
    QuoteAtoms,
    SizeE8,
)
from tests.builders import (
    NOW,
    shares,
    usd,
)
from tests.monitors.book_rig import Board, StagedVenue, fed, publishing
from tests.monitors.book_stage import (
    MAKER,
    MARK,
    OTHER_MAKER,
    TAKER,
    TERMS,
    Shelf,
    Stage,
    require_reasons,
)
from venues.port import TradeSettled

# --- what is exported -------------------------------------------------------------------------------


def test_exports_base_units() -> None:
    stage = Stage()
    stage.venue.tick()
    assert stage.value("depth_usd", side="bid", distance="10bp") == 19_990
    assert stage.value("depth_usd", side="ask", distance="50bp") == 20_010
    assert stage.value("quoted_spread_ratio") == 0.001
    assert stage.value("effective_spread_ratio", side="bid") == 0.001
    assert stage.value("sampled_timestamp_seconds") == NOW + 1


def test_what_is_not_known_is_exported_as_nothing_and_named() -> None:
    stage = Stage()
    assert isnan(stage.value("depth_usd", side="bid", distance="10bp"))
    assert stage.value("unknown", figure="bid_depth") == 1
    stage.venue.tick()
    assert stage.value("unknown", figure="bid_depth") == 0
    assert stage.value("unknown", figure="makers") == 1
    assert isnan(stage.value("makers"))
    assert isnan(stage.value("recovery_seconds", side="bid"))
    stage.venue.distrust = "lost"
    assert isnan(stage.value("depth_usd", side="bid", distance="10bp"))
    assert stage.value("unknown", figure="quoted_spread") == 1


def test_refuses_markets_whose_depth_is_not_measured_where_resilience_is() -> None:
    with pytest.raises(ValueError, match="distances of AAPL to include 2500 ppm"):
        BookMonitor(
            venue=StagedVenue(),
            books=Shelf(),
            session_of=lambda _symbol, _now: Session.UNKNOWN,
            markets={"AAPL": LiquidityRules(distances=(Ppm(1),), effective_notional=usd(1))},
            makers=(),
            metrics=BookLiquidityMetrics.create(
                CollectorRegistry(), symbols=["AAPL"], distances=[Ppm(1)]
            ),
        )


# --- the whole way over sockets ---------------------------------------------------------------------


async def test_follows_makers_and_takers_of_a_matching_engine_over_a_socket() -> None:
    venue = StagedVenue()
    board = Board(venue, "AAPL")
    stage = Stage(venue, board)
    engine = MatchingEngine("AAPL", now_ms=lambda: venue.now * 1_000)
    traded: list[Trade] = []

    def settle_later(event: Event) -> None:
        if isinstance(event, Trade):
            traded.append(event)

    engine.subscribe(settle_later)
    makers = Makers(
        engine,
        [MAKER, OTHER_MAKER],
        ladder=Ladder(levels=5, spread=Ppm(400), step=Ppm(300), size=shares(20)),
        random=Random(5),
    )
    server = BookServer({"AAPL": engine}, now_ms=lambda: venue.now * 1_000, heartbeat_seconds=3_600)

    async def step(seconds: int = 1) -> MarketLiquidity:
        await board.until_as(engine)
        while traded:
            trade = traded.pop(0)
            venue.settle(_as_settled(trade))
        venue.tick(seconds)
        known = stage.known()
        held = OrderBook(bids=engine.bids, asks=engine.asks)
        assert known.book == measure_book(held, MARK, TERMS)
        require_reasons(known)
        return known

    async with publishing(server), fed(server.url, board):
        makers.step(MARK)
        whole = await step()
        assert whole.book is not None
        assert whole.book.bid.depth is not None
        assert 0 < whole.book.bid.depth[0] < whole.book.bid.depth[2]
        engine.market_order(TAKER, Side.SELL, shares(150))
        taken = await step()
        assert taken.book is not None
        assert taken.book.bid.depth is not None
        assert taken.book.bid.depth[1] * 10 < whole.book.bid.depth[1] * 9
        await step(3)
        makers.step(MARK)
        back = await step(2)
        assert (back.bid_recovery, back.ask_recovery) == (6, None)
    # The connection is gone, and with it the book: unknown from here on, not empty.
    venue.tick(2)
    venue.tick(5)
    known = stage.known()
    assert known.book is None
    assert known.unknown[Figure.BID_DEPTH] is Reason.NO_BOOK
    assert known.average is not None
    assert (known.average.observed, known.average.unknown) == (8, 5)


def _as_settled(trade: Trade) -> TradeSettled:
    return TradeSettled(
        market=MarketId(0),
        taker=trade.taker,
        maker=trade.maker,
        size=trade.size if trade.side is Side.BUY else SizeE8(-trade.size),
        price=trade.price,
        taker_fee=QuoteAtoms(0),
        maker_fee=QuoteAtoms(0),
    )
