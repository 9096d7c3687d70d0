"""One WebSocket's life: requests out, answers and notifications in, and knowing when it is dead.

The reader never waits for anybody: answers resolve futures, notifications go to queues or
synchronous callbacks. So a consumer may call through the socket it reads from, and a slow one
costs itself a `Gap`, nobody else anything. What belongs to the socket dies with it; reconnecting
is the work of `ws.py`.
"""

import asyncio
import contextlib
import socket as sockets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import aiohttp
import orjson
import structlog

from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.rpc.answers import error_of, loads, result_of
from runtime.rpc.errors import BadAnswer, RpcError, RpcTransient
from runtime.rpc.metrics import EndpointMetrics
from runtime.rpc.subscription import Subscription

Socket: TypeAlias = aiohttp.ClientWebSocketResponse[Literal[False]]
"""A WebSocket whose text messages come as bytes, which is what orjson reads fastest."""

_DATA: Final = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)

log: structlog.stdlib.BoundLogger = structlog.get_logger("rpc.ws")


TCP_QUICKACK: Final[int | None] = getattr(sockets, "TCP_QUICKACK", None)
"""Linux has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WsSettings:
    """Bounds of a WebSocket; `idle_seconds` must leave room for a keep-alive's answer."""

    connect_seconds: float = 5.0
    call_seconds: float = 10.0
    keepalive_seconds: float = 20.0
    idle_seconds: float = 30.0
    steady_seconds: float = 10.0
    """A connection that lived this long earns a fresh back-off and another try at its endpoint."""
    message_bytes: int = 64 << 20
    early_notifications: int = 8192
    """How many notifications may overtake the reply to their subscribe before some are lost."""
    most_pending: int = 4096
    backoff: Backoff = field(
        default_factory=lambda: Backoff(first_seconds=0.1, most_seconds=10.0, jitter_ratio=0.5)
    )


@dataclass(slots=True, kw_only=True)
class Pending:
    """A request without an answer yet."""

    request_id: int
    method: str
    future: asyncio.Future[Any]
    started: float
    subscription: Subscription | None


