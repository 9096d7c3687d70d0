"""What each provider says at a time of the venue: the one script that all local servers read.

A script is a function of the venue's time alone: asked twice for the same second it says the same,
so that every host and protocol of a provider tells one story.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from monitors.prices.trading_halts import TradingHalt
from risk.sessions import Session
from risk.units import PriceE8, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderQuote:
    """What one provider knows of one symbol at one time; prices are 1e-8 USD."""

    price: PriceE8
    confidence: PriceE8 = PriceE8(0)
    """Half-width of the provider's own interval."""
    observed_at: Seconds
    """When the underlying was last seen to trade so; before now where a price is carried forward."""
    session: Session
    """The session as the provider tells it, where its protocol can."""
    publishers: int = 9
    """How many contributors stand behind the price, where the protocol can tell."""
    is_silent: bool = False
    """The provider knows the symbol and says nothing of it now."""


class ProviderScript(Protocol):
    """What is to be said, by provider and symbol."""

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        """Give what `provider` says of `symbol` at `at`; None: it does not know the symbol."""
        ...


class HaltScript(Protocol):
    """What the exchange's page of trading halts shows."""

    def halts(self, at: Seconds) -> Sequence[TradingHalt]:
        """Give the halts that are on the page at `at`, those that are over too; newest first."""
        ...


class NoHalts:
    """A `HaltScript` of quiet days."""

    def halts(self, at: Seconds) -> Sequence[TradingHalt]:  # noqa: ARG002 - every day is quiet
        """Give an empty page."""
        return ()
