"""Which position of an account to liquidate first.

Where one item can cure the account, the cheapest cure is taken: it ends the danger in one item and
leaves the account most. Where none can, the item that frees most maintenance margin: it brings the
account nearest to health, and at the bankruptcy price nothing is cheaper than anything else.
Ties go to the lower market number. Pure: judges, decides nothing about sending.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from risk.liquidation import (
    LiquidationCode,
    LiquidationTerms,
    LiquidationVerdict,
    judge_liquidation,
)
from risk.margin import MarginState
from risk.units import MarketId, notional

HALVINGS: Final = 6
"""How often a piece is halved to fit what the backstop still takes."""

TELLING: Final = (
    LiquidationCode.DELEVERAGE_NEEDED,
    LiquidationCode.BACKSTOP_FULL,
    LiquidationCode.STALE_PRICE,
    LiquidationCode.COOLING_DOWN,
    LiquidationCode.MARKET_CLOSED,
    LiquidationCode.NOT_LIQUIDATABLE,
    LiquidationCode.NO_POSITION,
)
"""When an account's markets answer differently: the answer that somebody must know of first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An item worth sending: what it would do, and the size to ask for (0: what the rules give)."""

    verdict: LiquidationVerdict
    max_size: int = 0


def judge_account(
    state: MarginState, terms: LiquidationTerms, *, done: Collection[MarketId] = ()
) -> list[Choice]:
    """Judge every position of an account, markets in `done` apart, by market number.

    Where the backstop cannot take the whole piece, the largest half, quarter … that it can.
    """
    markets = sorted(held.position.market for held in state.positions)
    return [_fitting(state, market, terms) for market in markets if market not in done]


def best_choice(choices: Collection[Choice]) -> Choice | None:
    """Give the item to send first; None when the exchange would take none."""
    useful = [choice for choice in choices if choice.verdict.is_liquidated]
    return min(useful, key=_preference, default=None)


def most_telling(choices: Collection[Choice]) -> LiquidationVerdict | None:
    """Give the refusal that says most about why nothing can be sent; None without positions."""
    refusals = [choice.verdict for choice in choices if not choice.verdict.is_liquidated]
    return min(
        refusals, key=lambda verdict: (TELLING.index(verdict.code), verdict.market), default=None
    )


def _preference(choice: Choice) -> tuple[bool, int, MarketId]:
    verdict = choice.verdict
    if verdict.cost is None:
        return True, 0, verdict.market
    if verdict.cures:
        return False, verdict.cost.discount + verdict.cost.penalty, verdict.market
    return True, -verdict.cost.freed, verdict.market


def _fitting(state: MarginState, market: MarketId, terms: LiquidationTerms) -> Choice:
    whole = judge_liquidation(state, market, terms)
    if whole.code is not LiquidationCode.BACKSTOP_FULL or whole.sizing is None:
        return Choice(verdict=whole)
    facts = terms.markets[market]
    size = whole.sizing.close
    for _ in range(HALVINGS):
        size = type(size)(size >> 1)
        if notional(size, facts.mark) < facts.min_position_notional or size == 0:
            break
        piece = judge_liquidation(state, market, terms, max_size=size)
        if piece.is_liquidated:
            return Choice(verdict=piece, max_size=size)
    return Choice(verdict=whole)
