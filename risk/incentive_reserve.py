"""The largest rebate that a budget carries, whatever is traded before the next write has landed.

Fills between two writes are beyond the keeper. What it can know is how long a rebate stays if it
starts to take it back now, and an operator can state how much may be traded in a second. With V and
N the most notional and trades of a second, W the weekday's rebate, R > W the one on chain, s the
owner's largest step and c the cool-down of the maker fee, and `reaction` the longest time from when
a write is possible and needed until it has landed (the wait for the next look, another write of the
market in the way, the landing itself), the way home costs at most

    cost(r, t)  = ceil(V · t · (r − W) / 10^6) + N · t         a trade rounds away less than one atom
    hold(R)     = cost(R, cooling + reaction) + Σ_k cost(R − k·s, c + reaction)   while R − k·s > W
    move(R, r)  = cost(max(R, r), cooling + reaction) + hold(r) with a whole cool-down ahead

Rule: a rebate r is set or left only while `move` or `hold` fits into what is left; otherwise the
rebate goes home by the largest steps. Then no fills overspend: at the last look that left R alone,
hold(R) fitted, and hold(R) covers all that can be traded until the rebate is home, if it starts home
at the next look. For the total, what is left is first what every market needs to go home, and only the
rest is shared out; when it does not suffice for that, all markets go home.

The guarantee: within the stated V, N and reaction a budget is never exceeded, not by an atom. The
exchange cannot limit volume (an open-interest cap does not: two accounts may trade back and forth),
so beyond them, or with the keeper down, a budget is exceeded by at most what the trades in excess
were paid beyond the weekday's rebate. No trade ever costs the venue money: see risk.incentive_budget.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from risk.amounts import money_text
from risk.incentive_budget import Spending, pace_share
from risk.units import PPM_SCALE, MarketId, Ppm, QuoteAtoms, Seconds, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketBudget:
    """The budget of one market and what it rests on. Raises ValueError for what cannot be."""

    weekly: QuoteAtoms
    weekday_rebate: Ppm
    largest_rebate: Ppm
    """Never more than this, whatever is left."""
    largest_notional_per_second: QuoteAtoms
    largest_trades_per_second: int
    reaction: Seconds
    """At least the time between two looks and twice that of a landing."""

    def __post_init__(self) -> None:
        if self.weekly < 0 or not 0 <= self.weekday_rebate <= self.largest_rebate <= PPM_SCALE:
            raise ValueError(
                "expected a budget of at least 0 and 0 <= weekday rebate <= largest rebate <= 10^6"
                f" ppm, found {self.weekly}, {self.weekday_rebate} and {self.largest_rebate}"
            )
        if min(self.largest_notional_per_second, self.largest_trades_per_second) < 0:
            raise ValueError(
                "expected the largest notional and trades of a second to be at least 0, found"
                f" {self.largest_notional_per_second} and {self.largest_trades_per_second}"
            )
        if self.reaction < 1:
            raise ValueError(f"expected a reaction of at least 1 s, found {self.reaction}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRules:
    """All budgets. Raises ValueError for a total below 0 or a tolerance outside 1 to 10^6 ppm."""

    total: QuoteAtoms
    tolerance: Ppm
    """Part of a budget by which spending may run ahead of the clock."""
    markets: Mapping[MarketId, MarketBudget]

    def __post_init__(self) -> None:
        if self.total < 0 or not 0 < self.tolerance <= PPM_SCALE:
            raise ValueError(
                "expected a total budget of at least 0 and a tolerance from 1 to 10^6 ppm, found"
                f" {self.total} and {self.tolerance}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RebateOnChain:
    """What the venue pays now, and how fast that can be taken back.

    Raises ValueError for a step of 0: such a rebate could never be taken back.
    """

    rebate: Ppm
    largest_step: int
    cool_down: Seconds
    cooling: Seconds
    """Until the maker fee may be written again; 0 when it may."""
    pending: Ppm | None = None
    """The rebate of a write that has not landed: nobody knows which of the two is paid."""

    def __post_init__(self) -> None:
        if self.largest_step < 1 or self.cool_down < 0 or self.cooling < 0:
            raise ValueError(
                "expected a largest step of at least 1 ppm and cool-downs of at least 0, found"
                f" {self.largest_step}, {self.cool_down} and {self.cooling}: ask the owner for limits"
            )

    @property
    def highest(self) -> Ppm:
        """Give the largest rebate that may be paid until everything sent has landed."""
        return max(self.rebate, self.pending or Ppm(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What the budget lets one market pay: hard by the reserve, soft by the pace."""

    largest_rebate: Ppm
    """More than this is taken back at once."""
    paced_rebate: Ppm
    """More than this would not last until the week's end."""
    why: str

    def binds_at(self, rebate: Ppm) -> bool:
        """Say whether the budget is what keeps a rebate from being larger."""
        return rebate >= min(self.largest_rebate, self.paced_rebate)


