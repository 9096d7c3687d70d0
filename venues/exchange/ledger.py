"""What was applied since the last audit, so that nothing is applied twice, out of order or never.

A log's place (block number, log index) orders it and tells duplicates; hashes may be missing. A
log that comes after a later one is applied only if nothing that it writes was written since, is
dropped if all of it was (events carry absolute values), and ends the epoch otherwise. An audit
compares a sealed range with what was applied in it: missing logs are applied, and a log that the
chain does not have, or has with other content, means that history was rewritten.
"""

import contextlib
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from risk.market import Market
from risk.units import AccountId, MarketId, Seconds
from venues.exchange.abi import Abi
from venues.exchange.chain import block_number, block_time, quantity
from venues.exchange.events import Cell, LogDecoder
from venues.exchange.fast_values import compile_constructor
from venues.exchange.fold import MarketFold
from venues.exchange.metrics import FeedMetrics, Missing, ResyncReason
from venues.exchange.slicers import Defect, UndecodableError
from venues.port import MarketChanged, Snapshot, StampedChange

Place: TypeAlias = tuple[int, int]
"""Block number, log index."""
_Content: TypeAlias = tuple[bytes, str, list[str]]

_REMEMBERED_BLOCKS: Final = 64
"""Audited blocks whose logs are still told apart from news when they come again."""
_START: Final = (-1, -1)
_HARMLESS: Final = frozenset({Defect.UNPLACED, Defect.FOREIGN})
"""A log without a place comes again with its block's audit; one of another contract is not ours."""

_stamped = compile_constructor(StampedChange)


