"""Follow the chain apart from the keeper: replay, judge every account, count, and time the waits.

Logs come from the node in the order of the chain, blocks and their times from the block producer's
notes. After each block with a price or a change of status all holders are judged; after any other block those that it
touched; and when a second begins, those that cool down (funding rates are zero in a drill, so time
alone makes nobody else due).
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drills.block_notes import BlockNote, BlockNotes
from drills.breaks import Breaks
from drills.chain import DrillChain
from drills.chain_events import ChainEvent, EventReader
from drills.mark_history import MarkHistory
from drills.replay import Replay
from drills.tally import Tally
from drills.waits import Verdict, Waits, judge
from risk.liquidation import LiquidationRules
from risk.market import Market
from risk.units import AccountId, MarketId, PriceE8, Seconds
from venues.exchange.abi import load_abi

PERIOD_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the observer sees now, for the screen."""

    block: int
    accounts: int
    under_margin: int
    due: int
    oldest_wait_blocks: int


class Observer:
    """Follows one exchange from the block after its deployment."""

    def __init__(
        self,
        chain: DrillChain,
        notes: BlockNotes,
        *,
        markets: Mapping[MarketId, Market],
        rules: LiquidationRules,
        backstop: AccountId,
        from_block: int,
    ) -> None:
        self._chain = chain
        self._reader = EventReader(load_abi())
        self._rules = rules
        self._backstop = backstop
        self._next = from_block
        self._waiting: list[BlockNote] = []
        self._timestamp = Seconds(0)
        self._verdicts: dict[AccountId, Verdict] = {}
        self.notes = notes
        self.replay = Replay(markets)
        self.waits = Waits()
        self.tally = Tally()
        self.breaks = Breaks()
        self.marks = MarkHistory()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.catch_up()
            await asyncio.sleep(PERIOD_SECONDS)

    async def catch_up(self, until: int | None = None) -> int:
        """Take in all blocks that are there, or those up to one; give the number of the last."""
        self._waiting += [note for note in self.notes.read_new() if note.number >= self._next]
        blocks = [note for note in self._waiting if until is None or note.number <= until]
        if not blocks:
            return self._next - 1
        last = blocks[-1].number
        logs = await self._chain.logs(self._next, last)
        by_block: defaultdict[int, list[ChainEvent]] = defaultdict(list)
        for event in self._reader.read(logs):
            by_block[event.block].append(event)
        for block in blocks:
            self._take(block, by_block[block.number])
            self._next = block.number + 1
        del self._waiting[: len(blocks)]
        return last

    def sight(self) -> Sight:
        """Say what is seen."""
        verdicts = self._verdicts.values()
        oldest = min(self.waits.due_since.values(), default=self._next - 1)
        return Sight(
            block=self._next - 1,
            accounts=len(self.replay.accounts),
            under_margin=sum(verdict.is_liquidatable for verdict in verdicts),
            due=len(self.waits.due_since),
            oldest_wait_blocks=self._next - 1 - oldest,
        )

    @property
    def cooling(self) -> int:
        """Count accounts that are under margin and wait only for their cool-down."""
        return sum(
            verdict.is_liquidatable and verdict.is_cooling and not verdict.is_due
            for verdict in self._verdicts.values()
        )

    def latencies_ms(self) -> list[int]:
        """List, in order of size, how long each liquidation was waited for."""
        return sorted(
            self.notes.milliseconds(wait.first_block, wait.last_block)
            for wait in self.waits.over
            if wait.is_liquidated
        )

    def longest_wait(self) -> tuple[int, int]:
        """Give the longest wait in blocks and in ms, those that last included."""
        waits = self.waits.all_until(self._next - 1)
        return (
            max((wait.blocks for wait in waits), default=0),
            max(
                (self.notes.milliseconds(wait.first_block, wait.last_block) for wait in waits),
                default=0,
            ),
        )

    def _take(self, block: BlockNote, events: list[ChainEvent]) -> None:
        touched: set[AccountId] = set()
        is_moved = False
        for event in events:
            account = self.replay.apply(event)
            if account is not None:
                touched.add(account)
            self.breaks.count(event)
            is_moved |= event.name in {"PricePublished", "StatusChanged"}
            if event.name == "PricePublished":
                number = MarketId(event.values["market"])
                self.marks.add(number, event.timestamp, PriceE8(event.values["mark"]))
            self._count(event)
        if is_moved:
            touched.update(self.replay.holders)
        if block.timestamp != self._timestamp:
            self._timestamp = block.timestamp
            touched.update(who for who, verdict in self._verdicts.items() if verdict.is_cooling)
        for account in touched:
            self._judge(account, block)

    def _count(self, event: ChainEvent) -> None:
        left = None
        if event.name == "LiquidationResult":
            account = AccountId(event.values["account"])
            left = self.replay.position(account, MarketId(event.values["market"]))
            if event.values["code"] == 0:
                self.waits.on_liquidated(account, event.block)
        self.tally.count(event, left)

    def _judge(self, account: AccountId, block: BlockNote) -> None:
        if account == self._backstop:
            return
        verdict = judge(
            self.replay.account(account), self.replay.markets, self._rules, block.timestamp
        )
        if verdict.is_liquidatable:
            self._verdicts[account] = verdict
        else:
            self._verdicts.pop(account, None)
        self.waits.on_judged(account, block.number, is_due=verdict.is_due)
