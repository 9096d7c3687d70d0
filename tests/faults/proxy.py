"""A faulty network between a keeper and its node: HTTP and WebSocket, in a thread with a loop of its own.

What befalls which message is the script's; `cut`, `refuses` and `lag_blocks` are levers of the case,
which may be moved from any thread while it runs. `done` counts what was really played, so that a case
can tell that its fault took place.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web

from tests.anvil import Anvil, free_port
from tests.faults.keeper import EndpointUrls
from tests.faults.lagging import answer_as_of, as_of
from tests.faults.proxy_socket import Pump, refusal
from tests.faults.script import SENDS, Fault, Rule, Script

HTTP_FAULTS: Final = frozenset(Fault) - {Fault.REORDER, Fault.FORGET}
_JSON: Final = {"Content-Type": "application/json"}
_PAGE: Final = "<!doctype html><title>Attention required</title><p>Checking your browser"


class Proxy:
    """One endpoint, as the keeper sees it."""

    def __init__(self, anvil: Anvil, name: str, script: Script | None = None) -> None:
        self.name = name
        self.port = free_port()
        self.script = script or Script(seed=0)
        self.refuses = False
        """Take no connection and no call, as a server that is gone."""
        self.lag_blocks = 0
        """Answer as of so many blocks before the head."""
        self.done: Counter[str] = Counter()
        self.http_url = anvil.http_url
        self.websocket_url = anvil.websocket_url
        self.session: aiohttp.ClientSession | None = None
        self._pumps: set[Pump] = set()
        self._loop = asyncio.new_event_loop()
        self._gone = asyncio.Event()

    @property
    def urls(self) -> EndpointUrls:
        """Give the addresses for the keeper's profile."""
        return EndpointUrls(
            name=self.name,
            http=f"http://127.0.0.1:{self.port}",
            ws=f"ws://127.0.0.1:{self.port}",
        )

    def cut(self) -> None:
        """Break all WebSockets without a word, from any thread."""
        self.done["cut"] += 1

        async def abort() -> None:
            for pump in list(self._pumps):
                pump.abort()

        asyncio.run_coroutine_threadsafe(abort(), self._loop).result(10)

    def fail(self) -> None:
        """Be gone: cut what is open, and refuse what comes."""
        self.refuses = True
        self.cut()

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Listen while the block lasts."""
        started = threading.Event()
        thread = threading.Thread(target=self._run, args=(started,), name=f"proxy-{self.name}")
        thread.start()
        started.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._gone.set)
            thread.join(10)

    async def old_head(self) -> int:
        """Give the block that this endpoint takes for the newest."""
        call = {"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []}
        return max(0, int((await self.ask(call))["result"], 16) - self.lag_blocks)

    async def ask(self, body: Any) -> Any:
        """Ask the node."""
        assert self.session is not None
        async with self.session.post(
            self.http_url, data=orjson.dumps(body), headers=_JSON
        ) as answer:
            return orjson.loads(await answer.read())

    async def honest(self, call: dict[str, Any]) -> dict[str, Any]:
        """Answer one call as the node does, or as it was some blocks ago."""
        if not self.lag_blocks or call.get("method") in SENDS:
            return dict(await self.ask(call))
        head = await self.old_head()
        self.done["lag"] += 1
        return answer_as_of(call, dict(await self.ask(as_of(call, head))), head)

    # --- inside ----------------------------------------------------------------------------------

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/", self._post)
        app.router.add_get("/", self._connect)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        async with aiohttp.ClientSession() as session:
            self.session = session
            started.set()
            await self._gone.wait()
            for pump in list(self._pumps):
                pump.abort()
            await runner.cleanup()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        if self.refuses:
            return _cut(request)
        first = body[0] if isinstance(body, list) else body
        rule = self.script.strike("http", first["method"], HTTP_FAULTS)
        if rule is not None:
            self.done[rule.fault] += 1
        early = await self._before(request, first, rule)
        if early is not None:
            return early
        calls = body if isinstance(body, list) else [body]
        answers = [await self.honest(call) for call in calls]
        if rule is not None and rule.fault is Fault.DUPLICATE:
            answers = [await self.honest(call) for call in calls]
        text = orjson.dumps(answers if isinstance(body, list) else answers[0])
        return await self._after(request, text, rule)

    async def _before(
        self, request: web.Request, call: dict[str, Any], rule: Rule | None
    ) -> web.StreamResponse | None:
        """Answer without the node, or with a lie about what it did."""
        match None if rule is None else rule.fault:
            case Fault.HTML:
                return web.Response(text=_PAGE, content_type="text/html")
            case Fault.TOO_MANY:
                return web.Response(status=429, text="slow down")
            case Fault.BAD_GATEWAY:
                return web.Response(status=502, text=_PAGE, content_type="text/html")
            case Fault.STALL:
                await self._gone.wait()
                return _cut(request)
            case Fault.SILENT_SEND:
                await self.ask(call)
                await self._gone.wait()
                return _cut(request)
            case Fault.ALREADY_KNOWN | Fault.NONCE_TOO_LOW as fault:
                await self.ask({**call, "method": "eth_sendRawTransaction"})
                return _refused(call, fault)
            case Fault.UNDERPRICED as fault:
                return _refused(call, fault)
            case _:
                return None

    async def _after(
        self, request: web.Request, text: bytes, rule: Rule | None
    ) -> web.StreamResponse:
        match None if rule is None else rule.fault:
            case Fault.DELAY:
                assert rule is not None
                await asyncio.sleep(rule.seconds)
            case Fault.DROP:
                return _cut(request)
            case Fault.TRUNCATE:
                text = text[: len(text) // 2]
            case _:
                pass
        return web.Response(body=text, content_type="application/json")

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if self.refuses:
            return _cut(request)
        pump = Pump(self, request)
        self._pumps.add(pump)
        try:
            return await pump.run()
        finally:
            self._pumps.discard(pump)


def _refused(call: dict[str, Any], fault: Fault) -> web.Response:
    return web.Response(body=refusal(call, fault), content_type="application/json")


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
