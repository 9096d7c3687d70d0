"""What would be lost, and who would have to pay, if all prices jumped before anybody could act.

All marks move by the same share at once, with nobody liquidated on the way: the worst of a gap. Who
ends below zero has lost money that is not his; it falls on the insurance fund and the backstop, which
holds positions of its own and is valued at the same prices. Settled markets stand still.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from risk.exact_columns import exact_sum
from risk.margin import margin_state
from risk.market import Market
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import StressedLoss
from risk.solvency_valuation import Valuation
from risk.units import PPM_SCALE, MarketId, PriceE8, QuoteAtoms, div_ceil, div_floor

BOUND_UP: Final = "bound_up"
BOUND_DOWN: Final = "bound_down"
_PPM_PER_PERCENT: Final = 10_000


def scenarios(rules: SolvencyRules) -> dict[str, int]:
    """Name the jumps: the discovery bound both ways, then the gaps; signed ppm of the mark."""
    jumps = {BOUND_UP: int(rules.discovery_bound), BOUND_DOWN: -rules.discovery_bound}
    for gap in rules.gaps:
        percent = div_ceil(gap, _PPM_PER_PERCENT)
        jumps |= {f"up_{percent}_percent": int(gap), f"down_{percent}_percent": -gap}
    return jumps


def jumped(markets: Mapping[MarketId, Market], jump: int) -> dict[MarketId, PriceE8]:
    """Move every mark by `jump` ppm, rounded away from where it was; a settled one stays."""
    divide = div_ceil if jump > 0 else div_floor
    return {
        number: PriceE8(
            market.mark
            if market.is_settled
            else divide(market.mark * (PPM_SCALE + jump), PPM_SCALE)
        )
        for number, market in markets.items()
    }


def stressed_losses(
    valued: Valuation, pool: int | None, rules: SolvencyRules
) -> tuple[StressedLoss, ...]:
    """Play every jump; `pool` is the backstop's row."""
    return tuple(_play(valued, pool, name, jump) for name, jump in scenarios(rules).items())


def _play(valued: Valuation, pool: int | None, name: str, jump: int) -> StressedLoss:
    prices = jumped(valued.markets, jump)
    try:
        equity = valued.equities(prices)
    except OverflowError:
        # What fits at the marks may not after a jump: go the slow way for this one.
        return _play(valued.in_python_ints(), pool, name, jump)
    losses = -np.minimum(equity, 0)
    if pool is not None:
        losses[pool] = 0
    worst = int(losses.argmax()) if len(losses) else None
    is_lost = worst is not None and losses[worst] > 0
    return StressedLoss(
        name=name,
        bad_debt=QuoteAtoms(exact_sum(losses)),
        largest_account=valued.ids[worst] if worst is not None and is_lost else None,
        largest_loss=QuoteAtoms(0 if worst is None else int(losses[worst])),
        backstop_headroom=_headroom(valued, pool, prices),
    )


def _headroom(
    valued: Valuation, pool: int | None, prices: Mapping[MarketId, PriceE8]
) -> QuoteAtoms:
    if pool is None:
        return QuoteAtoms(0)
    # The index stands still, so funding owed is what it was.
    markets = {
        number: replace(market, mark=prices[number]) for number, market in valued.markets.items()
    }
    state = margin_state(valued.account(pool), markets, valued.now)
    return QuoteAtoms(max(0, state.equity - state.initial_margin))


def stressed_resources(loss: StressedLoss, insurance_fund: QuoteAtoms) -> QuoteAtoms:
    """Give what insurance fund and backstop could pay together after a jump."""
    return QuoteAtoms(max(0, insurance_fund) + loss.backstop_headroom)
