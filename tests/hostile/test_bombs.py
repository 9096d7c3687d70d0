"""Little on the wire, much in memory: what is sent to fill it is cut off long before."""

import tracemalloc
import zlib
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import web

from monitors.prices.http import MOST_ANSWER_BYTES, get_body
from monitors.prices.port import SourceFault, WrongShapeError
from monitors.prices.trading_halts import LARGEST_PAGE, HaltPageError, parse_halts
from runtime.rpc.errors import RpcError
from runtime.rpc.http import HttpLimits, RpcHttp
from tests.runtime.nodes import running_node

BOMB_BYTES = 128 << 20
LIMIT_BYTES = 1 << 20
MOST_BYTES = 48 << 20
"""What reading a bomb may take at its highest: much less than what it would become."""
PLAIN = b"<rss><channel>"


def gzipped(size: int) -> bytes:
    """Compress so many zeros, without ever having them."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [squeeze.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, squeeze.flush()])


BOMB = gzipped(BOMB_BYTES)


async def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        await work()  # type: ignore[misc]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_node_cannot_fill_the_memory_with_a_small_answer() -> None:
    async with running_node() as node:
        node.answer = lambda _request: web.Response(
            body=BOMB, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )
        limits = HttpLimits(answer_bytes=LIMIT_BYTES)
        async with RpcHttp(node.http_endpoint, limits=limits) as http:

            async def ask() -> None:
                with pytest.raises(RpcError):
                    await http.call("eth_chainId")

            assert await peak_of(ask) < MOST_BYTES


async def test_a_provider_cannot_fill_the_memory_with_a_small_answer() -> None:
    async def bomb(_request: web.Request) -> web.Response:
        return web.Response(body=BOMB, headers={"Content-Encoding": "gzip"})

    application = web.Application()
    application.router.add_get("/", bomb)
    runner = web.AppRunner(application, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with aiohttp.ClientSession() as session:

            async def ask() -> None:
                with pytest.raises((WrongShapeError, SourceFault, aiohttp.ClientError)):
                    await get_body(
                        session, url, headers={}, timeout_seconds=60, rate_limit_seconds=1
                    )

            assert await peak_of(ask) < MOST_BYTES + MOST_ANSWER_BYTES
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("inside", [b"<a>", b"<item>"], ids=["tags", "items in items"])
def test_a_page_of_halts_may_be_as_deep_as_it_is_long(inside: bytes) -> None:
    page = (PLAIN + inside * LARGEST_PAGE)[:LARGEST_PAGE]
    with pytest.raises(HaltPageError):
        parse_halts(page)
