"""The words of a liquidation plan: who may be liquidated, what is planned, why not the others.

Values only. Money in atoms, sizes 1e-8 share, times on the venue's clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from risk.gas_model import GasModel
from risk.liquidation import LiquidationTerms, LiquidationVerdict
from risk.margin import Account, MarginState
from risk.retry_book import RetryBook, RetryEntry
from risk.units import AccountId, MarketId, Ppm, QuoteAtoms, Seconds


class SkipReason(StrEnum):
    """Why a candidate is not in the plan."""

    IN_FLIGHT = "in_flight"
    BACKING_OFF = "backing_off"
    WARMING_UP = "warming_up"
    COOLING_DOWN = "cooling_down"
    STALE_PRICE = "stale_price"
    MARKET_CLOSED = "market_closed"
    NOT_LIQUIDATABLE = "not_liquidatable"
    BACKSTOP_FULL = "backstop_full"
    DELEVERAGE_NEEDED = "deleverage_needed"
    BATCH_LIMIT = "batch_limit"
    GAS_LIMIT = "gas_limit"
    BELOW_MINIMUM = "below_minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An account that may be liquidatable, and its margin as judged at the terms' time."""

    account: Account
    state: MarginState


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """What the operator allows; `stress` is the further move to fear, in ppm, by market."""

    max_items: int = 64
    max_batches: int = 4
    max_gas: int = 30_000_000
    default_stress: Ppm = Ppm(20_000)
    stress: Mapping[MarketId, Ppm] = field(default_factory=dict)
    overdue: Seconds = Seconds(30)
    min_notional: QuoteAtoms = QuoteAtoms(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkInHand:
    """What the keeper already does and knows: nothing after a restart without a journal."""

    in_flight: Collection[tuple[AccountId, MarketId]] = ()
    batches_in_flight: int = 0
    warming_up: Collection[MarketId] = ()
    retries: RetryBook = field(default_factory=RetryBook)
    gas: GasModel = field(default_factory=GasModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """One item to send; `max_size` 0 leaves the size to the exchange's rules.

    `judged` and `terms` are what the verdict was given on; `judged_on` names them (risk.intent).
    """

    judged_on: str
    judged: Account
    terms: LiquidationTerms
    account: AccountId
    market: MarketId
    max_size: int
    positions: int
    expected_loss: QuoteAtoms
    verdict: LiquidationVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBatch:
    """One transaction: its items in order, and its gas limit."""

    items: tuple[PlannedItem, ...]
    positions: int
    gas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """An account that is left alone for now; `until` when the time is known."""

    account: AccountId
    reason: SkipReason
    market: MarketId | None = None
    until: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationPlan:
    """Batches in order, a reason for everything else, and who has been failing for too long."""

    batches: tuple[PlannedBatch, ...]
    skips: tuple[Skip, ...]
    stuck: tuple[RetryEntry, ...]

    @property
    def items(self) -> tuple[PlannedItem, ...]:
        """Give all items, in the order in which they will land."""
        return tuple(item for batch in self.batches for item in batch.items)
