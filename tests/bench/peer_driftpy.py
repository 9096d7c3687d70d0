"""Driftpy's own verdicts on our population: runs in `.venv-peers`, JSON in, JSON out.

`DriftUser.can_be_liquidated` of the released package, unchanged, with its real account classes, its
real client object (it never connects) and its cached user subscriber. Markets and oracles come out
of dictionaries, which is at least as fast as any subscriber that the package ships.
Units: price 1e-6 USD, base 1e-9, quote 1e-6 USD.
"""

import dataclasses
import json
import statistics
import sys
import time
from typing import Any, Final

from anchorpy.provider import Wallet
from driftpy.account_subscription_config import AccountSubscriptionConfig
from driftpy.accounts.types import DataAndSlot, DriftClientAccountSubscriber
from driftpy.drift_client import DriftClient
from driftpy.drift_user import DriftUser
from driftpy.types import (
    AMM,
    ContractType,
    MarginMode,
    MarketStatus,
    OraclePriceData,
    PerpMarketAccount,
    PerpPosition,
    SpotBalanceType,
    SpotMarketAccount,
    SpotPosition,
    UserAccount,
)
from solana.rpc.async_api import AsyncClient
from solders.keypair import Keypair

FULL_WEIGHT: Final = 10_000
MAINTENANCE: Final = 250  # of 10,000: 2.5 %


def blank(kind: type[Any], **facts: Any) -> Any:
    """Build one of the package's account classes: what is not said is 0."""
    names = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return kind(**{**dict.fromkeys(names, 0), **facts})


class InMemory(DriftClientAccountSubscriber):
    """Markets and oracles by number."""

    def __init__(self, marks: list[int]) -> None:
        quote = blank(
            SpotMarketAccount,
            decimals=6,
            cumulative_deposit_interest=10**10,
            initial_asset_weight=FULL_WEIGHT,
            maintenance_asset_weight=FULL_WEIGHT,
            scale_initial_asset_weight_start=0,
            status=MarketStatus.Active(),
        )
        self.quote = DataAndSlot(0, quote)
        self.quote_price = DataAndSlot(0, blank(OraclePriceData, price=10**6))
        self.perps = {number: DataAndSlot(0, perp_market(number)) for number in range(len(marks))}
        self.prices: dict[int, DataAndSlot[Any]] = {}
        self.set_marks(marks)

    def set_marks(self, marks: list[int]) -> None:
        """Take new oracle prices."""
        for number, mark in enumerate(marks):
            self.prices[number] = DataAndSlot(0, blank(OraclePriceData, price=mark))

    def get_perp_market_and_slot(self, market_index: int) -> Any:
        return self.perps[market_index]

    def get_spot_market_and_slot(self, market_index: int) -> Any:  # noqa: ARG002 - only USDC
        return self.quote

    def get_oracle_price_data_and_slot_for_perp_market(self, market_index: int) -> Any:
        return self.prices[market_index]

    def get_oracle_price_data_and_slot_for_spot_market(self, market_index: int) -> Any:  # noqa: ARG002
        return self.quote_price


def perp_market(number: int) -> Any:
    """Build a market without tiers, funding or discounts: 2.5 % maintenance margin."""
    return blank(
        PerpMarketAccount,
        amm=blank(AMM),
        market_index=number,
        status=MarketStatus.Active(),
        contract_type=ContractType.Perpetual(),
        margin_ratio_initial=2 * MAINTENANCE,
        margin_ratio_maintenance=MAINTENANCE,
        unrealized_pnl_initial_asset_weight=FULL_WEIGHT,
        unrealized_pnl_maintenance_asset_weight=FULL_WEIGHT,
    )


def make_user(client: DriftClient, account: dict[str, Any]) -> DriftUser:
    """Build a user with one deposit and its perpetual positions."""
    deposit = blank(
        SpotPosition,
        scaled_balance=account["collateral"] * 1_000,
        balance_type=SpotBalanceType.Deposit(),
    )
    positions = [
        blank(PerpPosition, market_index=market, base_asset_amount=size, quote_asset_amount=quote)
        for market, size, quote in account["positions"]
    ]
    user = DriftUser(
        client, Keypair().pubkey(), account_subscription=AccountSubscriptionConfig("cached")
    )
    held = blank(
        UserAccount,
        spot_positions=[deposit],
        perp_positions=positions,
        orders=[],
        margin_mode=MarginMode.Default(),
    )
    user.account_subscriber.update_data(DataAndSlot(0, held))
    return user


def main() -> None:
    """Time whole passes at the first marks, then say who is liquidatable at the second.

    The time is the processor's, so that a busy machine does not count against the peer.
    """
    told = json.load(sys.stdin)
    wallet = Wallet(Keypair())
    client = DriftClient(
        AsyncClient("http://localhost:1"),
        wallet,
        account_subscription=AccountSubscriptionConfig("cached"),
    )
    source = InMemory(told["marks"])
    client.account_subscriber = source
    users = [make_user(client, account) for account in told["accounts"]]
    seconds: dict[str, float] = {}
    for count in told["counts"]:
        times: list[float] = []
        for _ in range(told["passes"]):
            start = time.process_time()
            for user in users[:count]:
                user.can_be_liquidated()
            times.append(time.process_time() - start)
        seconds[str(count)] = statistics.median(times)
    source.set_marks(told["marks_after"])
    liquidatable = [number for number, user in enumerate(users) if user.can_be_liquidated()]
    json.dump({"seconds": seconds, "liquidatable": liquidatable}, sys.stdout)


if __name__ == "__main__":
    main()
