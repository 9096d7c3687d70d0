"""What the parts of a record owe each other. Raises ValueError with one sentence."""

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drills.report.record import DrillRecord, MarketCourse


def check_record(record: "DrillRecord") -> None:
    """Raise ValueError unless times rise, columns are as long as the axis, and buckets do not overlap."""
    if not record.times:
        raise ValueError("a record must have at least one time on its axis, found none: sample one")
    _rising("the axis", record.times)
    symbols = [market.symbol for market in record.markets]
    if not symbols or len(symbols) != len(set(symbols)):
        raise ValueError(
            f"a record must name each of its markets once, and at least one, found {symbols}: correct them"
        )
    for market in record.markets:
        for name, column in columns(market):
            if len(column) != len(record.times):
                raise ValueError(
                    f"{name} of {market.symbol} must have a value for each of the {len(record.times)}"
                    f" times of the axis, found {len(column)}: fill the column"
                )
    _buckets(record)
    _rising("the acts of breakers", [act.at for act in record.acts], strictly=False)
    for act in record.acts:
        if act.symbol and act.symbol not in symbols:
            raise ValueError(
                f"an act must be about a market of the record or about all, found {act.symbol!r}:"
                f" name one of {', '.join(symbols)}"
            )


def _buckets(record: "DrillRecord") -> None:
    for bucket in record.buckets:
        if bucket.start >= bucket.stop:
            raise ValueError(
                f"a bucket must end after it begins, found {bucket.start} to {bucket.stop}: correct it"
            )
    for before, after in itertools.pairwise(record.buckets):
        if before.stop > after.start:
            raise ValueError(
                f"buckets must not overlap, found one to {before.stop} and one from {after.start}:"
                " correct one of them"
            )


def columns(market: "MarketCourse") -> Iterable[tuple[str, Sequence[object]]]:
    """Give every column of a market with its name."""
    for name in (
        "value_e8",
        "index_e8",
        "mark_e8",
        "band_low_e8",
        "band_high_e8",
        "status",
        "session",
        "depth_usd",
        "open_interest_usd",
    ):
        yield name, getattr(market, name)
    for lever in market.levers:
        yield lever.lever.value, lever.values


def _rising(what: str, times: Sequence[int], *, strictly: bool = True) -> None:
    for before, after in itertools.pairwise(times):
        if before > after or (strictly and before == after):
            raise ValueError(
                f"{what} must be in order of time, found {before} before {after}: sort them"
            )
