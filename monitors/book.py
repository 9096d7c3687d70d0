"""How liquid each market is: the book board, the settled trades and the session, joined once a second.

No worker: whenever the venue's clock moved, every market is sampled if a period has passed, a few of them
in each turn of the event loop, so that nothing urgent waits for all. Its one rule: what is not known is
None with a reason. While the venue's feed is interrupted nothing is
answered at all, because the clock that would tell ages stands still.
Times are the venue's clock. A trade counts when the feed told it, so one that was read late counts late.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, TypeAlias

from monitors.book_liquidity_metrics import BookLiquidityMetrics
from risk.liquidity import LiquidityRules, net_positions, open_interest_skew
from risk.liquidity_watch import LiquidityWatch, Seen, WatchRules
from risk.margin import Account
from risk.market import Market
from risk.market_liquidity import Circumstances, MarketLiquidity
from risk.order_book import OrderBook
from risk.sessions import Session
from risk.units import AccountId, MarketId, Ppm, PriceE8, Seconds, SizeE8
from venues.port import TradeSettled

PERIOD: Final = Seconds(1)
"""Least time between two samples."""
NO_SAMPLE: Final = "no sample was taken yet"
MARKETS_PER_TURN: Final = 8
"""Sampled before the event loop may do something else: about 100 us each."""

Deferred: TypeAlias = Callable[[], None]


def at_once(turn: Deferred) -> None:
    """Take the next turn without giving way: for a world without an event loop."""
    turn()


class Venue(Protocol):
    """The venue as the feed tells it, and its trades."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def distrust(self) -> str | None:
        """Why nothing of it may be acted on, or None."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""

    def account(self, account: AccountId) -> Account:
        """Give one account as it is held; KeyError when it was never seen."""

    def on_clock(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the clock may have moved."""

    def on_trade(self, listener: Callable[[TradeSettled], None]) -> None:
        """Call `listener` with every trade settled."""

    def on_replaced(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a snapshot replaced all that was told."""


class Books(Protocol):
    """Who follows the venue's order books."""

    def book(self, symbol: str) -> OrderBook | None:
        """Give the book now, to be read and not kept; KeyError for a market without any."""


class BookMonitor:
    """Sample the liquidity of the markets that have rules; the others are nobody's business here.

    `makers` are the accounts whose net position stands for the skew. `defer` calls what it is given in
    a later turn, as `loop.call_soon` does. Raises ValueError when the resilience's distance is none of a
    market's.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        books: Books,
        session_of: Callable[[str, Seconds], Session],
        markets: Mapping[str, LiquidityRules],
        makers: Sequence[AccountId],
        metrics: BookLiquidityMetrics,
        rules: WatchRules | None = None,
        defer: Callable[[Deferred], object] = at_once,
    ) -> None:
        self._venue = venue
        self._books = books
        self._session_of = session_of
        self._makers = tuple(makers)
        self._metrics = metrics
        self._defer = defer
        self._round: Iterator[str] | None = None
        """The markets of a round that are still to be sampled."""
        watch_rules = rules or WatchRules()
        self._watches = {
            symbol: LiquidityWatch(symbol, each, watch_rules, since=venue.now)
            for symbol, each in markets.items()
        }
        self._known: dict[str, MarketLiquidity] = {}
        self._sampled_at: Seconds | None = None
        venue.on_clock(self._on_clock)
        venue.on_trade(self._on_trade)
        venue.on_replaced(self._on_replaced)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Give the markets that are sampled."""
        return tuple(self._watches)

    def liquidity(self, symbol: str) -> MarketLiquidity | None:
        """Give the last sample of a market; None when `why_unknown` says why. KeyError for another."""
        return self._known.get(symbol) if self.why_unknown(symbol) is None else None

    def age(self, symbol: str) -> Seconds | None:
        """Give how old that sample is; None without one."""
        known = self.liquidity(symbol)
        return None if known is None else known.age(self._venue.now)

    def why_unknown(self, symbol: str) -> str | None:
        """Say in words why nothing is known of a market now; None when something is."""
        if symbol not in self._watches:
            raise KeyError(symbol)
        if self._venue.distrust is not None:
            return self._venue.distrust
        return None if symbol in self._known else NO_SAMPLE

    def show(self) -> None:
        """Set the gauges: called before each scrape."""
        for symbol in self._watches:
            self._metrics.show(symbol, self.liquidity(symbol))

    # --- what the venue tells ----------------------------------------------------------------

    def _on_trade(self, trade: TradeSettled) -> None:
        market = self._venue.markets.get(trade.market)
        watch = None if market is None else self._watches.get(market.symbol)
        if watch is not None:
            watch.take(trade, self._venue.now)

    def _on_replaced(self) -> None:
        for watch in self._watches.values():
            watch.forget_trades(self._venue.now)

    def _on_clock(self) -> None:
        now, last = self._venue.now, self._sampled_at
        is_due = last is None or now - last >= PERIOD
        if self._venue.distrust is None and is_due and self._round is None:
            self._sampled_at = now
            self._round = iter(tuple(self._watches))
            self._take_turn()

    # --- a sample ------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        """Sample the next few markets, each as it is now, and leave the rest to later turns."""
        assert self._round is not None, "a turn belongs to a round"
        some = tuple(islice(self._round, MARKETS_PER_TURN))
        if not some or self._venue.distrust is not None:
            self._round = None
            return
        self._sample(some, self._venue.now)
        self._defer(self._take_turn)

    def _sample(self, symbols: Sequence[str], now: Seconds) -> None:
        listed = {market.symbol: market for market in self._venue.markets.values()}
        makers_net = net_positions(self._held_accounts())
        for symbol in symbols:
            watch, market = self._watches[symbol], listed.get(symbol)
            seen = Seen(
                book=self._books.book(symbol),
                mark=_usable_mark(market, now),
                session=self._session_of(symbol, now),
                skew=self._skew(market, makers_net),
                circumstances=Circumstances(
                    is_listed=market is not None, has_registered_makers=bool(self._makers)
                ),
            )
            self._known[symbol] = watch.sample(seen, now)

    def _skew(self, market: Market | None, makers_net: Mapping[MarketId, SizeE8]) -> Ppm | None:
        if market is None or not self._makers:
            return None
        return open_interest_skew(makers_net.get(market.id, SizeE8(0)), market.open_interest)

    def _held_accounts(self) -> list[Account]:
        """Give the makers' accounts; one that the venue never saw holds nothing."""
        found: list[Account] = []
        for maker in self._makers:
            try:
                found.append(self._venue.account(maker))
            except KeyError:
                continue
        return found


def _usable_mark(market: Market | None, now: Seconds) -> PriceE8 | None:
    if market is None or market.mark <= 0 or market.is_settled or market.is_stale(now):
        return None
    return market.mark
