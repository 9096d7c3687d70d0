"""Connections of an HTTP server, counted and bounded: in all, by host, and in time.

Whoever connects may have only so much of the process: headers of bounded size that come in bounded time,
an answer that is taken in bounded time, and one of a bounded number of places. When all are taken, a newcomer
is closed at once, or takes the place of whoever has waited the longest without asking anything: then a flood
of connections that say nothing keeps nobody out who does.
"""

import asyncio
import errno
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from runtime.errors import OperatorError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What strangers may take."""

    connections: int = 256
    connections_per_host: int = 256
    drops_idle: bool = True
    """Whether a newcomer takes the place of who asks nothing; else it is closed."""
    idle_seconds: float = 5.0
    """For the headers of a request, and for the idle time between two requests."""
    answer_seconds: float = 10.0
    """In which an answer must be taken; a stream looks after itself."""
    line_bytes: int = 4_096
    field_bytes: int = 8_190
    headers: int = 64
    buffer_bytes: int = 4_096
    """What is read of a body before anybody asks for it."""


class Connections:
    """The places of one server, and who has them."""

    def __init__(
        self, limits: ConnectionLimits, *, on_dropped: Callable[[], None] = lambda: None
    ) -> None:
        self.limits = limits
        self.dropped = 0
        """How many were closed for want of a place, newcomers and idle ones."""
        self._on_dropped = on_dropped
        self._hosts: Counter[str] = Counter()
        # In the order in which they came, or last ended a request: the first is idle the longest.
        self._idle: dict[_Connection, None] = {}

    def __len__(self) -> int:
        return self._hosts.total()

    async def serve(self, runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
        """Listen for a runner that was set up; raises OSError as the system does."""
        loop = asyncio.get_running_loop()

        def connection() -> asyncio.BaseProtocol:
            assert runner.server is not None, "expected the runner to be set up"
            return _Connection(self, runner.server)

        return await loop.create_server(connection, host, port)

    def admit(self, newcomer: "_Connection", host: str) -> bool:
        """Give a newcomer a place; False if there is none."""
        if self._hosts[host] >= self.limits.connections_per_host:
            is_admitted = self._make_room(host)
        elif len(self) >= self.limits.connections:
            is_admitted = self._make_room(None)
        else:
            is_admitted = True
        if is_admitted:
            self._hosts[host] += 1
            self._idle[newcomer] = None
        elif not self._hosts[host]:
            del self._hosts[host]
        return is_admitted

    def leave(self, gone: "_Connection", host: str) -> None:
        """Forget a connection that was admitted."""
        self._idle.pop(gone, None)
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]

    def asks(self, connection: "_Connection") -> None:
        """Note that a request is being answered: its place is safe meanwhile."""
        self._idle.pop(connection, None)

    def answered(self, connection: "_Connection") -> None:
        """Note that it was answered."""
        if connection.host is not None:
            self._idle[connection] = None

    def _make_room(self, host: str | None) -> bool:
        """Drop who is idle the longest, of a host if one is given; False if nobody is, or may be."""
        self.dropped += 1
        self._on_dropped()
        if not self.limits.drops_idle:
            return False
        idle = (each for each in self._idle if host is None or each.host == host)
        longest = next(idle, None)
        if longest is None:
            return False
        longest.drop()
        return True


class _Connection(web.RequestHandler):
    """One connection, which has a place or is closed."""

    __slots__ = ("_connections", "host")

    def __init__(self, connections: Connections, server: web.Server) -> None:
        limits = connections.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            # Also what a first request may take to send its headers.
            keepalive_timeout=limits.idle_seconds,
            lingering_time=1.0,
            read_bufsize=limits.buffer_bytes,
            max_line_size=limits.line_bytes,
            max_field_size=limits.field_bytes,
            max_headers=limits.headers,
            # A small body must not become a large one.
            auto_decompress=False,
        )
        self._connections = connections
        self.host: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = transport.get_extra_info("peername")
        host = str(address[0]) if address else "unknown"
        if not self._connections.admit(self, host):
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return
        self.host = host
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close it now, whatever it was about to say."""
        self._leave()
        if self.transport is not None:
            self.transport.abort()

    def asks(self) -> None:
        """Note that a request is being answered."""
        self._connections.asks(self)

    def _leave(self) -> None:
        if self.host is not None:
            self._connections.leave(self, self.host)
            self.host = None

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        # aiohttp waits for ever for a client that asks and does not read.
        try:
            async with asyncio.timeout(self._connections.limits.answer_seconds):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            self.drop()
            return resp, True
        finally:
            self._connections.answered(self)

    def log_exception(self, *args: object, **kw: object) -> None:
        # Whoever sends what is not HTTP shall not fill the log.
        if not isinstance(kw.get("exc_info"), HttpProcessingError):
            super().log_exception(*args, **kw)


@web.middleware
async def holds_its_place(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Keep a connection's place while its request is answered; the first of an application's middlewares."""
    connection = request.protocol
    if isinstance(connection, _Connection):
        connection.asks()
    return await handler(request)


def cannot_listen(what: str, host: str, port: int, error: OSError, remedy: str) -> OperatorError:
    """Say why an address cannot be had."""
    found = "is in use" if error.errno == errno.EADDRINUSE else f"failed: {error.strerror}"
    return OperatorError(
        f"expected to listen {what}{host}:{port}, but the address {found}: {remedy}"
    )
