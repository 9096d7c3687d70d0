"""A short-lived connection to the configured servers, for commands that ask and leave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom

from config.settings import Settings
from keepers.signing import exchange_address
from keepers.transports import Transports, open_transports
from keepers.version import VERSION
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.metrics import new_registry
from runtime.rpc.errors import RpcError
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.slicers import UndecodableError


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Transports]:
    """Open the transports; an answer that cannot be used becomes one sentence for the operator."""
    transports = open_transports(
        settings.network,
        registry=new_registry(version=VERSION),
        clock=SystemClock(),
        random=SystemRandom(),
    )
    try:
        async with transports.pool:
            yield transports
    except (RpcError, UndecodableError) as error:
        raise OperatorError(
            f"expected a usable answer from the servers of {settings.network.name}, found: {error}"
            " (run `bellkeeper check`)"
        ) from error


def exchange_of(settings: Settings, transports: Transports) -> ExchangeVenue:
    """Give the configured exchange to read from."""
    return ExchangeVenue(transports.pool, address=exchange_address(settings), abi=load_abi())
