"""POST /v1/quotes: where participants send their quotes.

The open side of the desk, so everything is bounded: connections in all and from one host, headers,
body, and the time for each. A connection that sent what no participant would send is closed with its
answer. What is written in a request is never logged. Transport encryption is a proxy's work.
"""

import asyncio
import errno
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from monitors.participants.desk import QuoteDesk
from monitors.participants.metrics import ParticipantMetrics
from monitors.participants.typed_data import parse_quote
from monitors.prices.port import WrongShapeError
from risk.participant_quotes import QuoteVerdict
from runtime.errors import OperatorError

PATH: Final = "/v1/quotes"

ANSWERS: Final[Mapping[QuoteVerdict, tuple[int, str]]] = {
    QuoteVerdict.ACCEPTED: (200, "the quote stands until it expires or a newer one replaces it"),
    QuoteVerdict.MALFORMED: (400, "expected a quote as documented, found something else"),
    QuoteVerdict.UNKNOWN_PARTICIPANT: (
        401,
        "expected the name of a registered participant: ask the operator which is yours",
    ),
    QuoteVerdict.BAD_SIGNATURE: (
        401,
        "expected the registered key's signature of these numbers for this venue: check the domain",
    ),
    QuoteVerdict.NOT_ALLOWED_MARKET: (
        403,
        "expected a symbol that this participant may quote: ask the operator for the list",
    ),
    QuoteVerdict.OLD_SEQUENCE: (
        409,
        "expected a sequence above every one sent before: raise it with each quote",
    ),
    QuoteVerdict.FUTURE: (
        422,
        "expected issued_at not to lie ahead of the venue's clock: check your clock",
    ),
    QuoteVerdict.EXPIRED: (
        422,
        "expected expires_at after issued_at and after the venue's clock: send a fresh quote",
    ),
    QuoteVerdict.TOO_LONG_LIVED: (
        422,
        "expected a shorter life from issued_at to expires_at: quote more often",
    ),
    QuoteVerdict.NOT_POSITIVE: (422, "expected bid, ask and size above 0: quote both sides"),
    QuoteVerdict.CROSSED: (422, "expected the bid not to exceed the ask: check the sides"),
    QuoteVerdict.TOO_WIDE: (422, "expected a narrower spread: quote closer or not at all"),
    QuoteVerdict.TOO_FAR: (
        422,
        "expected bid and ask closer to the venue's reference price: check symbol and splits",
    ),
    QuoteVerdict.RATE_LIMITED: (429, "expected fewer quotes: wait as Retry-After says"),
    QuoteVerdict.NO_REFERENCE: (
        503,
        "expected the venue to know a reference price, it knows none now: try again later",
    ),
}
"""Status and sentence of each verdict."""
_HANGS_UP: Final = {
    QuoteVerdict.MALFORMED, QuoteVerdict.UNKNOWN_PARTICIPANT, QuoteVerdict.BAD_SIGNATURE,
}  # fmt: skip

log: structlog.stdlib.BoundLogger = structlog.get_logger("participants")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLimits:
    """What strangers may take."""

    body_bytes: int = 4_096
    read_seconds: float = 5.0
    """For the headers of a request, for its body, and for the idle time between two requests."""
    connections: int = 128
    connections_per_host: int = 8
    """Raise it to `connections` behind a proxy, whose address is everybody's."""


