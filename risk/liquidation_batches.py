"""Filling batches: so many items and so much gas each, so many batches.

Items keep their order: the batches of one plan land one after the other.
"""

from dataclasses import dataclass, field

from risk.gas_model import GasModel
from risk.liquidation_values import PlanLimits, PlannedBatch, PlannedItem


@dataclass(slots=True, kw_only=True)
class Packing:
    """Batches being filled; lives only as long as one plan is made."""

    limits: PlanLimits
    gas: GasModel
    free_batches: int
    is_full: bool = False
    _done: list[PlannedBatch] = field(default_factory=list)
    _open: list[PlannedItem] = field(default_factory=list)
    _positions: int = 0

    def __post_init__(self) -> None:
        self.is_full = self.free_batches <= 0 or self.limits.max_items <= 0

    def may_ever_fit(self, positions: int) -> bool:
        """Say whether an item of an account with so many positions fits a batch of its own."""
        return self.gas.bound(items=1, positions=positions) <= self.limits.max_gas

    def add(self, item: PlannedItem) -> bool:
        """Put an item into the batch being filled, or the next one; False when neither has room."""
        if self.is_full or not self.may_ever_fit(item.positions):
            return False
        if not self._fits(item):
            if len(self._done) + 1 >= self.free_batches:
                self.is_full = True
                return False
            self._close()
        self._open.append(item)
        self._positions += item.positions
        return True

    def finished(self) -> tuple[PlannedBatch, ...]:
        """Close the last batch and give them all."""
        if self._open:
            self._close()
        return tuple(self._done)

    def _fits(self, item: PlannedItem) -> bool:
        count = len(self._open) + 1
        bound = self.gas.bound(items=count, positions=self._positions + item.positions)
        return count <= self.limits.max_items and bound <= self.limits.max_gas

    def _close(self) -> None:
        self._done.append(make_batch(self._open, self.gas))
        self._open = []
        self._positions = 0


def make_batch(items: list[PlannedItem], gas: GasModel) -> PlannedBatch:
    """Make one transaction of items, with its gas limit."""
    positions = sum(item.positions for item in items)
    return PlannedBatch(
        items=tuple(items),
        positions=positions,
        gas=gas.bound(items=len(items), positions=positions),
    )
