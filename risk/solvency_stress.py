"""The jumps of all prices at once that the proof of solvency asks about, played by `risk.stress`.

A jump takes every mark by the same share; who would owe what, and what the backstop could still pay, is
reckoned there. Settled markets stand still.
"""

from collections.abc import Mapping
from typing import Final

from risk.exact_columns import exact_sum
from risk.market import Market
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import StressedLoss
from risk.solvency_valuation import Valuation
from risk.stress import NOBODY, StressedBook, shocked
from risk.units import MarketId, PriceE8, QuoteAtoms, div_ceil

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
    moved = shocked(markets, dict.fromkeys(markets, jump))
    return {number: moved.get(number, market.mark) for number, market in markets.items()}


def stressed_losses(
    valued: Valuation, pool: int | None, rules: SolvencyRules
) -> tuple[StressedLoss, ...]:
    """Play every jump; `pool` is the backstop's row."""
    book = StressedBook(valued)
    return tuple(_play(valued, book, pool, name, jump) for name, jump in scenarios(rules).items())


def _play(
    valued: Valuation, book: StressedBook, pool: int | None, name: str, jump: int
) -> StressedLoss:
    marks = jumped(valued.markets, jump)
    losses = book.at(marks).losses(NOBODY if pool is None else pool)
    worst = int(losses.argmax()) if len(losses) else None
    is_lost = worst is not None and losses[worst] > 0
    return StressedLoss(
        name=name,
        bad_debt=QuoteAtoms(exact_sum(losses)),
        largest_account=valued.ids[worst] if worst is not None and is_lost else None,
        largest_loss=QuoteAtoms(0 if worst is None else int(losses[worst])),
        backstop_headroom=QuoteAtoms(0) if pool is None else book.headroom(pool, marks),
    )


def stressed_resources(loss: StressedLoss, insurance_fund: QuoteAtoms) -> QuoteAtoms:
    """Give what insurance fund and backstop could pay together after a jump."""
    return QuoteAtoms(max(0, insurance_fund) + loss.backstop_headroom)
