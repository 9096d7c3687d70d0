"""What the rows of a scenario file owe each other. Sentences end with what to do; `config.problems` adds the file."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drills.scenario.schema import ScenarioFile, SeriesRow


def check_series(series: "SeriesRow") -> None:
    """Raise ValueError unless times rise, a bridge has its noise, and facts lie in their ranges."""
    _rising(f"the facts of {series.name}", [fact.at for fact in series.facts])
    if (series.between == "bridge") != (series.noise is not None):
        found = "none" if series.noise is None else "one"
        raise ValueError(
            f"must have a `noise` table exactly where {series.name} is a bridge, found {found}"
            f" with between = {series.between!r}: correct one of them"
        )
    strays = [fact for fact in series.facts if fact.noise_bp is not None or fact.first_touch]
    if strays and series.between != "bridge":
        raise ValueError(
            f"must have `noise_bp` and `first_touch` in a bridge only, found one at {strays[0].at} of"
            f" {series.name}: remove it"
        )
    if series.facts[0].first_touch:
        raise ValueError(
            f"must not mark the first fact of {series.name} as a first touch: nothing comes before it"
        )
    for each in series.ranges:
        for fact in series.facts:
            if each.begins <= fact.at <= each.ends and not each.low <= fact.value <= each.high:
                raise ValueError(
                    f"must have facts inside their range, found {fact.value} at {fact.at} of"
                    f" {series.name} outside {each.low} to {each.high}: correct the fact or the range"
                )


def check_file(file: "ScenarioFile") -> None:
    """Raise ValueError for names that nothing bears, two rows of one name, and times outside."""
    names = [series.name for series in file.series]
    symbols = [market.symbol for market in file.markets]
    for what, listed in (("series", names), ("market", symbols), ("source", [*file.sources])):
        twice = [each for each in listed if listed.count(each) > 1]
        if twice:
            raise ValueError(f"must name each {what} once, found {twice[0]} twice: remove one")
    for market in file.markets:
        _known(market.follows, names, f"follows of {market.symbol}")
    named = [row.symbols for row in (*file.halts, *file.faults, *file.flows)]
    named += [row.symbols for row in file.depth] + [(row.symbol,) for row in file.splits]
    for symbol in (each for row in named for each in row):
        _known(symbol, symbols, "symbols")
    for source in (each for fault in file.faults for each in fault.sources):
        _known(source, file.sources, "sources of a fault")
    _whom_spans_are_about(file)
    for depth in file.depth:
        _rising("the facts of depth", [fact.at for fact in depth.facts])
    _splits_rise(file)
    _within(file)


def _whom_spans_are_about(file: "ScenarioFile") -> None:
    for flow in file.flows:
        if len(flow.symbols) != 1:
            raise ValueError(
                f"must have one symbol for a flow, found {len(flow.symbols)}: write a row for each"
            )
    for outage in file.outages:
        if outage.symbols:
            raise ValueError(
                f"must not name symbols for an outage of the {outage.what}, found"
                f" {outage.symbols[0]}: it stops every market"
            )


def _splits_rise(file: "ScenarioFile") -> None:
    by_symbol: dict[str, list[datetime]] = {}
    for split in file.splits:
        by_symbol.setdefault(split.symbol, []).append(split.at)
    for symbol, times in by_symbol.items():
        _rising(f"the splits of {symbol}", times)


def _within(file: "ScenarioFile") -> None:
    points: list[datetime] = [fact.at for series in file.series for fact in series.facts]
    points += [fact.at for depth in file.depth for fact in depth.facts]
    points += [split.at for split in file.splits] + [each.at for each in file.headlines]
    for series in file.series:
        points += [moment for each in series.ranges for moment in (each.begins, each.ends)]
    for span in (*file.halts, *file.faults, *file.flows, *file.outages):
        points += [span.begins, span.ends]
    for moment in points:
        if not file.recorded_from <= moment <= file.recorded_to:
            raise ValueError(
                f"must keep all times between recorded_from and recorded_to, found {moment} outside"
                f" {file.recorded_from} to {file.recorded_to}: widen the window or remove the row"
            )
    days: Iterable[date] = file.trading_days
    for day in days:
        if not file.recorded_from.date() <= day <= file.recorded_to.date():
            raise ValueError(
                f"must list trading_days of the window, found {day}: remove it or widen the window"
            )


def _rising(what: str, times: Sequence[datetime]) -> None:
    for early, late in itertools.pairwise(times):
        if late <= early:
            raise ValueError(
                f"must list {what} in order of time, found {late} after {early}: sort them"
            )


def _known(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        raise ValueError(
            f"must name one of {', '.join(known)} in {where}, found {name}: correct the name"
        )
