"""What a corporate action writes to the exchange: one value for each call of docs/exchange.md section 8."""

from dataclasses import dataclass
from typing import TypeAlias

from risk.units import AccountId, PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSplit:
    """`begin_split`: from now on sizes are rescaled by the ratio."""

    numerator: int
    denominator: int
    expected_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueSplit:
    """`continue_split`: rescale so many more accounts."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayDividend:
    """`dividend`: shorts pay longs so much a share."""

    amount: PriceE8
    expected_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleMarket:
    """`settle_market`: final."""

    price: PriceE8
    expected_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSettled:
    """`close_settled`: turn these accounts' positions into cash."""

    accounts: tuple[AccountId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverLosses:
    """`cover_losses`: the insurance fund pays what these owe, as far as it goes."""

    accounts: tuple[AccountId, ...]


Write: TypeAlias = (
    BeginSplit | ContinueSplit | PayDividend | SettleMarket | CloseSettled | CoverLosses
)
