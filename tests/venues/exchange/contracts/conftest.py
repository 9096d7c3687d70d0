"""One node and one deployment for the folder; every test starts from the same snapshot."""

from collections.abc import Iterator

import pytest

from tests.anvil import JsonRpc, running_anvil
from tests.venues.exchange.contracts.harness import Chain, Exchange
from tests.venues.exchange.contracts.reckoning import check_books


@pytest.fixture(scope="session")
def deployed() -> Iterator[Exchange]:
    """Deploy the exchange once."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        yield Exchange(Chain(rpc))


@pytest.fixture
def bare(deployed: Exchange) -> Iterator[Exchange]:
    """Give an exchange with roles but without a market; whatever a test did, the books balance."""
    snapshot = deployed.chain.snapshot()
    try:
        yield deployed
        check_books(deployed)
    finally:
        deployed.chain.restore(snapshot)


@pytest.fixture
def exchange(bare: Exchange) -> Exchange:
    """Give an exchange with one market at 100 dollars and a rich backstop."""
    bare.create_market()
    bare.fund(bare.backstop, 1_000_000)
    return bare


@pytest.fixture
def trader_long(exchange: Exchange) -> int:
    """Give an account with 1 000 dollars."""
    account = exchange.account(1)
    exchange.fund(account, 1_000)
    return account


@pytest.fixture
def maker(exchange: Exchange) -> int:
    """Give an account rich enough to take the other side of anything."""
    account = exchange.account(2)
    exchange.fund(account, 10_000_000)
    return account


@pytest.fixture
def under_margin(exchange: Exchange, trader_long: int, maker: int) -> int:
    """Give an account of 5 000 dollars long, 200 of equity, 210 of maintenance margin."""
    exchange.trade(trader_long, maker, 50)
    exchange.publish(84)
    return trader_long


@pytest.fixture
def bankrupt(exchange: Exchange, trader_long: int, maker: int) -> int:
    """Give an account that lacks 100 dollars: 100 shares long from 100 dollars, now at 89."""
    exchange.trade(trader_long, maker, 100)
    exchange.publish(89)
    return trader_long