class QuoteEndpoint:
    """Serve the desk on `host`:`port` until stop; `port` is known once `started` is set."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        desk: QuoteDesk,
        metrics: ParticipantMetrics,
        limits: EndpointLimits | None = None,
    ) -> None:
        self._host = host
        self.port = port
        self.started = asyncio.Event()
        self._desk = desk
        self._metrics = metrics
        self._limits = limits or EndpointLimits()
        self._hosts: Counter[str] = Counter()
        self._failure: OperatorError | None = None
        self._ended = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; an OperatorError says why the address or the store cannot be had."""
        application = web.Application(client_max_size=self._limits.body_bytes)
        application.router.add_post(PATH, self._post)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            server = await self._bind(runner)
            try:
                await self._until_ended(stop)
            finally:
                server.close()
        finally:
            await runner.cleanup()
        if self._failure is not None:
            raise self._failure

    def admit(self, host: str) -> bool:
        """Count a new connection from a host; False if it is one too many."""
        limits = self._limits
        if (
            self._hosts.total() >= limits.connections
            or self._hosts[host] >= limits.connections_per_host
        ):
            self._metrics.refused_connections.inc()
            return False
        self._hosts[host] += 1
        return True

    def leave(self, host: str) -> None:
        """Forget a connection that was admitted."""
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]

    async def _bind(self, runner: web.AppRunner) -> asyncio.Server:
        def connection() -> _Connection:
            assert runner.server is not None
            return _Connection(self, runner.server, self._limits)

        try:
            server = await asyncio.get_running_loop().create_server(
                connection, self._host, self.port
            )
        except OSError as error:
            found = "is in use" if error.errno == errno.EADDRINUSE else f"failed: {error.strerror}"
            raise OperatorError(
                f"expected to listen for quotes on {self._host}:{self.port}, but the address"
                f" {found}: choose a free one"
            ) from error
        self.port = int(server.sockets[0].getsockname()[1])
        self.started.set()
        log.info("quotes_endpoint_started", host=self._host, port=self.port)
        return server

    async def _until_ended(self, stop: asyncio.Event) -> None:
        waits = {asyncio.create_task(event.wait()) for event in (stop, self._ended)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _post(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                body = await request.read()
            quote, signature = parse_quote(body)
        except web.HTTPRequestEntityTooLarge:
            found = (
                f"expected a body of at most {self._limits.body_bytes} bytes, found a larger one"
            )
            return self._malformed(413, found)
        except TimeoutError:
            found = f"expected the body within {self._limits.read_seconds} s, it took longer"
            return self._malformed(408, found)
        except WrongShapeError as error:
            return self._malformed(400, str(error))
        try:
            verdict = self._desk.take(quote, signature)
        except OperatorError as error:
            # Nothing may be accepted that is not on disk: this ends `run`, and the daemon.
            self._failure = error
            self._ended.set()
            return _answer(503, "unavailable", "the venue cannot take quotes now: try again later")
        status, sentence = ANSWERS[verdict]
        response = _answer(status, verdict.value, sentence)
        if verdict is QuoteVerdict.RATE_LIMITED:
            seconds = self._desk.retry_after_seconds(quote.participant)
            response.headers["Retry-After"] = str(seconds)
        if verdict in _HANGS_UP:
            response.force_close()
        return response

    def _malformed(self, status: int, sentence: str) -> web.Response:
        self._desk.count_malformed()
        response = _answer(status, QuoteVerdict.MALFORMED.value, sentence)
        response.force_close()
        return response


class _Connection(web.RequestHandler):
    """A connection that is counted, and closed at once if it is one too many."""

    __slots__ = ("_endpoint", "_peer")

    def __init__(self, endpoint: QuoteEndpoint, server: web.Server, limits: EndpointLimits) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            # Also what a first request may take to send its headers.
            keepalive_timeout=limits.read_seconds,
            lingering_time=1.0,
            read_bufsize=limits.body_bytes,
            max_line_size=1_024,
            max_field_size=1_024,
            max_headers=32,
            # A small body must not become a large one.
            auto_decompress=False,
        )
        self._endpoint = endpoint
        self._peer: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = transport.get_extra_info("peername")
        host = str(address[0]) if address else "unknown"
        if not self._endpoint.admit(host):
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return
        self._peer = host
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._peer is not None:
            self._endpoint.leave(self._peer)
            self._peer = None
        super().connection_lost(exc)

    def log_exception(self, *args: object, **kw: object) -> None:
        # Whoever sends what is not HTTP shall not fill the log.
        if not isinstance(kw.get("exc_info"), HttpProcessingError):
            super().log_exception(*args, **kw)


def _answer(status: int, verdict: str, detail: str) -> web.Response:
    return web.json_response({"verdict": verdict, "detail": detail}, status=status)
