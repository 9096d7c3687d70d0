"""What every venue speaks: messages in, calls out.

Data flows one way. A venue's feed pushes a `Snapshot`, then `Changes` in the order of the chain,
then `Sealed` for every block whose logs were audited; a resync pushes a new `Snapshot`, which
replaces all that was said before. Changes carry absolute values, so applying one twice is harmless.
The sink is synchronous: the feed calls it from the task that reads the socket, so that a price
reaches the judge without a hop. Calls out are bytes for a sender to sign; a venue holds no key.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from risk.columns import AccountColumns
from risk.corporate_prices import Rebase
from risk.corporate_writes import Write
from risk.deleverage_rules import DeleverageCode as DeleverageCode  # noqa: PLC0414 - re-exported
from risk.deleverage_rules import DeleverageItem as DeleverageItem  # noqa: PLC0414 - re-exported
from risk.guard_rails import Limits, Parameter
from risk.liquidation import LiquidationCode as LiquidationCode  # noqa: PLC0414 - re-exported
from risk.liquidation import LiquidationRules as LiquidationRules  # noqa: PLC0414 - re-exported
from risk.market import Market
from risk.price_publication import FairPrice, PriceCode
from risk.units import (
    AccountId,
    FundingE12,
    MarketId,
    MarketStatus,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """A block as far as it is known; the hash of a pre-confirmed block may be missing."""

    number: int
    timestamp: Seconds
    hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """The exchange's own pools, in atoms."""

    insurance_fund: QuoteAtoms
    fee_pool: QuoteAtoms
    funding_pool: QuoteAtoms
    rewards_owed: QuoteAtoms


# --- changes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralChanged:
    """An account's realised cash is now this (also the first sight of an account)."""

    account: AccountId
    collateral: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged:
    """An account's position in a market, and its cash, are now these; size 0 removes it."""

    account: AccountId
    market: MarketId
    size: SizeE8
    quote: QuoteAtoms
    funding: FundingE12
    slice_time: Seconds
    collateral: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketChanged:
    """A market is now this.

    `is_price_only`: of what margins depend on, nothing but mark, index and their times moved (so
    it is also set when only open interest did).
    """

    market: Market
    is_price_only: bool
    rebase: Rebase | None = None
    """What a split or a dividend that ends with this did to the market's prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsChanged:
    """The exchange's pools are now these."""

    funds: Funds


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesChanged:
    """The exchange-wide liquidation rules are now these."""

    rules: LiquidationRules


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationSettled:
    """One item of somebody's liquidation batch ended so; sizes and money as in the event."""

    account: AccountId
    market: MarketId
    keeper: bytes
    code: LiquidationCode
    size: SizeE8
    value: QuoteAtoms
    discount: QuoteAtoms
    penalty: QuoteAtoms
    shortfall: QuoteAtoms
    reward: QuoteAtoms
    equity: QuoteAtoms
    maintenance_margin: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageSettled:
    """One item of somebody's deleverage batch ended so; size and cash are what the account filled.

    The counterparty filled their opposites; both are 0 when the item was refused.
    """

    account: AccountId
    market: MarketId
    counterparty: AccountId
    code: DeleverageCode
    size: SizeE8
    cash: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSettled:
    """A trade that was matched off chain was settled; a fee below 0 was paid to that side.

    Not an absolute value: the feed tells each once between two snapshots, and a snapshot carries none.
    """

    market: MarketId
    taker: AccountId
    maker: AccountId
    size: SizeE8
    """The taker's: + bought."""
    price: PriceE8
    taker_fee: QuoteAtoms
    maker_fee: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvent:
    """An event that moves no account and no market (a role, a limit, a refused price …)."""

    name: str
    values: Mapping[str, int | str | bytes]


