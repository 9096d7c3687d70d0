"""A script's providers, made to misbehave for a while: frozen, silent, one wrong print, wrong clock.

What a provider does wrong is said here; what its connection does wrong (refused, cut, mute) is its
`Door`'s. Several tricks at the same time are played in the order in which they were added.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from drills.price_servers.script import ProviderQuote, ProviderScript
from risk.units import PriceE8, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Who misbehaves and when: from `start` up to `stop`, which is not covered.

    Raises ValueError unless it begins before it ends.
    """

    provider: str
    symbol: str | None = None
    """None: all of the provider's symbols."""
    start: Seconds
    stop: Seconds

    def __post_init__(self) -> None:
        if self.start >= self.stop:
            raise ValueError(
                f"expected a span that begins before it ends, found {self.start} to {self.stop}"
            )

    def covers(self, provider: str, symbol: str, at: Seconds) -> bool:
        """Say whether this is who and when."""
        return (
            provider == self.provider
            and self.symbol in {None, symbol}
            and self.start <= at < self.stop
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Span):
    """The price stays what it was at `start`, and is told as fresh as before."""

    keeps_time: bool = False
    """The time of observation stays too: an honest carry-forward instead of a stuck feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Span):
    """Nothing is said of the symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Print(Span):
    """A trade of one share at `price`, told as the newest one throughout the span."""

    price: PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongClock(Span):
    """The time of observation is wrong by `seconds`; more than 0 is in the future."""

    seconds: Seconds


Trick: TypeAlias = Freeze | Silence | Print | WrongClock


class MisbehavingScript:
    """A `ProviderScript` that plays tricks on another; more may be added while servers run."""

    def __init__(self, honest: ProviderScript, tricks: Iterable[Trick] = ()) -> None:
        self._honest = honest
        self._tricks = list(tricks)

    def add(self, trick: Trick) -> None:
        """Play this trick too."""
        self._tricks.append(trick)

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        """Give what `provider` says after all its tricks; it knows no symbol more than before."""
        quote = self._honest.quote(provider, symbol, at)
        for trick in self._tricks:
            if quote is not None and trick.covers(provider, symbol, at):
                quote = self._played(trick, quote, symbol, at)
        return quote

    def _played(
        self, trick: Trick, quote: ProviderQuote, symbol: str, at: Seconds
    ) -> ProviderQuote:
        match trick:
            case Freeze():
                stuck = self._honest.quote(trick.provider, symbol, trick.start) or quote
                observed_at = stuck.observed_at if trick.keeps_time else quote.observed_at
                return replace(
                    quote,
                    price=stuck.price,
                    confidence=stuck.confidence,
                    observed_at=observed_at,
                )
            case Silence():
                return replace(quote, is_silent=True)
            case Print():
                return replace(quote, price=trick.price, observed_at=at)
            case WrongClock():
                return replace(quote, observed_at=Seconds(quote.observed_at + trick.seconds))
            case _:
                assert_never(trick)
