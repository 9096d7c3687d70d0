"""Proves the exchange's solvency at sealed blocks, from reads of its own.

Nothing here comes from the keeper's account book. Two workers: one looks at every new sealed block
(vault, pools, markets, owner, roles, code, and the running claims by events); the other reads all
accounts every few seconds, pinned to one block, and from then on the running claims start there.
A reading that failed makes what it was for unknown, never good. Each breach is one sentence.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Final

from monitors.solvency_board import FindingBoard
from monitors.solvency_metrics import SolvencyMetrics
from monitors.solvency_trail import (
    Look,
    Pin,
    Reading,
    SolvencyReading,
    SolvencySettings,
    Trail,
    read_all,
    settled_facts,
)
from risk.solvency import ALL, CHEAP, prove
from risk.solvency_finding import Finding, Invariant, Verdict
from risk.solvency_rules import Approved, SolvencyRules
from risk.solvency_sheet import BalanceSheet
from risk.units import Seconds
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.supervise import Worker, sleep_unless
from venues.port import BlockRef

FORGET_PERIODS: Final = 5
"""Periods after which what was not read again counts as unknown."""
START_AGAIN_LOOKS: Final = 3
"""Failed looks after which everything is read anew."""
BY_ACCOUNTS: Final = (Invariant.SIZES_BALANCE, Invariant.VAULT_COVERS_CLAIMS)
"""Cheap ones of which a reading of all accounts knows more than a look."""
_LONG_BLOCK: Final = 60
"""Seconds; a longer wait for a block is looked into."""


class SolvencyMonitor:
    """Looks, reads and proves; `findings` are the newest, one for each invariant."""

    def __init__(
        self,
        reads: SolvencyReading,
        *,
        approved: Approved,
        rules: SolvencyRules,
        settings: SolvencySettings,
        metrics: SolvencyMetrics,
        clock: Clock,
    ) -> None:
        self._reads, self._approved, self._rules = reads, approved, rules
        self._settings, self._metrics = settings, metrics
        self._trail: Trail | None = None
        self._failed_looks = 0
        self._board = FindingBoard(
            clock, metrics, forget_seconds=FORGET_PERIODS * settings.accounts_seconds
        )
        self._listeners: list[Callable[[Look], None]] = []
        self._lock = asyncio.Lock()
        self.sheet: BalanceSheet | None = None
        """The newest, of a look or a reading."""

    # --- what others see -------------------------------------------------------------------------

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give the newest finding of each invariant; one that is too old is unknown."""
        return self._board.findings

    def finding(self, invariant: Invariant) -> Finding:
        """Give the newest finding of one invariant."""
        return self._board.finding(invariant)

    @property
    def base(self) -> BalanceSheet | None:
        """Give the last sheet with all accounts."""
        return None if self._trail is None else self._trail.base

    def on_look(self, listener: Callable[[Look], None]) -> None:
        """Tell a listener of every sealed block that was looked at."""
        self._listeners.append(listener)

    def show(self) -> None:
        """Set the gauges of the invariants again: some may have become too old to be known."""
        self._metrics.show(self.findings, None)

    def workers(self) -> dict[str, Worker]:
        """Name the two workers."""
        return {"solvency_looks": self.run_looks, "solvency_accounts": self.run_readings}

    async def run_looks(self, stop: asyncio.Event) -> None:
        """Look at sealed blocks until `stop`."""
        while not stop.is_set():
            await _unless(stop, self.look())
            await sleep_unless(stop, self._settings.look_seconds)

    async def run_readings(self, stop: asyncio.Event) -> None:
        """Read all accounts from time to time until `stop`."""
        while not stop.is_set():
            await _unless(stop, self.read_accounts())
            await sleep_unless(stop, self._settings.accounts_seconds)

    # --- every sealed block ----------------------------------------------------------------------

    async def look(self) -> bool:
        """Look at the newest sealed block; say whether it was a new one and could be read."""
        async with self._lock:
            if self._trail is None:
                return False
            try:
                seen = await self._look(self._trail)
            except (RpcError, TransientError) as error:
                self._failed_looks += 1
                await self._judge_code_alone(error)
                if self._failed_looks >= START_AGAIN_LOOKS:
                    self._trail = None
                return False
            self._failed_looks = 0
        if seen is None:
            return False
        for listener in self._listeners:
            listener(seen)
        return True

    async def _look(self, trail: Trail) -> Look | None:
        reads, head = self._reads, await self._reads.head()
        before = await reads.head(min(head.number, trail.at.number))
        if head.number < trail.at.number or before.hash != trail.at.hash:
            self._failed_looks = START_AGAIN_LOOKS  # what we follow is no longer the chain's
            raise TransientError(f"block {trail.at.number} was replaced: all is read anew")
        if head.number == trail.at.number:
            self._board.renew(CHEAP)
            return None
        events = await reads.events(trail.at.number + 1, head)
        granted = {each.values["who"] for each in events if each.name == "RoleChanged"}
        facts = await settled_facts(reads, head.number)
        authority = await reads.authority(head.number, trail.suspects | granted)
        code = await reads.code(head.number)
        token = await reads.token(head.number)
        outage = await self._outage(trail.at, head)
        trail.follow(events, head)  # nothing failed: only now may it go on
        sheet = BalanceSheet(
            block=head.number,
            timestamp=head.timestamp,
            pools=facts.pools,
            markets=facts.markets,
            book=trail.running.totals,
            authority=authority,
            code=code,
            token=token,
            flows=trail.flows.flows(head.number),
        )
        self._board.take(
            prove(sheet, trail.base, self._approved, self._rules, invariants=CHEAP), sheet
        )
        self._keep(sheet)
        return Look(sheet=sheet, events=events, outage=outage)

    async def _judge_code_alone(self, error: Exception) -> None:
        """A contract that answers nonsense may be another contract: of that the node still tells."""
        found: Sequence[Finding] = ()
        with contextlib.suppress(RpcError, TransientError):
            head = await self._reads.head()
            code = await self._reads.code(head.number)
            sheet = BalanceSheet(block=head.number, timestamp=head.timestamp, code=code)
            only = [Invariant.AUTHORITY_UNCHANGED]
            judged = prove(sheet, self.base, self._approved, self._rules, invariants=only)
            found = [each for each in judged if each.verdict is Verdict.BREACH]
            self._board.take(found, sheet)
        known = {each.invariant for each in found}
        self._board.fail("block", [each for each in CHEAP if each not in known], error)

    async def _outage(self, before: BlockRef, head: BlockRef) -> Seconds:
        """Give how long the next block was waited for; our own absence is no outage of the chain."""
        waited = head.timestamp - before.timestamp
        if waited >= _LONG_BLOCK:
            following = await self._reads.head(before.number + 1)
            waited = following.timestamp - before.timestamp
        return Seconds(waited)

    # --- all accounts ----------------------------------------------------------------------------

    async def read_accounts(self) -> bool:
        """Read all accounts pinned to one block and prove everything; say whether it could be done."""
        try:
            async with self._lock:
                base = self.base
                pin = await self._pin()
                flows = None if self._trail is None else self._trail.flows.flows(pin.at.number)
            before = None if base is None else base.claims
            reading = await read_all(self._reads, pin, self._rules, before)
        except (RpcError, TransientError) as error:
            others = [each for each in ALL if each not in CHEAP]
            self._board.fail("accounts", others if self._trail is not None else ALL, error)
            return False
        sheet = replace(reading.sheet, flows=flows)
        found = prove(sheet, base, self._approved, self._rules)
        async with self._lock:
            self._restart(replace(reading, sheet=sheet))
            newest = self.sheet
            # A look may have gone on meanwhile: an older block takes nothing of it back, but a
            # breach that only the accounts show is a breach.
            is_late = newest is not None and newest.block > sheet.block
            kept = [
                each
                for each in found
                if not is_late
                or each.invariant not in CHEAP
                or (each.invariant in BY_ACCOUNTS and each.verdict is Verdict.BREACH)
            ]
            self._board.take(kept, sheet)
            if not is_late:
                self._keep(sheet)
        self._metrics.show_accounts(sheet)
        return True

    async def _pin(self) -> Pin:
        if self._trail is not None:
            return self._trail.pin()
        head = await self._reads.head()
        holders = set(self._approved.roles.values())
        holders |= await self._reads.granted(self._settings.roles_from, head.number)
        return Pin(at=head, suspects=frozenset(holders))

    def _restart(self, reading: Reading) -> None:
        """Let the trail begin at a new reading and catch up with what was seen meanwhile."""
        old, trail = self._trail, Trail.after(reading)
        if old is not None:
            trail.follow(old.since_pin, old.at)
        self._trail = trail

    def _keep(self, sheet: BalanceSheet) -> None:
        self.sheet = sheet
        self._metrics.show(self.findings, sheet)


async def _unless(stop: asyncio.Event, reading: Coroutine[None, None, bool]) -> None:
    """Read, and give it up on stop: a reading of all accounts may take longer than a stop may."""
    task, stopped = asyncio.create_task(reading), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        task.cancel()
        stopped.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
