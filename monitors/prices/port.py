"""What every price source is to the rest: one worker that gives reports and tells its faults.

A source passes on what its provider says, as it says it; whether a price is good is for the judge.
It never gives up by itself: it tells each fault, waits, and tries again until it is stopped.
"""

import asyncio
from enum import StrEnum
from typing import ClassVar, Protocol

from risk.price_report import PriceReport


class FaultKind(StrEnum):
    """What went wrong with a source; a closed set, it becomes a metric label."""

    UNREACHABLE = "unreachable"
    """No connection could be made, or it broke without a word."""
    SILENT = "silent"
    """Connected, but nothing came for too long."""
    REJECTED_KEY = "rejected_key"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    """The source answered with an error of another kind."""
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    STREAM_CLOSED = "stream_closed"
    """The source ended a stream, and it was not the end that it announces."""
    UNKNOWN_FEED = "unknown_feed"
    """The source does not know, or does not give, a feed that we asked for."""


class ReportSink(Protocol):
    """Who takes what sources give; both calls return at once and never raise."""

    def on_report(self, report: PriceReport) -> None:
        """Take one report; reports may come out of order and more than once."""
        ...

    def on_fault(self, source: str, kind: FaultKind, detail: str) -> None:
        """Take one fault of the source so named; `detail` is a sentence that holds no secret."""
        ...


class PriceSource(Protocol):
    """One source of prices, whatever its protocol."""

    @property
    def name(self) -> str:
        """Name of the source as configured: the `source` of its reports."""
        ...

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Give reports until `stop` (a supervised worker); leave no task or connection behind."""
        ...


class WrongShapeError(ValueError):
    """A payload is not what the source's format says: one sentence, expected and found."""

    kind: ClassVar[FaultKind] = FaultKind.WRONG_SHAPE


class NotJsonError(WrongShapeError):
    """A payload is not JSON at all."""

    kind: ClassVar[FaultKind] = FaultKind.NOT_JSON


class SourceFault(Exception):  # noqa: N818 - it is what `on_fault` tells
    """A source cannot go on as it is: tell the fault, wait, connect again."""

    def __init__(self, kind: FaultKind, detail: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
