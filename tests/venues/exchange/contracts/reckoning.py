"""The books, reckoned again from what the pages show, in plain Python.

Nothing here is shared with the contract or with the mirror in `risk`: an independent opinion.
Python's `//` floors; ceil is written as minus the floor of the negative.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.venues.exchange.contracts.harness import SETTLED, Exchange

FUNDING_SCALE = 360_000_000


def ceil(a: int, b: int) -> int:
    """Round up."""
    return -(-a // b)


@dataclass(slots=True)
class Books:
    """Everything that the chain shows at one block."""

    time: int
    markets: list[dict[str, Any]]
    collateral: dict[int, int]
    positions: dict[tuple[int, int], dict[str, int]]
    funds: dict[str, int]
    token_balance: int

    def funding_index(self, market: int) -> int:
        """Give F(now); it stands still during a split."""
        view = self.markets[market]
        numerator = int(view["funding_numerator"])
        if not view["is_splitting"]:
            elapsed = self.time - view["funding_time"]
            numerator += view["funding_rate"] * view["index"] * elapsed
        return numerator // FUNDING_SCALE

    def owed(self, account: int, market: int) -> int:
        """Give the funding that a position owes."""
        row = self.positions[account, market]
        return ceil(row["size"] * (self.funding_index(market) - row["funding"]), 10**14)

    def value(self, market: int, size: int) -> int:
        """Give the signed value of a size."""
        return size * int(self.markets[market]["mark"]) // 10**10

    def notional(self, market: int, size: int) -> int:
        """Give the unsigned value of a size, rounded up."""
        return ceil(abs(size) * int(self.markets[market]["mark"]), 10**10)

    def maintenance(self, market: int, size: int) -> int:
        """Give the requirement as the tiers say it: piecewise, from the rates alone."""
        view = self.markets[market]
        if view["status"] == SETTLED:
            return 0
        notional = self.notional(market, size)
        tiers = view["tiers"][: view["tier_count"]]
        deduction = 0
        result = ceil(notional * tiers[0]["rate"], 10**6)
        for lower, upper in pairwise(tiers):
            deduction += upper["lower_bound"] * (upper["rate"] - lower["rate"]) // 10**6
            if notional >= upper["lower_bound"]:
                result = ceil(notional * upper["rate"], 10**6) - deduction
        return result

    def held(self, account: int) -> list[int]:
        """List the markets of an account."""
        return [market for owner, market in self.positions if owner == account]

    def equity(self, account: int) -> int:
        """Give the equity of an account."""
        total = self.collateral[account]
        for market in self.held(account):
            row = self.positions[account, market]
            total += self.value(market, row["size"]) + row["quote"] - self.owed(account, market)
        return total

    def total_maintenance(self, account: int) -> int:
        """Give the maintenance margin of an account."""
        sizes = {market: self.positions[account, market]["size"] for market in self.held(account)}
        return sum(self.maintenance(market, size) for market, size in sizes.items())

    def imbalance(self) -> int:
        """Give the vault's balance minus all that it owes; must be zero."""
        funds = self.funds
        owned = sum(self.collateral.values())
        owned += sum(row["quote"] for row in self.positions.values())
        owned += funds["insurance_fund"] + funds["fee_pool"]
        owned += funds["funding_pool"] + funds["rewards_owed"]
        return self.token_balance - owned

    def dust(self) -> int:
        """Give the rounding dust of the funding pool; must never fall below zero."""
        total = self.funds["funding_pool"]
        for account, market in self.positions:
            total += self.owed(account, market)
            if self.markets[market]["status"] == SETTLED:
                total -= self.value(market, self.positions[account, market]["size"])
        return total


def read_books(exchange: Exchange, page_size: int = 512) -> Books:
    """Read all pages."""
    collateral: dict[int, int] = {}
    positions: dict[tuple[int, int], dict[str, int]] = {}
    start = 0
    time = exchange.chain.now()
    while start < exchange.view("account_count"):
        page = exchange.view("accounts_page", start, page_size)
        rows = iter(page["positions"])
        for account in page["accounts"]:
            collateral[account["account"]] = account["collateral"]
            for _ in range(account["position_count"]):
                row = next(rows)
                positions[account["account"], row["market"]] = row
        assert next(rows, None) is None
        assert page["timestamp"] == time
        start = page["next"]
    return Books(
        time=time,
        markets=read_markets(exchange),
        collateral=collateral,
        positions=positions,
        funds=exchange.funds(),
        token_balance=exchange.balance(exchange.address),
    )


def read_markets(exchange: Exchange) -> list[dict[str, Any]]:
    """Read all markets."""
    markets: list[dict[str, Any]] = []
    while len(markets) < exchange.view("market_count"):
        markets += exchange.view("markets_page", len(markets), 16)
    return markets


def check_books(exchange: Exchange) -> Books:
    """Assert what must hold at any moment."""
    books = read_books(exchange)
    assert books.imbalance() == 0
    assert books.funds["vault_balance"] == books.token_balance
    for name in ("insurance_fund", "fee_pool", "rewards_owed"):
        assert books.funds[name] >= 0, name
    for market, view in enumerate(books.markets):
        if view["is_splitting"]:
            continue
        sizes = [row["size"] for (_, m), row in books.positions.items() if m == market]
        if view["status"] != SETTLED:  # there, positions are closed one by one
            assert sum(sizes) == 0, f"sizes of market {market}"
        assert sum(size for size in sizes if size > 0) == view["open_interest"]
    if not any(view["is_splitting"] for view in books.markets):
        assert books.dust() >= 0
    return books
