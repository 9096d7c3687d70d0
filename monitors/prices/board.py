"""The board on which all sources write: the newest report of each about each market.

It holds what was said and judges nothing. A report older than the one held never replaces it, so
that a stream that stutters cannot turn time back; a duplicate changes nothing. A report from the
future is held, for the judge to refuse, but gives way to any other: one bad timestamp must not
silence its source for good.
"""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from monitors.prices.metrics import SourceMetrics
from monitors.prices.port import FaultKind
from risk.price_report import PriceReport
from risk.units import Seconds

PRICE_SCALE: Final = 10**8

log = structlog.get_logger(__name__)


class PriceBoard:
    """The newest report by market and source; a `ReportSink` for every source."""

    def __init__(
        self,
        *,
        sources: Sequence[str],
        symbols: Sequence[str],
        metrics: SourceMetrics,
        venue_now: Callable[[], Seconds],
    ) -> None:
        self._sources = frozenset(sources)
        self._held: dict[str, dict[str, PriceReport]] = {symbol: {} for symbol in symbols}
        self._last_fault: dict[str, FaultKind] = {}
        self._metrics = metrics
        self._venue_now = venue_now

    def reports(self, symbol: str) -> tuple[PriceReport, ...]:
        """Give the newest report of each source about a market, by the name of the source.

        Raises KeyError for a symbol that the board was not made for.
        """
        return tuple(self._held[symbol].values())

    def faulty_sources(self) -> dict[str, FaultKind]:
        """Give the sources whose last word was a fault, and which."""
        return dict(self._last_fault)

    def on_report(self, report: PriceReport) -> None:
        """Hold a report unless a newer one is there already."""
        source = self._known(report.source)
        self._metrics.reports.labels(source).inc()
        if self._last_fault.pop(source, None) is not None:
            log.info("price_source_recovered", source=source)
        held = self._held.get(report.symbol)
        if held is None:
            self._metrics.unknown_symbol.labels(source).inc()
            return
        before = held.get(source)
        if before is not None and report.order < before.order and not self._is_from_future(before):
            self._metrics.out_of_order.labels(source).inc()
            return
        held[source] = report
        if before is None:
            # Told far more rarely than asked: kept in the order of names.
            self._held[report.symbol] = dict(sorted(held.items()))
        labels = (source, report.symbol)
        self._metrics.price.labels(*labels).set(report.price / PRICE_SCALE)
        self._metrics.observed_at.labels(*labels).set(report.observed_at)

    def on_fault(self, source: str, kind: FaultKind, detail: str) -> None:
        """Count a fault; write a line only when it is a new one, since a dead source repeats."""
        self._metrics.faults.labels(self._known(source), kind.value).inc()
        if self._last_fault.get(source) is not kind:
            log.warning("price_source_fault", source=source, kind=kind.value, detail=detail)
        self._last_fault[source] = kind

    def _is_from_future(self, report: PriceReport) -> bool:
        return report.observed_at > self._venue_now()

    def _known(self, source: str) -> str:
        if source not in self._sources:
            raise ValueError(
                f"expected one of the sources {sorted(self._sources)}, found {source!r}:"
                " every source must be named when the board is made"
            )
        return source