def allot(
    rules: BudgetRules, spending: Spending, on_chain: Mapping[MarketId, RebateOnChain], now: Seconds
) -> dict[MarketId, Allotment]:
    """Say what each market on chain may pay; one without a budget may not pay at all.

    `now` and what was spent are of the same block as what is on chain.
    """
    states = {market: state for market, state in on_chain.items() if market in rules.markets}
    held = {market: hold_cost(rules.markets[market], state) for market, state in states.items()}
    spare = rules.total - spending.total - sum(held.values())
    weights = max(1, sum(rules.markets[market].weekly for market in states))
    given = {
        market: Allotment(largest_rebate=Ppm(0), paced_rebate=Ppm(0), why="there is no budget")
        for market in on_chain
    }
    for market, state in states.items():
        budget = rules.markets[market]
        spent = spending.of(market)
        if spare >= 0:
            own = min(
                budget.weekly - spent - held[market],
                div_floor(spare * budget.weekly, weights),
            )
            largest = largest_rebate(budget, state, QuoteAtoms(held[market] + own))
        else:
            largest = budget.weekday_rebate
        given[market] = Allotment(
            largest_rebate=largest,
            paced_rebate=_paced_rebate(rules, budget, spent, spending, now),
            why=(
                f"{money_text(spent)} USD of the week's {money_text(budget.weekly)} USD, and"
                f" {money_text(spending.total)} of {money_text(rules.total)} USD in all, are spent"
            ),
        )
    return given


def rebate_cost(budget: MarketBudget, rebate: Ppm, seconds: Seconds) -> QuoteAtoms:
    """Give the most that a rebate can cost beyond the weekday's in so many seconds."""
    return _cost(budget, max(0, rebate - budget.weekday_rebate) * seconds, seconds)


def hold_cost(budget: MarketBudget, on_chain: RebateOnChain) -> QuoteAtoms:
    """Give the most that can be spent until the rebate is home, if it starts home at the next look."""
    if on_chain.pending is not None:
        return move_cost(budget, on_chain, on_chain.pending)
    return _way_home(budget, on_chain, on_chain.rebate, on_chain.cooling)


def move_cost(budget: MarketBudget, on_chain: RebateOnChain, rebate: Ppm) -> QuoteAtoms:
    """Give the most that can be spent if another rebate is written now and then taken home."""
    highest = max(rebate, on_chain.highest)
    landing = rebate_cost(budget, highest, Seconds(on_chain.cooling + budget.reaction))
    return QuoteAtoms(landing + _way_home(budget, on_chain, rebate, on_chain.cool_down))


def _way_home(
    budget: MarketBudget, on_chain: RebateOnChain, rebate: Ppm, cooling: Seconds
) -> QuoteAtoms:
    """Give what a rebate costs until it is home, if it may be written in `cooling` seconds."""
    first = rebate_cost(budget, rebate, Seconds(cooling + budget.reaction))
    # After the k-th of these steps extra − k·step is left; after the one that follows them, nothing.
    extra, step = max(0, rebate - budget.weekday_rebate), on_chain.largest_step
    steps = max(0, div_ceil(extra, step) - 1)
    sums = steps * extra - div_floor(step * steps * (steps + 1), 2)
    each = on_chain.cool_down + budget.reaction
    return QuoteAtoms(first + _cost(budget, sums * each, steps * each))


def largest_rebate(budget: MarketBudget, on_chain: RebateOnChain, left: QuoteAtoms) -> Ppm:
    """Give the largest rebate that may be set or left with so much left; home when none fits.

    What is there stays while holding it fits. More is set only into half of what is spare beyond
    that, so that a rebate is not taken back at the first trade after it was raised; and not while a
    write has yet to land.
    """
    low, high = int(budget.weekday_rebate), int(budget.largest_rebate)
    set_to = on_chain.rebate if on_chain.pending is None else on_chain.pending
    held = hold_cost(budget, on_chain)
    if set_to <= high and held <= left:
        low = max(low, set_to)
        high = high if on_chain.pending is None else low
        left = QuoteAtoms(held + div_floor(left - held, 2))
    else:
        high = max(low, min(high, set_to - 1))
    while low < high:
        middle = div_ceil(low + high, 2)
        if move_cost(budget, on_chain, Ppm(middle)) <= left:
            low = middle
        else:
            high = middle - 1
    return Ppm(low)


def _paced_rebate(
    rules: BudgetRules, budget: MarketBudget, spent: QuoteAtoms, spending: Spending, now: Seconds
) -> Ppm:
    """Give the rebate that lasts until the week's end, by the market's budget and by the total."""
    week, tolerance = spending.week, rules.tolerance
    share = min(
        pace_share(budget.weekly, spent, week, now, tolerance=tolerance),
        pace_share(rules.total, spending.total, week, now, tolerance=tolerance),
    )
    extra = budget.largest_rebate - budget.weekday_rebate
    return Ppm(budget.weekday_rebate + div_floor(extra * share, PPM_SCALE))


def _cost(budget: MarketBudget, ppm_seconds: int, seconds: int) -> QuoteAtoms:
    """Price a rebate summed over time; none, and no rounding either, where there is none."""
    if ppm_seconds <= 0:
        return QuoteAtoms(0)
    paid = div_ceil(budget.largest_notional_per_second * ppm_seconds, PPM_SCALE)
    return QuoteAtoms(paid + budget.largest_trades_per_second * seconds)
