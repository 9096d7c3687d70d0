"""The exchange's state, rebuilt from its events alone.

The drill's own picture, kept apart from the keeper's: markets as they were listed, then every
event. At the end it must equal what the chain says, account by account (drills/invariants.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from drills.chain_events import ChainEvent
from risk.corporate_values import Ratio, ratio_of
from risk.margin import Account, Position
from risk.market import Market
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

Values = Mapping[str, Any]


class Replay:
    """Markets and accounts after the events so far."""

    def __init__(self, markets: Mapping[MarketId, Market]) -> None:
        self.markets = dict(markets)
        self._collateral: dict[AccountId, QuoteAtoms] = {}
        self._held: dict[AccountId, dict[MarketId, Position]] = {}
        self._rules: dict[str, Callable[[Values], AccountId | None]] = {
            "AccountOpened": self._opened,
            "CollateralChanged": self._collateral_changed,
            "PositionChanged": self._position_changed,
            "PricePublished": self._priced,
            "OpenInterestChanged": self._open_interest_changed,
            "StatusChanged": self._status_changed,
            "SplitBegun": self._split_begun,
            "SplitFinished": self._split_finished,
        }
        self.ratios: dict[MarketId, Ratio] = {}
        """Of the split that each market went through."""

    def apply(self, event: ChainEvent) -> AccountId | None:
        """Apply one event; give the account that it touched, if it touched one."""
        rule = self._rules.get(event.name)
        return None if rule is None else rule(event.values)

    def account(self, number: AccountId) -> Account:
        """Give an account as it is now."""
        held = self._held.get(number, {})
        return Account(
            id=number,
            collateral=self._collateral.get(number, QuoteAtoms(0)),
            positions=tuple(held[market] for market in sorted(held)),
        )

    def position(self, number: AccountId, market: MarketId) -> Position | None:
        """Give what an account holds in a market."""
        return self._held.get(number, {}).get(market)

    @property
    def accounts(self) -> list[AccountId]:
        """List all accounts in order of their opening."""
        return list(self._collateral)

    @property
    def holders(self) -> list[AccountId]:
        """List the accounts that hold anything."""
        return list(self._held)

    def _opened(self, values: Values) -> AccountId:
        account = AccountId(values["account"])
        self._collateral.setdefault(account, QuoteAtoms(0))
        return account

    def _collateral_changed(self, values: Values) -> AccountId:
        account = AccountId(values["account"])
        self._collateral[account] = QuoteAtoms(values["collateral"])
        return account

    def _position_changed(self, values: Values) -> AccountId:
        account, market = AccountId(values["account"]), MarketId(values["market"])
        self._collateral[account] = QuoteAtoms(values["collateral"])
        held = self._held.setdefault(account, {})
        if values["size"] == 0:
            held.pop(market, None)
            if not held:
                del self._held[account]
        else:
            held[market] = Position(
                market=market,
                size=SizeE8(values["size"]),
                quote=QuoteAtoms(values["quote"]),
                funding=FundingE12(values["funding"]),
                slice_time=Seconds(values["slice_time"]),
            )
        return account

    def _priced(self, values: Values) -> None:
        number = MarketId(values["market"])
        self.markets[number] = replace(
            self.markets[number],
            mark=PriceE8(values["mark"]),
            index=PriceE8(values["index"]),
            price_timestamp=Seconds(values["price_timestamp"]),
            updated_at=Seconds(values["updated_at"]),
            funding_numerator=values["funding_numerator"],
            # Funding accrues up to the moment of each accepted price.
            funding_time=Seconds(values["updated_at"]),
        )

    def _open_interest_changed(self, values: Values) -> None:
        number = MarketId(values["market"])
        self.markets[number] = replace(
            self.markets[number], open_interest=SizeE8(values["open_interest"])
        )

    def _status_changed(self, values: Values) -> None:
        number = MarketId(values["market"])
        self.markets[number] = replace(self.markets[number], status=MarketStatus(values["status"]))

    def _split_begun(self, values: Values) -> None:
        number = MarketId(values["market"])
        self.markets[number] = replace(
            self.markets[number],
            is_splitting=True,
            funding_numerator=values["funding_numerator"],
            funding_time=Seconds(values["funding_time"]),
        )

    def _split_finished(self, values: Values) -> None:
        number = MarketId(values["market"])
        self.ratios[number] = ratio_of(values["numerator"], values["denominator"])
        self.markets[number] = replace(
            self.markets[number],
            is_splitting=False,
            mark=PriceE8(values["mark"]),
            index=PriceE8(values["index"]),
            funding_numerator=values["funding_numerator"],
            funding_time=Seconds(values["funding_time"]),
        )