class Connection:
    """An open socket to one endpoint; `adopted` is told of each subscription that went live."""

    def __init__(
        self,
        socket: Socket,
        endpoint: str,
        *,
        settings: WsSettings,
        clock: Clock,
        metrics: EndpointMetrics,
        adopted: Callable[[Subscription], None],
    ) -> None:
        self.endpoint = endpoint
        self.received_at = clock.monotonic()
        self._socket = socket
        self._tcp = _tcp_of(socket)
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._adopted = adopted
        self._last_id = 0
        self._pending: dict[int, Pending] = {}
        self._routes: dict[str, Subscription] = {}
        self._subscribing = 0
        self._early: dict[str, list[Any]] = {}
        self._early_count = 0
        self._early_lost: dict[str, int] = {}

    # --- out --------------------------------------------------------------------------------

    def start(
        self, method: str, params_json: bytes, subscription: Subscription | None = None
    ) -> Pending:
        """Write a request now; an RpcTransient means that nothing was written."""
        if self._socket.closed:
            raise self.transient("not connected", method)
        if len(self._pending) >= self._settings.most_pending:
            raise self.transient(f"{len(self._pending)} requests wait for answers", method)
        self._last_id += 1
        pending = Pending(
            request_id=self._last_id,
            method=method,
            future=asyncio.get_running_loop().create_future(),
            started=self._clock.monotonic(),
            subscription=subscription,
        )
        try:
            self._write(
                b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}'
                % (self._last_id, method.encode(), params_json)
            )
        except (aiohttp.ClientError, OSError) as error:
            raise self.transient(f"write failed ({type(error).__name__})", method) from None
        self._pending[self._last_id] = pending
        self._subscribing += subscription is not None
        return pending

    def _write(self, payload: bytes) -> None:
        """Hand a text frame to the transport without waiting for it to drain.

        aiohttp writes the frame before its coroutine first waits, so one step of it is enough;
        what remains would only wait for room in a buffer that `most_pending` bounds.
        """
        sending = self._socket.send_frame(payload, aiohttp.WSMsgType.TEXT)
        try:
            sending.send(None)
        except StopIteration:
            return
        sending.close()

    async def answer(self, pending: Pending, seconds: float | None = None) -> Any:  # noqa: ANN401
        """Wait for the result of a started request, or raise its RpcError."""
        limit = self._settings.call_seconds if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                return await pending.future
        except TimeoutError:
            error = self.transient(
                f"expected an answer within {limit} s, found none", pending.method
            )
            self._count(pending, error)
            raise error from None
        finally:
            # A late reply to a subscribe must still be seen, to undo it.
            if pending.subscription is None:
                self._pending.pop(pending.request_id, None)

    def unroute(self, subscription: Subscription) -> list[str]:
        """Forget a subscription and return the endpoint's names for it."""
        ids = [key for key, value in self._routes.items() if value is subscription]
        for subscription_id in ids:
            del self._routes[subscription_id]
        return ids

    def fail(self, error: RpcTransient) -> None:
        """End whatever waits on this socket."""
        for pending in self._pending.values():
            if not pending.future.done():
                self._reject(pending, self.transient(f"no answer: {error.message}", pending.method))
        self._pending.clear()
        for subscription in self._routes.values():
            subscription.live = False
        self._routes.clear()

    # --- in ---------------------------------------------------------------------------------

    async def read(self) -> None:
        """Read until the connection is lost, then say so by RpcTransient."""
        while True:
            self._ask_for_quick_acks()
            message = await self._socket.receive()
            self.received_at = self._clock.monotonic()
            if message.type in _DATA:
                self._handle(loads(message.data, endpoint=self.endpoint, method="websocket"))
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise self.transient(f"reading failed ({type(message.data).__name__})")
            else:
                raise self.transient(f"closed by the endpoint (code {self._socket.close_code})")

    def _ask_for_quick_acks(self) -> None:
        """Acknowledge what comes at once: a sender may hold its next small message back until then.

        Nagle's algorithm against delayed acknowledgements costs 40 ms. The kernel forgets the wish after
        a while, so it is told anew; where there is no such option, nothing is lost.
        """
        if self._tcp is not None and TCP_QUICKACK is not None:
            with contextlib.suppress(OSError):
                self._tcp.setsockopt(sockets.IPPROTO_TCP, TCP_QUICKACK, 1)

    def _handle(self, message: Any) -> None:  # noqa: ANN401 - JSON
        # A batch holds objects, never another batch.
        for item in message if isinstance(message, list) else (message,):
            if not isinstance(item, dict):
                found = type(item).__name__
                raise BadAnswer(
                    f"expected a JSON-RPC object, found {found}", endpoint=self.endpoint
                )
            if "method" in item:
                self._notify(item.get("params"))
            else:
                self._resolve(item)

    def _notify(self, params: Any) -> None:  # noqa: ANN401 - JSON
        if not isinstance(params, dict) or "result" not in params:
            return
        named = params.get("subscription")
        if not isinstance(named, str | int):
            return
        subscription_id = str(named)
        subscription = self._routes.get(subscription_id)
        if subscription is not None:
            subscription.deliver(params["result"])
        elif self._subscribing:
            self._keep_early(subscription_id, params["result"])

    def _keep_early(self, subscription_id: str, notification: Any) -> None:  # noqa: ANN401
        """Keep what overtook the reply to its subscribe; beyond the bound, count it as lost."""
        if self._early_count < self._settings.early_notifications:
            self._early_count += 1
            self._early.setdefault(subscription_id, []).append(notification)
        elif len(self._early_lost) < self._settings.early_notifications:
            self._early_lost[subscription_id] = self._early_lost.get(subscription_id, 0) + 1
        else:
            # Nothing lost may go untold, and nothing may grow without bounds: begin anew.
            raise self.transient(f"{self._early_count} notifications came for no subscription")

    def _resolve(self, answer: dict[str, Any]) -> None:
        request_id = answer.get("id")
        pending = self._pending.pop(request_id, None) if isinstance(request_id, int) else None
        if pending is None:
            self._note_unmatched(answer)
            return
        try:
            result = result_of(
                answer,
                request_id=pending.request_id,
                endpoint=self.endpoint,
                method=pending.method,
            )
            if pending.subscription is not None and not isinstance(result, str | int):
                found = type(result).__name__
                raise BadAnswer(
                    f"expected the name of a subscription, found {found}",
                    endpoint=self.endpoint,
                    method=pending.method,
                )
        except RpcError as error:
            self._reject(pending, error)
        else:
            self._fulfil(pending, result)
        if pending.subscription is not None:
            self._subscribing -= 1
            if not self._subscribing:
                self._early.clear()
                self._early_lost.clear()
                self._early_count = 0

    def _fulfil(self, pending: Pending, result: Any) -> None:  # noqa: ANN401 - JSON
        waited_for = not pending.future.done()
        if waited_for:
            self._count(pending, None)
            pending.future.set_result(result)
        if pending.subscription is None:
            return
        if waited_for and not pending.subscription.ended:
            self._adopt(pending.subscription, str(result))
        else:
            # Nobody waits for this subscription any more: the endpoint need not send it.
            with contextlib.suppress(RpcTransient):
                undo = self.start("eth_unsubscribe", orjson.dumps([result]))
                undo.future.add_done_callback(retrieve)

    def _adopt(self, subscription: Subscription, subscription_id: str) -> None:
        """Route from here on, after what came early; all in the reader, so nothing slips by."""
        self._routes[subscription_id] = subscription
        self._adopted(subscription)
        subscription.open()
        early = self._early.pop(subscription_id, [])
        self._early_count -= len(early)
        for notification in early:
            subscription.deliver(notification)
        if lost := self._early_lost.pop(subscription_id, 0):
            subscription.lose(lost)

    def _reject(self, pending: Pending, error: RpcError) -> None:
        if not pending.future.done():
            self._count(pending, error)
            pending.future.set_exception(error)

    def _note_unmatched(self, answer: dict[str, Any]) -> None:
        """An error without an id cannot be told to its caller, who will time out: say it here."""
        if answer.get("id") is None and answer.get("error") is not None:
            error = error_of(answer["error"], endpoint=self.endpoint, method="websocket")
            log.warning("error_without_id", endpoint=self.endpoint, error=error.message)

    # --- alive? -----------------------------------------------------------------------------

    async def beat(self) -> None:
        """Keep the connection alive; when it is dead, say so by RpcTransient."""
        settings = self._settings
        tick = min(settings.keepalive_seconds, settings.idle_seconds) / 4
        asked_at = self._clock.monotonic()
        answer: asyncio.Future[Any] | None = None
        while True:
            await asyncio.sleep(tick)
            now = self._clock.monotonic()
            # Notifications that flow while calls go unanswered are a half-dead peer.
            unanswered = answer is not None and not answer.done()
            silent = now - (asked_at if unanswered else self.received_at)
            if silent > settings.idle_seconds:
                raise self.transient(
                    f"expected to hear something, heard nothing for {silent:.1f} s"
                )
            if not unanswered and now - asked_at >= settings.keepalive_seconds:
                asked_at = now
                answer = self.start("eth_chainId", b"[]").future
                answer.add_done_callback(retrieve)

    def transient(self, message: str, method: str = "websocket") -> RpcTransient:
        """Make an RpcTransient of this endpoint."""
        return RpcTransient(message, endpoint=self.endpoint, method=method)

    def _count(self, pending: Pending, error: RpcError | None) -> None:
        self._metrics.count(pending.method, self._clock.monotonic() - pending.started, error)


def retrieve(future: asyncio.Future[Any]) -> None:
    """Look at a future's error, so that asyncio does not report it as never seen."""
    if not future.cancelled():
        future.exception()


def _tcp_of(socket: Socket) -> sockets.socket | None:
    """Give the TCP socket below; None below a proxy or in a test without one."""
    below = socket.get_extra_info("socket")
    return below if hasattr(below, "setsockopt") else None
