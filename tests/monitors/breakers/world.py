"""A venue with two markets, slow facts and orders in a test's hand, and a panel over them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from prometheus_client import CollectorRegistry

from config.breakers import load_breakers
from config.rulebooks import load_rulebooks
from monitors.breakers.orders import OrderDesk
from monitors.breakers.orders_metrics import OrdersMetrics
from monitors.breakers.panel import BreakerPanel
from monitors.breakers.panel_metrics import PanelMetrics
from monitors.breakers.plans import PlanBoard
from monitors.breakers.terms import Actions, BreakerRules, Senses, WatchTerms, watchable
from monitors.operator_orders import Order, OrderKind, StandingOrders, standing_of
from risk.band_rules import LuldTier
from risk.emergency_rules import EmergencyPlan
from risk.integrity_rules import Action
from risk.market import Market
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import MarketId, MarketStatus, Ppm, PriceE8, Seconds
from risk.withdrawal_gate import WHO_OPENS, GateCause, GateDecision, GateState
from tests.builders import NOW, make_market, price

SPY, NVDA = MarketId(0), MarketId(1)
SYMBOLS = {SPY: "SPY", NVDA: "NVDA"}
OPENED = Seconds(NOW - 7_200)
CLOSES = Seconds(OPENED + 23_400)
TIMELINE = SessionTimeline(
    boundaries=(
        Boundary(start=OPENED, session=Session.REGULAR),
        Boundary(start=CLOSES, session=Session.POST),
        Boundary(start=Seconds(CLOSES + 14_400), session=Session.WEEKEND),
    ),
    end=Seconds(CLOSES + 400_000),
)


@dataclass
class Slow:
    """Slow facts, all good until a test says otherwise."""

    roles_changed: int | None = 0
    solvency_gap: int | None = 0
    head_age: Seconds | None = Seconds(0)
    insurance: int | None = 10**12
    changed_limits: int | None = 0
    share: int | None = 10_000
    backlog: int | None = 0

    def limits_changed(self, market: MarketId) -> int | None:
        assert market in SYMBOLS
        return self.changed_limits

    def largest_share(self, market: MarketId) -> Ppm | None:
        assert market in SYMBOLS
        return None if self.share is None else Ppm(self.share)

    def backlog_blocks(self, market: MarketId) -> int | None:
        assert market in SYMBOLS
        return self.backlog

    def insurance_fund(self) -> int | None:
        return self.insurance


class Venue:
    """Two markets that are published each second."""

    def __init__(self) -> None:
        self.distrust: str | None = None
        self.now = NOW
        self.applied_block = 1
        self.markets: dict[MarketId, Market] = {
            number: replace(
                make_market(),
                id=number,
                symbol=symbol,
                mark=price(100),
                index=price(100),
                price_timestamp=NOW,
                updated_at=NOW,
                band_low=PriceE8(0),
                band_high=PriceE8(0),
            )
            for number, symbol in SYMBOLS.items()
        }

    def tick(self, seconds: int = 1, **marks: float) -> None:
        """Let time pass; publish every market, some at another price."""
        self.now = Seconds(self.now + seconds)
        self.applied_block += 1
        for number, market in self.markets.items():
            told = marks.get(market.symbol)
            mark = market.mark if told is None else price(f"{told:.4f}")
            if market.band_low:
                mark = PriceE8(min(max(mark, market.band_low), market.band_high))
            index = market.index if told is None else price(f"{told:.4f}")
            self.markets[number] = replace(
                market, mark=mark, index=index, price_timestamp=self.now, updated_at=self.now
            )

    def change(self, market: MarketId, **facts: object) -> None:
        self.markets[market] = replace(self.markets[market], **facts)  # type: ignore[arg-type]


@dataclass
class Notebook:
    """Notes that survive a panel."""

    texts: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def noted(self, key: str) -> str | None:
        return self.texts.get(key)

    def note(self, key: str, value: str) -> None:
        self.texts[key] = value
        self.counts[key] += 1

    def note_all(self, notes: Mapping[str, str]) -> None:
        for key, value in notes.items():
            self.note(key, value)


class Said:
    """What operators said, as a file of orders would hold it."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.revision = 0
        self.problem: str | None = None

    def say(self, kind: OrderKind, subject: str = "NVDA", *, sequence: int | None = None) -> int:
        """Order something, by default later than all before; give its sequence."""
        number = len(self.orders) + 1 if sequence is None else sequence
        self.orders.append(
            Order(
                sequence=number,
                kind=kind,
                subject=subject,
                by="alice",
                reason=f"because of {number}",
                at=NOW,
            )
        )
        self.revision += 1
        return number

    def standing(self) -> StandingOrders:
        return standing_of(tuple(self.orders))


