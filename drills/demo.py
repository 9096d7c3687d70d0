"""A drill on a real chain, with the keeper as a process of its own; the demo is the one of a weekend.

Order: node, exchange, price servers and books, keeper, traders, story, settling, audit. What is
reported comes from the chain through the drill's own observer; the keeper is only asked whether it is
ready. It publishes every price there is: nobody else may.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from drills.anvil import ROOT, Node, running_node
from drills.background import in_background
from drills.block_notes import BlockNotes
from drills.chain import DrillChain
from drills.exchange_setup import DrillExchange, deploy
from drills.final_state import read_final_state
from drills.first_prices import priced_markets
from drills.folder import own_folder
from drills.invariants import Findings
from drills.journal_evidence import gather
from drills.keeper_process import KeeperProcess, keeper_process
from drills.killer import Killer
from drills.observer import Observer
from drills.price_settings import price_settings, write_key
from drills.providers import running_providers
from drills.screen import Screen
from drills.story import Script, Story, WeekendStory
from drills.summary import Circumstances, summarise
from drills.traders import fill_bank, fund_pools, open_accounts, settle_trades
from drills.venue_clock import VenueClock
from drills.weekend_prices import Shape
from risk.market import Market
from risk.units import MarketId

FOLDER: Final = ROOT / "build" / "demo"
QUIET_SECONDS: Final = 2.0
"""Nobody due and nobody cooling down for so long: the story has settled."""
MOST_SECONDS: Final = 112.0
"""The settling ends by then, so that all of it stays within two minutes."""
SHORTEST_SETTLE_SECONDS: Final = 10.0
"""Except on a machine so slow, or in a story so long, that this is past."""
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the person wants."""

    accounts: int = 2_000
    seed: int = 1
    shape: Shape = field(default_factory=Shape)
    """Of the weekend."""
    pace: float = 1.0
    """Of the weekend: its length, times this."""
    story: Story | None = None
    """What is played; None: the weekend."""
    kill_keeper_at: Sequence[float] = ()
    """Seconds after the weekend began at which the keeper is killed and started again."""
    kill_keeper_in_flight: int = 0
    """How many times it is killed while a transaction of its is signed and not yet mined."""
    metrics_port: int | None = None
    folder: Path = FOLDER
    serve: Callable[[], Awaitable[None]] | None = None
    """Waited for after the report, with everything still running."""
    before_audit: Callable[[DrillChain], Awaitable[None]] | None = None
    """Called between settling and audit: where tests break something."""
    on_findings: Callable[[Findings, Observer], Awaitable[None]] | None = None
    """Called after the audit, with all that was read, while the node still answers."""


