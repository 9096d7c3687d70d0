"""The demo: a crash day on a real chain, with the keeper as a process of its own.

Order: node, exchange, traders, keeper, day, settling, audit. What is reported comes from the chain
through the drill's own observer; the keeper is only asked whether it is ready.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from drills.anvil import ROOT, Node, running_node
from drills.block_notes import BlockNotes
from drills.chain import DrillChain
from drills.exchange_setup import DrillExchange, deploy
from drills.final_state import read_final_state
from drills.folder import own_folder
from drills.invariants import Findings
from drills.journal_evidence import gather
from drills.keeper_process import KeeperProcess, keeper_process
from drills.killer import Killer
from drills.market import Day, crash_day
from drills.observer import Observer
from drills.population import make_population
from drills.screen import Screen
from drills.summary import Circumstances, summarise
from drills.traders import fill_bank, fund_pools, open_accounts, settle_trades
from drills.venue_driver import VenueDriver
from risk.market import Market
from risk.units import MarketId
from venues.exchange.abi import load_abi
from venues.exchange.views import ViewDecoder

FOLDER: Final = ROOT / "build" / "demo"
BACKSTOP_USD: Final = 40_000_000
INSURANCE_USD: Final = 1_000_000
QUIET_SECONDS: Final = 2.0
"""Nobody due and nobody cooling down for so long: the day has settled."""
MOST_SECONDS: Final = 112.0
"""The settling ends by then, so that all of it stays within two minutes."""
SHORTEST_SETTLE_SECONDS: Final = 10.0
"""Except on a machine so slow that the day itself took too long."""
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the person wants."""

    accounts: int = 2_000
    seed: int = 1
    day: Day = field(default_factory=Day)
    pace: float = 1.0
    kill_keeper_at: Sequence[float] = ()
    """Seconds of the day at which the keeper is killed with SIGKILL and started again."""
    kill_keeper_in_flight: int = 0
    """How many times it is killed while a transaction of its is signed and not yet mined."""
    metrics_port: int | None = None
    folder: Path = FOLDER
    serve: Callable[[], Awaitable[None]] | None = None
    """Waited for after the report, with everything still running."""
    before_audit: Callable[[DrillChain], Awaitable[None]] | None = None
    """Called between settling and audit: where tests break something."""


