"""Start every local provider, and stop them all, whatever happens in between."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from drills.background import in_background
from drills.price_servers.door import Door
from drills.price_servers.hermes import HermesServer
from drills.price_servers.json_quotes import JsonQuotesServer
from drills.price_servers.pyth_pro import PythProServer
from drills.price_servers.script import HaltScript, NoHalts, ProviderScript
from drills.price_servers.trading_halts import TradingHaltsServer
from drills.price_servers.venue_ticks import VenueTicks
from monitors.prices.pyth_hermes import HermesFeed
from risk.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ServersPlan:
    """Which providers there are and what they serve."""

    hermes_feeds: tuple[HermesFeed, ...] = ()
    pro_feeds: Mapping[int, str] = field(default_factory=dict)
    """Symbol of our market by Pyth Pro's feed number."""
    pro_hosts: int = 3
    json_providers: tuple[str, ...] = ()
    """Names in the script of the providers that speak plain JSON."""
    api_key: str = field(default="rehearsal-key", repr=False)
    """Of every provider that wants one; it opens nothing but these local servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceServers:
    """The providers while they run; each has its `url`, and its `door` to make it fail."""

    hermes: HermesServer
    pyth_pro: tuple[PythProServer, ...]
    json_quotes: Mapping[str, JsonQuotesServer]
    """By the name of the provider."""
    trading_halts: TradingHaltsServer
    ticks: VenueTicks
    api_key: str = field(repr=False)

    @property
    def pro_urls(self) -> tuple[str, ...]:
        """Give the URLs of all hosts of Pyth Pro."""
        return tuple(host.url for host in self.pyth_pro)

    @property
    def doors(self) -> tuple[Door, ...]:
        """Give every door there is."""
        return (
            self.hermes.door,
            *(host.door for host in self.pyth_pro),
            *(server.door for server in self.json_quotes.values()),
            self.trading_halts.door,
        )


@contextlib.asynccontextmanager
async def running_price_servers(
    script: ProviderScript,
    plan: ServersPlan,
    *,
    now: Callable[[], Seconds],
    halts: HaltScript | None = None,
) -> AsyncIterator[PriceServers]:
    """Serve the script at the venue's time `now` until the block ends.

    A clock that raises ends the block with its error: a rehearsal without time proves nothing.
    """
    servers = _build(script, plan, VenueTicks(now), halts or NoHalts())
    async with contextlib.AsyncExitStack() as stack:
        for door in servers.doors:
            stack.push_async_callback(door.close)
            await door.open()
        async with in_background(servers.ticks.run()):
            yield servers


def _build(
    script: ProviderScript, plan: ServersPlan, ticks: VenueTicks, halts: HaltScript
) -> PriceServers:
    key = plan.api_key
    return PriceServers(
        hermes=HermesServer(script, ticks, feeds=plan.hermes_feeds, api_key=key),
        pyth_pro=tuple(
            PythProServer(script, ticks, feeds=plan.pro_feeds, api_key=key)
            for _ in range(plan.pro_hosts)
        ),
        json_quotes={
            name: JsonQuotesServer(name, script, ticks, api_key=key) for name in plan.json_providers
        },
        trading_halts=TradingHaltsServer(halts, ticks),
        ticks=ticks,
        api_key=key,
    )
