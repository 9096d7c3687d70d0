"""What a scenario's file states, row by row in words, with where each row comes from and how far to trust it."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from config.toml import read_toml
from drills.report.record import Quality, SourcedFact
from drills.scenario.clock import Mover
from drills.scenario.loader import SCENARIOS_DIRECTORY, load_scenario
from drills.scenario.provenance import Sourced
from drills.scenario.schema import MarketRow, ScenarioFile, SeriesRow, Span
from risk.units import PPM_SCALE, Seconds, div_floor

ALL: Final = "every market"
PPM_PER_PERCENT: Final = div_floor(PPM_SCALE, 100)


def facts_of(name: str | Path) -> tuple[SourcedFact, ...]:
    """Give all rows of a scenario, by its name or file; raises OperatorError where it is none.

    What has no time comes first, then everything in order of time.
    """
    load_scenario(name)
    path = Path(name)
    if path.suffix != ".toml":
        path = SCENARIOS_DIRECTORY / f"{name}.toml"
    file = ScenarioFile.model_validate(read_toml(path))
    mover = Mover(
        zone=ZoneInfo(file.timezone),
        recorded_on=file.recorded_from.date(),
        played_on=file.played_on,
    )
    return tuple(sorted(_rows(file, mover), key=lambda each: each.at or 0))


def _rows(file: ScenarioFile, mover: Mover) -> Iterator[SourcedFact]:
    for series in file.series:
        yield from _series(series, mover)
    for market in file.markets:
        if market.is_told:
            yield _fact(market, market.symbol, _market(market), None)
    yield from _events(file, mover)


def _series(series: SeriesRow, mover: Mover) -> Iterator[SourcedFact]:
    about = f"{series.name}, {series.unit}"
    if series.noise is not None:
        noise = f"strays by {series.noise.bp_per_root_hour:g} bp for the square root of an hour"
        yield _fact(series.noise, about, noise, None)
    for fact in series.facts:
        first = ", reached for the first time" if fact.first_touch else ""
        noise = "" if fact.noise_bp is None else f"; on the way {fact.noise_bp:g} bp of noise"
        yield _fact(fact, about, f"{_number(fact.value)}{first}{noise}", mover.seconds(fact.at))
    for each in series.ranges:
        inside = f"between {_number(each.low)} and {_number(each.high)} until {_time(each.ends)}"
        yield _fact(each, about, inside, mover.seconds(each.begins))


def _market(market: MarketRow) -> str:
    beta = _number(Decimal(market.beta_ppm) / PPM_SCALE)
    noise = f", and {market.own_noise_bp:g} bp of its own noise" if market.own_noise_bp else ""
    stands = f"; stands in for {market.stands_in_for}" if market.stands_in_for else ""
    return f"moves {beta} times as far as {market.follows}{noise}{stands}"


def _events(file: ScenarioFile, mover: Mover) -> Iterator[SourcedFact]:
    for halt in file.halts:
        yield _span(halt, f"the underlying is halted: {halt.reason}", mover)
    for fault in file.faults:
        off = f" by {_percent(fault.offset_ppm)}" if fault.offset_ppm else ""
        what = f"{', '.join(fault.sources)}: {fault.state.replace('_', ' ')}{off}"
        yield _span(fault, f"price sources {what}", mover)
    for flow in file.flows:
        yield _span(flow, f"somebody {flow.side}s {_number(flow.notional_usd)} USD", mover)
    for outage in file.outages:
        is_chain = outage.what == "chain"
        what = "the chain makes no block" if is_chain else "the exchange takes nothing"
        yield _span(outage, what, mover)
    for depth in file.depth:
        about = f"depth of {', '.join(depth.symbols) or ALL}"
        for fact in depth.facts:
            yield _fact(fact, about, f"{_percent(fact.ppm)} of the usual", mover.seconds(fact.at))
    for split in file.splits:
        words = f"{split.new_shares} new shares for {split.old_shares}"
        yield _fact(split, split.symbol, words, mover.seconds(split.at))
    for headline in file.headlines:
        yield _fact(headline, "headline", headline.text, mover.seconds(headline.at))


def _span(row: Span, text: str, mover: Mover) -> SourcedFact:
    about = ", ".join(row.symbols) or ALL
    return _fact(row, about, f"{text}, until {_time(row.ends)}", mover.seconds(row.begins))


def _fact(row: Sourced, about: str, text: str, at: Seconds | None) -> SourcedFact:
    quality = Quality.ASSUMPTION if row.quality is None else Quality(row.quality)
    source = row.why if row.quality is None else row.source
    if row.time_is_assumed:
        source += " (the source does not give the time: it is assumed)"
    return SourcedFact(at=at, about=about, text=text, quality=quality, source=source)


def _number(amount: Decimal) -> str:
    return f"{amount.normalize():,f}"


def _percent(ppm: int) -> str:
    return f"{_number(Decimal(ppm) / PPM_PER_PERCENT)} %"


def _time(recorded: datetime) -> str:
    return f"{recorded:%a %H:%M:%S}"
