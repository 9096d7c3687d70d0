"""One node with a busy exchange for the feed's tests."""

from collections.abc import Iterator

import pytest

from tests.anvil import JsonRpc, running_anvil
from tests.venues.exchange.activity import Activity, Town
from tests.venues.exchange.contracts.harness import Chain, Exchange


@pytest.fixture
def town() -> Iterator[Town]:
    """Give a fresh node with an exchange that has traded a little."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        activity = Activity(exchange, seed=7)
        activity.set_up()
        activity.run(10)
        yield Town(anvil=anvil, exchange=exchange, activity=activity)
