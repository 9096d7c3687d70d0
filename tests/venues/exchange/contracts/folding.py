"""The whole state, rebuilt from the events alone.

Every event carries absolute values after the change, so that applying one twice is harmless:
this fold applies each of them twice.
"""

from typing import Any

from tests.venues.exchange.contracts.codec import Event
from tests.venues.exchange.contracts.harness import SETTLED
from tests.venues.exchange.contracts.reckoning import Books

PARAMETERS = {
    1: "initial_margin",
    2: "funding_rate",
    3: "taker_fee",
    4: "maker_fee",
    5: "open_interest_cap",
}
NO_TIER = {"lower_bound": 0, "rate": 0, "deduction": 0}
COPIED = {
    "MarketCreated",
    "MarketRulesChanged",
    "PricePublished",
    "DividendPaid",
    "SplitBegun",
    "SplitFinished",
    "MarketSettled",
    "OpenInterestChanged",
    "StatusChanged",
}


class Folded:
    """What a reader who saw nothing but events knows."""

    def __init__(self, market_fields: list[str]) -> None:
        self.accounts: dict[int, int] = {}
        self.collateral: dict[int, int] = {}
        self.positions: dict[tuple[int, int], dict[str, int]] = {}
        self.markets: dict[int, dict[str, Any]] = {}
        self.funds: dict[str, Any] = {"withdrawals_open": False}
        self.funds |= dict.fromkeys(
            ("insurance_fund", "fee_pool", "funding_pool", "rewards_owed"), 0
        )
        self._market_fields = market_fields

    def apply(self, event: Event) -> None:
        """Learn from one event."""
        fields = event.fields
        if event.name in COPIED:
            self._learn_market(event)
        elif event.name == "ParameterChanged":
            market = self._market(fields["market"])
            market[PARAMETERS[fields["parameter"]]] = fields["value"]
            market["funding_numerator"] = fields["funding_numerator"]
            market["funding_time"] = fields["funding_time"]
        elif event.name == "BandChanged":
            market = self._market(fields["market"])
            market["band_low"], market["band_high"] = fields["low"], fields["high"]
        elif event.name == "AccountOpened":
            self.accounts[fields["index"]] = fields["account"]
            self.collateral.setdefault(fields["account"], 0)
        elif event.name == "CollateralChanged":
            self.collateral[fields["account"]] = fields["collateral"]
        elif event.name == "PositionChanged":
            self._learn_position(fields)
        elif event.name == "FundsChanged":
            self.funds |= fields
        elif event.name == "WithdrawalsChanged":
            self.funds["withdrawals_open"] = fields["is_open"]

    def _market(self, market: int) -> dict[str, Any]:
        empty: dict[str, Any] = dict.fromkeys(self._market_fields, 0)
        return self.markets.setdefault(
            market, empty | {"tiers": [NO_TIER] * 4, "is_splitting": False}
        )

    def _learn_market(self, event: Event) -> None:
        market = self._market(event["market"])
        market |= {name: value for name, value in event.fields.items() if name in market}
        if event.name == "PricePublished":
            market["funding_time"] = event["updated_at"]
        elif event.name in {"SplitBegun", "SplitFinished"}:
            market["is_splitting"] = event.name == "SplitBegun"
        elif event.name == "MarketSettled":
            market["mark"] = market["index"] = event["price"]
            market["price_timestamp"] = market["updated_at"] = event["funding_time"]
            market["band_low"] = market["band_high"] = market["funding_rate"] = 0
            market["status"] = SETTLED

    def _learn_position(self, fields: dict[str, Any]) -> None:
        account, market = fields["account"], fields["market"]
        self.collateral[account] = fields["collateral"]
        row = {name: fields[name] for name in ("market", "size", "quote", "funding", "slice_time")}
        if row["size"] == 0:
            assert not any(row[name] for name in ("quote", "funding", "slice_time"))
            self.positions.pop((account, market), None)
        else:
            self.positions[account, market] = row

    def compare(self, books: Books) -> None:
        """Assert that the pages show the same."""
        assert list(self.accounts) == list(range(len(books.collateral)))
        assert [self.accounts[index] for index in self.accounts] == list(books.collateral)
        assert self.collateral == books.collateral
        assert self.positions == books.positions
        assert [self.markets[number] for number in range(len(self.markets))] == books.markets
        for name, value in self.funds.items():
            assert books.funds[name] == value, name
