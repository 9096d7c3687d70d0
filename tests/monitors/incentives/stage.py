"""A desk on a staged venue: NVDA as it ships, its calendar, money enough unless a test says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from prometheus_client import CollectorRegistry

from config.calendars import calendar_of, load_calendars
from config.incentives import Incentives, load_incentives
from config.markets import load_market
from config.schema.markets import atoms
from drills.weekend import ZONE
from monitors.accounts import Exchange
from monitors.incentives.desk import IncentiveDesk
from monitors.incentives.desk_metrics import DeskMetrics
from monitors.incentives.market_state import Judgement
from monitors.incentives.terms import DeskRules, IncentiveSenses, MarketTerms
from monitors.incentives.weeks import budget_week
from risk.account_watch import AccountWatch
from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import Spending, SpendingMismatch
from risk.incentive_events import Event
from risk.incentive_reserve import MarketBudget
from risk.incentive_write import ParameterChange
from risk.liquidity import BookLiquidity, SideLiquidity
from risk.market import Market
from risk.market_liquidity import MarketLiquidity
from risk.sessions import Session
from risk.units import MarketId, PpbPerHour, Ppm, QuoteAtoms, Seconds
from tests.builders import make_account_id, make_market, price, usd
from tests.monitors.breakers.world import Notebook

SYMBOL = "NVDA"
NUMBER = MarketId(0)
INCENTIVES: Incentives = load_incentives(markets=[load_market(SYMBOL)])
TIMELINE = calendar_of(SYMBOL, "stock", load_calendars()).timeline  # type: ignore[union-attr]
LIMITS: Mapping[Parameter, Limits] = load_market(SYMBOL).limits.rails
TERMS = INCENTIVES.markets[SYMBOL].terms
REACTION = Seconds(60)
TUNER_FIELDS = {
    Parameter.INITIAL_MARGIN: "initial_margin",
    Parameter.FUNDING_RATE: "funding_rate",
    Parameter.TAKER_FEE: "taker_fee",
    Parameter.MAKER_FEE: "maker_fee",
    Parameter.OPEN_INTEREST_CAP: "open_interest_cap",
}


def at(day: int, hour: int, minute: int = 0) -> Seconds:
    """Give a moment of the weekend of 20 November 2026, New York time."""
    return Seconds(int(datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp()))


class Venue:
    """One market, a book of accounts and a clock that a test moves."""

    def __init__(self, now: Seconds) -> None:
        file = load_market(SYMBOL)
        self.now, self.distrust, self.applied_block = now, cast("str | None", None), 7
        self.watch = AccountWatch()
        self.exchange: Exchange | None = None
        market = make_market(
            symbol=SYMBOL,
            mark=price(180),
            price_timestamp=now,
            updated_at=now,
            funding_time=now,
            expiry=Seconds(10**8),
            open_interest_cap=QuoteAtoms(atoms(file.size.open_interest_cap_usd)),
        )
        self.watch.load({NUMBER: market}, [], now)

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        return self.watch.book.markets

    def change(self, **facts: Any) -> None:
        self.watch.set_market(replace(self.markets[NUMBER], **facts), self.now)

    def write(self, change: ParameterChange) -> None:
        """Let the chain take a write, as it would from anybody."""
        self.change(**{TUNER_FIELDS[change.parameter]: change.value})


@dataclass
class Books:
    """What a test says of the order book."""

    sample: MarketLiquidity | None = None
    why: str = "nobody looks"

    def liquidity(self, symbol: str) -> MarketLiquidity | None:
        assert symbol == SYMBOL
        return self.sample

    def why_unknown(self, symbol: str) -> str | None:
        assert symbol == SYMBOL
        return self.why if self.sample is None else None


@dataclass
class Count:
    """What a test says of the money spent."""

    spending: Spending | None
    why_unknown: str | None = None
    is_silent: bool = False
    mismatch: SpendingMismatch | None = None


@dataclass
class Rails:
    """The owner's limits, once they were read."""

    known: Mapping[Parameter, Limits] | None = field(default_factory=lambda: LIMITS)

    def limits(self, market: MarketId) -> Mapping[Parameter, Limits] | None:
        assert market == NUMBER
        return self.known


