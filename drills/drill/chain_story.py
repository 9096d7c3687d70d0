"""A scenario as a story on a chain: its sources speak through the local providers, its clock leaps where nothing happens.

The three providers take the parts of the scenario's sources. Traders believe the true value, of a contract of old
shares where a split was announced to nobody; the loop of forced selling is the memory's alone. An outage of exchange or chain is one leap of the clock: no block lies in it, so nothing
can be accepted. Before the scenario begins everything stands at its first prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from drills.crowd.draw import draw_crowd
from drills.crowd.trades import as_population
from drills.drill.pace import lively
from drills.drill.terms import DrillTerms, crowd_terms
from drills.exchange_setup import DrillExchange
from drills.observer import Observer
from drills.population import Population
from drills.price_servers.script import HaltScript, ProviderQuote
from drills.price_settings import LEAP_SECONDS
from drills.scenario.moment import EventKind, Moment
from drills.scenario.path import ScenarioPath
from drills.scenario.values import Scenario
from drills.story import BACKSTOP_USD, INSURANCE_USD, Script
from drills.weekend import Leg
from drills.weekend_split import FOLDER as ACTIONS_FOLDER
from monitors.prices.trading_halts import TradingHalt
from risk.market import Market
from risk.units import PPM_SCALE, MarketId, PriceE8, Seconds, div_floor

SETUP_SECONDS: Final = 900
"""The chain begins so long before the scenario."""
QUIET_PACE: Final = 1_500.0
QUIET_LEASH: Final = 600
"""Less than what a drill's keeper calls old (`drills.price_settings.LEAP_SECONDS`)."""
CLOSE_SECONDS: Final = 60.0
"""Of ours, for all that is looked at closely."""
SLOWEST_PACE: Final = 20.0
LEAP_PACE: Final = LEAP_SECONDS * 1_000.0
"""So fast that an outage lies between two blocks."""
CONFIDENCE_PPM: Final = 150


class ScenarioScript:
    """`Script` of a scenario: what each source claims, and the true value as what traders believe."""

    def __init__(self, scenario: Scenario, path: ScenarioPath) -> None:
        self.scenario, self.path = scenario, path
        self._symbols = frozenset(market.symbol for market in scenario.markets)
        self._parts: dict[str, str] = {}
        """Which of the scenario's sources each provider plays, in the order in which they first speak."""
        self._seen: Moment | None = None

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        """Give what a provider's source claims."""
        if symbol not in self._symbols:
            return None
        now = self._inside(at)
        market = self._moment(now).markets[symbol]
        report = market.reports[self._part(provider)]
        silent = report.price is None or report.observed_at is None
        price = market.value if report.price is None else report.price
        observed = now if report.observed_at is None else report.observed_at
        return ProviderQuote(
            price=price,
            confidence=PriceE8(div_floor(price * CONFIDENCE_PPM, PPM_SCALE)),
            # Before the beginning everybody repeats its first word as news.
            observed_at=Seconds(observed + (at - now if at < now else 0)),
            session=self.scenario.timeline.session_at(at),
            is_silent=silent,
        )

    def believed(self, symbol: str, at: Seconds) -> PriceE8:
        """Give what a contract is worth: those who trade here know that the venue has split nothing."""
        return self.path.contract_value(symbol, self._inside(at))

    def halts(self, at: Seconds) -> Sequence[TradingHalt]:
        """Give the scenario's halts that have begun, newest first."""
        found = [
            TradingHalt(symbol=symbol, reason="HALT", halted_at=event.start, resumes_at=event.stop)
            for event in self.scenario.events
            if event.kind is EventKind.HALT and event.start <= at
            for symbol in sorted(self._symbols)
            if event.covers(symbol)
        ]
        return found[::-1]

    def _moment(self, now: Seconds) -> Moment:
        """Give the world at a second; every host asks for the same one."""
        if self._seen is None or self._seen.at != now:
            self._seen = self.path.at(now)
        return self._seen

    def _part(self, provider: str) -> str:
        sources = self.scenario.sources
        if provider not in self._parts:
            self._parts[provider] = sources[len(self._parts) % len(sources)]
        return self._parts[provider]

    def _inside(self, at: Seconds) -> Seconds:
        return Seconds(min(max(at, self.scenario.start), self.scenario.end))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStory:
    """`Story` of a scenario with one seed."""

    scenario: Scenario
    path: ScenarioPath
    seed: int
    backstop_usd: int = BACKSTOP_USD
    insurance_usd: int = INSURANCE_USD

    @property
    def name(self) -> str:
        """Its title."""
        return self.scenario.title

    @property
    def setup(self) -> Seconds:
        """A quarter of an hour before it begins."""
        return Seconds(self.scenario.start - SETUP_SECONDS)

    @property
    def legs(self) -> Sequence[Leg]:
        """Slow where something happens, thousands of times faster where nothing does, one leap for an outage."""
        return legs_of(self.scenario, self.path, DrillTerms())

    @property
    def symbols(self) -> Sequence[str]:
        """The scenario's markets."""
        return tuple(market.symbol for market in self.scenario.markets)

    @property
    def halts(self) -> HaltScript:
        """The halts of the underlyings."""
        return ScenarioScript(self.scenario, self.path)

    def script(self, exchange: DrillExchange) -> ScenarioScript:  # noqa: ARG002 - prices are the path's
        """Give what sources say and traders believe."""
        return ScenarioScript(self.scenario, self.path)

    def people(
        self,
        random: Random,  # noqa: ARG002 - the crowd has a seed of its own
        accounts: int,
        markets: Mapping[MarketId, Market],
    ) -> Population:
        """Draw the same crowd as in memory, as deposits and trades."""
        terms = crowd_terms(self.scenario.name)
        return as_population(draw_crowd(accounts, markets, seed=self.seed, terms=terms))

    def write_actions(self, folder: Path) -> Path:
        """Announce nothing: a split of a scenario is one of which nobody told us."""
        actions = folder / ACTIONS_FOLDER
        actions.mkdir(exist_ok=True)
        return actions

    def reopening(self, observer: Observer, script: Script) -> Mapping[str, object]:  # noqa: ARG002
        """Say nothing: the courses say it."""
        return {}


def legs_of(scenario: Scenario, path: ScenarioPath, terms: DrillTerms) -> tuple[Leg, ...]:
    """Give the legs of a scenario's clock, in order up to its end."""
    close = lively(scenario, path, terms)
    pace = max(SLOWEST_PACE, float(close.sum()) / CLOSE_SECONDS)
    kinds = np.where(close, 1, 0)
    for event in scenario.events:
        if event.kind in {EventKind.EXCHANGE_OUTAGE, EventKind.CHAIN_STALL}:
            kinds[event.start - scenario.start : event.stop - scenario.start] = 2
    paces: tuple[tuple[float, int | None, str], ...] = (
        (QUIET_PACE, QUIET_LEASH, "nothing happens"),
        (pace, None, "it happens"),
        (LEAP_PACE, None, "it is out"),
    )
    borders = [*(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds) - 1]
    legs = [Leg(until=scenario.start, pace=SETUP_SECONDS, name="before it begins")]
    for border in borders:
        chosen, leash, words = paces[int(kinds[border - 1])]
        until = Seconds(scenario.start + border)
        legs.append(Leg(until=until, pace=chosen, name=words, leash=leash))
    return tuple(legs)
