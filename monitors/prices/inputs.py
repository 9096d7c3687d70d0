"""What the price desk asks of others: the venue's state and every kind of input to a price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitors.participants.store import Reopening
from monitors.prices.trading_halts import TradingHalt
from risk.corporate_values import Ratio
from risk.jump_guard import OperatorWord
from risk.mark_price import BookPrices
from risk.market import Market
from risk.price_report import PriceReport
from risk.price_round import RoundRules
from risk.sessions import SessionTimeline
from risk.units import MarketId, PriceE8, Seconds


class VenueState(Protocol):
    """The venue as the feed tells it."""

    @property
    def distrust(self) -> str | None:
        """Why nothing of it may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""


class Reports(Protocol):
    """Who holds the newest report of each source."""

    def reports(self, symbol: str) -> tuple[PriceReport, ...]:
        """Give the newest report of each source about a market."""


class Books(Protocol):
    """Who follows the venue's order books."""

    def prices(self, symbol: str, now: Seconds) -> BookPrices:
        """Give what the book says at `now`; nothing of a book that is unknown or stale."""


class Participants(Protocol):
    """Who holds the standing quotes of registered participants."""

    def standing_price(self, symbol: str) -> PriceE8 | None:
        """Give what they quote together now, None without enough of them."""

    def on_reopening(self, reopening: Reopening) -> None:
        """Learn the first outside price after a closed time, to score them by it."""


class Halts(Protocol):
    """Who follows trading halts of the underlyings."""

    def halted(self, now: Seconds) -> Mapping[str, TradingHalt]:
        """Give the halts that are on at `now`, by symbol of our market."""

    def age_seconds(self) -> float | None:
        """Say how long ago they were read; None when they never were."""


class Words(Protocol):
    """Who keeps what operators vouch for."""

    def word(self, symbol: str, now: Seconds) -> OperatorWord | None:
        """Give the operator's word on a market's price that holds at `now`."""


class Actions(Protocol):
    """Who follows corporate actions."""

    def holds_price(self, symbol: str) -> str | None:
        """Tell why no price of a market may be made now: it could be of either basis. None: one may."""

    def ratio_ahead(self, symbol: str) -> Ratio | None:
        """Give the ratio of the split that a market is busy with: its sources may move by it."""


class NoActions:
    """`Actions` of a process that follows none."""

    def holds_price(self, symbol: str) -> str | None:  # noqa: ARG002 - of no market
        """Hold none."""
        return None

    def ratio_ahead(self, symbol: str) -> Ratio | None:  # noqa: ARG002 - of no market
        """Expect none."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceInputs:
    """Everything that goes into a price; None for what this keeper does not have."""

    reports: Reports
    books: Books | None = None
    participants: Participants | None = None
    halts: Halts | None = None
    words: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTerms:
    """How one market is priced."""

    rules: RoundRules
    timeline: SessionTimeline | None
    """None without a calendar: the session is unknown, so restricted."""
    session_sources: frozenset[str] = field(default_factory=frozenset)
    """Sources whose word on the session counts as a second calendar."""
    session_max_age: Seconds = Seconds(30)
    """Oldest message whose word on the session still counts."""
