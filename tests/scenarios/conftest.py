"""A node with 50 ms blocks, an exchange, and a trader who will be under margin when prices fall."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.scenarios.keeper import KeeperProcess, write_profile
from tests.venues.exchange.contracts.harness import Chain, Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a scenario plays on."""

    anvil: Anvil
    exchange: Exchange
    folder: Path
    keepers: list[KeeperProcess]

    def keeper(self, *options: str) -> KeeperProcess:
        """Prepare a keeper for this exchange; the test starts it."""
        profile = write_profile(self.folder, self.anvil, self.exchange.address)
        keeper = KeeperProcess(profile, self.folder / "keeper.log", options)
        self.keepers.append(keeper)
        return keeper

    def open_position(self, subaccount: int, collateral: int = 110, size: int = 10) -> int:
        """Open a long position of a trader against a rich maker; give the account."""
        account, maker = self.exchange.account(subaccount), self.exchange.account(9_999)
        self.exchange.fund(account, collateral)
        self.exchange.trade(account, maker, size)
        return account

    def fall(self, to: float) -> None:
        """Let the mark fall to `to` in as many clamped steps as it takes."""
        while self.exchange.market()["mark"] > to * 10**8:
            self.exchange.publish(to)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Set the scene: one market at 100 dollars, a rich backstop, a rich maker."""
    with (
        running_anvil(block_time_seconds=0.05, accounts=12) as anvil,
        JsonRpc(anvil.http_url) as rpc,
    ):
        exchange = Exchange(Chain(rpc))
        exchange.create_market()
        exchange.fund(exchange.backstop, 1_000_000)
        exchange.send("owner", "fund_insurance", 100_000 * 10**6)
        exchange.fund(exchange.account(9_999), 10_000_000)
        keepers: list[KeeperProcess] = []
        try:
            yield Scene(anvil=anvil, exchange=exchange, folder=tmp_path, keepers=keepers)
        finally:
            for keeper in keepers:
                keeper.kill()
