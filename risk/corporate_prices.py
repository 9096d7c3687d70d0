"""What every memory that holds a price becomes when the price changes its meaning.

A split divides prices, a dividend takes an amount off; `Rebase` says which. A memory that is rebased goes
on where it was: bounds stay as far used, breakers as near to their limits, averages as old. To begin it
anew instead would buy everybody a fresh discovery bound and an empty breaker window on the day on which
both are wanted most. What one source or participant said is not rebased but forgotten: it may speak of
either basis. Prices round down, as the exchange rounds them; each by less than one unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from risk.amounts import price_text
from risk.band_rules import MeanKind
from risk.band_state import BandState
from risk.corporate_values import CorporateAction, Effect, Ratio
from risk.discovery_bound import BoundState
from risk.dynamic_breaker import BreakerWindow
from risk.dynamic_breaker import Entry as Extreme
from risk.jump_guard import JumpState
from risk.mark_price import MarkState
from risk.precedence import BandEdges
from risk.price_round import RoundState
from risk.reference_price import PriceWindow
from risk.source_validity import distrust
from risk.units import PriceE8, Seconds, div_floor, div_trunc

UNCHANGED = Ratio(numerator=1, denominator=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase:
    """New price = floor(old · b / a) − amount."""

    ratio: Ratio = UNCHANGED
    amount: int = 0
    """In 1e-8 USD."""

    def __str__(self) -> str:
        return f"{self.ratio}" if self.amount == 0 else f"-{price_text(PriceE8(self.amount))} USD"

    def price(self, price: PriceE8) -> PriceE8:
        """Rebase a price; ValueError when nothing is left of it. 0 means no price, and stays."""
        if price == 0:
            return price
        after = self.total(price, 1)
        if after <= 0:
            raise ValueError(
                f"expected a price above {self.amount} at {self.ratio}, found {price}: this action is"
                " not for it"
            )
        return PriceE8(after)

    def total(self, total: int, count: int) -> int:
        """Rebase a sum of so many prices."""
        by = self.ratio
        return div_floor(total * by.denominator, by.numerator) - self.amount * count

    def distance(self, distance: int) -> int:
        """Rebase a difference of two prices, toward zero; a dividend leaves it."""
        return div_trunc(distance * self.ratio.denominator, self.ratio.numerator)


def rebase_of(action: CorporateAction) -> Rebase | None:
    """Give what an action does to prices; None when it does nothing to them."""
    if action.effect is Effect.RESCALE and action.ratio is not None:
        return Rebase(ratio=action.ratio)
    if action.effect is Effect.PAY and action.amount is not None:
        return Rebase(amount=action.amount)
    return None


def rebased_jump(state: JumpState, by: Rebase) -> JumpState:
    """Rebase what is accepted and what steps are measured from; a far claim begins anew."""
    accepted = None if state.accepted is None else by.price(state.accepted)
    return replace(state, accepted=accepted, anchor=by.price(state.anchor), claim=None)


def rebased_bound(state: BoundState, by: Rebase) -> BoundState:
    """Rebase the reference of a discovery bound; its resets stay used."""
    return replace(state, reference=by.price(state.reference))


def rebased_mark(state: MarkState, by: Rebase) -> MarkState:
    """Rebase index, close, bound and the basis average; how warm the price is begins anew."""
    return replace(
        state,
        index=by.price(state.index),
        close=by.price(state.close),
        bound=rebased_bound(state.bound, by),
        basis=by.distance(state.basis),
        external_updates=0,
    )


def rebased_round(state: RoundState, by: Rebase) -> RoundState:
    """Rebase a market's price round. No source is believed before it tells another value."""
    return replace(
        state,
        memories={source: distrust(memory) for source, memory in state.memories.items()},
        jump=rebased_jump(state.jump, by),
        mark=None if state.mark is None else rebased_mark(state.mark, by),
    )


def rebased_window(window: PriceWindow, by: Rebase, kind: MeanKind) -> PriceWindow:
    """Rebase the prices of a rolling mean, and its running sum with them."""
    entries = tuple(
        (second, by.total(total, count), count) for second, total, count in window.entries
    )
    if kind is MeanKind.TRADES:
        return replace(window, entries=entries, total=sum(total for _, total, _ in entries))
    held = sum(price * (until - since) for (since, price, _), (until, _, _) in pairwise(entries))
    return replace(window, entries=entries, total=held)


def rebased_moves(window: BreakerWindow, by: Rebase) -> BreakerWindow:
    """Rebase the extremes of a rolling breaker; their order stays."""
    return BreakerWindow(lows=_rebased(window.lows, by), highs=_rebased(window.highs, by))


def rebased_band(state: BandState, by: Rebase, kind: MeanKind) -> BandState:
    """Rebase the memory of a price band; `kind` is its reference's mean."""
    return replace(
        state,
        reference=None if state.reference is None else by.price(state.reference),
        reference_close=None if state.reference_close is None else by.price(state.reference_close),
        prices=rebased_window(state.prices, by, kind),
        moves=rebased_moves(state.moves, by),
    )


def rebased_edges(edges: BandEdges, by: Rebase) -> BandEdges:
    """Rebase the edges that a machine wished for, or the exchange holds."""
    return BandEdges(low=by.price(edges.low), high=by.price(edges.high))


def _rebased(entries: Sequence[Extreme], by: Rebase) -> tuple[tuple[Seconds, PriceE8], ...]:
    return tuple((second, by.price(price)) for second, price in entries)
