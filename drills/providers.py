"""Everybody who tells a drill's keeper prices: three providers by their own protocols, and the books."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Final

from drills.background import in_background
from drills.book_server import BookServer
from drills.book_traders import BookTraders
from drills.exchange_setup import DrillExchange
from drills.price_servers.running import PriceServers, ServersPlan, running_price_servers
from drills.price_settings import EXCHANGE_FEEDS, hermes_feed, pro_feeds
from drills.story import Script, Story
from drills.venue_clock import VenueClock
from monitors.prices.pyth_hermes import HermesFeed

HEARTBEAT_SECONDS: Final = 0.05
"""Of the book server: minutes of a clock that goes thousands of times faster."""


def servers_plan(symbols: Sequence[str]) -> ServersPlan:
    """Plan the three providers, each with every symbol; `drills.price_settings` names their feeds alike."""
    return ServersPlan(
        hermes_feeds=tuple(
            HermesFeed(feed_id=hermes_feed(place), symbol=symbol)
            for place, symbol in enumerate(symbols)
        ),
        pro_feeds=pro_feeds(symbols),
        pro_hosts=2,
        json_providers=(EXCHANGE_FEEDS,),
    )


@contextlib.asynccontextmanager
async def running_providers(
    story: Story, exchange: DrillExchange, prices: Script, clock: VenueClock, random: Random
) -> AsyncIterator[tuple[PriceServers, BookServer]]:
    """Serve prices and books for as long as the block lasts."""
    plan = servers_plan(list(exchange.starts))
    traders = BookTraders(exchange.starts, believed=prices.believed, now=clock.now, random=random)
    books = BookServer(traders.engines, now_ms=clock.now_ms, heartbeat_seconds=HEARTBEAT_SECONDS)
    stop = asyncio.Event()
    async with (
        running_price_servers(prices, plan, now=clock.now, halts=story.halts) as servers,
        in_background(books.run(stop), traders.run()),
    ):
        await books.started.wait()
        yield servers, books
        stop.set()
