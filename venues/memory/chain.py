"""A chain in memory: blocks at a fixed pace with a gas limit, calls that wait for their turn, a feed.

Time is moved by whoever drives it, in milliseconds; a block's timestamp is in whole seconds. A call is
included not before its delay, in the order of submission, and only if its gas limit fits into what is left of
the block; the later calls of the same caller then wait too, as nonces make them. Nothing is random here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from risk.units import Seconds, div_floor
from venues.memory.blocks import (
    ANSWERS,
    CHANGES,
    Block,
    ChainPace,
    Included,
    Receipt,
    Submitted,
    changes_of,
)
from venues.memory.draft import Draft, RevertedError
from venues.memory.exchange import Done, MemoryExchange
from venues.memory.requests import Request
from venues.port import BlockRef, FeedSink, PositionChanged, Snapshot, StampedChange


class MemoryChain:
    """Blocks around one exchange in memory."""

    def __init__(
        self,
        exchange: MemoryExchange,
        *,
        started_at: Seconds,
        pace: ChainPace | None = None,
        base_fee_wei: int = 0,
    ) -> None:
        self.exchange = exchange
        self.pace = pace or ChainPace()
        self.base_fee_wei = base_fee_wei
        """Of the next block; a drill may change it."""
        self.gas_taken = 0
        """Gas that others take of every block from now on."""
        self.number = 0
        self.milliseconds = started_at * 1_000
        self._sequence = 0
        self._queue: list[Submitted] = []
        self._sinks: list[FeedSink] = []

    @property
    def now(self) -> Seconds:
        """Give the newest block's timestamp."""
        return Seconds(div_floor(self.milliseconds, 1_000))

    @property
    def head(self) -> BlockRef:
        """Give the newest block."""
        return BlockRef(
            number=self.number, timestamp=self.now, hash=self.number.to_bytes(32, "big")
        )

    @property
    def waiting(self) -> int:
        """Count the calls in the queue."""
        return len(self._queue)

    # --- the feed --------------------------------------------------------------------------------

    def follow(self, sink: FeedSink) -> None:
        """Give a sink a snapshot of this moment, and everything that happens from now on."""
        sink.on_snapshot(self.snapshot())
        self._sinks.append(sink)

    def snapshot(self) -> Snapshot:
        """Give everything at the newest block."""
        state = self.exchange.state
        return Snapshot(
            block=self.head,
            markets=dict(state.markets),
            accounts=(state.book.columns(),),
            funds=state.funds,
            rules=state.rules,
            backstop_account=state.backstop,
        )

    # --- calls -----------------------------------------------------------------------------------

    def submit(
        self,
        request: Request,
        *,
        caller: bytes,
        gas: int | None = None,
        delay_blocks: int = 1,
        expires_at: Seconds | None = None,
    ) -> Submitted:
        """Queue a call for the block after `delay_blocks`, or a later one; it ends in that block.

        Without a gas limit it may use what is left of a block. One that expires is dropped by the
        first block whose time is past it.
        """
        if delay_blocks < 1:
            raise ValueError(f"expected a delay of 1 block or more, found {delay_blocks}")
        call = Submitted(
            sequence=self._sequence,
            caller=caller,
            request=request,
            gas=gas,
            due_block=self.number + delay_blocks,
            expires_at=expires_at,
        )
        self._sequence += 1
        self._queue.append(call)
        return call

    def mine(self) -> Block:
        """Make the next block and tell it to everybody who follows."""
        self.number += 1
        self.milliseconds += self.pace.block_milliseconds
        room = max(0, self.pace.gas_limit - self.gas_taken)
        ended, left, used = self._include(room)
        self._queue = left
        stamped = self._stamped(ended)
        block = Block(
            ref=self.head, gas_used=used, ended=tuple(ended), changes=stamped, waiting=len(left)
        )
        for sink in self._sinks:
            if stamped:
                sink.on_changes(stamped, now=self.now)
            sink.on_sealed(block.ref)
        return block

    def _include(self, room: int) -> tuple[list[Included], list[Submitted], int]:
        """Carry out what is due and fits; give what ended, what stays, and the gas used."""
        ended: list[Included] = []
        left: list[Submitted] = []
        held_up: set[bytes] = set()
        used = 0
        for call in self._queue:
            if call.expires_at is not None and self.now > call.expires_at:
                why = f"expired at {call.expires_at}, and was in no block by then"
                ended.append(Included(call=call, receipt=None, reason=why))
                continue
            is_due = call.due_block <= self.number and call.caller not in held_up
            found = self._carry_out(call, room - used) if is_due else None
            if found is None:
                left.append(call)
                held_up.add(call.caller)
            else:
                included, gas = found
                ended.append(included)
                used += gas
        return ended, left, used

    def _carry_out(self, call: Submitted, room: int) -> tuple[Included, int] | None:
        """Carry out a call, if it fits; give what became of it and the gas that it used."""
        if call.gas is not None and min(call.gas, self.pace.gas_limit) > room:
            return None
        draft, gas, reason = self._attempt(call)
        if call.gas is None and room < gas <= self.pace.gas_limit:
            return None
        most = min(self.pace.gas_limit, self.pace.gas_limit if call.gas is None else call.gas)
        if gas > most:
            draft, gas, reason = None, most, f"out of gas: needs {gas}, may use {most}"
        if draft is not None:
            draft.carry_out()
        receipt = self._receipt(call, gas, None if draft is None else self._done(draft))
        return Included(call=call, receipt=receipt, reason=reason), gas

    def _attempt(self, call: Submitted) -> tuple[Draft | None, int, str]:
        """Work a call out; give what it would change, the gas for it, and why it is refused."""
        prices = self.pace.gas_prices
        try:
            draft = self.exchange.draft(
                call.request, caller=call.caller, now=self.now, base_fee_wei=self.base_fee_wei
            )
        except RevertedError as error:
            return None, prices.of(call.request, written=0, valued=0), error.reason
        written = sum(isinstance(change, PositionChanged) for change in draft.changes)
        gas = prices.of(call.request, written=written, valued=draft.positions_valued)
        return draft, gas, ""

    def _done(self, draft: Draft) -> Done:
        return Done(
            changes=tuple(draft.changes),
            answers=tuple(self._numbered(each) for each in draft.answers),
            positions_valued=draft.positions_valued,
        )

    def _receipt(self, call: Submitted, gas: int, done: Done | None) -> Receipt:
        """Write a receipt as a node would, but for its logs: those are values already."""
        return {
            "transactionHash": f"0x{call.hash.hex()}",
            "blockNumber": hex(self.number),
            "gasUsed": hex(gas),
            "status": "0x0" if done is None else "0x1",
            CHANGES: () if done is None else done.changes,
            ANSWERS: () if done is None else done.answers,
        }

    def _numbered(self, answer: Any) -> object:  # noqa: ANN401 - any of the port's answers
        """Give an answer with the block that it was made in, if it has a place for it."""
        numbered: object = (
            replace(answer, block=self.number) if hasattr(answer, "block") else answer
        )
        return numbered

    def _stamped(self, ended: Sequence[Included]) -> tuple[StampedChange, ...]:
        found: list[StampedChange] = []
        for included in ended:
            if included.receipt is None:
                continue
            for change in changes_of(included.receipt):
                found.append(
                    StampedChange(
                        block_number=self.number,
                        log_index=len(found),
                        transaction_hash=included.call.hash,
                        change=change,
                    )
                )
        return tuple(found)
