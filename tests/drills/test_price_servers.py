"""The keeper's own clients read the local providers exactly: price, time and session."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from drills.price_servers.misbehaviour import MisbehavingScript, Silence
from drills.price_servers.script import ProviderQuote, ProviderScript
from monitors.prices.halt_watch import HaltSettings, HaltWatch
from monitors.prices.json_source import JsonSource
from monitors.prices.port import FaultKind
from monitors.prices.pyth_pro import ProSettings, PythPro
from monitors.prices.trading_halts import TradingHalt
from risk.sessions import Session
from risk.units import Seconds
from tests.drills.providers import (
    BASE,
    NVDA_FEED,
    PLAN,
    START,
    STOP,
    Page,
    Story,
    Venue,
    hermes,
    hermes_report,
    listening,
    of,
    pro,
    quotes,
    serving,
    told,
    until,
)
from tests.monitors.prices.servers import tools
from tests.monitors.prices.test_halt_watch import until_read


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_hermes_is_read_exactly(*, is_streaming: bool) -> None:
    venue = Venue()
    async with (
        serving(venue) as servers,
        listening(hermes(servers, is_streaming=is_streaming)) as sink,
    ):
        for at in (START, Seconds(START + 1), Seconds(START + 90_000)):
            venue.at = at
            for symbol in BASE:
                wanted = hermes_report(symbol, at)
                assert await until(sink, of(symbol, wanted.observed_at)) == wanted
    assert sink.faults == []


async def test_pyth_pro_is_read_exactly_and_once_from_three_hosts() -> None:
    venue = Venue()
    moments = [START, Seconds(START + 80), Seconds(START + 160)]
    async with serving(venue) as servers:
        assert len(set(servers.pro_urls)) == 3
        async with listening(pro(servers)) as sink:
            for at in moments:
                venue.at = at
                for symbol in BASE:
                    wanted = told("pyth_pro", "pyth_pro", symbol, at)
                    assert await until(sink, of(symbol, at)) == wanted
    assert len(sink.reports) == len(moments) * len(BASE)
    assert sink.faults == []


@pytest.mark.parametrize("is_socket", [True, False])
async def test_plain_json_is_read_exactly(*, is_socket: bool) -> None:
    venue = Venue()
    async with (
        serving(venue) as servers,
        listening(quotes(servers, is_socket=is_socket, provider="green")) as sink,
    ):
        for at in (START, Seconds(START + 4_000)):
            venue.at = at
            wanted = replace(told("green", "green", "NVDA", at), session=None)
            assert await until(sink, of("NVDA", at)) == wanted
    assert sink.faults == []


async def test_halts_are_read_exactly_and_not_before_they_are() -> None:
    halt = TradingHalt(
        symbol="NVDA", reason="LUDP", halted_at=START, resumes_at=Seconds(START + 300)
    )
    open_end = replace(halt, symbol="TSLA", reason="T1 & <news>", resumes_at=None)
    later = replace(halt, symbol="COIN", halted_at=Seconds(START + 1), resumes_at=None)
    names = {"NVDA": "NVDA", "TSLA": "TSLA", "COIN": "COIN"}
    venue, page = Venue(), Page(shown=[halt, open_end, later])
    async with serving(venue, page=page) as servers:
        settings = HaltSettings(
            name="halts", url=servers.trading_halts.url, underlying_to_symbol=names
        )
        assert await halts_seen(settings, START) == {"NVDA": halt, "TSLA": open_end}
        venue.at = Seconds(START + 300)
        assert await halts_seen(settings, venue.at) == {"TSLA": open_end, "COIN": later}


async def halts_seen(settings: HaltSettings, now: Seconds) -> dict[str, TradingHalt]:
    """Read the page once, as the watch does when it starts."""
    async with aiohttp.ClientSession() as session:
        watch = HaltWatch(settings, session, **tools())
        async with listening(lambda _: watch) as sink:
            await until_read(watch)
    assert sink.faults == []
    return watch.halted(now)


# --- sessions ------------------------------------------------------------


class InSession(Story):
    """The story in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        quote = super().quote(provider, symbol, at)
        return quote and replace(quote, session=self._session)


@pytest.mark.parametrize(
    ("session", "read"),
    [
        (Session.REGULAR, Session.REGULAR),
        (Session.PRE, Session.PRE),
        (Session.POST, Session.POST),
        (Session.OVERNIGHT, Session.OVERNIGHT),
        # The protocol has one word for all of these.
        (Session.WEEKEND, Session.WEEKEND),
        (Session.HOLIDAY, Session.WEEKEND),
        (Session.HALTED, Session.WEEKEND),
        (Session.UNKNOWN, Session.WEEKEND),
    ],
)
async def test_pyth_pro_tells_the_session(session: Session, read: Session) -> None:
    async with serving(Venue(), InSession(session)) as servers, listening(pro(servers)) as sink:
        assert (await until(sink, of("NVDA", START))).session is read


async def test_a_hermes_feed_of_one_session_speaks_in_it_alone() -> None:
    async with (
        serving(Venue(), InSession(Session.PRE)) as servers,
        listening(hermes(servers, feeds=3)) as sink,
    ):
        await sink.until(reports=3)
    assert [report.session for report in sink.reports[:3]] == [None, None, Session.PRE]
    async with serving(Venue()) as servers, listening(hermes(servers, feeds=3)) as sink:
        await sink.until(reports=2, faults=1)
    assert {report.session for report in sink.reports} == {None}
    assert sink.kinds[0] is FaultKind.UNKNOWN_FEED


