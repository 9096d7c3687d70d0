"""The admin listener: the one way to change a running process, apart from every page that shows it.

It never shares a port with /metrics: who may look is not who may act. A connection serves one request,
lives for seconds and is one of a few; a body is small; a call that is not let in is counted and costs
those who are let in nothing. What an action means is the service's to know: here are the sockets.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any, Final, Protocol, cast

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from runtime.admin_door import Door, NotLetInError
from runtime.clock import Clock
from runtime.metrics import counter
from runtime.rpc.rate_limit import TokenBucket

LARGEST_BODY: Final = 4_096
MOST_CONNECTIONS: Final = 16
"""Of one door at once; the next one is closed as it comes."""
KEY_HEADER: Final = "Idempotency-Key"
CALLS_AT_ONCE: Final = 20
CALLS_PER_SECOND: Final = 1.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("admin")


class Verdict(StrEnum):
    """What became of a request."""

    DONE = auto()
    REPLAYED = auto()
    REFUSED = auto()
    NOT_LET_IN = auto()
    LIMITED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCall:
    """An action as it was asked for; nothing of it is checked but that the body is an object."""

    action: str
    body: Mapping[str, object]
    by: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAnswer:
    """What is answered."""

    verdict: Verdict
    status: int
    body: Mapping[str, object]


class AdminService(Protocol):
    """Who knows the actions."""

    def describe(self) -> Mapping[str, object]:
        """List the actions, and what was done lately."""

    async def act(self, call: AdminCall) -> AdminAnswer:
        """Do what was asked, or say in one sentence why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long anybody may take."""

    body_seconds: float = 3.0
    """For a body that was announced."""
    connection_seconds: float = 15.0
    """For everything: handshake, headers, body and answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminMetrics:
    """What the listener shows of itself."""

    requests: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "AdminMetrics":
        """Make every collector with every series."""
        return cls(
            requests=counter(
                registry,
                "bellkeeper_admin_requests_total",
                "Requests to the admin listener, by what became of them.",
                {"outcome": list(Verdict)},
            )
        )


@dataclass(slots=True, kw_only=True)
class AdminListener:
    """Serve the actions behind every door until stop."""

    service: AdminService
    doors: Sequence[Door]
    metrics: AdminMetrics
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; an OperatorError says which door cannot be opened."""
        async with AsyncExitStack() as stack:
            for door in self.doors:
                hall = _Hall(self, door)
                stack.callback(door.shut)
                stack.push_async_callback(hall.runner.cleanup)
                await hall.runner.setup()
                server = await door.open(hall.connection)
                stack.callback(server.close)
                log.info("admin_listening", at=door.name)
            self.started.set()
            await stop.wait()


class _Hall:
    """Those who came in by one door."""

    def __init__(self, listener: AdminListener, door: Door) -> None:
        self.door = door
        self._listener = listener
        self._calls = TokenBucket(
            rate_per_second=CALLS_PER_SECOND, burst=CALLS_AT_ONCE, clock=listener.clock
        )
        self._complaints = TokenBucket(rate_per_second=1.0, burst=10, clock=listener.clock)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/actions", self._list)
        application.router.add_post("/actions/{action}", self._act)
        self.runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=1.0,
            keepalive_timeout=1.0,
            lingering_time=1.0,
            max_line_size=1_024,
            max_field_size=2_048,
            auto_decompress=False,
        )

    def connection(self) -> asyncio.BaseProtocol:
        """Make the protocol of one connection, which ends with its time at the latest."""
        server = self.runner.server
        assert server is not None, "expected the runner to be set up"
        if len(server.connections) >= MOST_CONNECTIONS:
            return _Closed()
        handler = server()
        loop = asyncio.get_running_loop()
        loop.call_later(self._listener.limits.connection_seconds, handler.force_close)
        return cast("asyncio.BaseProtocol", handler)

    async def _list(self, request: web.Request) -> web.Response:
        who = self._who(request)
        if isinstance(who, AdminAnswer):
            return self._said(who)
        return _response(200, self._listener.service.describe())

    async def _act(self, request: web.Request) -> web.Response:
        who = self._who(request)
        if isinstance(who, AdminAnswer):
            return self._said(who)
        body = await self._body(request)
        if isinstance(body, AdminAnswer):
            return self._said(body)
        call = AdminCall(
            action=request.match_info["action"],
            body=body,
            by=who,
            idempotency_key=request.headers.get(KEY_HEADER),
        )
        try:
            answer = await self._listener.service.act(call)
        except Exception as error:
            # The server answers 500 and goes on: a slip in an action must not end a keeper.
            self._listener.metrics.requests.labels(Verdict.FAILED).inc()
            log.error("admin_action_failed", action=call.action, by=who, error=repr(error))  # noqa: TRY400 - the server logs the traceback
            raise
        return self._said(answer)

    def _who(self, request: web.Request) -> str | AdminAnswer:
        """Say who asks, or what is answered to whoever may not, or asks too often."""
        try:
            who = self.door.who(request)
        except NotLetInError as error:
            if self._complaints.try_take():
                log.warning("admin_not_let_in", at=self.door.name, why=str(error))
            return _no(Verdict.NOT_LET_IN, 401, str(error))
        if not self._calls.try_take():
            return _no(
                Verdict.LIMITED,
                429,
                f"expected at most {CALLS_AT_ONCE} requests at once and one a second, found more:"
                " wait a second",
            )
        return who

    async def _body(self, request: web.Request) -> Mapping[str, object] | AdminAnswer:
        seconds = self._listener.limits.body_seconds
        try:
            async with asyncio.timeout(seconds):
                raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            why = f"expected a body of at most {LARGEST_BODY} bytes, found a larger one: shorten it"
            return _no(Verdict.REFUSED, 413, why)
        except TimeoutError:
            why = f"expected the whole body within {seconds:g} s, found a part of it: send it again"
            return _no(Verdict.REFUSED, 408, why)
        try:
            body: Any = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            why = 'expected a JSON object such as {"reason": "…"}, found something else: correct it'
            return _no(Verdict.REFUSED, 400, why)
        return body

    def _said(self, answer: AdminAnswer) -> web.Response:
        self._listener.metrics.requests.labels(answer.verdict).inc()
        return _response(answer.status, answer.body)


class _Closed(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _no(verdict: Verdict, status: int, why: str) -> AdminAnswer:
    return AdminAnswer(verdict=verdict, status=status, body={"error": why})


def _response(status: int, body: Mapping[str, object]) -> web.Response:
    response = web.json_response(body, status=status)
    # One request a connection: an answer that was read ends it, and its time starts anew with the next.
    response.force_close()
    return response
