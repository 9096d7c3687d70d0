"""A corporate desk over one market, with prices, files and chain in a test's hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from prometheus_client import CollectorRegistry

from config.corporate_actions import HeardActions
from monitors.corporate.desk import ActionDesk, ChainView
from monitors.corporate.desk_metrics import ActionMetrics
from monitors.corporate.facts import FactFinder
from monitors.corporate.memory import ActionMemory
from monitors.corporate.orders import (
    ActionOrder,
    ActionOrderKind,
    ActionOrders,
    render_action_orders,
)
from monitors.corporate.sources import ActionSources, Told
from monitors.corporate.sums import Survey
from monitors.prices.explanation import PlayedRound
from risk.corporate_agreement import Agreement
from risk.corporate_state import ActionDecision, Stage
from risk.corporate_totals import Totals, market_totals
from risk.market import Market
from risk.split_suspicion import Suspicion
from risk.units import (
    MarketId,
    MarketStatus,
    PriceE8,
    QuoteAtoms,
    Seconds,
)
from tests.builders import make_market, price
from tests.risk.corporate_world import EFFECTIVE, RULES, make_action, make_report

SYMBOL = "AAPL"
SPLIT = make_action()


class Prices:
    """Prices that nobody tells, and a suspicion in a test's hand."""

    found: Suspicion | None = None

    def play_rounds(self) -> None:
        """Nothing is told."""

    last: PlayedRound | None = None

    def last_round(self, symbol: str) -> PlayedRound | None:
        assert symbol == SYMBOL
        return self.last

    def suspicion(self, symbol: str) -> Suspicion | None:
        assert symbol == SYMBOL
        return self.found

    def lift_suspicion(self, symbol: str) -> None:
        assert symbol == SYMBOL
        self.found = None


@dataclass
class Venue:
    now: Seconds
    markets: dict[MarketId, Market]


@dataclass
class Notebook:
    texts: dict[str, str] = field(default_factory=dict)

    def noted(self, key: str) -> str | None:
        return self.texts.get(key)

    def note(self, key: str, value: str) -> None:
        self.texts[key] = value


class World:
    """A desk over one market; `restart` makes another on the same notes."""

    def __init__(self, folder: Path) -> None:
        market = replace(make_market(), symbol=SYMBOL, mark=price(200), index=price(200))
        self.number = market.id
        self.venue = Venue(Seconds(EFFECTIVE - 100_000), {market.id: market})
        self.notes, self.prices, self.folder = Notebook(), Prices(), folder
        self.told = Told()
        self.orders: tuple[ActionOrder, ...] = ()
        self.epoch, self.is_write_in_flight = 4, False
        self.sums: Survey | None = None
        self.restart()

    @property
    def market(self) -> Market:
        return self.venue.markets[self.number]

    def judge(self, told: Told) -> Mapping[str, Agreement]:
        return HeardActions(reports=told.reports, approvals=told.approvals).agreements(RULES)

    def restart(self) -> None:
        self.sources = ActionSources(
            self.folder, ActionOrders(self.folder / "orders.json"), load=lambda _: self.told
        )
        self.sources.read()
        memory = ActionMemory(self.notes)
        self.registry = CollectorRegistry()
        self.desk = ActionDesk(
            venue=self.venue,
            prices=self.prices,
            facts=FactFinder(self.sources, memory, judge=self.judge),
            memory=memory,
            rules=RULES,
            symbols=[SYMBOL],
            followed={},
            metrics=ActionMetrics.create(self.registry, symbols=[SYMBOL]),
        )

    def tell(self, *sources: str) -> None:
        self.told = Told(reports=tuple(make_report(source, SPLIT) for source in sources))
        (self.folder / f"{len(sources)}.toml").write_text("told")
        self.sources.read()

    def order(self, kind: ActionOrderKind) -> None:
        given = ActionOrder(
            sequence=len(self.orders) + 1,
            kind=kind,
            key=SPLIT.key,
            by="alice",
            reason="because",
            at=Seconds(1),
            action=SPLIT if kind is ActionOrderKind.APPROVE else None,
        )
        self.orders = (*self.orders, given)
        (self.folder / "orders.json").write_bytes(render_action_orders(self.orders))
        self.sources.read()

    def at(self, now: int) -> ActionDecision | None:
        """Let the clock reach `now`, and step."""
        self.venue.now = Seconds(now)
        decision = None
        for market in self.desk.to_step():
            chain = ChainView(
                market=market,
                epoch=self.epoch,
                insurance_fund=QuoteAtoms(0),
                is_write_in_flight=self.is_write_in_flight,
                refusal=None,
            )
            decision = self.desk.step(market, chain, self.sums)
        return decision

    def stage(self) -> Stage:
        told = self.desk.explain()[SPLIT.key]
        assert isinstance(told, dict)
        return Stage(told["stage"])

    def status(self) -> MarketStatus:
        wish = self.desk.wish(SYMBOL)
        assert wish is not None
        return wish.status

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_corporate_{name}", labels)


def to_the_write(world: World) -> ActionDecision:
    """Bring an agreed split to its first write."""
    world.tell("alpaca", "polygon")
    for now in range(EFFECTIVE - 86_410, EFFECTIVE - 86_390, 5):
        world.at(now)
    world.at(EFFECTIVE - 900)
    assert world.status() is MarketStatus.HALTED
    world.venue.markets[world.number] = replace(world.market, status=MarketStatus.HALTED)
    world.at(EFFECTIVE)
    wanted = world.desk.sums_wanted(SYMBOL)
    assert wanted is not None
    assert (wanted.price, wanted.ratio) == (price(200), SPLIT.ratio)
    world.sums = Survey(totals=totals_at(wanted.price), holders=(), indebted=())
    decision = world.at(EFFECTIVE + 1)
    assert decision is not None
    return decision


def totals_at(mark: PriceE8) -> Totals:
    return market_totals([], make_market(), price=mark, now=EFFECTIVE)
