"""What the chain shows, as the judge's own values."""

from dataclasses import dataclass
from typing import Any

from risk.liquidation import LiquidationRules, LiquidationTerms, backstop_state
from risk.margin import Account, Position, margin_state
from risk.market import Market, Tier
from risk.units import (
    AccountId,
    FundingE12,
    MarketId,
    MarketStatus,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from tests.venues.exchange.contracts.harness import Exchange

SAME_NAMES = (
    "is_splitting",
    "mark",
    "index",
    "price_timestamp",
    "updated_at",
    "funding_rate",
    "funding_numerator",
    "funding_time",
    "band_low",
    "band_high",
    "open_interest",
    "initial_margin",
    "taker_fee",
    "maker_fee",
    "open_interest_cap",
    "clamp",
    "min_interval",
    "expiry",
    "min_position_notional",
    "slice_threshold",
    "penalty",
    "spread_max",
    "backstop_cap",
)


@dataclass(slots=True, kw_only=True)
class Book:
    """Everything at one block."""

    now: Seconds
    accounts: dict[AccountId, Account]
    markets: dict[MarketId, Market]
    funds: dict[str, int]
    backstop: AccountId

    def terms(self, rules: dict[str, int], base_fee_wei: int = 0) -> LiquidationTerms:
        """Give the terms of a batch that lands at this moment."""
        backstop = margin_state(self.accounts[self.backstop], self.markets, self.now)
        return LiquidationTerms(
            markets=self.markets,
            rules=LiquidationRules(**rules),  # type: ignore[arg-type]
            backstop=backstop_state(backstop),
            insurance_fund=QuoteAtoms(self.funds["insurance_fund"]),
            now=self.now,
            base_fee_wei=base_fee_wei,
        )


def market_of(number: int, view: dict[str, Any]) -> Market:
    """Turn a MarketView into a market."""
    tiers = tuple(Tier(**tier) for tier in view["tiers"][: view["tier_count"]])
    return Market(
        id=MarketId(number),
        symbol=bytes(view["symbol"]).rstrip(b"\0").decode(),
        status=MarketStatus(view["status"]),
        tiers=tiers,
        **{name: view[name] for name in SAME_NAMES},
    )


def accounts_of(page: dict[str, Any]) -> list[Account]:
    """Turn a page into accounts."""
    rows = iter(page["positions"])
    accounts = []
    for row in page["accounts"]:
        held = [next(rows) for _ in range(row["position_count"])]
        accounts.append(
            Account(
                id=AccountId(row["account"]),
                collateral=QuoteAtoms(row["collateral"]),
                positions=tuple(
                    Position(
                        market=MarketId(each["market"]),
                        size=SizeE8(each["size"]),
                        quote=QuoteAtoms(each["quote"]),
                        funding=FundingE12(each["funding"]),
                        slice_time=Seconds(each["slice_time"]),
                    )
                    for each in held
                ),
            )
        )
    return accounts


def read_book(exchange: Exchange) -> Book:
    """Read every account and market, and the funds."""
    accounts: dict[AccountId, Account] = {}
    start, count = 0, int(exchange.view("account_count"))
    while start < count:
        page = exchange.view("accounts_page", start, 512)
        accounts |= {account.id: account for account in accounts_of(page)}
        start = int(page["next"])
    views = exchange.view("markets_page", 0, 16)
    return Book(
        now=Seconds(exchange.chain.now()),
        accounts=accounts,
        markets={MarketId(n): market_of(n, view) for n, view in enumerate(views)},
        funds=exchange.funds(),
        backstop=AccountId(exchange.backstop),
    )
