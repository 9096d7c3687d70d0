"""What a transaction offers to pay, kept ready so that the hot path only reads it.

`max_fee = max(multiplier x base fee, floor)`, at most the cap: a base fee that rises by an eighth per
block stays covered for several blocks, and a chain pays only what the block asks.
"""

from dataclasses import dataclass

from keepers.sender.policy import Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRules:
    """Wei per unit of gas."""

    floor: int
    cap: int
    tip: int
    multiplier: int = 2


class FeeBook:
    """Today's fees, from the last base fee seen."""

    def __init__(self, rules: FeeRules) -> None:
        self._rules = rules
        self._suggested = self._for_base_fee(0)

    @property
    def suggested(self) -> Fees:
        """What a new transaction should offer."""
        return self._suggested

    def note_base_fee(self, base_fee: int) -> None:
        """Take the newest block's base fee into account."""
        self._suggested = self._for_base_fee(base_fee)

    def _for_base_fee(self, base_fee: int) -> Fees:
        rules = self._rules
        max_fee = min(max(rules.multiplier * base_fee + rules.tip, rules.floor), rules.cap)
        return Fees(max_fee=max_fee, tip=min(rules.tip, max_fee))
