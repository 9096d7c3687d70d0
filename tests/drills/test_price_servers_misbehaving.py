"""Local providers misbehave as they are told, when they are told, and are well again after."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.price_servers.door import Door
from drills.price_servers.json_quotes import decimal_text
from drills.price_servers.misbehaviour import (
    Freeze,
    MisbehavingScript,
    Print,
    Silence,
    Span,
    Trick,
    WrongClock,
)
from drills.price_servers.running import PriceServers, running_price_servers
from drills.price_servers.script import ProviderQuote
from drills.price_servers.venue_ticks import VenueTicks
from monitors.prices.decimals import price_from_decimal
from monitors.prices.port import FaultKind, PriceSource
from risk.units import PriceE8, Seconds
from tests.drills.providers import (
    LATER,
    PLAN,
    START,
    STOP,
    Story,
    Venue,
    hermes,
    listening,
    of,
    pro,
    quotes,
    serving,
    until,
)


def tricked(trick: Trick, at: Seconds = LATER, provider: str = "pyth_pro") -> ProviderQuote:
    quote = MisbehavingScript(Story(), [trick]).quote(provider, "NVDA", at)
    assert quote is not None
    return quote


def honest(at: Seconds, provider: str = "pyth_pro") -> ProviderQuote:
    quote = Story().quote(provider, "NVDA", at)
    assert quote is not None
    return quote


@pytest.mark.parametrize(
    ("trick", "change"),
    [
        (Freeze(provider="pyth_pro", start=START, stop=STOP), {"price": honest(START).price}),
        (
            Freeze(provider="pyth_pro", start=START, stop=STOP, keeps_time=True),
            {"price": honest(START).price, "observed_at": START - 120},
        ),
        (Silence(provider="pyth_pro", start=START, stop=STOP), {"is_silent": True}),
        (
            Print(provider="pyth_pro", symbol="NVDA", start=START, stop=STOP, price=PriceE8(5)),
            {"price": 5, "observed_at": LATER},
        ),
        (
            WrongClock(provider="pyth_pro", start=START, stop=STOP, seconds=Seconds(3_600)),
            {"observed_at": LATER + 3_480},
        ),
    ],
)
def test_a_trick_changes_what_it_is_about_and_only_in_its_span(
    trick: Trick, change: dict[str, Any]
) -> None:
    assert tricked(trick) == replace(honest(LATER), **change)
    assert tricked(trick, Seconds(STOP - 1)) != honest(Seconds(STOP - 1))
    assert tricked(trick, STOP) == honest(STOP)
    assert tricked(trick, Seconds(START - 1)) == honest(Seconds(START - 1))
    assert tricked(trick, provider="hermes") == honest(LATER, "hermes")


def test_a_trick_on_one_symbol_leaves_the_others() -> None:
    silence = Silence(provider="pyth_pro", symbol="TSLA", start=START, stop=STOP)
    assert tricked(silence) == honest(LATER)


def test_a_trick_makes_no_symbol_known() -> None:
    script = MisbehavingScript(Story())
    script.add(Print(provider="pyth_pro", start=START, stop=STOP, price=PriceE8(5)))
    assert script.quote("pyth_pro", "ACME", LATER) is None
    assert script.quote("pyth_pro", "NVDA", LATER) is not None


def test_a_span_without_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a span that begins before it ends"):
        Span(provider="pyth_pro", start=START, stop=START)


async def test_a_print_reaches_one_provider_and_goes_away() -> None:
    trick = Print(provider="blue", start=LATER, stop=STOP, price=PriceE8(500_00000000))
    venue = Venue()
    async with (
        serving(venue, MisbehavingScript(Story(), [trick])) as servers,
        listening(quotes(servers, is_socket=True)) as blue,
        listening(pro(servers)) as others,
    ):
        seen = []
        for at in (START, LATER, STOP):
            venue.at = at
            seen.append((await until(blue, of("NVDA", at))).price)
            assert (await until(others, of("NVDA", at))).price == honest(at).price
    assert seen == [honest(START, "blue").price, 500_00000000, honest(STOP, "blue").price]


async def test_a_silent_symbol_says_nothing_while_the_others_speak() -> None:
    tricks = [
        Silence(provider=provider, symbol="NVDA", start=LATER, stop=STOP)
        for provider in ("hermes", "pyth_pro")
    ]
    venue = Venue()
    async with (
        serving(venue, MisbehavingScript(Story(), tricks)) as servers,
        listening(hermes(servers)) as from_hermes,
        listening(pro(servers)) as from_pro,
    ):
        for at in (START, LATER, STOP):
            venue.at = at
            await until(from_hermes, of("TSLA", Seconds(at - 120)))
            await until(from_pro, of("TSLA", at))
        await until(from_hermes, of("NVDA", Seconds(STOP - 120)))
        await until(from_pro, of("NVDA", STOP))
    for sink in (from_hermes, from_pro):
        observed = {report.observed_at for report in sink.reports if report.symbol == "NVDA"}
        assert observed == {START - 120, STOP - 120}
        assert sink.faults == []


async def test_a_silent_symbol_is_an_error_to_who_polls_json() -> None:
    trick = Silence(provider="blue", start=START, stop=STOP)
    venue = Venue()
    async with (
        serving(venue, MisbehavingScript(Story(), [trick])) as servers,
        listening(quotes(servers, is_socket=False)) as sink,
    ):
        await sink.until(faults=1)
        assert (sink.kinds[0], sink.reports) == (FaultKind.REFUSED, [])
        venue.at = STOP
        await until(sink, of("NVDA", STOP))


# --- doors ------------------------------------------------------------


def every_client(
    servers: PriceServers,
) -> list[tuple[Door, Callable[[aiohttp.ClientSession], PriceSource]]]:
    return [
        (servers.hermes.door, hermes(servers)),
        (servers.pyth_pro[0].door, pro(servers, hosts=slice(1))),
        (servers.json_quotes["blue"].door, quotes(servers, is_socket=True)),
    ]


@pytest.mark.parametrize("place", range(3))
async def test_a_cut_connection_is_told_and_made_again(place: int) -> None:
    venue = Venue()
    async with serving(venue) as servers:
        door, make = every_client(servers)[place]
        async with listening(make) as sink:
            await sink.until(reports=1)
            door.cut()
            await sink.until(faults=1)
            venue.at = LATER
            await until(sink, lambda report: report.observed_at == LATER - 120)
    assert set(sink.kinds) <= {FaultKind.UNREACHABLE, FaultKind.STREAM_CLOSED}


@pytest.mark.parametrize("place", range(3))
async def test_a_door_that_is_down_refuses_until_it_is_back(place: int) -> None:
    venue = Venue()
    async with serving(venue) as servers:
        door, make = every_client(servers)[place]
        door.go_down(503)
        async with listening(make) as sink:
            await sink.until(faults=1)
            assert (sink.kinds[0], sink.reports) == (FaultKind.REFUSED, [])
            door.come_back()
            await sink.until(reports=1)


async def test_a_mute_host_is_connected_and_silent_and_the_others_are_heard() -> None:
    venue = Venue()

    async def move() -> None:
        while True:
            venue.at = Seconds(venue.at + 40)
            await asyncio.sleep(0.02)

    async with serving(venue) as servers, listening(pro(servers, silence=1)) as sink:
        moving = asyncio.create_task(move())
        await sink.until(reports=1)
        servers.pyth_pro[1].door.mute()
        await sink.until(faults=1)
        heard = max(report.observed_at for report in sink.reports)
        await until(sink, lambda report: report.observed_at > heard)
        moving.cancel()
    kind, detail = sink.faults[0]
    assert kind is FaultKind.SILENT
    assert detail.startswith("host 1: ")


async def test_a_mute_door_that_speaks_again_says_what_is_now() -> None:
    venue, door = Venue(), Door(())
    ticks = VenueTicks(venue.now)
    door.mute()
    waiting = asyncio.create_task(door.moment_after(None, ticks))
    await asyncio.sleep(0)
    assert not waiting.done()
    venue.at = STOP
    door.speak()
    assert await waiting == STOP


def test_a_door_that_was_never_opened_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="expected an open door"):
        _ = Door(()).address


# --- time ------------------------------------------------------------


async def test_a_venue_that_stands_still_is_repeated() -> None:
    ticks = VenueTicks(lambda: START, repeat_seconds=0.01)
    assert await ticks.after(None) == START
    assert await ticks.after(START) == START


async def test_who_waits_is_woken_by_any_move_of_the_clock() -> None:
    venue = Venue()
    ticks = VenueTicks(venue.now, repeat_seconds=60)
    for at in (Seconds(START + 4_000), Seconds(START - 12)):
        waiting = asyncio.create_task(ticks.after(ticks.look()))
        await asyncio.sleep(0)
        venue.at = at
        ticks.look()
        async with asyncio.timeout(20):
            assert await waiting == at


async def test_a_clock_that_fails_ends_the_rehearsal() -> None:
    venue = Venue()

    def now() -> Seconds:
        if venue.at != START:
            raise RuntimeError("no block")
        return venue.at

    async def rehearse() -> None:
        async with running_price_servers(Story(), PLAN, now=now):
            venue.at = LATER
            await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="no block"):
        await rehearse()


async def test_nothing_is_left_when_the_block_ends() -> None:
    before = asyncio.all_tasks()
    async with serving(Venue()) as servers:
        urls = [servers.hermes.url, servers.trading_halts.url]
        async with listening(pro(servers)) as sink:
            await sink.until(reports=1)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
    async with aiohttp.ClientSession() as session:
        for url in urls:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(url)


@given(st.integers(-(10**20), 10**20).map(PriceE8))
def test_decimal_text_is_the_price_exactly(price: PriceE8) -> None:
    assert price_from_decimal(decimal_text(price)) == price
