"""Scripted JSON-RPC endpoints on loopback: real sockets that misbehave on demand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from runtime.rpc.endpoint import Endpoint

Answer = web.StreamResponse | dict[str, Any] | list[Any]


def result(request: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": value}


def error(request: dict[str, Any], code: int, message: str, data: Any = None) -> dict[str, Any]:
    body = {"code": code, "message": message, "data": data}
    return {"jsonrpc": "2.0", "id": request["id"], "error": body}


class FakeClock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class Node:
    """One endpoint; set `answer` (HTTP) or `on_call` (WebSocket) to script it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.requests: list[Any] = []
        self.calls: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.connections = 0
        self.silent = False
        self.answer: Callable[[Any], Answer | Awaitable[Answer]] = lambda request: result(
            request, "0x1"
        )
        self.on_call: Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]] = (
            self.answer_call
        )
        self._runner: web.AppRunner | None = None
        self._posting: web.Request | None = None

    @property
    def endpoint(self) -> Endpoint:
        url = f"127.0.0.1:{self.port}"
        return Endpoint(name=self.name, http_url=f"http://{url}/", ws_url=f"ws://{url}/")

    @property
    def http_endpoint(self) -> Endpoint:
        return Endpoint(name=self.name, http_url=f"http://127.0.0.1:{self.port}/")

    @property
    def ws_endpoint(self) -> Endpoint:
        return Endpoint(name=self.name, ws_url=f"ws://127.0.0.1:{self.port}/")

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/", self._post)
        application.router.add_get("/", self._websocket)
        self._runner = web.AppRunner(application, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            self.drop()
            await self._runner.cleanup()
            self._runner = None

    def drop(self) -> None:
        """Cut every WebSocket as a dying server does: without a close frame."""
        for socket in self.sockets:
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        self.sockets.clear()

    def cut(self) -> web.Response:
        """Answer an HTTP request by cutting its connection."""
        if self._posting is not None and self._posting.transport is not None:
            self._posting.transport.abort()
        return web.Response()

    async def notify(self, subscription_id: str, value: Any) -> None:
        for socket in self.sockets:
            await socket.send_bytes(notification(subscription_id, value))

    async def answer_call(self, socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        """Answer sensibly: a subscription id per connection and subscribe, else 0x1."""
        value = f"0xsub{len(self.calls)}" if call["method"] == "eth_subscribe" else "0x1"
        await socket.send_str(orjson.dumps(result(call, value)).decode())

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self._posting = request
        body = orjson.loads(await request.read())
        self.requests.append(body)
        answer = self.answer(body)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=64 << 20)
        await socket.prepare(request)
        self.connections += 1
        self.sockets.append(socket)
        with contextlib.suppress(ConnectionError):
            async for message in socket:
                if message.type is WSMsgType.TEXT and not self.silent:
                    call = orjson.loads(message.data)
                    self.calls.append(call)
                    await self.on_call(socket, call)
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket


def notification(subscription_id: str, value: Any) -> bytes:
    return orjson.dumps(
        {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": subscription_id, "result": value},
        }
    )


@contextlib.asynccontextmanager
async def running_node(name: str = "alpha") -> AsyncIterator[Node]:
    node = Node(name)
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


async def eventually(condition: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait until `condition` holds; fail if it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is not ours to signal
            await asyncio.sleep(0.005)
