"""What the budget lets each market pay now, and the stricter answer where the count is in doubt.

A count that differs from the chain's stops rebates from rising; a count that is not there yet does so too.
Where nobody has counted for long, rebates go home: what is left is then anybody's guess.
"""

from collections.abc import Mapping
from dataclasses import replace

from monitors.incentives.market_state import MarketState
from monitors.incentives.terms import DeskRules, LimitsSense, SpendingSense
from risk.guard_rails import Parameter
from risk.incentive_reserve import Allotment, MarketBudget, RebateOnChain, allot
from risk.market import Market
from risk.units import MarketId, Ppm, Seconds

NO_LIMITS = Allotment(
    largest_rebate=Ppm(0), paced_rebate=Ppm(0), why="the owner set no limits of the maker fee"
)


def allotments(
    states: Mapping[MarketId, tuple[MarketState, Market]],
    *,
    rules: DeskRules,
    spending: SpendingSense,
    limits: LimitsSense,
    now: Seconds,
) -> dict[MarketId, Allotment]:
    """Say what each market may pay."""
    on_chain: dict[MarketId, RebateOnChain] = {}
    for number, (state, market) in states.items():
        known = rebate_on_chain(state, market, limits, now)
        if known is not None:
            on_chain[number] = known
    budgets = {number: state.terms.budget for number, (state, _) in states.items()}
    counted = spending.spending
    if counted is None:
        why = spending.why_unknown or "the week's spending is unknown"
        given = {
            number: _unknown(budgets[number], held, why, goes_home=spending.is_silent)
            for number, held in on_chain.items()
        }
    else:
        given = allot(rules.budgets(budgets), counted, on_chain, now)
        mismatch = spending.mismatch
        if mismatch is not None:
            given = {
                number: _held(allotment, on_chain[number], mismatch.why)
                for number, allotment in given.items()
            }
    return {number: given.get(number, NO_LIMITS) for number in states}


def rebate_on_chain(
    state: MarketState, market: Market, limits: LimitsSense, now: Seconds
) -> RebateOnChain | None:
    """Give what the venue pays now; None where its maker fee cannot be written."""
    known = limits.limits(market.id)
    rail = None if known is None else known.get(Parameter.MAKER_FEE)
    if rail is None or rail.largest_step < 1:
        return None
    pending = None
    if state.pending is not None and state.pending[0] is Parameter.MAKER_FEE:
        pending = Ppm(max(0, -state.pending[1]))
    return RebateOnChain(
        rebate=Ppm(max(0, -market.maker_fee)),
        largest_step=rail.largest_step,
        cool_down=rail.cool_down,
        cooling=state.cooling(Parameter.MAKER_FEE, rail, now),
        pending=pending,
    )


def _unknown(
    budget: MarketBudget, on_chain: RebateOnChain, why: str, *, goes_home: bool
) -> Allotment:
    rebate = budget.weekday_rebate if goes_home else max(budget.weekday_rebate, on_chain.rebate)
    return Allotment(largest_rebate=rebate, paced_rebate=rebate, why=why)


def _held(allotment: Allotment, on_chain: RebateOnChain, why: str) -> Allotment:
    """Let a rebate fall but not rise."""
    return replace(
        allotment,
        largest_rebate=min(allotment.largest_rebate, on_chain.rebate),
        paced_rebate=min(allotment.paced_rebate, on_chain.rebate),
        why=why,
    )
