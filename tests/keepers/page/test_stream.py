"""The page over real sockets: one look for all, what changed alone, slow ones dropped, a bound."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import structlog

from keepers.page.document import MOMENT, SECTIONS
from keepers.page.facts import PageFacts
from keepers.page.html import Markup, tag
from risk.units import MarketStatus
from tests.keepers.page.serving import Shown, serving
from tests.keepers.page.strict import Page
from tests.keepers.page.values import NVDA, SPY, facts

HALTED = [replace(NVDA, status=MarketStatus.HALTED), SPY]


@contextlib.asynccontextmanager
async def following(shown: Shown) -> AsyncIterator["Follower"]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{shown.url}/events") as response,
    ):
        yield Follower(response)


async def left(shown: Shown) -> None:
    """Wait until the last follower is gone, asking for the page meanwhile."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while shown.stream.clients:
            async with session.get(f"{shown.url}/page/page.css") as response:
                await response.read()


class Follower:
    """A browser that follows."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def event(self) -> dict[str, Any]:
        """Give the sections of the next event that has any: a look without news is told as empty."""
        async for line in self.response.content:
            if line.startswith(b"data: "):
                told: dict[str, Any] = json.loads(line.removeprefix(b"data: "))["sections"]
                if told:
                    return told
        raise AssertionError("expected an event, found the end")


async def test_the_page_is_served_under_a_policy_that_runs_nothing_inline() -> None:
    async with serving(Shown()) as shown, aiohttp.ClientSession() as session:
        for path in ("/", "/page/page.css", "/page/page.js", "/page/icon.svg"):
            async with session.get(shown.url + path) as response:
                text = await response.text()
                assert response.status == 200, path
                policy = response.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Referrer-Policy"] == "no-referrer"
                assert response.headers["Cache-Control"] == "no-store"
            if path == "/":
                assert response.content_type == "text/html"
                assert "SAFE Yes" in Page(text).text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_sent_to_it(method: str) -> None:
    async with serving(Shown()) as shown, aiohttp.ClientSession() as session:
        for path in ("/", "/events"):
            async with session.request(method, shown.url + path) as response:
                assert response.status == 405


async def test_a_follower_is_told_all_at_first_and_then_what_changed_alone() -> None:
    async with serving(Shown()) as shown, following(shown) as follower:
        assert follower.response.content_type == "text/event-stream"
        assert set(await follower.event()) == set(SECTIONS)
        shown.facts = replace(shown.facts, markets=HALTED)
        assert set(await follower.event()) == {"verdict", "markets"}
        shown.facts = replace(shown.facts, wall_seconds=shown.facts.wall_seconds + 1)
        assert set(await follower.event()) == {MOMENT}


async def test_many_followers_are_told_the_same_from_one_look() -> None:
    async with (
        serving(Shown(period=3_600.0, most_clients=50)) as shown,
        contextlib.AsyncExitStack() as stack,
    ):
        followers = [await stack.enter_async_context(following(shown)) for _ in range(50)]
        told = await asyncio.gather(*(each.event() for each in followers))
        assert all(each == told[0] for each in told)
        assert shown.stream.clients == 50
        async with aiohttp.ClientSession() as session, session.get(shown.url) as response:
            assert response.status == 200
        assert shown.gathered == 1


async def test_one_follower_too_many_is_turned_away_and_there_is_room_again_when_one_has_gone() -> (
    None
):
    async with serving(Shown(most_clients=1)) as shown:
        async with following(shown) as first:
            await first.event()
            async with following(shown) as second:
                assert second.response.status == 503
                assert second.response.headers["Retry-After"] == "10"
        await left(shown)
        async with following(shown) as third:
            assert third.response.status == 200
            await third.event()


async def test_a_follower_that_takes_nothing_is_dropped_and_the_others_are_told() -> None:
    def big(found: PageFacts) -> Markup:
        return tag("p", f"{found.wall_seconds}" + "a b " * 500_000)

    async with serving(Shown(sections={"big": big}, slow_seconds=0.2)) as shown:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect(("127.0.0.1", shown.port))
        slow.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        with slow:
            async with asyncio.timeout(60):
                while not shown.stream.dropped:
                    shown.facts = replace(shown.facts, wall_seconds=shown.facts.wall_seconds + 1)
                    await asyncio.sleep(0.01)
        assert shown.stream.clients == 0
        async with aiohttp.ClientSession() as session, session.get(shown.url) as response:
            assert response.status == 200


async def test_nobody_looking_costs_nothing() -> None:
    async with serving(Shown(period=0.001)) as shown:
        async with following(shown) as follower:
            await follower.event()
        await left(shown)
        # The turn that was under way when the follower left may still be made.
        most = shown.gathered + 1
        async with aiohttp.ClientSession() as session:
            for _ in range(200):
                async with session.get(f"{shown.url}/page/page.css") as response:
                    await response.read()
        assert shown.gathered <= most


async def test_a_stop_ends_every_follower() -> None:
    async with serving(Shown(period=3_600.0)) as shown, following(shown) as follower:
        await follower.event()
        shown.stop.set()
        assert await follower.response.content.read() in {b"", b"\n"}


async def test_a_section_that_cannot_be_made_says_so_and_is_logged_once() -> None:
    def fails(found: PageFacts) -> Markup:
        raise ZeroDivisionError(found.network)

    sections = dict(SECTIONS) | {"heat": fails}
    with structlog.testing.capture_logs() as logs:
        async with serving(Shown(sections=sections)) as shown, following(shown) as follower:
            told = await follower.event()
            shown.facts = facts(markets=HALTED)
            await follower.event()
    assert "could not be shown: the keeper&#x27;s log says why" in told["heat"]
    assert "NVDA" in told["markets"]
    assert [line["part"] for line in logs if line["event"] == "page_broken"] == ["heat"]


async def test_facts_that_cannot_be_gathered_leave_the_question_open() -> None:
    class Broken(Shown):
        async def _gather(self) -> PageFacts:
            raise KeyError("gone")

    async with (
        serving(Broken()) as shown,
        aiohttp.ClientSession() as session,
        session.get(shown.url) as response,
    ):
        read = Page(await response.text())
    assert "NOT KNOWN How it stands could not be shown" in read.text
