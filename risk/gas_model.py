"""How much gas a liquidation batch may need, learned from receipts.

A batch costs a base, an amount per item and an amount per position of the items' accounts (the
exchange values all of them). A receipt gives one equation for the three, so each moves a share of
the error in proportion to its part in the batch (normalised least mean squares): upward fast,
downward slowly, never below a fraction of the cold estimate, the base never below it at all: large
batches say next to nothing of it, and a lone item lives by it. Too much gas costs nothing, a batch
that runs out is lost as a whole: hence the headroom. Units: gas; rates in ppm.
"""

from dataclasses import dataclass, replace
from typing import Final

from risk.units import PPM_SCALE, div_ceil, div_floor

HEADROOM: Final = 1_500_000
"""The bound is this many ppm of the estimate: a drill met a batch of forty that took 1.32 times of it."""
LEARN_UP: Final = 500_000
"""Share of the error taken over when a batch took more than estimated."""
LEARN_DOWN: Final = 125_000
"""Share of the error taken over when it took less."""
FLOOR: Final = 100_000
"""Neither item nor position falls below this many ppm of its cold estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasParts:
    """Gas of a transaction, of one item in it, of one position of an item's account."""

    base: int
    item: int
    position: int


COLD_GAS: Final = GasParts(base=300_000, item=350_000, position=40_000)
"""What is assumed before the first receipt. On anvil a lone item took 330,000 to 350,000 in all, one
of forty 72,000 to 88,000: items are assumed five times too dear, the base a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasModel:
    """The estimate so far, where it started, and how many receipts it has seen."""

    cold: GasParts = COLD_GAS
    parts: GasParts = COLD_GAS
    receipts: int = 0

    def estimate(self, *, items: int, positions: int) -> int:
        """Give what a batch is expected to use."""
        return self.parts.base + items * self.parts.item + positions * self.parts.position

    def bound(self, *, items: int, positions: int) -> int:
        """Give the gas limit of a batch: the estimate with headroom, rounded up."""
        return div_ceil(self.estimate(items=items, positions=positions) * HEADROOM, PPM_SCALE)


def cold_model(cold: GasParts) -> GasModel:
    """Start from an operator's own cold estimate."""
    return GasModel(cold=cold, parts=cold)


def learned(model: GasModel, *, items: int, positions: int, gas_used: int) -> GasModel:
    """Take one receipt into account.

    `items` are those that ended LIQUIDATED, `positions` those of their accounts: what refused
    items used is then charged to the others, which errs on the safe side. A batch in which none
    was liquidated teaches nothing.
    """
    if items <= 0:
        return model
    error = gas_used - model.estimate(items=items, positions=positions)
    rate = LEARN_UP if error > 0 else LEARN_DOWN
    norm = PPM_SCALE * (1 + items * items + positions * positions)

    def moved(part: int, weight: int, least: int) -> int:
        return max(least, part + div_ceil(error * rate * weight, norm))

    parts = GasParts(
        base=moved(model.parts.base, 1, model.cold.base),
        item=moved(model.parts.item, items, _floor(model.cold.item)),
        position=moved(model.parts.position, positions, _floor(model.cold.position)),
    )
    return replace(model, parts=parts, receipts=model.receipts + 1)


def _floor(cold: int) -> int:
    return div_ceil(cold * FLOOR, PPM_SCALE)


def ran_out(model: GasModel, *, items: int, positions: int, gas_limit: int) -> GasModel:
    """Learn from a batch that used all of its gas: the next bound of its like is above its limit.

    The estimate is raised so that bound > gas_limit · 1.25 for the same items and positions.
    """
    wanted = div_floor(gas_limit * 1_250_000, HEADROOM) + 1
    missing = wanted - model.estimate(items=items, positions=positions)
    if missing <= 0:
        return model
    item = model.parts.item + div_ceil(missing, max(1, items))
    return replace(model, parts=replace(model.parts, item=item), receipts=model.receipts + 1)