# --- keys ------------------------------------------------------------


async def test_a_wrong_key_is_refused_by_every_provider_that_wants_one() -> None:
    async with serving(Venue()) as servers:
        spec = replace(
            servers.json_quotes["blue"].spec("NVDA"), headers={"X-Api-Key": "another-key"}
        )
        for make in (
            hermes(servers, key="another-key"),
            hermes(servers, key="another-key", is_streaming=False),
            pro(servers, key="another-key"),
            lambda session: JsonSource(spec, session, **tools()),
        ):
            async with listening(make) as sink:
                await sink.until(faults=1)
            assert sink.kinds[0] is FaultKind.REJECTED_KEY
            assert sink.reports == []


async def test_a_symbol_that_the_script_does_not_know_is_told_as_the_provider_would() -> None:
    async with serving(Venue()) as servers:
        known = ProSettings(
            name="pyth_pro",
            hosts=servers.pro_urls[:1],
            feeds={1: "NVDA", 77: "ACME"},
            api_key=PLAN.api_key,
        )
        async with listening(lambda session: PythPro(known, session, **tools())) as sink:
            await sink.until(reports=1, faults=1)
        assert sink.kinds == [FaultKind.UNKNOWN_FEED]
        assert "77" in sink.faults[0][1]
        spec = servers.json_quotes["blue"].spec("ACME")
        async with listening(lambda session: JsonSource(spec, session, **tools())) as sink:
            await sink.until(faults=1)
        assert sink.kinds[0] is FaultKind.UNKNOWN_FEED


# --- what the keeper's clients never ask, and others do ------------------------------------------

BEARER = {"Authorization": f"Bearer {PLAN.api_key}"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"ids[]": NVDA_FEED}, 200),
        ({"ids[]": "d" * 64}, 404),
        ({"ids[]": "d" * 64, "ignore_invalid_price_ids": "true"}, 200),
        ({}, 400),
        ({"ids[]": NVDA_FEED, "encoding": "base32"}, 400),
    ],
)
async def test_hermes_answers_a_request_with_its_status(query: dict[str, str], status: int) -> None:
    async with serving(Venue()) as servers, aiohttp.ClientSession(headers=BEARER) as session:
        url = f"{servers.hermes.url}/v2/updates/price/latest"
        async with session.get(url, params=query) as answer:
            assert answer.status == status


async def test_hermes_leaves_out_what_was_not_asked_for() -> None:
    query = {"ids[]": NVDA_FEED, "parsed": "false", "encoding": "base64"}
    async with serving(Venue()) as servers, aiohttp.ClientSession(headers=BEARER) as session:
        url = f"{servers.hermes.url}/v2/updates/price/latest"
        async with session.get(url, params=query) as answer:
            assert await answer.json() == {"binary": {"encoding": "base64", "data": ["UE5BVQ=="]}}


@contextlib.asynccontextmanager
async def pro_socket(
    script: ProviderScript | None = None,
) -> AsyncIterator[aiohttp.ClientWebSocketResponse[bool]]:
    async with (
        serving(Venue(), script) as servers,
        aiohttp.ClientSession(headers=BEARER) as session,
        session.ws_connect(servers.pro_urls[0]) as socket,
    ):
        yield socket


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ("{", "error"),
        ('{"type":"subscribe"}', "error"),
        ('{"subscriptionId":3,"priceFeedIds":[1],"properties":["price"]}', "subscribed"),
        ('{"subscriptionId":3,"priceFeedIds":[1,9],"properties":[]}', "subscriptionError"),
    ],
)
async def test_pyth_pro_answers_a_subscription(asked: str, kind: str) -> None:
    async with pro_socket() as socket:
        await socket.send_str(asked)
        assert (await socket.receive_json())["type"] == kind


async def test_pyth_pro_gives_the_properties_that_were_asked_for() -> None:
    asked = {"subscriptionId": 3, "priceFeedIds": [2, 1], "properties": ["exponent", "price"]}
    async with pro_socket() as socket:
        await socket.send_json(asked)
        await socket.receive_json()
        update = await socket.receive_json()
    assert update["subscriptionId"] == 3
    prices = {1: str(BASE["NVDA"] + 8), 2: str(BASE["TSLA"] + 8)}
    assert update["parsed"]["priceFeeds"] == [
        {"priceFeedId": number, "exponent": -8, "price": prices[number]} for number in (2, 1)
    ]


async def test_pyth_pro_tells_a_silent_symbol_as_one_without_publishers() -> None:
    silence = Silence(provider="pyth_pro", start=START, stop=STOP)
    properties = ["price", "confidence", "publisherCount", "feedUpdateTimestamp"]
    asked = {"subscriptionId": 3, "priceFeedIds": [1], "properties": properties}
    async with pro_socket(MisbehavingScript(Story(), [silence])) as socket:
        await socket.send_json(asked)
        await socket.receive_json()
        update = await socket.receive_json()
    assert update["parsed"]["priceFeeds"] == [{"priceFeedId": 1, "publisherCount": 0}]


@pytest.mark.parametrize("asked", ["{", "[]", '{"subscribe":1}', '{"subscribe":"ACME"}'])
async def test_a_json_provider_refuses_what_is_no_subscription(asked: str) -> None:
    async with serving(Venue()) as servers:
        url = f"{servers.json_quotes['blue'].url}/stream"
        async with (
            aiohttp.ClientSession(headers={"X-Api-Key": PLAN.api_key}) as session,
            session.ws_connect(url) as socket,
        ):
            await socket.send_str(asked)
            assert (await socket.receive_json())["type"] == "error"
