"""Everything that is known of a market's liquidity at one moment, and why the rest is not known.

The value that whoever pays makers judges by. A figure that is not known is None and has its reason;
a figure that is known has none. Nothing here is a 0 that stands for "we did not see".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.liquidity import BookLiquidity, Side
from risk.maker_shares import MakerShares
from risk.session_averages import SessionAverage
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds


class Figure(StrEnum):
    """What can be known or not; a closed set, because it becomes a label."""

    BID_DEPTH = "bid_depth"
    ASK_DEPTH = "ask_depth"
    QUOTED_SPREAD = "quoted_spread"
    BID_EFFECTIVE_SPREAD = "bid_effective_spread"
    ASK_EFFECTIVE_SPREAD = "ask_effective_spread"
    BID_RECOVERY = "bid_recovery"
    ASK_RECOVERY = "ask_recovery"
    TRADES = "trades"
    MAKERS = "makers"
    LARGEST_SHARE = "largest_share"
    SKEW = "skew"


DEPTH: Final[Mapping[Side, Figure]] = {Side.BID: Figure.BID_DEPTH, Side.ASK: Figure.ASK_DEPTH}
EFFECTIVE_SPREAD: Final[Mapping[Side, Figure]] = {
    Side.BID: Figure.BID_EFFECTIVE_SPREAD,
    Side.ASK: Figure.ASK_EFFECTIVE_SPREAD,
}
RECOVERY: Final[Mapping[Side, Figure]] = {
    Side.BID: Figure.BID_RECOVERY,
    Side.ASK: Figure.ASK_RECOVERY,
}


class Reason(StrEnum):
    """Why a figure is not known."""

    NOT_LISTED = "the exchange lists no such market"
    NO_MARK = "the venue's mark is stale or final, or there is none"
    NO_BOOK = "no order book is followed, or what is held is old"
    NO_MID = "the book is one-sided"
    TOO_THIN = "this side of the book is too thin for the notional"
    NO_SHOCK = "no trade took depth that had to come back"
    SHORT_WATCH = "trades were not watched for the whole window"
    NO_MAKER_VOLUME = "nobody made the market for another in the window"
    TOO_MANY_MAKERS = "there are more makers than are named"
    NO_REGISTERED_MAKERS = "no makers' accounts are registered"
    NO_OPEN_INTEREST = "there is no open interest"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLiquidity:
    """One market as measured at `sampled_at`, on the venue's clock."""

    symbol: str
    sampled_at: Seconds
    session: Session
    mark: PriceE8 | None
    """From which depth was measured; None for one that may not be used."""
    book: BookLiquidity | None
    bid_recovery: Seconds | None
    """Median time until the bids were back after a trade took of them."""
    ask_recovery: Seconds | None
    shares: MakerShares | None
    """Of the rolling window; None until all of it was watched."""
    skew: Ppm | None
    average: SessionAverage | None
    """Of the session that runs."""
    completed: Mapping[Session, SessionAverage]
    """The last session of each kind that is over."""
    unknown: Mapping[Figure, Reason]
    """Every figure that is None, and why."""

    def age(self, now: Seconds) -> Seconds:
        """Give how old the sample is; that of its book is up to the book board's limit more."""
        return Seconds(now - self.sampled_at)

    def recovery(self, side: Side) -> Seconds | None:
        """Give the recovery time of one of the sides."""
        return self.bid_recovery if side is Side.BID else self.ask_recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the reasons are told from, apart from the figures themselves."""

    is_listed: bool
    has_registered_makers: bool


def reasons(
    *,
    book: BookLiquidity | None,
    recoveries: Mapping[Side, Seconds | None],
    shares: MakerShares | None,
    skew: Ppm | None,
    circumstances: Circumstances,
) -> Mapping[Figure, Reason]:
    """Tell for every figure that is not known why."""
    found = _book_reasons(book, is_listed=circumstances.is_listed)
    for side, took in recoveries.items():
        if took is None:
            found[RECOVERY[side]] = Reason.NO_SHOCK
    found |= _share_reasons(shares)
    if not circumstances.is_listed:
        chain = (Figure.TRADES, Figure.MAKERS, Figure.LARGEST_SHARE)
        found |= dict.fromkeys(chain, Reason.NOT_LISTED)
    if skew is None:
        found[Figure.SKEW] = _skew_reason(circumstances)
    return found


def _book_reasons(book: BookLiquidity | None, *, is_listed: bool) -> dict[Figure, Reason]:
    if book is None:
        of_book = (*DEPTH.values(), *EFFECTIVE_SPREAD.values(), Figure.QUOTED_SPREAD)
        return dict.fromkeys(of_book, Reason.NO_BOOK)
    found: dict[Figure, Reason] = {}
    has_mid = book.quoted_spread is not None
    if not has_mid:
        found[Figure.QUOTED_SPREAD] = Reason.NO_MID
    for side in Side:
        if book.side(side).depth is None:
            found[DEPTH[side]] = Reason.NO_MARK if is_listed else Reason.NOT_LISTED
        if book.side(side).effective_spread is None:
            found[EFFECTIVE_SPREAD[side]] = Reason.TOO_THIN if has_mid else Reason.NO_MID
    return found


def _share_reasons(shares: MakerShares | None) -> dict[Figure, Reason]:
    if shares is None:
        figures = (Figure.TRADES, Figure.MAKERS, Figure.LARGEST_SHARE)
        return dict.fromkeys(figures, Reason.SHORT_WATCH)
    if shares.makers is None:
        return dict.fromkeys((Figure.MAKERS, Figure.LARGEST_SHARE), Reason.TOO_MANY_MAKERS)
    if shares.largest_share is None:
        return {Figure.LARGEST_SHARE: Reason.NO_MAKER_VOLUME}
    return {}


def _skew_reason(circumstances: Circumstances) -> Reason:
    if not circumstances.is_listed:
        return Reason.NOT_LISTED
    if not circumstances.has_registered_makers:
        return Reason.NO_REGISTERED_MAKERS
    return Reason.NO_OPEN_INTEREST
