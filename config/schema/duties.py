"""What the keeper does: liquidation and the audit of what it believes."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from config.schema.fields import (
    ATOMS_PER_USD,
    Address,
    NaturalInt,
    PositiveInt,
    Seconds,
    Section,
    Usd,
    address_bytes,
    exact_units,
)


class Liquidation(Section):
    """How accounts under their maintenance margin are gathered into transactions."""

    max_items_per_transaction: PositiveInt = Field(default=40, le=128)
    """Positions in one transaction. The contract takes 128; MegaETH's limit on computing after a timestamp is read suggests 40."""

    max_gas_per_transaction: PositiveInt = Field(default=15_000_000, ge=500_000)
    """Gas limit of one transaction. Batches shrink to fit what receipts have taught about the cost of an item."""

    max_batches_in_flight: PositiveInt = Field(default=4, le=64)
    """Liquidation transactions on their way at once; at most the sender's `max_in_flight`."""

    stress_ppm: PositiveInt = Field(default=50_000, le=1_000_000)
    """Adverse price move at which an account's expected loss is weighed, to put the most dangerous first."""

    warm_up_updates: NaturalInt = Field(default=3, le=1_000)
    """Fresh prices a market must show after a halt or an outage before its first liquidation. 0 trusts the first."""

    max_divergence_ppm: PositiveInt = Field(default=100_000, le=1_000_000)
    """Largest distance between mark and index price, in ppm of the index; beyond it liquidations in the market wait."""

    future_tolerance_seconds: NaturalInt = Field(default=5, le=600)
    """How far a price's timestamp may lie ahead of the newest block we know before the market waits."""

    retry_spacing_seconds: Seconds = 2.0
    """Shortest pause before an account that the exchange refused is tried again."""

    alarm_after_attempts: PositiveInt = Field(default=5, le=1_000)
    """Refusals in a row after which an account raises an alarm and goes to the end of the queue."""

    min_notional_usd: Usd = Decimal(0)
    """Accounts whose whole notional is below this are left to others. 0 liquidates everything, as a venue's own keeper should."""

    known_keepers: Annotated[tuple[Address, ...], Field(max_length=16, strict=False)] = ()
    """Addresses of all keepers that liquidate here with keys of their own, this one's too, the same list at each. For every account they then take turns in an order that they all compute alike, so that the gas of lost races stays small; without another keeper in it, nothing waits."""

    rank_delay_blocks: PositiveInt = Field(default=5, le=10_000)
    """Blocks that each further keeper waits before it acts on an account that those before it left alone. Set it to what a transaction takes from being sent to being seen in a block, and some more."""

    @model_validator(mode="after")
    def _check_together(self) -> "Liquidation":
        if len(set(self.known_keepers)) < len(self.known_keepers):
            raise ValueError(
                "`known_keepers` must name each keeper once: remove the second mention"
            )
        return self

    @property
    def known_keeper_addresses(self) -> tuple[bytes, ...]:
        """Give the known keepers as 20 bytes each."""
        return tuple(map(address_bytes, self.known_keepers))

    @property
    def min_notional_atoms(self) -> int:
        """Give the smallest notional in the quote token's atoms."""
        return exact_units(self.min_notional_usd, ATOMS_PER_USD)


class Audit(Section):
    """How random accounts are read again from the chain and compared with the book."""

    accounts_per_round: NaturalInt = Field(default=64, le=128)
    """Accounts read again in one round. 0 switches the audit off: only where calls are very dear."""

    period_seconds: Seconds = 10.0
    """Pause between rounds."""
