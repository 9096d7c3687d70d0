"""What became of a step: read from its receipt, item by item, and written down."""

from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from keepers.deleverage.hand import SentBatch, SentItem
from keepers.deleverage.intents import closed_notional
from keepers.deleverage.outcome import NOT_MINED, UNSEEN
from keepers.deleverage.parts import DeleverageParts
from keepers.deleverage.view import DeleverageOutcome
from keepers.receipts import readable
from keepers.sender import Outcome, Result
from risk.deleverage_rules import DeleverageCode
from risk.units import ATOMS_PER_USD
from venues.port import DeleverageSettled

log = structlog.get_logger(__name__)


class Aftermath:
    """Settle items in the journal, and teach the hand."""

    def __init__(self, parts: DeleverageParts) -> None:
        self._parts = parts

    def take(self, outcome: Outcome) -> bool:
        """Take in what became of a step of ours, an earlier life's too; say whether it was one."""
        if outcome.result in {Result.TAKEN_BACK, Result.WOULD_HAVE_SENT}:
            return False
        batch = self._parts.hand.take(outcome.intent_keys)
        if batch is None:
            return False
        if outcome.result is Result.MINED and outcome.receipt is not None:
            self._mined(batch, outcome.receipt)
        elif outcome.result in {Result.MINED, Result.FINAL}:
            # An earlier life heard that it was mined and ended before it wrote down the results.
            self._parts.hand.mined(batch, block=0, gas_used=0, done=0)
            self._parts.metrics.results.labels(UNSEEN).inc(len(batch.items))
        else:
            self._not_mined(batch, outcome)
        return True

    def _mined(self, batch: SentBatch, receipt: Mapping[str, object]) -> None:
        parts = self._parts
        results = readable(parts.venue.deleverage_outcomes, receipt)
        counts: Counter[str] = Counter()
        settled: list[DeleverageOutcome] = []
        for item, result in matched(batch.items, results):
            if result is None:
                log.error("deleverage_result_missing", intent=item.key)
                counts[UNSEEN] += 1
                settled.append((item.key, UNSEEN, None))
                continue
            counts[result.code.value] += 1
            settled.append((item.key, result.code.value, self._settle(item, result)))
        for code, count in counts.items():
            parts.metrics.results.labels(code).inc(count)
        parts.journal.settle_all(settled)
        done = counts[DeleverageCode.DELEVERAGED.value]
        parts.hand.mined(
            batch,
            block=_quantity(receipt.get("blockNumber")),
            gas_used=_quantity(receipt.get("gasUsed")),
            done=done,
        )
        log.info("deleverage_mined", items=len(batch.items), deleveraged=done)

    def _settle(self, item: SentItem, result: DeleverageSettled) -> dict[str, object]:
        """Note one result; give its figures for the journal."""
        parts, planned = self._parts, item.planned
        figures: dict[str, object] = {"size_e8": result.size, "cash_atoms": result.cash}
        if result.code is not DeleverageCode.DELEVERAGED:
            parts.hand.again([item], parts.view.now)
            return figures
        parts.hand.done(item)
        if planned is None:
            return figures
        verdict = planned.verdict
        if result.size != verdict.size:
            parts.metrics.other_size.inc()
            figures["planned_size_e8"] = verdict.size
        market = parts.view.markets.get(result.market)
        if market is not None:
            worth = closed_notional([planned], parts.view.markets)
            parts.metrics.closed.inc(worth / ATOMS_PER_USD)
        parts.metrics.given_up.inc(verdict.relief / ATOMS_PER_USD)
        return figures

    def _not_mined(self, batch: SentBatch, outcome: Outcome) -> None:
        parts = self._parts
        gas_used = None if outcome.receipt is None else _quantity(outcome.receipt.get("gasUsed"))
        parts.hand.lost(batch, gas_used=gas_used, now=parts.view.now)
        parts.metrics.results.labels(NOT_MINED).inc(len(batch.items))
        parts.journal.settle_all([(item.key, NOT_MINED, None) for item in batch.items])
        log.warning(
            "deleverage_not_mined",
            result=outcome.result.value,
            items=len(batch.items),
            reason=outcome.reason,
        )


def matched(
    items: Sequence[SentItem], results: Sequence[DeleverageSettled]
) -> list[tuple[SentItem, DeleverageSettled | None]]:
    """Give each item its result: both are in the order of the call. None where they do not agree."""
    found: list[tuple[SentItem, DeleverageSettled | None]] = []
    for place, item in enumerate(items):
        result = results[place] if len(results) == len(items) else None
        sides = None if result is None else (result.account, result.counterparty)
        found.append((item, result if sides == (item.account, item.counterparty) else None))
    return found


def _quantity(value: object) -> int:
    return int(value, 16) if isinstance(value, str) else 0