class Demo:
    """One run."""

    def __init__(
        self,
        options: DemoOptions,
        screen: Screen,
        on_report: Callable[[dict[str, object]], None],
    ) -> None:
        self._options = options
        self._story: Story = options.story or WeekendStory(
            shape=options.shape, seed=options.seed, pace=options.pace
        )
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
            running_node(folder, start=self._story.setup) as node,
        ):
            chain = DrillChain(node.http_url)
            try:
                return await self._on_chain(chain, node)
            finally:
                await chain.close()

    async def _on_chain(self, chain: DrillChain, node: Node) -> dict[str, object]:
        screen, folder, story = self._screen, self._options.folder, self._story
        screen.stage("deploying the exchange")
        exchange = await deploy(chain, node, folder, report=screen.say, symbols=story.symbols)
        clock = VenueClock(node.block_notes, node.legs)
        screen.scene.starts, screen.scene.clock = exchange.starts, clock
        screen.scene.legs = story.legs
        prices = story.script(exchange)
        screen.stage("starting price servers and books")
        async with running_providers(story, exchange, prices, clock, self._random) as (
            servers,
            books,
        ):
            settings = price_settings(
                servers,
                symbols=list(exchange.starts),
                book_url=books.url,
                key_file=write_key(folder, servers.api_key),
                actions=story.write_actions(folder),
            )
            with keeper_process(
                folder, exchange.profile, port=self._options.metrics_port, more=settings
            ) as keeper:
                return await self._with_prices(chain, node, exchange, prices, clock, keeper)

    async def _with_prices(
        self,
        chain: DrillChain,
        node: Node,
        exchange: DrillExchange,
        prices: Script,
        clock: VenueClock,
        keeper: KeeperProcess,
    ) -> dict[str, object]:
        screen = self._screen
        screen.stage("starting the keeper")
        keeper.start()
        await keeper.wait_until_ready()
        screen.say(f"keeper is ready, metrics at {keeper.url}/metrics")
        screen.scene.metrics_url = f"{keeper.url}/metrics"
        markets = await priced_markets(chain, keeper)
        screen.say("every market has a price: the keeper's, from three providers that agree")
        observer = Observer(
            chain,
            BlockNotes(node.block_notes),
            markets=markets,
            rules=exchange.plan.rules,
            backstop=exchange.backstop,
            from_block=exchange.deployed_at_block,
        )
        await self._open_accounts(chain, exchange, markets)
        await observer.catch_up()
        screen.scene.observer = observer
        return await self._with_keeper(chain, exchange, observer, prices, clock, keeper)

    async def _open_accounts(
        self, chain: DrillChain, exchange: DrillExchange, markets: dict[MarketId, Market]
    ) -> None:
        screen = self._screen
        population = self._story.people(self._random, self._options.accounts, markets)
        screen.stage(f"opening {len(population.deposits):,} accounts")
        await fill_bank(chain)
        await fund_pools(
            chain,
            backstop=exchange.backstop,
            backstop_usd=self._story.backstop_usd,
            insurance_usd=self._story.insurance_usd,
        )
        await open_accounts(chain, population)
        screen.stage(f"settling {len(population.trades):,} trades")
        await settle_trades(chain, population.trades)

    async def _with_keeper(
        self,
        chain: DrillChain,
        exchange: DrillExchange,
        observer: Observer,
        prices: Script,
        clock: VenueClock,
        keeper: KeeperProcess,
    ) -> dict[str, object]:
        setup_seconds = time.monotonic() - self._started
        insurance_before = observer.tally.insurance_fund
        with self._screen.live():
            async with in_background(observer.run(), self._screen.run()):
                await self._play(clock, keeper)
                await self._settle(observer, keeper)
        self._screen.stage("auditing the chain")
        if self._options.serve is None:
            await keeper.stop()
        if self._options.before_audit is not None:
            await self._options.before_audit(chain)
        state = await read_final_state(chain)
        await observer.catch_up(until=state.block)
        findings = Findings(
            state=state,
            replay=observer.replay,
            tally=observer.tally,
            breaks=observer.breaks,
            evidence=await gather(keeper.journal, chain),
            rules=exchange.plan.rules,
            backstop=exchange.backstop,
        )
        if self._options.on_findings is not None:
            await self._options.on_findings(findings, observer)
        report = summarise(
            findings,
            observer,
            Circumstances(
                seed=self._options.seed,
                insurance_before=insurance_before,
                keeper_kills=keeper.kills,
                setup_seconds=setup_seconds,
                total_seconds=time.monotonic() - self._started,
                reopening=self._story.reopening(observer, prices),
            ),
        )
        self._on_report(report)
        if self._options.serve is not None:
            await self._options.serve()
            await keeper.stop()
        return report

    async def _play(self, clock: VenueClock, keeper: KeeperProcess) -> None:
        """Let the story happen; kill the keeper when it is time."""
        self._screen.stage(self._story.name)
        clock.set_out(self._story.legs)
        killer = Killer(
            keeper,
            at_seconds=self._options.kill_keeper_at,
            in_flight=self._options.kill_keeper_in_flight,
            say=self._screen.say,
        )
        while clock.now() < self._story.legs[-1].until or killer.has_appointments:
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
