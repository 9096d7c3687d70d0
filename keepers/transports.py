"""From the network's settings to the transports: one pool to read, one submitter to send.

Both outlive the lanes: after a stop they stay open until the lanes have heard the replies to what
they had written.
"""

import asyncio
from dataclasses import dataclass
from random import Random

from prometheus_client import CollectorRegistry

from config.settings import Network
from runtime.clock import Clock
from runtime.errors import OperatorError
from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import BadAnswer, RpcError
from runtime.rpc.http import HttpLimits
from runtime.rpc.metrics import RpcMetrics
from runtime.rpc.pool import RpcPool
from runtime.rpc.submit import RawSubmitter
from runtime.supervise import sleep_unless

PROBE_AGAIN_SECONDS = 30.0
"""Pause before servers that did not answer at first are asked again what they offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transports:
    """The way to the chain and back."""

    pool: RpcPool
    submitter: RawSubmitter

    async def probe(self, network: Network) -> None:
        """Learn what each server offers; raises OperatorError for one of another chain, or no node.

        A server that is down for now is no operator's error: the workers back off and go on asking.
        """
        await self.pool.probe(expected_chain_id=network.chain_id)
        self.submitter.learn()
        offered = self.pool.capabilities.values()
        answered = [found for found in offered if found.chain_id is not None]
        if not answered:
            await self._check_not_foreign()
        if network.require_websocket and answered and not any(found.ws for found in answered):
            raise OperatorError(
                "expected a WebSocket at one of [network] endpoints, found none that answers:"
                " correct its ws_url, or set require_websocket = false and live with slower prices"
            )

    async def _check_not_foreign(self) -> None:
        try:
            await self.pool.call("eth_chainId")
        except BadAnswer as error:
            raise OperatorError(
                f"expected a JSON-RPC node at [network] endpoints, found something else: {error}"
                " (correct the http_url, or the key in it)"
            ) from error
        except RpcError:
            return

    async def keep_probing(self, network: Network, stop: asyncio.Event) -> None:
        """Ask again until every server has answered in full (a worker)."""
        while not await sleep_unless(stop, PROBE_AGAIN_SECONDS):
            if not all(found.is_complete for found in self.pool.capabilities.values()):
                await self.probe(network)


def open_transports(
    network: Network, *, registry: CollectorRegistry, clock: Clock, random: Random
) -> Transports:
    """Make the transports of the configured servers; nothing is dialled yet."""
    endpoints = [
        Endpoint(
            name=endpoint.name,
            http_url=endpoint.http_url,
            ws_url=endpoint.ws_url,
            http_per_second=endpoint.calls_per_second,
            http_burst=max(1, int(endpoint.calls_per_second)),
            ws_per_second=endpoint.ws_messages_per_second,
            ws_burst=max(1, int(endpoint.ws_messages_per_second)),
        )
        for endpoint in network.endpoints
    ]
    pool = RpcPool(
        endpoints,
        random=random,
        clock=clock,
        metrics=RpcMetrics.create(registry, [endpoint.name for endpoint in endpoints]),
        http_limits=HttpLimits(timeout_seconds=network.request_timeout_seconds),
        ws_settings=WsSettings(
            call_seconds=network.request_timeout_seconds,
            keepalive_seconds=network.keep_alive_seconds,
            idle_seconds=network.read_idle_seconds,
        ),
    )
    return Transports(pool=pool, submitter=RawSubmitter(pool))
