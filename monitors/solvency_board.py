"""The newest finding of each invariant: kept, aged, told when it changes.

A finding that nobody renewed for long is unknown. A breach is one line of the log when it begins, with
its sentence and its numbers, and one when it ends.
"""

from collections.abc import Collection, Iterable, Sequence

import structlog

from monitors.solvency_metrics import SolvencyMetrics
from risk.solvency_finding import Finding, Invariant, Verdict, unknown
from risk.solvency_sheet import BalanceSheet
from runtime.clock import Clock

log = structlog.get_logger(__name__)


class FindingBoard:
    """What is believed of each invariant now."""

    def __init__(self, clock: Clock, metrics: SolvencyMetrics, *, forget_seconds: float) -> None:
        self._clock, self._metrics, self._forget_seconds = clock, metrics, forget_seconds
        self._seen_at: dict[Invariant, float] = {}
        self._findings = {each: unknown(each, "nothing was read yet") for each in Invariant}
        metrics.show(self.findings, None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give the newest finding of each invariant, in their own order."""
        return tuple(map(self.finding, Invariant))

    def finding(self, invariant: Invariant) -> Finding:
        """Give the newest finding of one invariant; one that is too old is unknown."""
        at = self._seen_at.get(invariant)
        age = 0.0 if at is None else self._clock.monotonic() - at
        if age > self._forget_seconds:
            return unknown(invariant, f"last judged {age:.0f} s ago")
        return self._findings[invariant]

    def take(self, findings: Sequence[Finding], sheet: BalanceSheet) -> None:
        """Keep new findings and say what changed."""
        for finding in findings:
            old = self._findings[finding.invariant]
            self._findings[finding.invariant] = finding
            if (old.verdict, old.action) != (finding.verdict, finding.action):
                _tell(finding, sheet.block)
        self.renew([finding.invariant for finding in findings])

    def renew(self, invariants: Iterable[Invariant]) -> None:
        """Say that these are as true as they were: there is no newer block."""
        self._seen_at |= dict.fromkeys(invariants, self._clock.monotonic())

    def fail(self, reading: str, invariants: Collection[Invariant], error: Exception) -> None:
        """Nothing is known of these now: what they rest on could not be read."""
        log.warning("solvency_reading_failed", reading=reading, error=str(error))
        self._metrics.readings_failed.labels(reading).inc()
        for each in invariants:
            self._findings[each] = unknown(each, f"the reading failed: {error}")
        self.renew(invariants)
        self._metrics.show(self.findings, None)


def _tell(finding: Finding, block: int) -> None:
    level = log.error if finding.verdict is Verdict.BREACH else log.info
    level(
        f"solvency_{finding.verdict.value}",
        invariant=finding.invariant.value,
        block=block,
        sentence=finding.sentence,
        action=finding.action.name.lower(),
        **finding.numbers,
    )
