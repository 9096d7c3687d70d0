"""Any bytes on any port: an answer of HTTP or a closed connection, and the next client is served as ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitors.participants.http import EndpointLimits
from runtime.admin_listener import Limits
from runtime.admin_socket import SocketDoor
from runtime.http import AdminHttp, Readiness
from runtime.http_connections import ConnectionLimits
from tests.hostile.strategies import spoilt_bytes
from tests.keepers.page.serving import Shown
from tests.monitors.participants.rig import open_desk
from tests.monitors.participants.rig import serving as serving_quotes
from tests.runtime.admin_desk import serving as serving_actions

METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PATCH",
    "BREW",
    "get",
    "",
)
PATHS = (
    "/", "/metrics", "/healthz", "/readyz", "/status", "/events", "/actions", "/actions/halt", "/v1/quotes",
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//", "*", "http://elsewhere/metrics", "/\x00", "/%00",
    "/%zz", "/" + "a" * 9_000, "/metrics?" + "a=1&" * 500, "/💥", "",
)  # fmt: skip
HEADERS = (
    "Host: a", "Host:", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999",
    "Content-Length: 5, 6", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity",
    "Expect: 100-continue", "Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Content-Encoding: gzip", "Content-Encoding: zstd", "Content-Type: application/json; charset=\x00",
    "Accept-Encoding: gzip, br", "Range: bytes=0-", "If-None-Match: *", "Cookie: a=b; a=c; \x01", "X: \xff",
    "X" * 9_000 + ": 1", "X: " + "1" * 9_000, " folded: 1", "no colon", "Authorization: Bearer " + "x" * 2_000,
    "Idempotency-Key: \t", "Idempotency-Key: " + "k" * 200,
)  # fmt: skip
BODIES = (
    b"", b"{}", b"[]", b"null", b'{"reason":"x","market":"SPY"}', b"[" * 4_000, b'{"a":' * 700, b"5\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n", b"-1\r\n", b"\x1f\x8b\x08\x00" + b"\x00" * 50, b"\x00" * 5_000, b"\xff" * 200,
)  # fmt: skip
LAST = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
AT_ONCE = 8
SOON = 0.3
"""Seconds, after which a server under test hangs up on who says nothing more."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Compose a request of what is odd, then spoil it now and then, or send several at once."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        version = draw(
            st.sampled_from(("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", ""))
        )
        line = f"{draw(st.sampled_from(METHODS))} {draw(st.sampled_from(PATHS))} {version}"
        headers = draw(st.lists(st.sampled_from(HEADERS), max_size=5))
        end = draw(st.sampled_from(("\r\n", "\r\n", "\r\n", "\n", "\r")))
        head = end.join([line, *headers, "", ""]).encode("utf-8", errors="surrogatepass")
        parts.append(head + draw(st.sampled_from(BODIES)))
    raw = b"".join(parts)
    return draw(spoilt_bytes(raw)) if draw(st.booleans()) else raw


async def say(connect: Connect, raw: bytes) -> bytes:
    """Send bytes, then a request that ends the connection, and take what comes back until it is over."""
    reader, writer = await connect()
    heard = b""
    try:
        writer.write(raw + LAST)
        with contextlib.suppress(OSError):
            async with asyncio.timeout(30):
                # An event stream does not end by itself: its beginning will do.
                while (part := await reader.read(65_536)) and len(heard) < 300_000:
                    heard += part
                    if b"text/event-stream" in heard:
                        break
    finally:
        writer.close()
    return heard


async def fuzz(connect: Connect, is_well: Callable[[], Awaitable[bool]]) -> None:
    answered = 0
    for first in range(0, len(REQUESTS), AT_ONCE):
        raws = REQUESTS[first : first + AT_ONCE]
        answers = await asyncio.gather(*(say(connect, each) for each in raws))
        for raw, heard in zip(raws, answers, strict=True):
            assert not heard or heard.startswith(b"HTTP/"), f"expected HTTP: {heard[:80]!r}"
            assert b"HTTP/1.1 500" not in heard, f"expected no slip of ours: {raw[:200]!r}"
            assert b"Traceback" not in heard
            answered += bool(heard)
    assert answered > len(REQUESTS) // 2, "expected most to be answered, be it with a refusal"
    assert await is_well()


@contextlib.asynccontextmanager
async def status_port() -> AsyncIterator[tuple[Connect, Callable[[], Awaitable[bool]]]]:
    shown = Shown()
    server = AdminHttp(
        "127.0.0.1:0",
        registry=CollectorRegistry(),
        readiness=Readiness(),
        status=lambda: {"a": 1},
        routes=shown.routes,
        limits=ConnectionLimits(idle_seconds=SOON),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop))
    follower = asyncio.create_task(shown.stream.run(stop))
    await server.started.wait()

    def connect() -> Awaitable[Streams]:
        return asyncio.open_connection("127.0.0.1", server.port)

    async def is_well() -> bool:
        return b"200 OK" in await say(connect, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")

    try:
        yield connect, is_well
    finally:
        stop.set()
        await asyncio.gather(task, follower)


@contextlib.asynccontextmanager
async def quotes_port(folder: Path) -> AsyncIterator[tuple[Connect, Callable[[], Awaitable[bool]]]]:
    with open_desk(folder) as desk:
        async with serving_quotes(desk, EndpointLimits(read_seconds=SOON)) as endpoint:

            def connect() -> Awaitable[Streams]:
                return asyncio.open_connection("127.0.0.1", endpoint.port)

            async def is_well() -> bool:
                asked = b"POST /v1/quotes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
                return b"HTTP/1.1 400" in await say(connect, asked)

            yield connect, is_well


@contextlib.asynccontextmanager
async def admin_socket(
    folder: Path,
) -> AsyncIterator[tuple[Connect, Callable[[], Awaitable[bool]]]]:
    path = folder / "a"
    async with serving_actions(SocketDoor(path), limits=Limits(body_seconds=SOON)):

        def connect() -> Awaitable[Streams]:
            return asyncio.open_unix_connection(path)

        async def is_well() -> bool:
            return b"HTTP/1.1" in await say(connect, b"GET /actions HTTP/1.1\r\nHost: a\r\n\r\n")

        yield connect, is_well


def examples_of(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    """Draw examples, the same in every run: a server is started once for all of them."""
    drawn: list[bytes] = []

    @settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(example=strategy)
    def draw(example: bytes) -> None:
        drawn.append(example)

    draw()
    return drawn


REQUESTS = examples_of(st.one_of(requests(), requests(), st.binary(max_size=300)), 150)


async def test_the_status_port_outlives_any_bytes() -> None:
    with capture_logs() as lines:
        async with status_port() as (connect, is_well):
            await fuzz(connect, is_well)
    assert [line for line in lines if line["log_level"] in {"error", "critical"}] == []


async def test_the_quotes_port_outlives_any_bytes(tmp_path: Path) -> None:
    async with quotes_port(tmp_path) as (connect, is_well):
        await fuzz(connect, is_well)


async def test_the_admin_socket_outlives_any_bytes(tmp_path: Path) -> None:
    async with admin_socket(tmp_path) as (connect, is_well):
        await fuzz(connect, is_well)
