"""One market's liquidity over time: each sample of its book, joined with the trades of late.

Holds what needs memory (the window of makers, refills, averages by session) and gives a
`MarketLiquidity` for each sample. Its one rule: what was not seen is not made up. Trades that may lack,
and time without samples, make figures unknown until enough was seen again.
Times are the venue's clock.
"""

from dataclasses import dataclass
from typing import Final

from risk.liquidity import BookLiquidity, LiquidityRules, Side, measure_book
from risk.maker_shares import MakerRules, MakerShares, MakerWindow, Trade
from risk.market_liquidity import Circumstances, MarketLiquidity, reasons
from risk.order_book import OrderBook
from risk.resilience import Resilience, ResilienceRules, median_recovery, with_sample
from risk.session_averages import MOST_GAP, SessionAverages
from risk.sessions import Session
from risk.units import Ppm, PriceE8, QuoteAtoms, Seconds

_CALM: Final = Resilience()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRules:
    """What is remembered of every market, and how."""

    most_gap: Seconds = MOST_GAP
    """Samples farther apart say nothing of the time between them."""
    resilience_distance: Ppm = Ppm(2_500)
    """Of the depth that a trade takes and that is to come back; one of each market's distances."""
    resilience: ResilienceRules = ResilienceRules()
    makers: MakerRules = MakerRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a sample is made of, apart from the trades that were told before."""

    book: OrderBook | None
    mark: PriceE8 | None
    """None for one that may not be used."""
    session: Session
    skew: Ppm | None
    circumstances: Circumstances


class LiquidityWatch:
    """What is remembered of one market, fed in place.

    Raises ValueError when the resilience's distance is none of the market's.
    """

    def __init__(
        self, symbol: str, market: LiquidityRules, rules: WatchRules, *, since: Seconds
    ) -> None:
        distance = rules.resilience_distance
        if distance not in market.distances:
            raise ValueError(
                f"expected the distances of {symbol} to include {distance} ppm, at which resilience"
                f" is measured, found {market.distances}"
            )
        self._symbol = symbol
        self._market = market
        self._place = market.distances.index(distance)
        self._rules = rules
        self._window = MakerWindow(rules.makers, since=since)
        self._averages = SessionAverages(distances=len(market.distances), most_gap=rules.most_gap)
        self._resilience = dict.fromkeys(Side, _CALM)
        self._taken: set[Side] = set()
        """Sides from which a trade took since the last sample."""
        self._sampled_at: Seconds | None = None

    def take(self, trade: Trade, now: Seconds) -> None:
        """Count a settled trade."""
        self._window.take(trade, now)
        self._taken.add(Side.ASK if trade.size > 0 else Side.BID)

    def forget_trades(self, now: Seconds) -> None:
        """Begin anew what lives on trades: until now some may lack, and be told again."""
        self._window.forget(now)
        self._lose_sight(now)

    def sample(self, seen: Seen, now: Seconds) -> MarketLiquidity:
        """Take a sample and give all that is known with it."""
        if self._sampled_at is not None and now - self._sampled_at > self._rules.most_gap:
            self._lose_sight(now)
        self._sampled_at = now
        book = None
        if seen.book is not None:
            book = measure_book(seen.book, seen.mark, self._market)
        self._averages.take(now, seen.session, book)
        recoveries = self._recoveries(book, now)
        shares = self._shares(now) if seen.circumstances.is_listed else None
        return MarketLiquidity(
            symbol=self._symbol,
            sampled_at=now,
            session=seen.session,
            mark=seen.mark,
            book=book,
            bid_recovery=recoveries[Side.BID],
            ask_recovery=recoveries[Side.ASK],
            shares=shares,
            skew=seen.skew,
            average=self._averages.current,
            completed=self._averages.completed,
            unknown=reasons(
                book=book,
                recoveries=recoveries,
                shares=shares,
                skew=seen.skew,
                circumstances=seen.circumstances,
            ),
        )

    def _recoveries(self, book: BookLiquidity | None, now: Seconds) -> dict[Side, Seconds | None]:
        for side in Side:
            depths = None if book is None else book.side(side).depth
            depth = None if depths is None else depths[self._place]
            self._feed(side, depth, now, is_traded=side in self._taken)
        self._taken.clear()
        rules = self._rules.resilience
        return {
            side: median_recovery(state, now=now, rules=rules)
            for side, state in self._resilience.items()
        }

    def _shares(self, now: Seconds) -> MakerShares | None:
        """Give the shares once the whole window was watched."""
        shares = self._window.shares(now)
        return shares if shares.observed >= self._rules.makers.window.span else None

    def _lose_sight(self, now: Seconds) -> None:
        for side in Side:
            self._feed(side, None, now, is_traded=False)
        self._taken.clear()

    def _feed(self, side: Side, depth: QuoteAtoms | None, now: Seconds, *, is_traded: bool) -> None:
        self._resilience[side] = with_sample(
            self._resilience[side],
            now=now,
            depth=depth,
            is_traded=is_traded,
            rules=self._rules.resilience,
        )
