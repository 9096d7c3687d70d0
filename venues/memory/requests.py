"""What may be asked of the exchange in memory: a value for each function of docs/exchange.md section 10.

Listing, tiers, price rules, liquidation rules and the owner's change are not among them: a drill begins
with the markets and rules that it rehearses. A request is what the contract's calldata would say, as a value. Units as everywhere: prices 1e-8 USD,
sizes 1e-8 share, money in atoms. Corporate writes are `risk.corporate_writes`, told of a market.
"""

from dataclasses import dataclass
from typing import TypeAlias

from risk.corporate_writes import Write
from risk.guard_rails import Limits
from risk.price_publication import FairPrice
from risk.trade_rules import Trade
from risk.units import AccountId, MarketId, PriceE8, QuoteAtoms, Seconds
from venues.exchange.readings import Role
from venues.port import Call, DeleverageItem, LiquidationItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidate:
    """`liquidate`: anyone."""

    items: tuple[LiquidationItem, ...]
    deadline: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleverage:
    """`deleverage`: the deleverager."""

    items: tuple[DeleverageItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """`publish`: the pricer. The rung of a price is not told to the exchange."""

    prices: tuple[FairPrice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleTrades:
    """`settle_trades`: the matcher; a bad trade refuses all of them."""

    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetParameter:
    """`set_parameter`: the tuner."""

    market: MarketId
    parameter: int
    value: int
    expected_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBand:
    """`set_band`: the breaker; both 0 lift it."""

    market: MarketId
    low: PriceE8
    high: PriceE8
    expected_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """`set_status`: the breaker."""

    market: MarketId
    status: int
    expected_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrict:
    """`restrict`: the guardian."""

    market: MarketId
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWithdrawals:
    """`close_withdrawals`: the guardian; `open_withdrawals`: the owner."""

    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Corporate:
    """Any write of section 8; closing settled positions and covering losses is anyone's."""

    market: MarketId
    write: Write


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositMany:
    """`deposit_many`, and with one account `deposit_for`: opens what is not open."""

    accounts: tuple[AccountId, ...]
    amounts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """`withdraw`: from a subaccount of the caller."""

    subaccount: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawBackstop:
    """`withdraw_backstop`: the owner."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """`transfer`: between two subaccounts of the caller."""

    source: int
    target: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundInsurance:
    """`fund_insurance`: anyone."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRewards:
    """`claim_rewards`: whoever earned some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawFees:
    """`withdraw_fees`: the owner."""

    to: bytes
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimits:
    """`set_limits`: the owner."""

    market: MarketId
    parameter: int
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMarketRules:
    """`set_market_rules`: the owner."""

    market: MarketId
    min_position_notional: QuoteAtoms
    slice_threshold: QuoteAtoms
    penalty: int
    spread_max: int
    backstop_cap: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`grant`: the owner; `Role.NONE` is `revoke`."""

    holder: bytes
    role: Role


Request: TypeAlias = (
    Liquidate
    | Deleverage
    | Publish
    | SettleTrades
    | SetParameter
    | SetBand
    | SetStatus
    | Restrict
    | SetWithdrawals
    | Corporate
    | DepositMany
    | Withdraw
    | WithdrawBackstop
    | Transfer
    | FundInsurance
    | ClaimRewards
    | WithdrawFees
    | SetLimits
    | SetMarketRules
    | Grant
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCall(Call):
    """A call that carries its request as a value; `data` only names it."""

    request: Request
