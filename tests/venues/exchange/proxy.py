"""A faulty network between a feed and its node: HTTP and WebSocket, with hooks for every fault.

`on_notification` may drop, double or rewrite what a subscription sends; `on_answer` may rewrite
or refuse an answer over HTTP; `cut` breaks the sockets; while `refuses_sockets` no new one opens.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from tests.anvil import Anvil, free_port

Message = dict[str, Any]


def as_it_is(message: Message) -> list[Message]:
    """Pass a notification on."""
    return [message]


class Proxy:
    """Stand between a feed and a node."""

    def __init__(self, anvil: Anvil) -> None:
        self.port = free_port()
        self.on_notification: Callable[[Message], list[Message]] = as_it_is
        self.on_answer: Callable[[Message, Message], Message] = lambda _, answer: answer
        self.refuses_sockets = False
        self.sockets = 0
        self._anvil = anvil
        self._open: set[web.WebSocketResponse] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def cut(self) -> None:
        """Break all sockets, as a lost network does."""
        for socket in list(self._open):
            await socket.close(code=1012)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listen while the block lasts."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/", self._post)
        app.router.add_get("/", self._connect)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        async with aiohttp.ClientSession() as session:
            self._session = session
            try:
                yield self
            finally:
                await self.cut()
                await runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        assert self._session is not None
        body = await request.read()
        async with self._session.post(self._anvil.http_url, data=body, headers=_JSON) as response:
            answer = orjson.loads(await response.read())
        asked = orjson.loads(body)
        if isinstance(asked, list):
            answer = [self.on_answer(*pair) for pair in zip(asked, answer, strict=True)]
        else:
            answer = self.on_answer(asked, answer)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        if self.refuses_sockets:
            return web.Response(status=503)
        self.sockets += 1
        near = web.WebSocketResponse(max_msg_size=64 << 20)
        await near.prepare(request)
        self._open.add(near)
        try:
            async with self._session.ws_connect(self._anvil.websocket_url) as far:
                down = asyncio.create_task(self._pump_down(far, near))
                async for message in near:
                    await far.send_str(message.data)
                down.cancel()
        finally:
            self._open.discard(near)
        return near

    async def _pump_down(
        self, far: aiohttp.ClientWebSocketResponse, near: web.WebSocketResponse
    ) -> None:
        async for message in far:
            decoded = orjson.loads(message.data)
            notes = [decoded] if "method" not in decoded else self.on_notification(decoded)
            for note in notes:
                await near.send_bytes(orjson.dumps(note))


_JSON = {"Content-Type": "application/json"}


def is_log(message: Message) -> bool:
    """Say whether a notification brings a log rather than a head."""
    return "topics" in message["params"]["result"]
