"""The exchange in memory and the contracts, on the same random histories: equal to the atom, step by step.

`PARITY_SEEDS="1 2 3" PARITY_STEPS=2000` walks other worlds than the usual one, and further.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import pytest

from risk.deleverage_rules import DeleverageCode
from risk.liquidation import LiquidationCode
from risk.price_publication import PriceCode
from tests.anvil import JsonRpc, running_anvil
from tests.parity.memory_actions import settle_last
from tests.parity.memory_ground import RULES
from tests.parity.memory_walk import build_walk, play_step
from tests.venues.exchange.contracts.harness import Chain, Exchange
from venues.memory.requests import Request

USUAL = 27
SEEDS = tuple(int(seed) for seed in os.environ.get("PARITY_SEEDS", str(USUAL)).split())
STEPS = int(os.environ.get("PARITY_STEPS", "400"))
KINDS = {kind.__name__ for kind in get_args(Request)}


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """Give a node of its own with an empty exchange."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        yield Exchange(Chain(rpc), **RULES)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_history_ends_alike_in_memory_and_on_the_contracts(
    exchange: Exchange, seed: int
) -> None:
    walk = build_walk(exchange, seed)
    margins = 0
    for number in range(STEPS):
        play_step(walk)
        if number in {STEPS // 2, STEPS * 3 // 4}:
            settle_last(walk)
        if number % 50 == 49:
            margins += walk.twin.compare_margins()
            walk.twin.compare_memory_of_writes()
    assert margins > 30 * STEPS // 50
    assert walk.twin.met["LiquidationSettled: liquidated"]
    if seed == USUAL:
        assert_that_everything_was_met(walk.twin.met)


def assert_that_everything_was_met(met: Counter[str]) -> None:
    """Else the histories would agree because little happened in them."""
    wanted = {f"LiquidationSettled: {code}" for code in LiquidationCode}
    wanted |= {f"DeleverageSettled: {code}" for code in DeleverageCode}
    wanted |= {f"PriceRefused: {int(code)}" for code in PriceCode if code is not PriceCode.ACCEPTED}
    wanted |= {"SplitFinished", "DividendPaid", "MarketSettled"}
    wanted |= {kind.__name__ for kind in get_args(Request)} - {"Grant"}
    assert wanted - set(met) == set()
    reasons = {name.partition(": ")[2] for name in met if name.partition(": ")[0] in KINDS}
    assert len(reasons) >= 25, sorted(reasons)
