"""The stage of `bellkeeper observe`: the demo's chain, exchange, providers and keeper, on a plain Monday.

The venue's clock goes as ours does, in the middle of a regular session, whatever day it is here: an alert
that asks for a session must find one. Prices breathe and go nowhere, so what is raised was raised by a fault.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from config.calendars import load_calendars
from config.schema.solvency import Solvency
from drills import weekend
from drills.anvil import ROOT, Node, free_port, running_node
from drills.background import in_background
from drills.book_server import BookServer
from drills.book_traders import BookTraders
from drills.chain import DrillChain, DrillFault
from drills.exchange_setup import DrillExchange, deploy
from drills.first_prices import priced_markets
from drills.keeper_process import KeeperProcess, keeper_process
from drills.population import make_population
from drills.price_servers.misbehaviour import MisbehavingScript
from drills.price_servers.running import PriceServers, running_price_servers
from drills.price_settings import price_settings, write_key
from drills.providers import servers_plan
from drills.traders import fill_bank, fund_pools, open_accounts, settle_trades
from drills.venue_clock import VenueClock
from drills.weekend_prices import Shape, WeekendPrices
from risk.units import Seconds

SYMBOLS: Final = ("NVDA", "TSLA", "SPY")
MONDAY: Final = Seconds(int(datetime(2026, 11, 23, 11, tzinfo=weekend.ZONE).timestamp()))
"""Five hours of the regular session lie ahead."""
FLAT: Final = Shape(fall=0.0, recovered=0.0, shock=0.0)
ACCOUNTS: Final = 15
"""Few enough to trade in one transaction: open interest that grows in two steps is a jump to the breakers."""
BACKSTOP_USD: Final = 5_000_000
INSURANCE_USD: Final = 1_000_000
SECONDS_OF_DOUBT: Final = 5
"""Age, gap and wait that the sources' settings are made from."""
WARM_SECONDS: Final = 60.0
ORDERS: Final = "orders.json"
RULES: Final = ROOT / "config" / "breakers" / "default.toml"
"""The shipped ones: this clock does not leap."""
BASE: Final = "providers.toml"


class Books:
    """The books' server, which can go away and come back at the same address."""

    def __init__(self, traders: BookTraders, now_ms: Callable[[], int]) -> None:
        self._traders = traders
        self._now_ms = now_ms
        self._port = free_port()
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self.url = ""

    async def open(self) -> None:
        """Serve; nothing if it does."""
        if self._serving is not None:
            return
        self._stop = asyncio.Event()
        server = BookServer(self._traders.engines, now_ms=self._now_ms, port=self._port)
        self._serving = asyncio.create_task(server.run(self._stop), name="books")
        await server.started.wait()
        self.url = server.url

    async def close(self) -> None:
        """Go away; nothing if it is gone."""
        if self._serving is not None:
            self._stop.set()
            await self._serving
            self._serving = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that a fault may touch."""

    node: Node
    chain: DrillChain
    exchange: DrillExchange
    keeper: KeeperProcess
    servers: PriceServers
    script: MisbehavingScript
    books: Books
    clock: VenueClock
    folder: Path

    @property
    def profile(self) -> Path:
        """The keeper's own file of settings."""
        return (self.folder / "keeper.toml").resolve()


@contextlib.asynccontextmanager
async def running_stage(folder: Path, *, seed: int) -> AsyncIterator[Stage]:
    """Set the stage, with accounts that hold positions and a keeper that is ready."""
    with running_node(folder, start=MONDAY) as node:
        chain = DrillChain(node.http_url)
        try:
            exchange = await deploy(chain, node, folder, report=lambda _line: None, symbols=SYMBOLS)
            async with _with_providers(chain, node, exchange, folder, seed) as stage:
                yield stage
        finally:
            await chain.close()


@contextlib.asynccontextmanager
async def _with_providers(
    chain: DrillChain, node: Node, exchange: DrillExchange, folder: Path, seed: int
) -> AsyncIterator[Stage]:
    clock, random = VenueClock(node.block_notes, node.legs), Random(seed)  # noqa: S311 - repeatable
    timeline = next(each.timeline for each in load_calendars() if each.is_for("SPY", "etf"))
    prices = WeekendPrices(starts=exchange.starts, timeline=timeline, seed=seed, shape=FLAT)
    traders = BookTraders(exchange.starts, believed=prices.believed, now=clock.now, random=random)
    script, books = MisbehavingScript(prices), Books(traders, clock.now_ms)
    async with (
        running_price_servers(script, servers_plan(SYMBOLS), now=clock.now) as servers,
        in_background(traders.run()),
    ):
        await books.open()
        try:
            profile = _write_base(folder, exchange, servers, books)
            with keeper_process(folder, profile, port=None, more=_overrides(folder)) as keeper:
                keeper.start()
                await keeper.wait_until_ready()
                await _populate(chain, exchange, keeper, random)
                yield Stage(
                    node=node,
                    chain=chain,
                    exchange=exchange,
                    keeper=keeper,
                    servers=servers,
                    script=script,
                    books=books,
                    clock=clock,
                    folder=folder,
                )
        finally:
            await books.close()


def _write_base(folder: Path, exchange: DrillExchange, servers: PriceServers, books: Books) -> Path:
    """Write the layer between the deployment's profile and the keeper's own file."""
    actions = folder / "corporate-actions"
    actions.mkdir(exist_ok=True)
    settings = price_settings(
        servers,
        symbols=SYMBOLS,
        book_url=books.url,
        key_file=write_key(folder, servers.api_key),
        actions=actions,
        leap_seconds=SECONDS_OF_DOUBT,
    )
    path = folder / BASE
    path.write_text(f'extends = "{exchange.profile.name}"\n\n{settings}', encoding="utf-8")
    return path


def _overrides(folder: Path) -> str:
    """Write what is as shipped again, since this clock does not leap."""
    (folder / ORDERS).unlink(missing_ok=True)
    return (
        f'[breaker]\nrules_file = "{RULES}"\norders_file = "{ORDERS}"\nreading_seconds = 0.5\n\n'
        f"[solvency]\nprice_age_seconds = {Solvency().price_age_seconds}\n"
    )


async def _populate(
    chain: DrillChain, exchange: DrillExchange, keeper: KeeperProcess, random: Random
) -> None:
    """Let people in, as soon as the keeper has priced every market."""
    population = make_population(random, ACCOUNTS, await priced_markets(chain, keeper))
    await fill_bank(chain)
    await fund_pools(
        chain,
        backstop=exchange.backstop,
        backstop_usd=BACKSTOP_USD,
        insurance_usd=INSURANCE_USD,
    )
    await open_accounts(chain, population)
    await settle_trades(chain, population.trades)
    # A crowd that comes within a second is a jump of the open interest to whoever saw the first half of it.
    await keeper.stop()
    keeper.start()
    await keeper.wait_until_ready()
    await _without_doubt(keeper)


async def _without_doubt(keeper: KeeperProcess) -> None:
    """Wait until every price is warm: a fault that stops prices would keep a warm-up for ever."""
    deadline = time.monotonic() + WARM_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            async with session.get(f"{keeper.url}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            doubts = [line for line in lines if line.startswith("bellkeeper_price_doubt{")]
            if doubts and all(line.endswith(" 0.0") for line in doubts):
                return
            await asyncio.sleep(0.2)
    raise DrillFault(f"expected no doubt about a price within {WARM_SECONDS:g} s, found one")
