"""A market whose books, trades and makers a test tells to the monitor."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from monitors.book import BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from risk.fact_windows import WindowRules
from risk.liquidity import DISTANCES, LiquidityRules
from risk.liquidity_watch import WatchRules
from risk.maker_shares import MakerRules
from risk.market_liquidity import Figure, MarketLiquidity
from risk.order_book import OrderBook
from risk.sessions import Session
from risk.units import (
    AccountId,
    MarketId,
    QuoteAtoms,
    Seconds,
    account_id,
)
from tests.builders import (
    price,
    shares,
    usd,
)
from tests.monitors.book_rig import Board, StagedVenue
from venues.port import TradeSettled

MARK = price(200)
MAKER, OTHER_MAKER, TAKER = (account_id(bytes([number]) * 20, 0) for number in (1, 2, 3))
RULES = WatchRules(
    most_gap=Seconds(15), makers=MakerRules(window=WindowRules(span=Seconds(60), slices=6))
)
TERMS = LiquidityRules(effective_notional=usd(1_000))
OF_BOOK = (
    Figure.BID_DEPTH,
    Figure.ASK_DEPTH,
    Figure.QUOTED_SPREAD,
    Figure.BID_EFFECTIVE_SPREAD,
    Figure.ASK_EFFECTIVE_SPREAD,
)


class Shelf:
    """Implements `monitors.book.Books`."""

    def __init__(self, **books: OrderBook) -> None:
        self.books: dict[str, OrderBook] = books

    def book(self, symbol: str) -> OrderBook | None:
        return self.books.get(symbol)


def two_sided(*, bid: int = 100, ask: int = 100) -> OrderBook:
    """Sizes in shares at 5 bp from the mark."""
    return OrderBook(
        bids=[(price("199.9"), shares(bid))] if bid else (),
        asks=[(price("200.1"), shares(ask))] if ask else (),
    )


class Stage:
    """A monitor on a staged venue."""

    def __init__(
        self,
        venue: StagedVenue | None = None,
        books: Shelf | Board | None = None,
        *,
        makers: tuple[AccountId, ...] = (),
        symbols: tuple[str, ...] = ("AAPL",),
    ) -> None:
        self.venue = venue or StagedVenue()
        self.shelf = Shelf(AAPL=two_sided())
        self.session = Session.REGULAR
        self.registry = CollectorRegistry()
        self.monitor = BookMonitor(
            venue=self.venue,
            books=books or self.shelf,
            session_of=lambda _symbol, _now: self.session,
            markets=dict.fromkeys(symbols, TERMS),
            makers=makers,
            metrics=BookLiquidityMetrics.create(
                self.registry, symbols=symbols, distances=DISTANCES
            ),
            rules=RULES,
        )

    def known(self, symbol: str = "AAPL") -> MarketLiquidity:
        found = self.monitor.liquidity(symbol)
        assert found is not None
        return found

    def value(self, name: str, **labels: str) -> float:
        self.monitor.show()
        found = self.registry.get_sample_value(
            f"bellkeeper_liquidity_{name}", {"market": "AAPL", **labels}
        )
        assert found is not None
        return found


def settled(
    size: int, *, maker: AccountId = MAKER, market: int = 0, maker_fee: int = 0
) -> TradeSettled:
    return TradeSettled(
        market=MarketId(market),
        taker=TAKER,
        maker=maker,
        size=shares(size),
        price=MARK,
        taker_fee=QuoteAtoms(0),
        maker_fee=QuoteAtoms(maker_fee),
    )


def require_reasons(known: MarketLiquidity) -> None:
    """Every figure is either known or has a reason, never both."""
    book, window = known.book, known.shares
    figures: Mapping[Figure, object] = {
        Figure.BID_DEPTH: book and book.bid.depth,
        Figure.ASK_DEPTH: book and book.ask.depth,
        Figure.QUOTED_SPREAD: None if book is None else book.quoted_spread,
        Figure.BID_EFFECTIVE_SPREAD: None if book is None else book.bid.effective_spread,
        Figure.ASK_EFFECTIVE_SPREAD: None if book is None else book.ask.effective_spread,
        Figure.BID_RECOVERY: known.bid_recovery,
        Figure.ASK_RECOVERY: known.ask_recovery,
        Figure.TRADES: window,
        Figure.MAKERS: None if window is None else window.makers,
        Figure.LARGEST_SHARE: None if window is None else window.largest_share,
        Figure.SKEW: known.skew,
    }
    assert set(figures) == set(Figure)
    assert set(known.unknown) == {figure for figure, value in figures.items() if value is None}
