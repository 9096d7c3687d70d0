"""The weekly budget of incentives: what counts as spent, how fast it may go, and whether books agree.

Spent, by one settled trade of notional n (atoms, rounded up as the exchange rounds it):

    max(0, −maker fee as charged) − floor(n · weekday rebate / 10^6)      and never below 0

that is, the money that the maker was paid beyond what the weekday's maker fee would have paid. A
fee that is merely lower than on weekdays is income forgone and no spending. Taker fees do not count
against it, and neither does funding: it passes between traders and sums to zero (rounding goes to
the venue's funding pool), so a funding multiplier costs the venue nothing.

The exchange itself lets no trade cost the venue money: ceil(n·taker) + ceil(n·maker) >=
ceil(n·(taker + maker) / 10^6) >= 0, because taker + maker >= 0 is enforced on chain. The budget
bounds what makers are given; how it is kept within is in risk.incentive_reserve.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from risk.amounts import money_text
from risk.units import (
    PPM_SCALE,
    MarketId,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_floor,
    notional,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledTrade:
    """What the budget needs of one `TradeSettled`, and where on the chain it stands."""

    block: int
    log_index: int
    time: Seconds
    """Of its block."""
    market: MarketId
    size: SizeE8
    price: PriceE8
    maker_fee: QuoteAtoms
    """As charged; negative is a rebate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffHours:
    """One scheduled stretch off hours; the second `end` is outside."""

    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWeek:
    """One week of the budget. Raises ValueError for stretches out of order or outside of it."""

    start: Seconds
    end: Seconds
    """The first second of the next week."""
    off_hours: tuple[OffHours, ...]

    def __post_init__(self) -> None:
        times = [self.start]
        for stretch in self.off_hours:
            times += [stretch.start, stretch.end]
        times.append(self.end)
        if self.end <= self.start or any(later < earlier for earlier, later in pairwise(times)):
            raise ValueError(
                "expected off hours in order, apart and within the week, found"
                f" {self.off_hours} from {self.start} to {self.end}"
            )

    @property
    def length(self) -> Seconds:
        """Give how many seconds of the week are off hours."""
        return Seconds(sum(stretch.end - stretch.start for stretch in self.off_hours))

    def elapsed(self, now: Seconds) -> Seconds:
        """Give how many seconds of the week's off hours have passed at `now`."""
        passed = (min(now, each.end) - each.start for each in self.off_hours if now > each.start)
        return Seconds(sum(passed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a week has cost so far, in atoms by market, counted up to one place on the chain."""

    week: BudgetWeek
    by_market: Mapping[MarketId, QuoteAtoms]
    block: int = -1
    log_index: int = -1
    """Of the last trade that was counted; what is at or before it counts no second time."""

    @property
    def total(self) -> QuoteAtoms:
        """Give what all markets have cost together."""
        return QuoteAtoms(sum(self.by_market.values()))

    def of(self, market: MarketId) -> QuoteAtoms:
        """Give what one market has cost."""
        return self.by_market.get(market, QuoteAtoms(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingMismatch:
    """Markets for which the count and the chain disagree: (counted, on chain) in atoms."""

    markets: Mapping[MarketId, tuple[QuoteAtoms, QuoteAtoms]]

    @property
    def why(self) -> str:
        """Say what disagrees, market by market."""
        lines = (
            f"market {market}: counted {money_text(counted)} USD, the chain says"
            f" {money_text(told)} USD"
            for market, (counted, told) in sorted(self.markets.items())
        )
        return f"spending is counted wrong, count the week anew: {'; '.join(lines)}"


def trade_cost(trade: SettledTrade, weekday_maker_fee: Ppm) -> QuoteAtoms:
    """Give what a trade has spent of the budget; see the module for the definition."""
    exposure = notional(trade.size, trade.price)
    usual = div_floor(exposure * max(0, -weekday_maker_fee), PPM_SCALE)
    return QuoteAtoms(max(0, max(0, -trade.maker_fee) - usual))


def count_trades(
    spending: Spending, trades: Iterable[SettledTrade], weekday_maker_fees: Mapping[MarketId, Ppm]
) -> Spending:
    """Count trades, given in the order of the chain, on top of what was counted.

    Trades of another week, of markets without a budget, and such that were counted already, change
    nothing; so the same page may come twice.
    """
    week = spending.week
    sums = dict(spending.by_market)
    last = (spending.block, spending.log_index)
    for trade in trades:
        place = (trade.block, trade.log_index)
        if place <= last:
            continue
        last = place
        usual = weekday_maker_fees.get(trade.market)
        if usual is None or not week.start <= trade.time < week.end:
            continue
        cost = trade_cost(trade, usual)
        sums[trade.market] = QuoteAtoms(sums.get(trade.market, QuoteAtoms(0)) + cost)
    return Spending(week=week, by_market=sums, block=last[0], log_index=last[1])


def reconcile(
    counted: Spending, trades: Iterable[SettledTrade], weekday_maker_fees: Mapping[MarketId, Ppm]
) -> SpendingMismatch | None:
    """Hold a count against the chain's own events of the week, to the atom; None when they agree.

    `trades` are the whole week's, in any order. What lies behind the last trade that was counted is
    left aside: the chain may be ahead of the count.
    """
    until = (counted.block, counted.log_index)
    ordered = sorted(
        (trade for trade in trades if (trade.block, trade.log_index) <= until),
        key=lambda trade: (trade.block, trade.log_index),
    )
    told = count_trades(Spending(week=counted.week, by_market={}), ordered, weekday_maker_fees)
    wrong = {
        market: (counted.of(market), told.of(market))
        for market in counted.by_market.keys() | told.by_market.keys()
        if counted.of(market) != told.of(market)
    }
    return SpendingMismatch(markets=wrong) if wrong else None


def allowance(budget: QuoteAtoms, week: BudgetWeek, now: Seconds, *, tolerance: Ppm) -> QuoteAtoms:
    """Give how much may have been spent by now so that the budget lasts until the week's end.

    It grows linearly over the week's off hours, from `tolerance` (a part of the budget) to all of
    it; 0 in a week without off hours.
    """
    if week.length == 0:
        return QuoteAtoms(0)
    grown = div_floor(budget * week.elapsed(now), week.length)
    return QuoteAtoms(min(budget, grown + div_floor(budget * tolerance, PPM_SCALE)))


def pace_share(
    budget: QuoteAtoms, spent: QuoteAtoms, week: BudgetWeek, now: Seconds, *, tolerance: Ppm
) -> Ppm:
    """Give the part of the largest rebate that the pace of spending leaves, 0 to 10^6 ppm.

    All of it while spending is a whole tolerance behind the allowance, none once it has caught up,
    in between in proportion: so rebates sink long before the money is gone.
    """
    left = allowance(budget, week, now, tolerance=tolerance) - spent
    whole = max(1, div_floor(budget * tolerance, PPM_SCALE))
    return Ppm(div_floor(min(max(0, left), whole) * PPM_SCALE, whole))
