"""A stage: one exchange in memory, and the real workers on it, block by block.

A step is one block. First the workers see the state that the last block left and hand over what they decide;
then the block is made of what waits, users' calls first, and told to everybody. So whatever a worker does
about a price lands one block after it, or later where the chain is full. The same state, settings and inputs
give the same blocks, whatever machine plays them: nothing here reads a clock or draws a number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from prometheus_client import CollectorRegistry

from drills.memory.clock import ChainClock
from drills.memory.desk import DrillDesk, Fair
from drills.memory.journal import MemoryJournal
from drills.memory.sender import MemorySender
from drills.memory.settings import StageSettings
from keepers.deleverage.view import Liquidating
from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from risk.account_watch import AccountWatch
from risk.units import MarketId, PriceE8, QuoteAtoms, Seconds
from venues.exchange.readings import Role
from venues.memory.blocks import Block, Included, Submitted
from venues.memory.chain import MemoryChain
from venues.memory.exchange import MemoryExchange
from venues.memory.requests import Request
from venues.memory.state import ExchangeState
from venues.memory.venue import MemoryVenue
from venues.port import BlockRef, DeleverageSettled, LiquidationSettled, TradeSettled

LIQUIDATOR: Final = b"\x20" * 20
"""The liquidation keeper's address: liquidating needs no role."""
ROLE_TO_ADDRESS: Final[Mapping[Role, bytes]] = {
    role: bytes([int(role)]) * 20 for role in Role if role is not Role.NONE
}


class Cycling(Protocol):
    """A worker as a stage drives it: one cycle at a time."""

    @property
    def name(self) -> str:
        """What it is called in the reports."""

    async def run_once(self) -> object:
        """See, judge, act; give the one outcome of the cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A call of somebody who is no worker of the stage: a matcher's trades, a user's withdrawal."""

    caller: bytes
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInput:
    """What the world brings in one block: fair prices that changed, and calls."""

    fair: Mapping[MarketId, Fair] = field(default_factory=dict)
    wishes: Sequence[Wish] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What happened in one block; money in atoms."""

    block: BlockRef
    gas_used: int
    waiting_calls: int
    outcomes: Mapping[str, str]
    """How each worker's cycle before the block ended."""
    marks: Mapping[MarketId, PriceE8]
    insurance_fund: QuoteAtoms
    under_margin: int
    liquidations: tuple[LiquidationSettled, ...]
    deleverages: tuple[DeleverageSettled, ...]
    trades: tuple[TradeSettled, ...]
    refused: tuple[Included, ...]
    """Calls of wishes and workers alike that were reverted or expired, each with its reason."""


class MemoryStage:
    """One exchange in memory with a monitor, and whoever is put on it (`drills.memory.duties`)."""

    def __init__(self, state: ExchangeState, *, now: Seconds, settings: StageSettings) -> None:
        self.settings = settings
        state.roles.update({address: role for role, address in ROLE_TO_ADDRESS.items()})
        self.exchange = MemoryExchange(state)
        self.chain = MemoryChain(
            self.exchange, started_at=now, pace=settings.pace, base_fee_wei=settings.base_fee_wei
        )
        self.venue = MemoryVenue(self.chain)
        self.clock = ChainClock(self.chain)
        self.journal = MemoryJournal(self.clock)
        self.registry = CollectorRegistry()
        self.monitor = AccountsMonitor(
            watch=AccountWatch(),
            price_rules=settings.price_guard,
            metrics=AccountMetrics.create(self.registry),
            random=Random(settings.seed),  # noqa: S311 - chooses accounts to audit, no secret
        )
        self.chain.follow(self.monitor)
        self.desk = DrillDesk(self.monitor)
        self._senders: list[MemorySender] = []
        self._workers: list[Cycling] = []
        self.liquidating: Liquidating | None = None
        """Who liquidates here, once somebody does."""

    # --- who works here --------------------------------------------------------------------------

    def hire(self, worker: Cycling) -> None:
        """Let a worker cycle once before each block, after those hired before it."""
        self._workers.append(worker)

    def sender(self, name: str, address: bytes) -> MemorySender:
        """Open a lane for a worker."""
        lane = MemorySender(
            name,
            chain=self.chain,
            journal=self.journal,
            address=address,
            pace=self.settings.lane,
        )
        self._senders.append(lane)
        return lane

    # --- the play --------------------------------------------------------------------------------

    async def step(self, world: StepInput) -> StepReport:
        """Let the world and the workers act, and make one block of it."""
        self.desk.fair.update(world.fair)
        for wish in world.wishes:
            self.ask(wish)
        outcomes = {worker.name: str(await worker.run_once()) for worker in self._workers}
        block = self.chain.mine()
        for lane in self._senders:
            lane.hear(block)
        return self._report(block, outcomes)

    def ask(self, wish: Wish) -> Submitted:
        """Queue a call for the next block."""
        return self.chain.submit(wish.request, caller=wish.caller)

    def _report(self, block: Block, outcomes: Mapping[str, str]) -> StepReport:
        changes = [stamped.change for stamped in block.changes]
        state = self.exchange.state
        return StepReport(
            block=block.ref,
            gas_used=block.gas_used,
            waiting_calls=block.waiting,
            outcomes=outcomes,
            marks={market.id: market.mark for market in state.markets.values()},
            insurance_fund=state.funds.insurance_fund,
            under_margin=self.monitor.under_margin_count(),
            liquidations=tuple(each for each in changes if isinstance(each, LiquidationSettled)),
            deleverages=tuple(each for each in changes if isinstance(each, DeleverageSettled)),
            trades=tuple(each for each in changes if isinstance(each, TradeSettled)),
            refused=tuple(each for each in block.ended if not each.is_carried_out),
        )
