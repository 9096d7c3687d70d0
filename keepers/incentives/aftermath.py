"""What became of the incentive keeper's writes: understood, journaled, and what follows from it.

A refused write is understood before anything is tried again: after a stale epoch the market is judged again
with the next block, after a guard rail, or when the same happens twice, it waits a while.
Times are on the venue's clock unless they say monotonic.
"""

from collections.abc import Callable, Mapping

import structlog

from keepers.incentives.intents import Deed, parameter_of
from keepers.incentives.outcome import WriteResult, refusal_of
from keepers.incentives.parts import IncentiveParts
from keepers.incentives.view import IncentiveOutcome
from keepers.market_writes import MarketWrites, Sent
from keepers.receipts import readable
from keepers.sender import Outcome, Result
from monitors.incentives.terms import TUNED
from risk.guard_rails import Parameter
from risk.incentive_write import value_on_chain
from risk.units import MarketId
from runtime.journal import SEPARATOR

log = structlog.get_logger(__name__)


class Aftermath:
    """Hears the lane of what was sent; `wake` asks for a cycle."""

    def __init__(
        self, parts: IncentiveParts, writes: MarketWrites[Deed], *, wake: Callable[[], None]
    ) -> None:
        self._parts, self._writes, self._wake = parts, writes, wake
        self._stale: set[MarketId] = set()
        """Markets whose last write found a stale epoch."""

    def on_outcome(self, outcome: Outcome) -> None:
        """Learn what became of a write of ours, an earlier life's too."""
        if outcome.result is Result.FINAL:
            self._ended(outcome)
        if outcome.result in {Result.FINAL, Result.TAKEN_BACK}:
            return
        told = self._writes.settled(outcome)
        if not told:
            return
        settled: list[IncentiveOutcome] = []
        for key, sent in told:
            if outcome.result is Result.MINED and outcome.receipt is not None:
                settled.append(self._mined(key, sent, outcome.receipt))
            elif outcome.result is Result.WOULD_HAVE_SENT:
                # A dry run's write never shows on chain: say it again only after a while.
                self._wait(key, sent)
                self.count(written_parameter(key), WriteResult.WOULD_HAVE_SENT)
            else:
                settled.append(self._not_written(key, sent, outcome))
        self._parts.journal.settle_all(settled)
        self._wake()

    def _ended(self, outcome: Outcome) -> None:
        """Let go of an earlier life's writes that were mined before this one listened."""
        settled: list[IncentiveOutcome] = []
        for key in self._writes.ended(outcome):
            self._parts.view.settled(_symbol(key), written_parameter(key))
            settled.append((key, WriteResult.UNSEEN.value, None))
        self._parts.journal.settle_all(settled)

    def _mined(
        self, key: str, sent: Sent[Deed] | None, receipt: Mapping[str, object]
    ) -> IncentiveOutcome:
        parts, parameter = self._parts, written_parameter(key)
        if sent is not None:
            parts.metrics.reaction.observe(parts.clock.monotonic() - sent.decided_at)
        for change in readable(parts.venue.parameter_changes, receipt):
            self._writes.mined(change.market, change.block)
            self._stale.discard(change.market)
            parts.view.settled(_symbol(key), change.parameter)
            self.count(change.parameter, WriteResult.DONE)
            return (
                key,
                WriteResult.DONE.value,
                {"epoch": change.epoch, "value": change.value, "block": change.block},
            )
        parts.view.settled(_symbol(key))
        self.count(parameter, WriteResult.UNSEEN)
        log.error("incentive_write_unseen", intent=key)
        return key, WriteResult.UNSEEN.value, None

    def _not_written(self, key: str, sent: Sent[Deed] | None, outcome: Outcome) -> IncentiveOutcome:
        result = self._understood(sent, outcome)
        if result is WriteResult.STALE_EPOCH and self._is_first_time(sent):
            # Another's write came first: it is judged again as soon as the feed shows a newer block.
            self._parts.view.settled(_symbol(key))
        else:
            self._wait(key, sent)
        self.count(written_parameter(key), result)
        log.warning(
            "incentive_write_refused", intent=key, result=result.value, reason=outcome.reason
        )
        return key, result.value, {"reason": outcome.reason}

    def _is_first_time(self, sent: Sent[Deed] | None) -> bool:
        """Let a market wait for the next block after a stale epoch; say no to a second in a row."""
        deed = None if sent is None else sent.deed
        if deed is None or deed.market in self._stale:
            return False
        self._stale.add(deed.market)
        self._writes.mined(deed.market, self._parts.view.applied_block + 1)
        return True

    def _understood(self, sent: Sent[Deed] | None, outcome: Outcome) -> WriteResult:
        """Tell why a write came to nothing, from the reason if one came, else from the chain."""
        result = refusal_of(outcome.reason)
        if result is not WriteResult.REFUSED:
            return result
        if outcome.result is not Result.REVERTED:
            return WriteResult.NOT_MINED
        deed = None if sent is None else sent.deed
        market = None if deed is None else self._parts.view.markets.get(deed.market)
        if deed is None or market is None:
            return result
        # All parameters of a market share one epoch: one that moved since says that ours was stale.
        has_moved = any(
            value_on_chain(market, each) != value_on_chain(deed.judged.market, each)
            for each in TUNED
        )
        return WriteResult.STALE_EPOCH if has_moved else result

    def _wait(self, key: str, sent: Sent[Deed] | None) -> None:
        """Let a market wait a while before anything is written there again."""
        view = self._parts.view
        view.settled(_symbol(key))
        deed = None if sent is None else sent.deed
        if deed is not None:
            self._writes.refused(deed.market, view.now)

    def count(self, parameter: Parameter, result: WriteResult) -> None:
        """Count what became of a write."""
        self._parts.metrics.writes.labels(parameter.name.lower(), result.value).inc()


def _symbol(key: str) -> str:
    """Read whose market a key is about: `incentive|NVDA||maker_fee--200-…`."""
    return key.split(SEPARATOR)[1]


def written_parameter(key: str) -> Parameter:
    """Read which parameter a key is about."""
    return parameter_of(key.split(SEPARATOR)[3].partition("-")[0])
