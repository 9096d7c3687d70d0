"""POST /v1/quotes: where participants send their quotes.

The open side of the desk, so everything is bounded: connections in all and from one host, headers,
body, and the time for each. A connection that sent what no participant would send is closed with its
answer. What is written in a request is never logged. Transport encryption is a proxy's work.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from monitors.participants.desk import QuoteDesk
from monitors.participants.metrics import ParticipantMetrics
from monitors.participants.typed_data import parse_quote
from monitors.prices.port import WrongShapeError
from risk.participant_quotes import QuoteVerdict
from runtime.errors import OperatorError
from runtime.http_connections import ConnectionLimits, Connections, cannot_listen

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
        self._connections = Connections(
            ConnectionLimits(
                connections=self._limits.connections,
                connections_per_host=self._limits.connections_per_host,
                # One host has few places, so a flood from it is its own loss: the others keep theirs.
                drops_idle=False,
                idle_seconds=self._limits.read_seconds,
                line_bytes=1_024,
                field_bytes=1_024,
                headers=32,
                buffer_bytes=self._limits.body_bytes,
            ),
            on_dropped=metrics.refused_connections.inc,
        )
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

    async def _bind(self, runner: web.AppRunner) -> asyncio.Server:
        try:
            server = await self._connections.serve(runner, self._host, self.port)
        except OSError as error:
            remedy = "choose a free one"
            raise cannot_listen("for quotes on ", self._host, self.port, error, remedy) from error
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


def _answer(status: int, verdict: str, detail: str) -> web.Response:
    return web.json_response({"verdict": verdict, "detail": detail}, status=status)
