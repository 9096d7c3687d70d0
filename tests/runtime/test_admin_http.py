"""The daemon's own pages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from runtime.errors import OperatorError
from runtime.http import AdminHttp, Readiness, parse_listen
from runtime.metrics import counter


@contextlib.asynccontextmanager
async def serving(readiness: Readiness, listen: str = "127.0.0.1:0") -> AsyncIterator[AdminHttp]:
    registry = CollectorRegistry()
    counter(registry, "bellkeeper_cycles_total", "Cycles.", {"outcome": ("acted", "idle")})
    server = AdminHttp(
        listen,
        registry=registry,
        readiness=readiness,
        status=lambda: {"highest_block": 7, "collateral_atoms": 2**100},
    )
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop))
    started = asyncio.create_task(server.started.wait())
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    try:
        if task.done():
            await task
        yield server
    finally:
        stop.set()
        with contextlib.suppress(OperatorError):
            await task


async def get(server: AdminHttp, page: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{server.port}{page}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_serves_metrics_with_every_series_from_the_start() -> None:
    async with serving(Readiness()) as server:
        status, text = await get(server, "/metrics")
    assert status == 200
    assert 'bellkeeper_cycles_total{outcome="acted"} 0.0' in text
    assert 'bellkeeper_cycles_total{outcome="idle"} 0.0' in text


async def test_readyz_gives_the_reasons_while_any_check_says_no() -> None:
    readiness = Readiness()
    reason: list[str | None] = ["3 blocks behind"]
    readiness.register("rpc", lambda: reason[0])
    readiness.register("journal", lambda: None)
    async with serving(readiness) as server:
        status, text = await get(server, "/readyz")
        assert status == 503
        assert '"rpc": "3 blocks behind"' in text
        assert "journal" not in text
        assert (await get(server, "/healthz"))[0] == 200
        reason[0] = None
        assert (await get(server, "/readyz"))[0] == 200


async def test_status_shows_integers_of_any_size() -> None:
    async with serving(Readiness()) as server:
        status, text = await get(server, "/status")
    assert status == 200
    assert str(2**100) in text


async def test_a_port_in_use_is_told_to_the_operator_in_one_sentence() -> None:
    async with serving(Readiness()) as first:
        with pytest.raises(OperatorError, match=r"is in use: set \[http\] listen"):
            async with serving(Readiness(), f"127.0.0.1:{first.port}"):
                pass


@pytest.mark.parametrize("listen", ["", "9464", "host:", ":9464", "host:http", "host:65536"])
def test_refuses_a_listen_address_that_is_none(listen: str) -> None:
    with pytest.raises(OperatorError, match="host:port"):
        parse_listen(listen)


def test_reads_listen_addresses() -> None:
    assert parse_listen("127.0.0.1:9464") == ("127.0.0.1", 9464)
    assert parse_listen("[::1]:0") == ("::1", 0)


def test_a_readiness_check_is_registered_once() -> None:
    readiness = Readiness()
    readiness.register("rpc", lambda: None)
    with pytest.raises(ValueError, match="'rpc' is registered"):
        readiness.register("rpc", lambda: None)
