"""Several endpoints as one: the preferred one while it is well, the next one when it is not.

The order of the list is the order of preference; a failure sends an endpoint to rest and the next
one answers until it is back. State never goes back in time: what comes from below the high-water
mark is refused and asked of the next endpoint. Only the endpoint's fault moves us on; an answer
that says no (a revert, a bad parameter) is an answer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import structlog

from runtime.clock import Clock, SystemClock
from runtime.errors import OperatorError
from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import (
    BadAnswer,
    Behind,
    MethodMissing,
    RateLimited,
    RpcError,
    RpcTransient,
)
from runtime.rpc.health import Health
from runtime.rpc.high_water import BlockHighWater
from runtime.rpc.http import Call, HttpLimits, RpcHttp
from runtime.rpc.metrics import RpcMetrics
from runtime.rpc.probe import Capabilities, probe_endpoint
from runtime.rpc.ws import RpcWs

LONGEST_WAIT_SECONDS: Final = 1.0
"""A call goes to the next endpoint rather than wait longer than this for a bucket."""
_BLOCK_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]{1,15}", re.ASCII)
"""Below 2^60: no chain has more blocks."""

_Result = TypeVar("_Result")

log: structlog.stdlib.BoundLogger = structlog.get_logger("rpc.pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    endpoint: Endpoint
    caller: RpcHttp | RpcWs
    health: Health


class RpcPool:
    """Call whichever endpoint is best; supervise `run`, or use it as a context manager.

    Calls go over HTTP where an endpoint has it, because public WebSockets offer few methods;
    `feed` is the WebSocket for subscriptions, over all endpoints that have one.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        random: Random,
        clock: Clock | None = None,
        metrics: RpcMetrics | None = None,
        http_limits: HttpLimits | None = None,
        ws_settings: WsSettings | None = None,
    ) -> None:
        if not endpoints:
            raise ValueError("expected at least one endpoint, found none")
        self.endpoints = tuple(endpoints)
        self.clock = clock or SystemClock()
        self.random = random
        self.metrics = metrics or RpcMetrics.unregistered([item.name for item in endpoints])
        self.ws_settings = ws_settings or WsSettings()
        self.high_water = BlockHighWater()
        self.capabilities: Mapping[str, Capabilities] = {}
        sockets = [item for item in endpoints if item.ws_url is not None]
        self.feed: RpcWs | None = self.new_socket(*sockets) if sockets else None
        self._members = [self._new_member(item, http_limits) for item in endpoints]
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def new_socket(self, *endpoints: Endpoint) -> RpcWs:
        """Make a WebSocket of its own over these endpoints; whoever asks must supervise it."""
        return RpcWs(
            *endpoints,
            random=self.random,
            settings=self.ws_settings,
            clock=self.clock,
            metrics=self.metrics,
        )

    def http(self, name: str) -> RpcHttp | None:
        """The HTTP transport of an endpoint, if it has one."""
        callers = {item.endpoint.name: item.caller for item in self._members}
        caller = callers[name]
        return caller if isinstance(caller, RpcHttp) else None

    def _new_member(self, endpoint: Endpoint, limits: HttpLimits | None) -> _Member:
        caller: RpcHttp | RpcWs = (
            self.new_socket(endpoint)
            if endpoint.http_url is None
            else RpcHttp(endpoint, limits=limits, clock=self.clock, metrics=self.metrics)
        )
        return _Member(endpoint=endpoint, caller=caller, health=Health(clock=self.clock))

    # --- life -------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the WebSockets connected until `stop`, then close everything (a worker)."""
        sockets = [item.caller for item in self._members if isinstance(item.caller, RpcWs)]
        if self.feed is not None:
            sockets.append(self.feed)
        try:
            async with asyncio.TaskGroup() as group:
                for socket in sockets:
                    group.create_task(socket.run(stop))
                await stop.wait()
        finally:
            for member in self._members:
                if isinstance(member.caller, RpcHttp):
                    await member.caller.close()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run(self._stop), name="rpc-pool")
        if self.feed is not None:
            try:
                await self.feed.wait_connected(self.ws_settings.connect_seconds)
            except RpcTransient as error:
                # Calls may work all the same, and the feed keeps trying.
                log.warning("feed_not_connected", error=error.message)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task

    # --- calls ------------------------------------------------------------------------------

    async def call(
        self, method: str, params: Sequence[Any] = (), *, timeout_seconds: float | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Call the best endpoint that can answer, or raise an RpcError."""

        async def ask(member: _Member) -> Any:  # noqa: ANN401
            return await member.caller.call(method, params, timeout_seconds=timeout_seconds)

        return await self._first_good(ask, method)

    async def batch(
        self, calls: Sequence[Call], *, timeout_seconds: float | None = None
    ) -> list[Any | RpcError]:
        """Call all in one HTTP request; each item is a result or that call's RpcError."""

        async def ask(member: _Member) -> list[Any | RpcError]:
            if isinstance(member.caller, RpcWs):
                raise MethodMissing(
                    None, "no batches over WebSocket", endpoint=member.endpoint.name, method="batch"
                )
            return await member.caller.batch(calls, timeout_seconds=timeout_seconds)

        return await self._first_good(ask, "batch")

    async def call_fresh(
        self,
        method: str,
        params: Sequence[Any],
        *,
        block_of: Callable[[Any], int],
        timeout_seconds: float | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Call for state whose answer tells its own block; one from below the mark is refused."""

        async def ask(member: _Member) -> Any:  # noqa: ANN401
            answer = await member.caller.call(method, params, timeout_seconds=timeout_seconds)
            self._refuse_behind(member, block_of(answer), method)
            return answer

        return await self._first_good(ask, method)

    async def call_at_least(
        self,
        block: int,
        method: str,
        params: Sequence[Any] = (),
        *,
        timeout_seconds: float | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Call an endpoint that has seen `block`; one that has not is asked for its head first."""

        async def ask(member: _Member) -> Any:  # noqa: ANN401
            if member.health.head < block:
                head = await self._head_of(member)
                member.health.head = max(member.health.head, head)
                self.high_water.accept(head)
            if member.health.head < block:
                self._count_refusal(member)
                raise Behind(
                    f"expected block {block} or later, found {member.health.head}",
                    endpoint=member.endpoint.name,
                    method=method,
                )
            return await member.caller.call(method, params, timeout_seconds=timeout_seconds)

        return await self._first_good(ask, method)

    async def _head_of(self, member: _Member) -> int:
        told = await member.caller.call("eth_blockNumber")
        if not isinstance(told, str) or not _BLOCK_NUMBER.fullmatch(told):
            raise BadAnswer(
                f"expected a block number in hex, found a {type(told).__name__}",
                endpoint=member.endpoint.name,
                method="eth_blockNumber",
            )
        return int(told, 16)

    def accept_head(self, block: int, *, endpoint: str) -> bool:
        """Take a head seen by `endpoint` into account; False, and counted, if it lags behind."""
        member = next(item for item in self._members if item.endpoint.name == endpoint)
        member.health.head = max(member.health.head, block)
        if self.high_water.accept(block):
            return True
        self._count_refusal(member)
        return False

    def _refuse_behind(self, member: _Member, block: int, method: str) -> None:
        member.health.head = max(member.health.head, block)
        try:
            self.high_water.refuse_behind(block, endpoint=member.endpoint.name, method=method)
        except Behind:
            self._count_refusal(member)
            raise

    def _count_refusal(self, member: _Member) -> None:
        self.metrics.by_endpoint[member.endpoint.name].high_water_refusals.inc()

    async def _first_good(
        self, ask: Callable[[_Member], Awaitable[_Result]], method: str
    ) -> _Result:
        """Ask members in order until one answers; raise the last one's error if none does."""
        last: RpcError | None = None
        for member in self._in_order():
            wait = member.caller.bucket.wait_seconds()
            if wait > LONGEST_WAIT_SECONDS:
                last = last or RateLimited(
                    f"expected a turn within {LONGEST_WAIT_SECONDS} s, found {wait:.1f} s",
                    endpoint=member.endpoint.name,
                    method=method,
                    retry_after_seconds=wait,
                )
                continue
            started = self.clock.monotonic()
            try:
                answer = await ask(member)
            except RpcTransient as error:
                member.health.failed(error, error.retry_after_seconds)
                last = error
            except MethodMissing as error:
                last = error
            else:
                member.health.succeeded(self.clock.monotonic() - started)
                return answer
        assert last is not None
        raise last

    def _in_order(self) -> list[_Member]:
        """Those who are well in order of preference, then those who rest, soonest back first."""
        return sorted(self._members, key=lambda item: item.health.rest_seconds)

    # --- what they can do, and how they are ---------------------------------------------------

    async def probe(self, *, expected_chain_id: int | None = None) -> Mapping[str, Capabilities]:
        """Learn what each endpoint offers; an OperatorError if one is on another chain.

        What was known of an endpoint that does not answer this time stays known.
        """
        found = await asyncio.gather(
            *(
                probe_endpoint(
                    item.endpoint,
                    item.caller if isinstance(item.caller, RpcHttp) else None,
                    random=self.random,
                    settings=self.ws_settings,
                )
                for item in self._members
            )
        )
        for item in found:
            if expected_chain_id is not None and item.chain_id not in {None, expected_chain_id}:
                raise OperatorError(
                    f"expected chain {expected_chain_id} from endpoint {item.endpoint!r}, found"
                    f" chain {item.chain_id}: correct its URL or the chain id"
                )
        known = self.capabilities
        self.capabilities = {
            item.endpoint: item if item.is_complete else known.get(item.endpoint, item)
            for item in found
        }
        return self.capabilities

    def why_not_ready(self) -> str | None:
        """Say why nothing can be asked or heard now, or None (a readiness check)."""
        if all(item.health.rest_seconds > 0 for item in self._members):
            errors = (f"{item.endpoint.name}: {item.health.last_error}" for item in self._members)
            return "no endpoint answers (" + "; ".join(errors) + ")"
        if self.feed is not None and not self.feed.connected:
            return f"the WebSocket to {self.feed.name} is not connected"
        return None

    def status(self) -> Mapping[str, object]:
        """What a status page shows."""
        return {
            "highest_block": self.high_water.highest,
            "feed": None if self.feed is None else self.feed.name,
            "feed_connected": self.feed is not None and self.feed.connected,
            "endpoints": {
                item.endpoint.name: {
                    "failures": item.health.failures,
                    "rest_seconds": round(item.health.rest_seconds, 3),
                    "head_block": item.health.head,
                    "latency_seconds": round(item.health.latency_seconds, 6),
                    "last_error": item.health.last_error,
                }
                for item in self._members
            },
        }