@dataclass
class Proven:
    """A proof of solvency in a test's hand."""

    revision: int = 0
    asked_everywhere: Action | None = Action.NONE
    asked: dict[str, Action] = field(default_factory=dict)
    gate: GateDecision | None = None

    def asked_of(self, symbol: str) -> Action | None:
        return self.asked.get(symbol, Action.NONE)

    def gated(self, *causes: GateCause) -> None:
        """Let the gate decide for these causes, or for none."""
        self.revision += 1
        self.gate = GateDecision(
            state=GateState(causes=causes),
            should_close=bool(causes),
            seen_now=causes,
            sentence=f"withdrawals ought to be closed: {causes}",
            return_rule=WHO_OPENS,
        )


class World:
    """A panel over a venue; `restart` makes a new panel on the same notes."""

    def __init__(self, *plans: EmergencyPlan) -> None:
        self.venue, self.slow, self.notes = Venue(), Slow(), Notebook()
        self.said = Said()
        self.proof: Proven | None = None
        self.actions: Actions | None = None
        self.plans = {plan.name: plan for plan in plans}
        self.restart()

    def restart(self) -> None:
        self.registry = CollectorRegistry()
        rules, rulebooks = load_breakers(), load_rulebooks()
        seen, _ = watchable(
            rules.integrity,
            has_rounds=False,
            has_books=False,
            has_halts=True,
            has_proof=self.proof is not None,
        )
        metrics = OrdersMetrics.create(self.registry, plans=list(self.plans))
        symbols = list(SYMBOLS.values())
        self.desk = OrderDesk(
            self.said,
            PlanBoard(self.plans, groups={"tech": ["NVDA"]}, notes=self.notes, metrics=metrics),
            symbols=symbols,
            notes=self.notes,
            metrics=metrics,
        )
        self.panel = BreakerPanel(
            Senses(
                venue=self.venue,
                slow=self.slow,
                proof=self.proof,
                actions=self.actions,
                halted=lambda _symbol, _now: False,
            ),
            terms={
                symbol: WatchTerms(
                    rulebook=rulebooks["us_luld"],
                    timeline=TIMELINE,
                    tier=LuldTier.ONE,
                    groups=rules.groups_of(symbol, "stock"),
                )
                for symbol in symbols
            },
            rules=BreakerRules(groups=rules.groups, integrity=seen, windows=rules.windows),
            notes=self.notes,
            metrics=PanelMetrics.create(self.registry, symbols=symbols),
            orders=self.desk,
        )

    def status(self, market: MarketId = NVDA) -> MarketStatus:
        return self.panel.wanted()[market].status

    def run(self, seconds: int, **marks: float) -> list[MarketStatus]:
        """Let seconds pass at these marks; give NVDA's wanted status after each."""
        seen = []
        for _ in range(seconds):
            self.venue.tick(1, **marks)
            seen.append(self.status())
        return seen

    def obey(self) -> None:
        """Set the wanted statuses and bands on chain, as the keeper would."""
        for number, wanted in self.panel.wanted().items():
            if wanted.status is not self.venue.markets[number].status:
                own = self.panel.own_status(number)
                self.panel.set_by_us(number, max(own, wanted.status))
            facts: dict[str, object] = {"status": wanted.status}
            if wanted.band is not None:
                facts |= {"band_low": wanted.band.low, "band_high": wanted.band.high}
            self.venue.change(number, **facts)

    def order(self, kind: OrderKind, subject: str = "NVDA") -> MarketStatus:
        """Order something; give NVDA's wanted status at once, in the same second."""
        self.said.say(kind, subject)
        return self.status()

    def obeying(self, seconds: int, **marks: float) -> list[MarketStatus]:
        """Let seconds pass in which the chain becomes as wanted; give NVDA's wanted statuses."""
        seen = []
        for _ in range(seconds):
            seen += self.run(1, **marks)
            self.obey()
        return seen

    def why(self, symbol: str = "NVDA") -> Mapping[str, object]:
        return self.panel.explain(symbol)

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_breaker_{name}", labels)
