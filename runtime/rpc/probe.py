"""Which methods an endpoint really has: ask, do not trust a table.

A sending method is asked to send one byte, which is no transaction and has no effect: an endpoint
that knows the method complains about the byte. One that does not should say so, but some complain
about the parameters instead (anvil over WebSocket does), so its answer is compared with the answer
for a method that nobody has. What could not be found out counts as missing, and the result as
incomplete: ask again.
"""

from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import MethodMissing, RpcError, RpcTransient
from runtime.rpc.http import RpcHttp
from runtime.rpc.ws import RpcWs

REALTIME_SEND: Final = "realtime_sendRawTransaction"
SYNC_SEND: Final = "eth_sendRawTransactionSync"
PLAIN_SEND: Final = "eth_sendRawTransaction"
_NOBODYS: Final = "bellkeeper_noSuchMethod"
_SENDS: Final = (REALTIME_SEND, SYNC_SEND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one endpoint offers, by transport; a transport it lacks offers nothing.

    `is_complete` is False if a transport that it should have did not answer.
    """

    endpoint: str
    chain_id: int | None
    http: frozenset[str] = frozenset()
    ws: frozenset[str] = frozenset()
    is_complete: bool = True


class _Caller(Protocol):
    async def call(self, method: str, params: Any = ()) -> Any: ...  # noqa: ANN401


async def probe_endpoint(
    endpoint: Endpoint,
    http: RpcHttp | None,
    *,
    random: Random,
    settings: WsSettings | None = None,
) -> Capabilities:
    """Find out what `endpoint` offers; an endpoint that does not answer offers nothing."""
    chain_id: int | None = None
    over_http: frozenset[str] = frozenset()
    over_ws: frozenset[str] = frozenset()
    is_complete = True
    if http is not None:
        try:
            chain_id = await _chain_id(http)
            over_http = await _sends(http)
        except RpcTransient:
            is_complete = False
    if endpoint.ws_url is not None:
        try:
            async with RpcWs(endpoint, random=random, settings=settings) as socket:
                chain_id = await _chain_id(socket) if chain_id is None else chain_id
                over_ws = await _sends(socket) | await _subscribe(socket)
        except RpcTransient:
            is_complete = False
    return Capabilities(
        endpoint=endpoint.name,
        chain_id=chain_id,
        http=over_http,
        ws=over_ws,
        is_complete=is_complete,
    )


async def _chain_id(caller: _Caller) -> int | None:
    try:
        return int(await caller.call("eth_chainId"), 16)
    except RpcTransient:
        raise
    except (RpcError, ValueError, TypeError):
        return None


async def _sends(caller: _Caller) -> frozenset[str]:
    nobody = await _complaint(caller, _NOBODYS)
    offered: set[str] = set()
    for method in _SENDS:
        complaint = await _complaint(caller, method)
        if complaint is not None and complaint != nobody:
            offered.add(method)
    return frozenset(offered)


async def _complaint(caller: _Caller, method: str) -> tuple[int | None, str] | None:
    """Say what the endpoint has against the byte; None if it has no such method."""
    try:
        await caller.call(method, ["0x00"])
    except RpcTransient:
        raise
    except MethodMissing:
        return None
    except RpcError as error:
        return error.code, error.message
    return 0, "nothing"


async def _subscribe(socket: RpcWs) -> frozenset[str]:
    try:
        subscription = await socket.subscribe(["newHeads"], capacity=16)
    except RpcTransient:
        raise
    except RpcError:
        return frozenset()
    await socket.unsubscribe(subscription)
    return frozenset({"eth_subscribe"})
