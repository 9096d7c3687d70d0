"""The daemon's own HTTP: /metrics, /healthz, /readyz, /status.

/healthz answers whenever the event loop turns and depends on nothing else: a dead RPC endpoint
must not make an orchestrator kill a keeper that is backing off as it should. /readyz says, in
words, why not. Nothing here changes anything. Who connects gets a bounded part of the process
(`runtime/http_connections.py`), and a flood of those who ask nothing keeps nobody out.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

from runtime.errors import OperatorError
from runtime.exposition import MetricsPage
from runtime.http_connections import ConnectionLimits, Connections, cannot_listen, holds_its_place

Check = Callable[[], str | None]
"""Tell in words why not ready, or None."""

_HIGHEST_PORT: Final = 65_535
_LARGEST_BODY: Final = 4_096
"""Nobody has anything to send here."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")


class Readiness:
    """The checks that stand between a running process and a ready one."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def register(self, name: str, check: Check) -> None:
        """Add a check under a name that nobody has taken."""
        if name in self._checks:
            raise ValueError(f"expected a new readiness check, but {name!r} is registered")
        self._checks[name] = check

    def reasons(self) -> dict[str, str]:
        """Collect, by check, why not ready; empty when ready."""
        answers = {name: check() for name, check in self._checks.items()}
        return {name: reason for name, reason in answers.items() if reason is not None}


class AdminHttp:
    """Serve the four pages on `listen` until stop; `port` is known once `started` is set."""

    def __init__(
        self,
        listen: str,
        *,
        registry: CollectorRegistry,
        readiness: Readiness,
        status: Callable[[], Mapping[str, object]],
        routes: Sequence[web.RouteDef] = (),
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._host, self._asked_port = parse_listen(listen)
        self._page = MetricsPage(registry)
        self._readiness = readiness
        self._status = status
        self._routes = routes
        self._connections = Connections(limits or ConnectionLimits())
        self.port = self._asked_port
        self.started = asyncio.Event()

    @property
    def readiness(self) -> Readiness:
        """The checks behind /readyz."""
        return self._readiness

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; an OperatorError says when the address cannot be had."""
        application = web.Application(middlewares=[holds_its_place], client_max_size=_LARGEST_BODY)
        application.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/status", self._status_page),
                *self._routes,
            ]
        )
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            # What is learned with the first page is learned before anybody asks for one.
            await self._page.render()
            server = await self._bind(runner)
            self.started.set()
            log.info("http_started", host=self._host, port=self.port)
            try:
                await stop.wait()
            finally:
                server.close()
        finally:
            await runner.cleanup()

    async def _bind(self, runner: web.AppRunner) -> asyncio.Server:
        try:
            server = await self._connections.serve(runner, self._host, self._asked_port)
        except OSError as error:
            remedy = "set [http] listen to a free one"
            raise cannot_listen("on ", self._host, self._asked_port, error, remedy) from error
        self.port = int(server.sockets[0].getsockname()[1])
        return server

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = await self._page.render()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        reasons = self._readiness.reasons()
        return _json_response(
            {"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200
        )

    async def _status_page(self, _request: web.Request) -> web.Response:
        return _json_response(self._status())


def _json_response(value: Mapping[str, object], *, status: int = 200) -> web.Response:
    # Not orjson: integers here may exceed 64 bits.
    return web.json_response(
        value, status=status, dumps=lambda item: json.dumps(item, indent=2, default=str)
    )


def parse_listen(listen: str) -> tuple[str, int]:
    """Split `host:port` (or `[v6]:port`); an OperatorError says what is wrong with it."""
    host, separator, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not _is_port(port):
        raise OperatorError(
            f"expected [http] listen as host:port, found {listen!r}: write for example"
            " 127.0.0.1:9464"
        )
    return host, int(port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= _HIGHEST_PORT
