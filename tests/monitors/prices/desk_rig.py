"""A desk in a world that a test holds in its hand."""

from collections.abc import Mapping
from dataclasses import replace

from prometheus_client import CollectorRegistry

from monitors.participants.store import Reopening
from monitors.prices.desk import PriceDesk
from monitors.prices.desk_metrics import DeskMetrics
from monitors.prices.inputs import MarketTerms, PriceInputs
from monitors.prices.resumption import Earlier
from monitors.prices.trading_halts import TradingHalt
from risk.discovery_bound import BoundRules
from risk.internal_price import ImpactPrices
from risk.jump_guard import OperatorWord
from risk.mark_price import BookPrices, MarkRules
from risk.market import Market
from risk.price_quorum import QuorumRules
from risk.price_report import Micros, PriceReport
from risk.price_round import RoundRules, SourceTerms
from risk.price_support import Rung, SupportRules
from risk.sessions import Boundary, Session, SessionTimeline
from risk.source_validity import SourceRules
from risk.units import MarketId, Ppm, PriceE8, Seconds
from tests.builders import NOW, make_market, price

SYMBOL = "AAPL"
SOURCES = ("one", "two", "three")
ELSEWHERE = "elsewhere"
"""A source of the profile that tells other markets only."""
OPENED = Seconds(NOW - 7_200)
CLOSES = Seconds(NOW + 3_600)
REOPENS = Seconds(CLOSES + 60 * 3_600)
TIMELINE = SessionTimeline(
    boundaries=(
        Boundary(start=OPENED, session=Session.REGULAR),
        Boundary(start=CLOSES, session=Session.WEEKEND),
        Boundary(start=REOPENS, session=Session.PRE),
    ),
    end=Seconds(REOPENS + 86_400),
)
RULES = RoundRules(
    sources={
        name: SourceTerms(
            provider=name,
            weight=1,
            rules=SourceRules(max_age=Seconds(10), max_unchanged=Seconds(10_000)),
        )
        for name in SOURCES
    },
    quorum=QuorumRules(wanted=3, minimum=2, max_deviation=Ppm(25_000)),
    mark=MarkRules(bound=BoundRules(bound=Ppm(50_000))),
    support=SupportRules(
        wanted=3,
        minimum=2,
        reduce_only_after=Seconds(30),
        silent_after=Seconds(120),
        recovery_rounds=3,
    ),
)


class Venue:
    """One market that was published a while ago."""

    def __init__(self, dollars: str = "200") -> None:
        self.distrust: str | None = None
        self.now = NOW
        self.market = replace(
            make_market(), symbol=SYMBOL, index=price(dollars), price_timestamp=Seconds(NOW - 5)
        )

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        return {self.market.id: self.market}


class World:
    """Everything that a price is made of, in a test's hand."""

    def __init__(self) -> None:
        self.said: dict[str, PriceReport] = {}
        self.book = BookPrices()
        self.participants_say: PriceE8 | None = None
        self.halts: dict[str, TradingHalt] = {}
        self.operator: OperatorWord | None = None
        self.reopenings: list[Reopening] = []

    def say(self, dollars: str, at: int, *sources: str, session: Session | None = None) -> None:
        for source in sources or SOURCES:
            self.said[source] = PriceReport(
                source=source,
                symbol=SYMBOL,
                price=price(dollars),
                observed_at=Seconds(at),
                order=Micros(at * 10**6),
                session=session,
            )

    def reports(self, symbol: str) -> tuple[PriceReport, ...]:
        assert symbol == SYMBOL
        return tuple(self.said.values())

    def prices(self, symbol: str, now: Seconds) -> BookPrices:
        assert symbol == SYMBOL
        assert now >= NOW
        return self.book

    def standing_price(self, symbol: str) -> PriceE8 | None:
        assert symbol == SYMBOL
        return self.participants_say

    def on_reopening(self, reopening: Reopening) -> None:
        self.reopenings.append(reopening)

    def halted(self, now: Seconds) -> Mapping[str, TradingHalt]:
        assert now >= NOW
        return self.halts

    def age_seconds(self) -> float | None:
        return 12.0

    def word(self, symbol: str, now: Seconds) -> OperatorWord | None:
        assert (symbol, now >= NOW) == (SYMBOL, True)
        return self.operator


class Rig:
    """A desk in a world."""

    def __init__(self, *, earlier: Earlier | None = None, dollars: str = "200") -> None:
        self.venue, self.world = Venue(dollars), World()
        self.registry = CollectorRegistry()
        world = self.world
        self.desk = PriceDesk(
            venue=self.venue,
            terms={
                SYMBOL: MarketTerms(
                    rules=RULES, timeline=TIMELINE, session_sources=frozenset({"one"})
                )
            },
            inputs=PriceInputs(
                reports=world, books=world, participants=world, halts=world, words=world
            ),
            metrics=DeskMetrics.create(
                self.registry, sources=(*SOURCES, ELSEWHERE), symbols=[SYMBOL]
            ),
            earlier={} if earlier is None else {SYMBOL: earlier},
        )

    def at(self, now: int) -> tuple[PriceE8, PriceE8, Rung]:
        """Let the venue's clock reach `now`, play; give mark, index and support."""
        self.venue.now = Seconds(now)
        (fair,) = self.desk.fair_prices()
        return fair.mark, fair.index, fair.rung

    def run_open(self, dollars: str, first: int, last: int) -> None:
        """Let all sources say a price each second."""
        for now in range(first, last + 1):
            self.world.say(dollars, now)
            self.at(now)

    @property
    def why(self) -> Mapping[str, object]:
        return self.desk.why(self.venue.market.id)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_price_{name}", labels)


def weekend_book(dollars: str) -> BookPrices:
    side = price(dollars)
    return BookPrices(
        impact=ImpactPrices(bid=side, ask=side), best_bid=side, best_ask=side, last_trade=side
    )
