"""One run: the whole of the price's making on a clock of our own, second by second.

Sources, book and participants speak; the price desk plays its round; what is due is published, and
the exchange's rules (clamp, band) make of it what the accounts are then judged by. A price is
published in the second in which it is made: no chain stands between. Same seed, same run.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from prometheus_client import CollectorRegistry

from drills.attacks.book import AttackedBook
from drills.attacks.crowd import Crowd, Fall, Watched
from drills.attacks.firms import Firms
from drills.attacks.hands import MICROS, Attack, moved
from drills.attacks.scenarios import Scenario
from drills.attacks.setting import SOURCES, SYMBOL, Setting
from drills.attacks.signals import Signals
from drills.attacks.stages import Stage, Truth
from monitors.prices.board import PriceBoard
from monitors.prices.desk import PriceDesk
from monitors.prices.desk_metrics import DeskMetrics
from monitors.prices.inputs import PriceInputs
from monitors.prices.metrics import SourceMetrics
from risk.market import Market
from risk.price_publication import forecast, plan_publication
from risk.price_report import Micros, PriceReport
from risk.units import AccountId, MarketId, PriceE8, QuoteAtoms, Seconds

SOURCE_NOISE_PPM: Final = 20
"""How far honest sources differ from the honest price, one standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all runs share."""

    setting: Setting
    crowd: Crowd
    seed: int
    source_noise: float = SOURCE_NOISE_PPM


@dataclass(frozen=True, slots=True)
class Look:
    """What the venue held at a moment, and the signals that were on."""

    now: Seconds
    mark: PriceE8
    index: PriceE8
    signals: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One run, attacked or not."""

    looks: tuple[Look, ...]
    fallen: Mapping[AccountId, Fall]
    """Who was ever under margin."""
    weights: Mapping[str, int]
    """Of each participant after its score, at the end, in ppm of a weight of 1."""
    cost: QuoteAtoms | None = None
    """What an attacker lost in the book."""


class _Venue:
    """The exchange with one market that is priced here."""

    def __init__(self, market: Market, now: Seconds) -> None:
        self.distrust: str | None = None
        self.now = now
        self.market = replace(market, price_timestamp=now, updated_at=now, funding_time=now)

    @property
    def markets(self) -> dict[MarketId, Market]:
        return {self.market.id: self.market}


class _World:
    """Everything that a run holds."""

    def __init__(self, ground: Ground, stage: Stage, stack: ExitStack) -> None:
        setting, seed, registry = ground.setting, ground.seed, CollectorRegistry()
        self._ground = ground
        self._venue = _Venue(setting.market, stage.begin)
        self._truth = Truth(stage, setting.market.mark, seed)
        self._book = AttackedBook(setting, venue_now=self._now, registry=registry, seed=seed)
        self._firms = Firms(
            setting,
            venue_now=self._now,
            reference=lambda: self._desk.index(SYMBOL),
            registry=registry,
            stack=stack,
            seed=seed,
        )
        self._board = PriceBoard(
            sources=SOURCES,
            symbols=[SYMBOL],
            metrics=SourceMetrics.create(registry, sources=SOURCES, symbols=[SYMBOL]),
            venue_now=self._now,
        )
        self._desk = PriceDesk(
            venue=self._venue,
            terms={SYMBOL: setting.terms},
            inputs=PriceInputs(
                reports=self._board, books=self._book.board, participants=self._firms.quoting
            ),
            metrics=DeskMetrics.create(registry, sources=SOURCES, symbols=[SYMBOL]),
        )
        self._signals = Signals(self._desk)
        self._watched = Watched(ground.crowd, stage.begin)

    def step(self, now: Seconds, attack: Attack | None) -> Look:
        """Let the clock reach `now`, everybody speak, and the price be made and published."""
        self._venue.now = now
        fair = self._truth.at(now)
        self._speak(fair, now, attack)
        self._book.step(fair, attack)
        self._firms.step(fair, attack)
        self._publish(now)
        market = self._venue.market
        return Look(now, market.mark, market.index, self._signals.now(self._firms.refused))

    def leave(self, attack: Attack) -> None:
        """Let the attacker take what he left in the book."""
        attack.leave(self._book.engine)

    def history(self, looks: list[Look], cost: QuoteAtoms | None) -> History:
        """Give what was seen."""
        return History(
            looks=tuple(looks),
            fallen=self._watched.fallen,
            weights=self._firms.desk.weights(),
            cost=cost,
        )

    def _now(self) -> Seconds:
        return self._venue.now

    def _speak(self, fair: PriceE8, now: Seconds, attack: Attack | None) -> None:
        timeline = self._ground.setting.terms.timeline
        if timeline is None or not timeline.session_at(now).has_external_price:
            return
        for source in SOURCES:
            drawn = Random(f"{self._ground.seed}{source}{now}")  # noqa: S311 - repeatable
            honest = PriceReport(
                source=source,
                symbol=SYMBOL,
                price=moved(fair, round(drawn.gauss(0, self._ground.source_noise))),
                observed_at=now,
                order=Micros(now * MICROS),
            )
            said = honest if attack is None else attack.report(honest)
            if said is not None:
                self._board.on_report(said)

    def _publish(self, now: Seconds) -> None:
        venue = self._venue
        due = plan_publication(
            venue.markets, self._desk.fair_prices(), now=now, rules=self._ground.setting.publication
        )
        for price in due.prices:
            held = forecast(venue.market, price)
            venue.market = replace(
                venue.market,
                mark=held.mark,
                index=held.index,
                price_timestamp=price.timestamp,
                updated_at=now,
                funding_time=now,
            )
            self._watched.see(venue.market, now)


def play(ground: Ground, stage: Stage, scenario: Scenario | None) -> History:
    """Play a stage, with the attack of a scenario or honestly."""
    attack = None if scenario is None else scenario.make()
    with ExitStack() as stack:
        world = _World(ground, stage, stack)
        looks: list[Look] = []
        was_on = False
        for now in stage.moments():
            is_on = scenario is not None and scenario.start <= now < scenario.stop
            if attack is not None and was_on and not is_on:
                world.leave(attack)
            looks.append(world.step(now, attack if is_on else None))
            was_on = is_on
        return world.history(looks, None if attack is None else attack.cost)
