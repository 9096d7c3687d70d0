"""What may be asked of the admin listener, by whom at once, and how slowly. All over a real socket."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from runtime.admin_listener import (
    CALLS_AT_ONCE,
    LARGEST_BODY,
    MOST_CONNECTIONS,
    Limits,
    Verdict,
)
from runtime.admin_socket import SocketDoor
from tests.runtime.admin_desk import BODY, ask, serving

SLOW = Limits(body_seconds=0.05, connection_seconds=5.0)
BRIEF = Limits(body_seconds=5.0, connection_seconds=0.05)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"halt"', b"null", b"[" * 4_000])
async def test_a_body_that_is_no_object_is_refused(socket_path: Path, body: bytes) -> None:
    async with serving(SocketDoor(socket_path)) as desk:
        status, answer = await ask(socket_path, body)
    assert status == 400
    assert answer["error"].startswith("expected a JSON object")
    assert desk.service.calls == []


async def test_a_body_that_is_too_large_is_refused(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)) as desk:
        status, answer = await ask(socket_path, b" " * (LARGEST_BODY + 1))
    assert status == 413
    assert f"at most {LARGEST_BODY} bytes" in answer["error"]
    assert desk.service.calls == []


async def test_a_body_that_does_not_come_is_not_waited_for(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path), limits=SLOW) as desk:
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        writer.write(b"POST /actions/halt HTTP/1.1\r\nHost: k\r\nContent-Length: 90\r\n\r\n{")
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"expected the whole body within 0.05 s" in answer
        assert desk.service.calls == []


async def test_headers_that_do_not_end_cost_a_connection_its_life(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path), limits=BRIEF):
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        writer.write(b"POST /actions/halt HTTP/1.1\r\nHost: k\r\nX-Slow: ")
        assert await reader.read() == b""
        writer.close()


async def test_of_many_connections_only_a_few_are_kept(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)):
        held = [
            await asyncio.open_unix_connection(str(socket_path)) for _ in range(MOST_CONNECTIONS)
        ]
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        assert await reader.read() == b""
        writer.close()
        for _, each in held:
            each.close()
            await each.wait_closed()


async def test_whoever_asks_too_often_waits(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)) as desk:
        answers = [(await ask(socket_path))[0] for _ in range(CALLS_AT_ONCE + 2)]
    assert answers == [200] * CALLS_AT_ONCE + [429, 429]
    assert desk.counted(Verdict.LIMITED) == 2
    assert len(desk.service.calls) == CALLS_AT_ONCE


async def test_a_bug_in_an_action_ends_the_request_and_not_the_listener(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)) as desk:
        desk.service.breaks = True
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket_path))) as session,
            session.post("http://keeper/actions/halt", json=BODY) as answer,
        ):
            assert answer.status == 500
            assert "a bug" not in await answer.text()
        desk.service.breaks = False
        assert (await ask(socket_path))[0] == 200
    assert desk.counted(Verdict.FAILED) == 1