class Demo:
    """One run."""

    def __init__(
        self,
        options: DemoOptions,
        screen: Screen,
        on_report: Callable[[dict[str, object]], None],
    ) -> None:
        self._options = options
        self._screen = screen
        self._on_report = on_report
        self._random = Random(options.seed)  # noqa: S311 - a drill must be repeatable
        self._started = time.monotonic()

    async def run(self) -> dict[str, object]:
        """Run it all; give the report."""
        folder = self._options.folder
        self._screen.stage("starting the node")
        with (
            own_folder(folder),
            self._screen.logging_to(folder / "demo.log"),
            running_node(folder) as node,
        ):
            chain = DrillChain(node.http_url)
            try:
                return await self._on_chain(chain, node)
            finally:
                await chain.close()

    async def _on_chain(self, chain: DrillChain, node: Node) -> dict[str, object]:
        screen, folder = self._screen, self._options.folder
        screen.stage("deploying the exchange")
        exchange = await deploy(chain, node, folder, report=screen.say)
        screen.scene.starts = exchange.starts
        driver = VenueDriver(chain, exchange.starts, random=self._random)
        screen.scene.driver = driver
        await driver.publish_first()
        markets = await _read_markets(chain)
        observer = Observer(
            chain,
            BlockNotes(node.block_notes),
            markets=markets,
            rules=exchange.plan.rules,
            backstop=exchange.backstop,
            from_block=exchange.deployed_at_block,
        )
        with keeper_process(folder, exchange.profile, port=self._options.metrics_port) as keeper:
            async with _in_background(driver.run()):
                await self._open_accounts(chain, exchange, markets)
                screen.stage("starting the keeper")
                keeper.start()
                await observer.catch_up()
                await keeper.wait_until_ready()
                self._screen.say(f"keeper is ready, metrics at {keeper.url}/metrics")
                screen.scene.metrics_url = f"{keeper.url}/metrics"
                screen.scene.observer = observer
                return await self._with_keeper(chain, exchange, observer, driver, keeper)

    async def _open_accounts(
        self, chain: DrillChain, exchange: DrillExchange, markets: dict[MarketId, Market]
    ) -> None:
        screen = self._screen
        population = make_population(self._random, self._options.accounts, markets)
        screen.stage(f"opening {len(population.deposits):,} accounts")
        await fill_bank(chain)
        await fund_pools(
            chain,
            backstop=exchange.backstop,
            backstop_usd=BACKSTOP_USD,
            insurance_usd=INSURANCE_USD,
        )
        await open_accounts(chain, population)
        screen.stage(f"settling {len(population.trades):,} trades")
        await settle_trades(chain, population.trades)

    async def _with_keeper(
        self,
        chain: DrillChain,
        exchange: DrillExchange,
        observer: Observer,
        driver: VenueDriver,
        keeper: KeeperProcess,
    ) -> dict[str, object]:
        setup_seconds = time.monotonic() - self._started
        insurance_before = observer.tally.insurance_fund
        with self._screen.live():
            async with _in_background(observer.run(), self._screen.run()):
                await self._day(exchange, driver, keeper)
                await self._settle(observer, keeper)
        self._screen.stage("auditing the chain")
        if self._options.serve is None:
            await keeper.stop()
        if self._options.before_audit is not None:
            await self._options.before_audit(chain)
        state = await read_final_state(chain)
        await observer.catch_up(until=state.block)
        report = summarise(
            Findings(
                state=state,
                replay=observer.replay,
                tally=observer.tally,
                evidence=await gather(keeper.journal, chain),
                rules=exchange.plan.rules,
                backstop=exchange.backstop,
            ),
            observer,
            Circumstances(
                seed=self._options.seed,
                insurance_before=insurance_before,
                keeper_kills=keeper.kills,
                setup_seconds=setup_seconds,
                total_seconds=time.monotonic() - self._started,
            ),
        )
        self._on_report(report)
        if self._options.serve is not None:
            await self._options.serve()
            await keeper.stop()
        return report

    async def _day(
        self, exchange: DrillExchange, driver: VenueDriver, keeper: KeeperProcess
    ) -> None:
        """Let the day happen; kill the keeper when it is time."""
        self._screen.stage("crash day")
        day = self._options.day.paced(self._options.pace)
        driver.begin_day(crash_day(self._random, exchange.starts, day))
        killer = Killer(
            keeper,
            at_seconds=self._options.kill_keeper_at,
            in_flight=self._options.kill_keeper_in_flight,
            say=self._screen.say,
        )
        while not driver.day_is_over.is_set() or killer.has_appointments:
            killer.look()
            await asyncio.sleep(killer.period_seconds)

    async def _settle(self, observer: Observer, keeper: KeeperProcess) -> None:
        """Wait until nobody is due and nobody cools down; bounded."""
        self._screen.stage("settling")
        began = quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            now = time.monotonic()
            keeper.check_alive()
            if observer.sight().due or observer.cooling:
                quiet_since = now
            if now > max(self._started + MOST_SECONDS, began + SHORTEST_SETTLE_SECONDS):
                # Who cools down may stay behind: the exchange itself forbids to go on.
                self._screen.say(f"not waiting for {observer.cooling} accounts that cool down")
                return
            await asyncio.sleep(POLL_SECONDS)


@contextlib.asynccontextmanager
async def _in_background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run endless work beside the block; if it fails the block ends, with that very error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
            # A block that fails before the tasks ran must not leave them unawaited.
            await asyncio.sleep(0)
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        # One cause is what a person needs; the others are its consequences.
        raise errors.exceptions[0] from None


async def _read_markets(chain: DrillChain) -> dict[MarketId, Market]:
    raw = await chain.view(chain.exchange_address, chain.exchange.call("markets_page", 0, 16))
    return {market.id: market for market in ViewDecoder(load_abi()).markets(MarketId(0), raw)}
