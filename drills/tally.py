"""Count what happened from the exchange's events: liquidations by kind, rewards, money moved.

Kinds exclude each other: *full* closed the whole position, *sliced* was the first piece of a large
one, *partial* closed what was needed and left the rest. Besides, *with_shortfall* counts those, of
any kind, that left a debt behind which insurance fund or backstop paid.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from drills.chain_events import LIQUIDATION_CODES, ChainEvent
from risk.margin import Position

SHORTFALL_BY_BACKSTOP: Final = 4
"""The reason of a CollateralChanged when the backstop pays a shortfall."""


@dataclass(slots=True)
class Tally:
    """Sums over the events so far; money in atoms."""

    full: int = 0
    partial: int = 0
    sliced: int = 0
    with_shortfall: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Items that changed nothing, by the exchange's reason: lost races above all."""
    rewards: Counter[str] = field(default_factory=Counter)
    """By keeper."""
    claimed: Counter[str] = field(default_factory=Counter)
    penalties: int = 0
    shortfalls: int = 0
    paid_by_backstop: int = 0
    insurance_paid_in: int = 0
    position_changes: int = 0
    prices: int = 0
    prices_refused: int = 0
    """Prices that the exchange did not take: two in one second of the chain, or one out of order."""

    @property
    def liquidations(self) -> int:
        """Count those that closed something."""
        return self.full + self.partial + self.sliced

    @property
    def reward_sum(self) -> int:
        """Give all keepers' rewards."""
        return sum(self.rewards.values())

    @property
    def insurance_fund(self) -> int:
        """Give what the fund must hold: payments, penalties, less rewards and its shortfalls."""
        from_insurance = self.shortfalls - self.paid_by_backstop
        return self.insurance_paid_in + self.penalties - self.reward_sum - from_insurance

    def count(self, event: ChainEvent, left: Position | None) -> None:
        """Count one event; `left` is what a liquidated account still holds in the market."""
        values = event.values
        match event.name:
            case "LiquidationResult":
                self._liquidation(event, left)
            case "PricePublished":
                self.prices += 1
            case "PriceRefused":
                self.prices_refused += 1
            case "PositionChanged":
                self.position_changes += 1
            case "CollateralChanged" if values["reason"] == SHORTFALL_BY_BACKSTOP:
                self.paid_by_backstop += abs(values["delta"])
            case "InsuranceFunded":
                self.insurance_paid_in += values["amount"]
            case "RewardsClaimed":
                self.claimed[values["keeper"].lower()] += values["amount"]

    def _liquidation(self, event: ChainEvent, left: Position | None) -> None:
        values = event.values
        if values["code"] != 0:
            self.refused[LIQUIDATION_CODES[values["code"]]] += 1
            return
        if left is None:
            self.full += 1
        elif left.slice_time == event.timestamp:
            self.sliced += 1
        else:
            self.partial += 1
        self.with_shortfall += values["shortfall"] > 0
        self.rewards[values["keeper"].lower()] += values["reward"]
        self.penalties += values["penalty"]
        self.shortfalls += values["shortfall"]