class FeedInterruptedError(Exception):
    """The state that was followed can no longer be trusted: take a new snapshot."""

    def __init__(self, reason: ResyncReason, message: str, *, at_least: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.at_least = at_least
        """The snapshot must be of this block or later: earlier ones lead here again."""


class Ledger:
    """Turn logs into changes, each exactly once, from a snapshot on."""

    def __init__(
        self, abi: Abi, address: bytes, *, metrics: FeedMetrics, has_stream: bool = True
    ) -> None:
        self.fold = MarketFold()
        self.now = Seconds(0)
        """The venue's clock as far as the logs and heads tell; it never goes back."""
        self.audited = -1
        """Everything up to this block was applied and compared with the chain."""
        self._decoder = LogDecoder(abi, self.fold)
        self._address = f"0x{address.hex()}"
        self._metrics = metrics
        self._has_stream = has_stream
        self._uncounted = 0
        self._base = -1
        self._last: Place = _START
        self._applied: dict[Place, _Content] = {}
        self._written: dict[Cell, Place] = {}
        self._healed: set[Place] = set()

    def reset(self, snapshot: Snapshot) -> None:
        """Start from a snapshot: all logs up to its block are in it."""
        self.fold.reset(snapshot.markets)
        self.now = snapshot.block.timestamp
        self.audited = self._base = snapshot.block.number
        self._last = _START
        self._applied.clear()
        self._written.clear()
        self._healed.clear()

    def take(self, log: Mapping[str, Any]) -> StampedChange | None:
        """Apply one log from a subscription; None if it brings nothing new.

        Raises FeedInterruptedError when the state cannot be trusted after it.
        """
        try:
            return self._take(log, is_live=True)
        except UndecodableError as error:
            self._metrics.logs_undecodable.labels(error.defect).inc()
            if error.defect in _HARMLESS:
                return None
            raise _undecodable(error, [log]) from error

    def reconcile(self, to: int, logs: Sequence[Mapping[str, Any]]) -> list[StampedChange]:
        """Compare all logs after the audited block up to `to` with what was applied.

        Gives the changes that were missing; then everything up to `to` is audited. Raises
        FeedInterruptedError when what was applied is not what the chain holds.
        """
        found: dict[Place, Mapping[str, Any]] = {}
        try:
            for log in logs:
                found[_place(log)] = log
            changes = [
                change
                for place in sorted(found)
                if (change := self._take(found[place], is_live=False)) is not None
            ]
        except UndecodableError as error:
            self._metrics.logs_undecodable.labels(error.defect).inc()
            raise _undecodable(error, logs) from error
        for place in self._applied:
            if self.audited < place[0] <= to and place not in found:
                raise FeedInterruptedError(
                    ResyncReason.REORG,
                    f"log {place[1]} of block {place[0]} was applied, but the chain lacks it",
                )
        self._seal(to)
        return changes

    def phantoms(self, to: int, logs: Sequence[Mapping[str, Any]]) -> bool:
        """Say whether something was applied up to `to` that is not among these logs."""
        found = {_place(log) for log in logs}
        return any(self.audited < place[0] <= to and place not in found for place in self._applied)

    def is_untouched(self, account: AccountId) -> bool:
        """Say whether no log after the audited block wrote this account."""
        return account not in self._written

    def untouched_markets(self) -> dict[MarketId, Market]:
        """Give the markets that no log after the audited block wrote: as they were at its end."""
        touched = {
            cell[1]
            for cell in self._written
            if isinstance(cell, tuple) and isinstance(cell[0], str)
        }
        return {key: held for key, held in self.fold.markets.items() if key not in touched}

    def advance_clock(self, timestamp: Seconds) -> None:
        """Move the venue's clock to a block's time, never back."""
        self.now = max(self.now, timestamp)

    # --- one log ----------------------------------------------------------------------------

    def _take(self, log: Mapping[str, Any], *, is_live: bool) -> StampedChange | None:
        place = _place(log)
        if place[0] <= self._base:
            return None
        content = self._content(log)
        known = self._applied.get(place)
        if known is not None:
            self._recognise(place, known, content, is_live=is_live)
            return None
        if place[0] <= self.audited:
            self._after_audit(place)
            return None
        recipe, values = self._decoder.decode(log)
        cells = recipe.cells(values)
        if place < self._last and not self._is_news(place, cells):
            self._applied[place] = content
            return None
        change = recipe.build(values)
        self._applied[place] = content
        for cell in cells:
            self._written[cell] = place
        self._last = max(self._last, place)
        if type(change) is MarketChanged:
            # A market was updated in its block: the venue's clock is at least there.
            updated_at = change.market.updated_at
            self.now = max(self.now, updated_at)
        if self._has_stream and not is_live:
            self._healed.add(place)
        self._uncounted += 1
        return _stamped(place[0], place[1], content[0], change)

    def _content(self, log: Mapping[str, Any]) -> _Content:
        try:
            address = log["address"]
            if address != self._address and address.lower() != self._address:
                raise UndecodableError(
                    f"expected logs of {self._address}, found one of {address!r:.80}",
                    Defect.FOREIGN,
                )
            if log.get("removed"):
                raise FeedInterruptedError(ResyncReason.REORG, "a log was removed by the chain")
            timestamp = log.get("blockTimestamp")
            if timestamp is not None:
                self.advance_clock(block_time(timestamp))
            return bytes.fromhex(log["transactionHash"][2:]), log["data"], log["topics"]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, UndecodableError):
                raise
            raise UndecodableError(
                f"expected a log with address and hash, found {reprlib.repr(log)}"
            ) from error

    def _recognise(
        self, place: Place, known: _Content, content: _Content, *, is_live: bool
    ) -> None:
        if known != content:
            raise FeedInterruptedError(
                ResyncReason.REORG,
                f"log {place[1]} of block {place[0]} came again with other content",
            )
        if not is_live:
            return
        self._metrics.logs_duplicate.inc()
        if place in self._healed:
            self._healed.discard(place)
            self._metrics.logs_healed.labels(Missing.LATE).inc()

    def _after_audit(self, place: Place) -> None:
        """Judge a log of an audited block that its audit had not seen: another block came there."""
        if place[0] > self.audited - _REMEMBERED_BLOCKS:
            raise FeedInterruptedError(
                ResyncReason.REORG,
                f"log {place[1]} of block {place[0]} came, but the audit of that block lacked it",
            )
        self._metrics.logs_duplicate.inc()

    def _is_news(self, place: Place, cells: tuple[Cell, ...]) -> bool:
        """Judge a log that was overtaken: all new, or nothing new; in between ends the epoch."""
        overtaken = sum(self._written.get(cell, _START) > place for cell in cells)
        if overtaken and overtaken < len(cells):
            raise FeedInterruptedError(
                ResyncReason.OUT_OF_ORDER,
                f"log {place[1]} of block {place[0]} came after logs that overwrite part of it",
            )
        return overtaken == 0

    def _seal(self, to: int) -> None:
        """Forget what can no longer come up."""
        self.audited = to
        # A counter's lock costs as much as a decoded log, so logs are counted by the audit.
        self._metrics.logs_applied.inc(self._uncounted)
        self._uncounted = 0
        for cell in [cell for cell, place in self._written.items() if place[0] <= to]:
            del self._written[cell]
        oldest = to - _REMEMBERED_BLOCKS
        for place in [place for place in self._applied if place[0] <= oldest]:
            del self._applied[place]
        for place in [place for place in self._healed if place[0] <= oldest]:
            self._healed.discard(place)
            self._metrics.logs_healed.labels(Missing.LOST).inc()


def _undecodable(
    error: UndecodableError, logs: Sequence[Mapping[str, Any]]
) -> FeedInterruptedError:
    """End the epoch until a snapshot that is past these logs, as far as they say where they are."""
    blocks = [0]
    for log in logs:
        with contextlib.suppress(UndecodableError):
            blocks.append(_place(log)[0])
    return FeedInterruptedError(ResyncReason.UNDECODABLE, str(error), at_least=max(blocks))


def _place(log: Mapping[str, Any]) -> Place:
    try:
        if log["blockNumber"] is None or log["logIndex"] is None:
            raise UndecodableError("expected a log with its block, found none", Defect.UNPLACED)
        return block_number(log["blockNumber"]), quantity(log["logIndex"])
    except (KeyError, TypeError) as error:
        found = reprlib.repr(log)
        raise UndecodableError(f"expected a log with its place, found {found}") from error
