"""What strangers may take of the status port: places, time, and nothing of those who ask."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from runtime.http import AdminHttp, Readiness
from runtime.http_connections import ConnectionLimits

LARGE = b"x" * (16 << 20)
"""More than the kernel holds for somebody who does not read."""


@contextlib.asynccontextmanager
async def serving(limits: ConnectionLimits, *routes: web.RouteDef) -> AsyncIterator[AdminHttp]:
    server = AdminHttp(
        "127.0.0.1:0",
        registry=CollectorRegistry(),
        readiness=Readiness(),
        status=dict,
        routes=routes,
        limits=limits,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop))
    await server.started.wait()
    try:
        yield server
    finally:
        stop.set()
        await task


async def connected(server: AdminHttp) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port)


async def ask(server: AdminHttp, path: str = "/healthz") -> bytes:
    reader, writer = await connected(server)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(20):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def test_a_newcomer_takes_the_place_of_who_was_idle_the_longest() -> None:
    async with serving(ConnectionLimits(connections=3, idle_seconds=60)) as server:
        idle = [await connected(server) for _ in range(3)]
        # Whoever asked is idle since then.
        idle[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await idle[0][0].readline()).startswith(b"HTTP/1.1 200")
        assert b"200 OK" in await ask(server)
        assert await is_closed(idle[1][0])
        idle[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(20):
            while not (await idle[0][0].readline()).startswith(b"HTTP/1.1 200"):
                pass
        for _, writer in idle:
            writer.close()


async def test_who_is_being_answered_keeps_its_place_and_the_newcomer_is_closed() -> None:
    entered, answer = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await answer.wait()
        return web.Response(text="at last")

    async with serving(ConnectionLimits(connections=1), web.get("/slow", slow)) as server:
        first = asyncio.create_task(ask(server, "/slow"))
        await entered.wait()
        reader, writer = await connected(server)
        assert await is_closed(reader)
        writer.close()
        answer.set()
        assert b"at last" in await first
        assert server._connections.dropped == 1


@pytest.mark.parametrize("begun", [b"", b"GET /metr", b"GET / HTTP/1.1\r\nHost: a\r\nX"])
async def test_headers_have_bounded_time(begun: bytes) -> None:
    async with serving(ConnectionLimits(idle_seconds=0.2)) as server:
        reader, writer = await connected(server)
        writer.write(begun)
        assert await is_closed(reader)
        writer.close()


async def test_who_asks_and_does_not_read_is_dropped() -> None:
    async def large(_request: web.Request) -> web.Response:
        return web.Response(body=LARGE)

    limits = ConnectionLimits(answer_seconds=0.2)
    async with serving(limits, web.get("/large", large)) as server:
        deaf = socket.create_connection(("127.0.0.1", server.port))
        with deaf:
            deaf.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(20):
                while len(server._connections) == 0:  # noqa: ASYNC110 - the server's own count
                    await asyncio.sleep(0)
                while len(server._connections):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert b"200 OK" in await ask(server)


async def test_a_body_is_not_kept() -> None:
    async with serving(ConnectionLimits()) as server:
        reader, writer = await connected(server)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        writer.write(b"x" * 100_000)
        async with asyncio.timeout(20):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            # The rest is waited for a moment, then it is over.
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
        writer.close()


async def test_one_host_may_have_only_so_many_places() -> None:
    limits = ConnectionLimits(connections=8, connections_per_host=2, drops_idle=False)
    async with serving(limits) as server:
        held = [await connected(server) for _ in range(2)]
        reader, writer = await connected(server)
        assert await is_closed(reader)
        for _, each in (*held, (reader, writer)):
            each.close()
