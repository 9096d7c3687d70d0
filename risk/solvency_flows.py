"""What the exchange's events say came in, went out and changed hands between two balance sheets.

Events travel as their names and fields, in the order of the chain. Nothing here is believed: the
sheets before and after must differ by exactly this. Money in quote atoms, prices 1e-8 USD.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from risk.solvency_price_trail import CorporateAction, PriceStep, PriceTrail
from risk.units import MarketId, PriceE8, SizeE8

DEPOSIT: Final = 1
WITHDRAWAL: Final = 2
TRANSFER: Final = 3
SHORTFALL: Final = 4
COVER: Final = 5
LIQUIDATED: Final = 0
"""Code of an item that was carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the exchange, decoded by its ABI."""

    name: str
    values: Mapping[str, Any]
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """Sums over the events of blocks `first` to `last`."""

    first: int
    last: int
    deposits: int = 0
    withdrawals: int = 0
    transfers: int = 0
    """Between subaccounts; they must cancel out."""
    backstop_paid: int = 0
    covered: int = 0
    insurance_funded: int = 0
    fees_withdrawn: int = 0
    rewards_claimed: int = 0
    trade_fees: int = 0
    penalties: int = 0
    rewards: int = 0
    shortfalls: int = 0
    """Of liquidations: what insurance fund and backstop paid for bankrupt accounts."""
    position_changes: int = 0
    lowest_pool: int | None = None
    """The lowest that insurance fund, fee pool or rewards ever stood at in between."""
    steps: Mapping[MarketId, PriceStep] = field(default_factory=dict)
    actions: tuple[CorporateAction, ...] = ()

    @property
    def net_inflow(self) -> int:
        """Give by how much the vault must have grown."""
        inflow = self.deposits + self.insurance_funded
        return inflow - self.withdrawals - self.fees_withdrawn - self.rewards_claimed

    @property
    def insurance_change(self) -> int:
        """Give by how much the insurance fund must have grown."""
        insured = self.shortfalls - self.backstop_paid
        return self.insurance_funded + self.penalties - self.rewards - insured - self.covered

    @property
    def fee_change(self) -> int:
        """Give by how much the fee pool must have grown."""
        return self.trade_fees - self.fees_withdrawn

    @property
    def rewards_change(self) -> int:
        """Give by how much the rewards owed to keepers must have grown."""
        return self.rewards - self.rewards_claimed

    @property
    def equity_change(self) -> int:
        """Give by how much the equity of all accounts together must have grown, rounding apart."""
        cash = self.deposits - self.withdrawals + self.transfers + self.covered
        insured = self.shortfalls - self.backstop_paid
        return cash - self.trade_fees - self.penalties + insured


class FlowCount:
    """Adds up events one by one; `flows` gives the sums so far."""

    def __init__(self, marks: Mapping[MarketId, tuple[PriceE8, SizeE8]], *, first: int) -> None:
        self._first = first
        self._prices = PriceTrail(marks)
        self._sums: dict[str, int] = {}
        self._lowest: int | None = None
        self._rules = {
            "CollateralChanged": self._collateral_changed,
            "PositionChanged": self._position_changed,
            "TradeSettled": self._trade_settled,
            "LiquidationResult": self._liquidated,
            "FundsChanged": self._funds_changed,
            "InsuranceFunded": self._insurance_funded,
            "FeesWithdrawn": self._fees_withdrawn,
            "RewardsClaimed": self._rewards_claimed,
        }

    def add(self, event: Event) -> None:
        """Add one event; those that move nothing are passed over."""
        rule = self._rules.get(event.name)
        if rule is not None:
            rule(event.values)
        self._prices.add(event.name, event.values)

    def flows(self, last: int) -> Flows:
        """Give the sums up to block `last`."""
        return Flows(
            first=self._first,
            last=last,
            **self._sums,
            lowest_pool=self._lowest,
            steps=dict(self._prices.steps),
            actions=tuple(self._prices.actions),
        )

    def _sum(self, name: str, amount: int) -> None:
        self._sums[name] = self._sums.get(name, 0) + amount

    def _collateral_changed(self, values: Mapping[str, Any]) -> None:
        delta, reason = values["delta"], values["reason"]
        if reason == WITHDRAWAL:
            self._sum("withdrawals", -delta)
        elif reason == SHORTFALL:
            self._sum("backstop_paid", -delta)
        elif reason == COVER:
            self._sum("covered", delta)
        else:
            self._sum("transfers" if reason == TRANSFER else "deposits", delta)

    def _position_changed(self, values: Mapping[str, Any]) -> None:
        assert values
        self._sum("position_changes", 1)

    def _trade_settled(self, values: Mapping[str, Any]) -> None:
        self._sum("trade_fees", values["taker_fee"] + values["maker_fee"])

    def _liquidated(self, values: Mapping[str, Any]) -> None:
        if values["code"] == LIQUIDATED:
            self._sum("penalties", values["penalty"])
            self._sum("rewards", values["reward"])
            self._sum("shortfalls", values["shortfall"])

    def _funds_changed(self, values: Mapping[str, Any]) -> None:
        lowest = min(values["insurance_fund"], values["fee_pool"], values["rewards_owed"])
        self._lowest = lowest if self._lowest is None else min(lowest, self._lowest)

    def _insurance_funded(self, values: Mapping[str, Any]) -> None:
        self._sum("insurance_funded", values["amount"])

    def _fees_withdrawn(self, values: Mapping[str, Any]) -> None:
        self._sum("fees_withdrawn", values["amount"])

    def _rewards_claimed(self, values: Mapping[str, Any]) -> None:
        self._sum("rewards_claimed", values["amount"])
