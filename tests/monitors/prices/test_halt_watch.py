"""Halts are read from a page that comes and goes; a page that is missing ends no halt."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from monitors.prices.halt_watch import HaltSettings, HaltWatch
from monitors.prices.port import FaultKind
from risk.units import Seconds
from tests.monitors.prices.servers import FakeClock, Recorder, always, running, serving, tools
from tests.monitors.prices.test_trading_halts import HALTED_AT, item, page

SETTINGS = HaltSettings(
    name="halts", url="", underlying_to_symbol={"NVDA": "NVDA-PERP", "AAPL": "AAPL-PERP"}
)
PAGE = page(item(code="T1"), item("TSLA"))
NOW = Seconds(HALTED_AT + 60)


async def until_read(watch: HaltWatch) -> None:
    for _ in range(2_000):
        if watch.age_seconds() is not None:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the halts were never read")


@contextlib.asynccontextmanager
async def watching(url: str) -> AsyncIterator[tuple[HaltWatch, Recorder]]:
    """Run a watch of this page."""
    watches: list[HaltWatch] = []

    def make(session: aiohttp.ClientSession) -> HaltWatch:
        watches.append(HaltWatch(replace(SETTINGS, url=url), session, **tools()))
        return watches[0]

    async with running(make) as sink:
        yield watches[0], sink


async def test_tells_the_halts_of_our_markets_only() -> None:
    async with serving() as server:
        server.on_get = always(PAGE, kind="application/xml")
        async with watching(server.url) as (watch, _):
            await until_read(watch)
        assert list(watch.halted(NOW)) == ["NVDA-PERP"]
        assert watch.halted(NOW)["NVDA-PERP"].reason == "T1"
        assert watch.halted(Seconds(HALTED_AT - 1)) == {}


async def test_a_page_that_is_lost_leaves_the_last_halts_standing() -> None:
    clock = FakeClock()
    async with serving() as server, aiohttp.ClientSession() as session:
        watch = HaltWatch(replace(SETTINGS, url=server.url), session, **tools(clock))
        assert watch.age_seconds() is None
        watch._take(PAGE)
        clock.seconds += 90
        server.on_get = always(b"<html>busy</html>", kind="text/html")
        async with running(lambda _: watch) as sink:
            await sink.until(faults=2)
        assert sink.kinds[0] is FaultKind.WRONG_SHAPE
        assert list(watch.halted(NOW)) == ["NVDA-PERP"]
        assert watch.age_seconds() == 90


async def test_a_refusal_is_told_and_asked_again() -> None:
    async with serving() as server:
        answers = [web.Response(status=429), web.Response(body=PAGE)]

        async def answer(_request: web.Request) -> web.StreamResponse:
            return answers.pop(0)

        server.on_get = answer
        async with watching(server.url) as (watch, sink):
            await sink.until(faults=1)
            await until_read(watch)
        assert sink.kinds == [FaultKind.RATE_LIMITED]


def test_polls_more_often_than_allowed_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 60 seconds apart, found 5"):
        HaltSettings(name="halts", url="", underlying_to_symbol={}, poll_seconds=5)
