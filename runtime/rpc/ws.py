"""JSON-RPC and subscriptions over a WebSocket that comes back.

One socket at a time, to the first endpoint that works. When it is lost, calls in flight fail with
RpcTransient, the next endpoint is tried after a jittered delay, subscriptions are opened again and
each consumer finds a `Gap` in its stream, placed after the new subscription is live: a resync that
starts at the Gap misses nothing.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import structlog

from runtime.clock import Clock, SystemClock
from runtime.rpc.connection import Connection, Socket, WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import RateLimited, RpcError, RpcTransient
from runtime.rpc.metrics import RpcMetrics
from runtime.rpc.rate_limit import DEFAULT_PAUSE_SECONDS, TokenBucket
from runtime.rpc.subscription import OnMessage, Subscription
from runtime.supervise import sleep_unless

log: structlog.stdlib.BoundLogger = structlog.get_logger("rpc.ws")


class RpcWs:
    """Speak to one of `endpoints`; supervise `run`, or use it as a context manager.

    As a context manager it waits for the first connection, and RpcTransient says there was none.
    """

    def __init__(
        self,
        *endpoints: Endpoint,
        random: Random,
        settings: WsSettings | None = None,
        clock: Clock | None = None,
        metrics: RpcMetrics | None = None,
    ) -> None:
        self._endpoints = [item for item in endpoints if item.ws_url is not None]
        if not self._endpoints:
            raise ValueError("expected an endpoint with a WebSocket URL, found none")
        self._random = random
        self._settings = settings or WsSettings()
        self._clock = clock or SystemClock()
        names = [item.name for item in self._endpoints]
        self._metrics = metrics or RpcMetrics.unregistered(names)
        self._turn = 0
        self._connection: Connection | None = None
        self._ready = asyncio.Event()
        self._leave = asyncio.Event()
        self._subscriptions: dict[int, Subscription] = {}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self.bucket = self._new_bucket()
        """The connection's limit: `call` and `subscribe` wait for it, `start` does not."""

    @property
    def name(self) -> str:
        """The endpoint that we speak to, or try next."""
        return self._endpoints[self._turn].name

    @property
    def connected(self) -> bool:
        """Whether the socket is open and every subscription is live on it."""
        return self._ready.is_set()

    @property
    def received_at(self) -> float:
        """When the message being handled came in (the clock's monotonic seconds)."""
        return 0.0 if self._connection is None else self._connection.received_at

    async def wait_connected(self, timeout_seconds: float) -> None:
        """Wait for a connection; RpcTransient says that there was none in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._ready.wait()
        except TimeoutError as error:
            raise self._transient(f"expected a connection within {timeout_seconds} s") from error

    def leave(self, reason: str) -> None:
        """Drop this connection and try the next endpoint: this one answers, but not well."""
        log.warning("endpoint_left", endpoint=self.name, reason=reason)
        self._leave.set()

    # --- calls ------------------------------------------------------------------------------

    async def call(
        self, method: str, params: Sequence[Any] = (), *, timeout_seconds: float | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Call `method` and return its decoded result, or raise an RpcError."""
        await self.bucket.take()
        connection = self._open_connection(method)
        pending = connection.start(method, orjson.dumps(params))
        try:
            return await connection.answer(pending, timeout_seconds)
        except RateLimited as error:
            self.bucket.pause(error.retry_after_seconds or DEFAULT_PAUSE_SECONDS)
            raise

    def start(self, method: str, params_json: bytes) -> asyncio.Future[Any]:
        """Write a request at once, around the bucket, and return the future of its result.

        The bytes are with the kernel on return (with uvloop: at the end of the callback). Raises
        RpcTransient if nothing was written. The future has no timeout, but fails when the
        connection is lost.
        """
        return self._open_connection(method).start(method, params_json).future

    async def subscribe(
        self,
        params: Sequence[Any],
        *,
        capacity: int = 8192,
        on_message: OnMessage | None = None,
    ) -> Subscription:
        """Subscribe; with `on_message`, notifications skip the queue and go straight to it.

        The subscription survives reconnections. Notifications that overtake the endpoint's reply
        are kept, so a callback may be called before this returns.
        """
        subscription = Subscription(
            params, capacity=capacity, on_message=on_message, on_dropped=self._count_dropped
        )
        await self._subscribe(subscription)
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; whether the endpoint could be told so is of no matter."""
        self._subscriptions.pop(id(subscription), None)
        subscription.end()
        ids = [] if self._connection is None else self._connection.unroute(subscription)
        for subscription_id in ids:
            with contextlib.suppress(RpcError):
                await self.call("eth_unsubscribe", [subscription_id])

    async def _subscribe(self, subscription: Subscription) -> None:
        await self.bucket.take()
        connection = self._open_connection("eth_subscribe")
        params_json = orjson.dumps(subscription.params)
        await connection.answer(connection.start("eth_subscribe", params_json, subscription))

    def _open_connection(self, method: str) -> Connection:
        if self._failure is not None:
            raise RuntimeError("the reader of this WebSocket died") from self._failure
        if self._connection is None:
            raise self._transient("not connected", method)
        return self._connection

    # --- staying connected ------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run(self._stop), name="rpc-ws")
        first = asyncio.create_task(self.wait_connected(self._settings.connect_seconds))
        await asyncio.wait({self._task, first}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            first.cancel()
            await self._task
        try:
            await first
        except RpcTransient:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task

    async def run(self, stop: asyncio.Event) -> None:
        """Stay connected until `stop` (a supervised worker)."""
        try:
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ttl_dns_cache=30),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session:
                await self._reconnect(session, stop)
        except BaseException as error:
            self._failure = error
            raise
        finally:
            for subscription in self._subscriptions.values():
                subscription.end(self._failure)

    async def _reconnect(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        delays = self._settings.backoff.delays(self._random)
        while not stop.is_set():
            started = self._clock.monotonic()
            error = await self._one_connection(session, stop)
            if stop.is_set():
                return
            lived = self._clock.monotonic() - started
            self._metrics.by_endpoint[self.name].reconnects.inc()
            log.warning("connection_lost", endpoint=self.name, error=error.message)
            if lived >= self._settings.steady_seconds:
                delays = self._settings.backoff.delays(self._random)
            if lived < self._settings.steady_seconds or self._leave.is_set():
                self._turn = (self._turn + 1) % len(self._endpoints)
            delay = next(delays, self._settings.backoff.most_seconds)
            await sleep_unless(stop, max(delay, error.retry_after_seconds or 0.0))

    async def _one_connection(
        self, session: aiohttp.ClientSession, stop: asyncio.Event
    ) -> RpcTransient:
        """Connect and serve; return why it ended."""
        try:
            socket = await self._connect(session)
        except aiohttp.WSServerHandshakeError as refusal:
            return self._transient(f"cannot connect (HTTP {refusal.status})")
        except (aiohttp.ClientError, OSError, TimeoutError) as cause:
            return self._transient(f"cannot connect ({type(cause).__name__})")
        metrics = self._metrics.by_endpoint[self.name]
        connection = Connection(
            socket,
            self.name,
            settings=self._settings,
            clock=self._clock,
            metrics=metrics,
            adopted=self._keep,
        )
        self.bucket = self._new_bucket()
        self._leave.clear()
        self._connection = connection
        metrics.connected.inc()
        error = connection.transient("closed by us")
        try:
            await self._serve(connection, stop)
        except RpcTransient as lost:
            error = lost
        finally:
            metrics.connected.dec()
            self._ready.clear()
            self._connection = None
            connection.fail(error)
            await socket.close()
        return error

    async def _connect(self, session: aiohttp.ClientSession) -> Socket:
        async with asyncio.timeout(self._settings.connect_seconds):
            return await session.ws_connect(
                self._endpoints[self._turn].ws_url or "",
                max_msg_size=self._settings.message_bytes,
                compress=0,
                decode_text=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
            )

    async def _serve(self, connection: Connection, stop: asyncio.Event) -> None:
        """Read, beat and resubscribe until one of them fails, or `stop` or `leave` is set."""
        resubscribe = asyncio.create_task(self._resubscribe())
        tasks = {
            asyncio.create_task(connection.read()),
            asyncio.create_task(connection.beat()),
            asyncio.create_task(stop.wait()),
            asyncio.create_task(self._leave.wait()),
        }
        try:
            done, _ = await asyncio.wait({*tasks, resubscribe}, return_when=asyncio.FIRST_COMPLETED)
            if done == {resubscribe} and resubscribe.exception() is None:
                self._ready.set()
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, resubscribe):
                task.cancel()
            await asyncio.gather(*tasks, resubscribe, return_exceptions=True)
        for task in done:
            await task

    async def _resubscribe(self) -> None:
        for subscription in list(self._subscriptions.values()):
            try:
                await self._subscribe(subscription)
            except RpcTransient:
                raise
            except RpcError as error:
                # Another endpoint may allow what this one does not.
                raise self._transient(f"cannot subscribe: {error.message}") from error

    def _keep(self, subscription: Subscription) -> None:
        self._subscriptions[id(subscription)] = subscription

    def _count_dropped(self, count: int) -> None:
        self._metrics.by_endpoint[self.name].dropped_notifications.inc(count)

    def _new_bucket(self) -> TokenBucket:
        endpoint = self._endpoints[self._turn]
        return TokenBucket(
            rate_per_second=endpoint.ws_per_second, burst=endpoint.ws_burst, clock=self._clock
        )

    def _transient(self, message: str, method: str = "websocket") -> RpcTransient:
        return RpcTransient(message, endpoint=self.name, method=method)
