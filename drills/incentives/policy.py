"""What sets the levers in a drill: nobody, the schedule, or the schedule with the controller on top.

All three go the keeper's way, with its own functions and its shipped settings: levers from schedule and
controller, rebates as far as the budget carries them, one lawful write at a time.
Without the keeper every lever is wanted where it stands on weekdays, and the funding rate follows the
premium all the same: so the arms differ by the levers and by nothing else.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from drills.incentives.venue import IncentiveVenue
from monitors.incentives.levers import asked_ahead, session_at, target_of
from monitors.incentives.terms import DeskRules, MarketTerms
from monitors.incentives.weeks import OFF_HOURS, budget_week
from risk.base_funding import PremiumState, base_rate, mean_premium, observe, premium_of
from risk.guard_rails import Parameter
from risk.incentive_budget import Spending, count_trades
from risk.incentive_reserve import RebateOnChain, allot
from risk.incentive_rules import MeasuredLiquidity, UnknownLiquidity
from risk.incentive_terms import Lever, LiquidityTarget, ScheduledLevers
from risk.incentive_write import plan_write, wanted_parameters
from risk.incentives import IncentiveFacts, IncentiveState, begin, step
from risk.liquidity import BookLiquidity
from risk.units import PpbPerHour, Ppm, QuoteAtoms, Seconds

DEPTH_PLACE: Final = 1
"""25 bp among the distances that `risk.liquidity` measures."""


class Arm(StrEnum):
    """Who sets the levers."""

    WEEKDAY = "without"
    """Nobody: weekday levers throughout."""
    SCHEDULE = "schedule"
    """The schedule alone."""
    KEEPER = "keeper"
    """The schedule and the controller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTerms:
    """All that the levers of one market are set by: the terms of the keeper's own desk."""

    market: MarketTerms
    rules: DeskRules


@dataclass(slots=True, kw_only=True)
class Policy:
    """Looks at the market and writes at most one parameter."""

    arm: Arm
    terms: PolicyTerms
    spending: Spending | None = None
    """Of the week that runs."""
    past: list[Spending] = field(default_factory=list)
    """Of the weeks before it."""
    writes: int = 0
    _state: IncentiveState | None = None
    _premium: PremiumState = field(default_factory=PremiumState)

    def look(self, venue: IncentiveVenue, liquidity: BookLiquidity, *, skew: Ppm | None) -> None:
        """Count what was paid, decide, and write what the exchange takes."""
        self._count(venue)
        market, rules = venue.market, self.terms.rules
        premium = premium_of(market.mark, market.index)
        self._premium = observe(self._premium, premium, venue.now, rules.funding)
        mean = mean_premium(self._premium, rules.funding)
        rate = PpbPerHour(0) if mean is None else base_rate(mean, rules.funding)
        weekday = self.terms.market.incentives.terms.weekday
        levers = weekday if self.arm is Arm.WEEKDAY else self._decide(venue, liquidity)
        wanted = wanted_parameters(levers, base_rate=rate, skew=skew)
        if mean is None:
            del wanted[Parameter.FUNDING_RATE]
        write = plan_write(market, wanted, venue.tuner, now=venue.now, tolerances=rules.tolerances)
        if write.change is not None:
            venue.set_parameter(write.change.parameter, write.change.value)
            self.writes += 1

    @property
    def spent(self) -> QuoteAtoms:
        """Give what was spent of all weeks' budgets."""
        return QuoteAtoms(sum(each.total for each in self._weeks))

    @property
    def most_spent(self) -> QuoteAtoms:
        """Give what was spent of the week's budget that was used most."""
        return QuoteAtoms(max((each.total for each in self._weeks), default=0))

    @property
    def _weeks(self) -> list[Spending]:
        return [*self.past, *(() if self.spending is None else (self.spending,))]

    def _count(self, venue: IncentiveVenue) -> None:
        now = venue.now
        usual = {venue.market.id: self.terms.market.incentives.terms.weekday.maker_fee}
        if self.spending is not None and now >= self.spending.week.end:
            self.past.append(self.spending)
            self.spending = None
        if self.spending is None:
            timeline = self.terms.market.timeline
            week = None if timeline is None else budget_week(timeline, now)
            assert week is not None  # the setting has seen that the calendar covers its weeks
            self.spending = Spending(week=week, by_market={})
        self.spending = count_trades(self.spending, venue.drain(), usual)

    def _decide(self, venue: IncentiveVenue, liquidity: BookLiquidity) -> ScheduledLevers:
        """Do as the keeper's desk does."""
        now, market, terms = venue.now, venue.market, self.terms
        limits = venue.tuner.limits
        assert self.spending is not None
        levers = asked_ahead(terms.market, terms.rules, limits, now)
        session = session_at(terms.market, now)
        target = target_of(terms.market, session)
        budgets = terms.rules.budgets({market.id: terms.market.budget})
        on_chain = {market.id: _rebate_on_chain(venue)}
        facts = IncentiveFacts(
            scheduled=levers,
            weekday=terms.market.incentives.terms.weekday,
            liquidity=_measured(liquidity, target),
            target=target,
            allotment=allot(budgets, self.spending, on_chain, now)[market.id],
            lowest_maker_fee=Ppm(limits[Parameter.MAKER_FEE].minimum),
            maker_fee=market.maker_fee,
            may_boost=self.arm is Arm.KEEPER and session in OFF_HOURS,
        )
        state = self._state or begin(now)
        self._state, decision = step(state, facts, now=now, rules=terms.market.controller)
        return replace(
            levers,
            maker_fee=Ppm(decision.wanted(Lever.MAKER_FEE)),
            funding_multiplier=Ppm(decision.wanted(Lever.FUNDING_MULTIPLIER)),
        )


def _rebate_on_chain(venue: IncentiveVenue) -> RebateOnChain:
    limits = venue.tuner.limits[Parameter.MAKER_FEE]
    written = venue.tuner.last_written.get(Parameter.MAKER_FEE)
    cooling = 0 if written is None else max(0, written + limits.cool_down - venue.now)
    return RebateOnChain(
        rebate=Ppm(max(0, -venue.market.maker_fee)),
        largest_step=limits.largest_step,
        cool_down=limits.cool_down,
        cooling=Seconds(cooling),
    )


def _measured(
    liquidity: BookLiquidity, target: LiquidityTarget
) -> MeasuredLiquidity | UnknownLiquidity:
    """Hand the measurement on; a side without orders is a depth of 0, and then no spread matters."""
    bid, ask = liquidity.bid.depth, liquidity.ask.depth
    if bid is None or ask is None:
        return UnknownLiquidity(reason="there is no mark to measure from")
    spread = target.spread if liquidity.quoted_spread is None else liquidity.quoted_spread
    return MeasuredLiquidity(bid_depth=bid[DEPTH_PLACE], ask_depth=ask[DEPTH_PLACE], spread=spread)
