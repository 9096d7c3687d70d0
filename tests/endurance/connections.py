"""Ten thousand connections at the status port of a keeper that works."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tests.anvil import JsonRpc, running_anvil
from tests.hostile.crowding import crowded
from tests.scenarios.conftest import Scene
from tests.venues.exchange.contracts.harness import Chain, Exchange


def crowd_port(folder: Path, connections: int) -> Mapping[str, object]:
    """Crowd it; raises AssertionError where the keeper or an honest client was kept from working."""
    with (
        running_anvil(block_time_seconds=0.05, accounts=12) as anvil,
        JsonRpc(anvil.http_url) as rpc,
    ):
        exchange = Exchange(Chain(rpc))
        exchange.create_market()
        exchange.fund(exchange.backstop, 1_000_000)
        exchange.send("owner", "fund_insurance", 100_000 * 10**6)
        exchange.fund(exchange.account(9_999), 10_000_000)
        scene = Scene(anvil=anvil, exchange=exchange, folder=folder, keepers=[])
        try:
            return asdict(crowded(scene, connections))
        finally:
            for keeper in scene.keepers:
                keeper.kill()