Change: TypeAlias = (
    CollateralChanged
    | PositionChanged
    | MarketChanged
    | FundsChanged
    | RulesChanged
    | LiquidationSettled
    | DeleverageSettled
    | TradeSettled
    | OtherEvent
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedChange:
    """A change with its place in the chain: (block, log index) orders and dedupes, hashes may not."""

    block_number: int
    log_index: int
    transaction_hash: bytes
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything at one sealed block."""

    block: BlockRef
    markets: Mapping[MarketId, Market]
    accounts: Sequence[AccountColumns]
    funds: Funds
    rules: LiquidationRules
    backstop_account: AccountId


class FeedSink(Protocol):
    """Whoever follows a venue. Called in order, from one task, never concurrently."""

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Forget everything and start from this."""

    def on_changes(self, changes: Sequence[StampedChange], *, now: Seconds) -> None:
        """Apply these in order; `now` is the venue's clock as far as it is known."""

    def on_sealed(self, block: BlockRef) -> None:
        """Learn that everything up to this block was applied and audited: the clock moves."""

    def on_interrupted(self, reason: str) -> None:
        """Learn that the feed lost touch: act on nothing until the next snapshot."""

    def accounts_for_audit(self, count: int) -> Sequence[AccountId]:
        """Name accounts to be re-read from the chain (random; the sink decides which)."""

    def audit(self, block: BlockRef, accounts: AccountColumns) -> int:
        """Compare re-read accounts with what is held; give the number that differ."""


class Feed(Protocol):
    """A venue's gap-free stream of its state."""

    async def run(self, sink: FeedSink, stop: asyncio.Event) -> None:
        """Follow the venue until `stop`; raises only for what a restart would not heal."""


# --- calls ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A contract call for a sender to sign: value is always zero."""

    to: bytes
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationItem:
    """One wish to liquidate; `max_size` 0 leaves the size to the venue's rules."""

    account: AccountId
    market: MarketId
    max_size: int = 0


class LiquidationVenue(Protocol):
    """What the liquidation duty asks of a venue."""

    def liquidation_call(
        self, items: Sequence[LiquidationItem], *, deadline: Seconds, gas: int
    ) -> Call:
        """Encode a batch; the venue refuses it by itself after `deadline`."""

    def settled_items(self, receipt: Mapping[str, object]) -> list[LiquidationSettled]:
        """Decode what became of each item from a receipt's logs."""


class DeleverageVenue(Protocol):
    """What the deleverage duty asks of a venue."""

    def deleverage_call(self, items: Sequence[DeleverageItem], *, gas: int) -> Call:
        """Encode a batch of 1 to 64 items, done in order; one that is refused stops no other."""

    def deleverage_outcomes(self, receipt: Mapping[str, object]) -> list[DeleverageSettled]:
        """Decode what became of each item from a receipt's logs, in the order of the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOutcome:
    """What became of one published price; `mark` is what the venue holds, or the one it refused."""

    market: MarketId
    code: PriceCode
    mark: PriceE8


class PriceVenue(Protocol):
    """What the price duty asks of a venue."""

    def publish_call(self, prices: Sequence[FairPrice], *, gas: int) -> Call:
        """Encode a batch of prices.

        It needs no deadline: a price that arrives after a newer one, or too late, is refused.
        """

    def price_outcomes(self, receipt: Mapping[str, object]) -> list[PriceOutcome]:
        """Decode what became of each price from a receipt's logs, in the order of the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChanged:
    """A band or a status that a breaker or guardian set, read from a receipt."""

    market: MarketId
    epoch: int
    """Of the breaker's duty in that market, after the change."""
    block: int
    """In which it was mined."""
    status: MarketStatus | None = None
    band: tuple[PriceE8, PriceE8] | None = None


class ControlVenue(Protocol):
    """What the breaker duty asks of a venue."""

    def band_call(
        self, market: MarketId, low: PriceE8, high: PriceE8, *, epoch: int, gas: int
    ) -> Call:
        """Encode the breaker's new band; refused if the duty's epoch is another by then."""

    def status_call(self, market: MarketId, status: MarketStatus, *, epoch: int, gas: int) -> Call:
        """Encode the breaker's new status; refused if the duty's epoch is another by then."""

    def restrict_call(self, market: MarketId, status: MarketStatus, *, gas: int) -> Call:
        """Encode the guardian's stricter status; it needs no epoch and outruns a resumption."""

    def close_withdrawals_call(self, *, gas: int) -> Call:
        """Encode the guardian's close; only the owner opens withdrawals again."""

    def control_changes(self, receipt: Mapping[str, object]) -> list[ControlChanged]:
        """Decode what a breaker's or guardian's transaction changed."""

    async def breaker_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        """Read the epoch that the next write of the breaker must expect, market by market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChanged:
    """A parameter that a tuner set, read from a receipt; the value is in the parameter's own unit."""

    market: MarketId
    parameter: Parameter
    value: int
    epoch: int
    """Of the tuner's duty in that market, after the change."""
    block: int
    """In which it was mined."""


class TuningVenue(Protocol):
    """What the incentive duty asks of a venue."""

    def parameter_call(
        self, market: MarketId, parameter: Parameter, value: int, *, epoch: int, gas: int
    ) -> Call:
        """Encode a parameter's new value; refused if the duty's epoch is another by then."""

    def parameter_changes(self, receipt: Mapping[str, object]) -> list[ParameterChanged]:
        """Decode what a tuner's transaction changed."""

    async def tuner_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        """Read the epoch that the next write of the tuner must expect, market by market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateChanged:
    """A split begun or finished, a dividend paid or a market settled, read from a receipt."""

    market: MarketId
    epoch: int
    """Of the corporate duty in that market, after the change."""
    block: int
    """In which it was mined."""
    event: str
    """The exchange's own name of it."""


class CorporateVenue(Protocol):
    """What the corporate duty asks of a venue."""

    def corporate_call(self, market: MarketId, write: Write, *, gas: int) -> Call:
        """Encode a write; those that carry an epoch are refused if the duty's is another by then."""

    def corporate_changes(self, receipt: Mapping[str, object]) -> list[CorporateChanged]:
        """Decode what a corporate transaction changed; none for a step in between."""

    async def corporate_state(self, market: MarketId, *, block: int) -> tuple[Market, int]:
        """Read a market and the epoch that the duty's next write must expect, at one block."""

    async def all_limits(self, market: MarketId) -> dict[Parameter, Limits]:
        """Read the owner's limits of every parameter of a market."""

    async def refusal(self, call: Call, *, sender: bytes, block: int) -> str | None:
        """Give the reason for which the venue would refuse a call at a block; None: it would not."""
