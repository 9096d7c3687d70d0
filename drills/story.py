"""What a drill on a chain is about: whose prices, on which clock, before whom. The demo's weekend is one story.

A drill has one node, one exchange, one keeper and one observer whatever is played on them; all that differs is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from config.calendars import calendar_of, load_calendars
from drills import weekend, weekend_split
from drills.chain import DrillFault
from drills.exchange_setup import SYMBOLS, DrillExchange
from drills.observer import Observer
from drills.population import Population, make_population
from drills.price_servers.script import HaltScript, NoHalts, ProviderScript
from drills.reopening import reopening_report
from drills.weekend import Leg
from drills.weekend_prices import Shape, WeekendPrices
from risk.market import Market
from risk.sessions import SessionTimeline
from risk.units import MarketId, PriceE8, Seconds

BACKSTOP_USD = 40_000_000
INSURANCE_USD = 1_000_000


class Script(ProviderScript, Protocol):
    """What providers say, and what traders here believe."""

    def believed(self, symbol: str, at: Seconds) -> PriceE8:
        """Give the price that traders at the venue hold to be fair."""
        ...


class Story(Protocol):
    """One drill's world."""

    @property
    def name(self) -> str:
        """What it is called on the screen."""
        ...

    @property
    def setup(self) -> Seconds:
        """When the chain's clock begins: accounts are opened before the story does."""
        ...

    @property
    def legs(self) -> Sequence[Leg]:
        """At what pace the clock goes through it."""
        ...

    @property
    def symbols(self) -> Sequence[str]:
        """The markets."""
        ...

    @property
    def backstop_usd(self) -> int:
        """What the backstop is given."""
        ...

    @property
    def insurance_usd(self) -> int:
        """What the insurance fund is given."""
        ...

    @property
    def halts(self) -> HaltScript:
        """What the page of trading halts shows."""
        ...

    def script(self, exchange: DrillExchange) -> Script:
        """Give what is said and believed."""
        ...

    def people(
        self, random: Random, accounts: int, markets: Mapping[MarketId, Market]
    ) -> Population:
        """Draw who trades, at the marks of `markets`."""
        ...

    def write_actions(self, folder: Path) -> Path:
        """Write what publishers tell of corporate actions; give their folder."""
        ...

    def reopening(self, observer: Observer, script: Script) -> Mapping[str, object]:
        """Say how well the mark foresaw the reopening, if the story has one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekendStory:
    """The demo's: bad news on a Sunday, a shock on Monday, a split that was announced."""

    shape: Shape
    seed: int
    pace: float = 1.0
    name: str = "weekend"
    setup: Seconds = weekend.SETUP
    symbols: Sequence[str] = SYMBOLS
    backstop_usd: int = BACKSTOP_USD
    insurance_usd: int = INSURANCE_USD

    @property
    def legs(self) -> Sequence[Leg]:
        """The weekend's legs, so many times as long."""
        return weekend.paced(weekend.LEGS, self.pace)

    @property
    def halts(self) -> HaltScript:
        """Nothing is halted."""
        return NoHalts()

    def script(self, exchange: DrillExchange) -> WeekendPrices:
        """Give the weekend's prices."""
        return WeekendPrices(
            starts=exchange.starts,
            timeline=_timeline(exchange),
            seed=self.seed,
            shape=self.shape,
        )

    def people(
        self, random: Random, accounts: int, markets: Mapping[MarketId, Market]
    ) -> Population:
        """Draw the demo's population."""
        return make_population(random, accounts, markets)

    def write_actions(self, folder: Path) -> Path:
        """Announce the split."""
        return weekend_split.write_actions(folder)

    def reopening(self, observer: Observer, script: Script) -> Mapping[str, object]:
        """Compare with the frozen close."""
        assert isinstance(script, WeekendPrices), "the weekend has its own prices"
        return reopening_report(observer.replay.markets, observer.marks, script)


def _timeline(exchange: DrillExchange) -> SessionTimeline:
    """Give the hours of the drill's markets, which all follow one calendar."""
    calendars = load_calendars()
    found = {
        calendar.name: calendar
        for market in exchange.plan.markets
        if (calendar := calendar_of(market.symbol, market.asset_class, calendars)) is not None
    }
    if len(found) != 1:
        raise DrillFault(f"expected markets of one calendar, found {sorted(found)}")
    return next(iter(found.values())).timeline