def sample(
    now: Seconds, *, bid: int, ask: int, spread: int | None = 200, skew: int | None = None
) -> MarketLiquidity:
    """Give a sample with so many USD within every distance of each side."""

    def side(depth: int) -> SideLiquidity:
        return SideLiquidity(depth=(usd(depth),) * 3, effective_spread=None)

    return MarketLiquidity(
        symbol=SYMBOL,
        sampled_at=now,
        session=Session.WEEKEND,
        mark=price(180),
        book=BookLiquidity(
            bid=side(bid), ask=side(ask), quoted_spread=None if spread is None else Ppm(spread)
        ),
        bid_recovery=None,
        ask_recovery=None,
        shares=None,
        skew=None if skew is None else Ppm(skew),
        average=None,
        completed={},
        unknown={},
    )


def market_budget(**facts: Any) -> MarketBudget:
    """Give NVDA's budget, small trades only."""
    usual: dict[str, Any] = {
        "weekly": INCENTIVES.markets[SYMBOL].weekly_budget,
        "weekday_rebate": Ppm(100),
        "largest_rebate": Ppm(250),
        "largest_notional_per_second": usd(10_000),
        "largest_trades_per_second": 5,
        "reaction": REACTION,
    }
    return MarketBudget(**(usual | facts))


class Stage:
    """A desk, and everybody it asks."""

    def __init__(
        self,
        now: Seconds,
        *,
        events: tuple[Event, ...] = (),
        notes: Notebook | None = None,
        venue: Venue | None = None,
        has_calendar: bool = True,
    ) -> None:
        self.venue = venue or Venue(now)
        self.books, self.rails = Books(), Rails()
        week = budget_week(TIMELINE, now)
        assert week is not None
        self.count = Count(Spending(week=week, by_market={}))
        self.notes = notes or Notebook()
        self.registry = CollectorRegistry()
        self.desk = IncentiveDesk(
            IncentiveSenses(
                venue=self.venue, liquidity=self.books, spending=self.count, limits=self.rails
            ),
            terms={
                SYMBOL: MarketTerms(
                    incentives=INCENTIVES.markets[SYMBOL],
                    controller=INCENTIVES.rules[SYMBOL],
                    budget=market_budget(),
                    timeline=TIMELINE if has_calendar else None,
                )
            },
            rules=DeskRules(
                event_terms=INCENTIVES.event_terms,
                events=events,
                total_budget=INCENTIVES.weekly_budget,
                pace_tolerance=Ppm(100_000),
                reaction=REACTION,
                tolerances={Parameter.FUNDING_RATE: 2_500},
            ),
            notes=self.notes,
            metrics=DeskMetrics.create(self.registry, symbols=[SYMBOL]),
        )

    def judge(self, now: Seconds | None = None) -> Judgement:
        """Step the desk and give what it judged."""
        if now is not None:
            self.venue.now = now
        for number in self.desk.to_step():
            self.desk.step(number)
        judged = self.desk.judgement(NUMBER)
        assert judged is not None
        return judged

    def judge_nothing(self) -> None:
        """Step the desk a second later, when it lacks what it would judge by."""
        self.venue.now = Seconds(self.venue.now + 1)
        for number in self.desk.to_step():
            self.desk.step(number)
        assert self.desk.judgement(NUMBER) is None

    def write(self) -> ParameterChange | None:
        """Take the next write to the chain, as the keeper would."""
        change = self.judge().write.change
        if change is not None:
            self.desk.sent(SYMBOL, change.parameter, change.value)
            self.venue.write(change)
            self.desk.settled(SYMBOL, change.parameter)
            self.venue.now = Seconds(self.venue.now + 1)
        return change

    def run(self, until: Seconds, *, every: int = 20) -> list[tuple[Seconds, ParameterChange]]:
        """Judge and write until a time; give what was written."""
        done = []
        while self.venue.now < until:
            change = self.write()
            if change is None:
                self.venue.now = Seconds(min(until, self.venue.now + every))
            else:
                done.append((self.venue.now, change))
        return done

    def on_chain(self, parameter: Parameter) -> int:
        return int(getattr(self.venue.markets[NUMBER], TUNER_FIELDS[parameter]))

    def value(self, name: str, **labels: str) -> float:
        self.desk.show()
        found = self.registry.get_sample_value(f"bellkeeper_incentive_{name}", labels)
        assert found is not None
        return found


HOLDER = make_account_id(5)
RATE = PpbPerHour(12_500)
"""The base rate of a market whose mark is at its index: 0.01 % in 8 hours."""
