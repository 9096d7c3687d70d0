"""Load scenarios from files: `load_scenario("crash_2020_03_09")`, or the path of an operator's own file.

Every problem is an `OperatorError` of one sentence.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.calendars import CALENDARS_DIRECTORY, load_calendar, midnight
from config.loader import CONFIG_DIRECTORY
from config.markets import load_market
from config.problems import problem_sentence
from config.schema.fields import Section
from config.toml import read_toml
from drills.scenario.clock import Mover
from drills.scenario.events import events_of
from drills.scenario.provenance import Sourced
from drills.scenario.schema import MarketRow, ScenarioFile, SeriesRow, units
from drills.scenario.series import Between, Bound, Fact, Series
from drills.scenario.values import DepthCourse, Origin, Scenario, ScenarioMarket
from risk.sessions import Session, SessionTimeline
from risk.units import Ppm, PriceE8
from runtime.errors import OperatorError

SCENARIOS_DIRECTORY: Final = Path(__file__).parent.parent / "scenarios"
PAGE: Final = "docs/scenarios.md"


def shipped_scenarios() -> tuple[str, ...]:
    """Give the names of the scenarios that ship, sorted."""
    return tuple(sorted(path.stem for path in SCENARIOS_DIRECTORY.glob("*.toml")))


def load_scenario(name: str | Path) -> Scenario:
    """Load a scenario that ships, by name, or any file that ends in .toml; raises OperatorError."""
    path = Path(name)
    if path.suffix != ".toml":
        path = SCENARIOS_DIRECTORY / f"{name}.toml"
        if not path.is_file():
            raise OperatorError(
                f"expected a scenario among {', '.join(shipped_scenarios())}, or a file that ends in"
                f" .toml, found {str(name)!r}"
            )
    try:
        file = ScenarioFile.model_validate(read_toml(path))
    except ValidationError as error:
        sentence = problem_sentence(error, ScenarioFile, lambda _key: str(path), page=PAGE)
        raise OperatorError(sentence) from None
    try:
        return _scenario(path, file)
    except ValueError as error:
        raise OperatorError(f"{path}: {error}") from None


def _scenario(path: Path, file: ScenarioFile) -> Scenario:
    mover = Mover(
        zone=ZoneInfo(file.timezone),
        recorded_on=file.recorded_from.date(),
        played_on=file.played_on,
    )
    timeline = _timeline(path, file, mover)
    return Scenario(
        name=path.stem,
        title=file.title,
        story=file.story.strip(),
        start=mover.seconds(file.recorded_from),
        end=mover.seconds(file.recorded_to),
        timeline=timeline,
        sources=tuple(file.sources),
        series=tuple(_series(row, mover) for row in file.series),
        markets=tuple(_market(row) for row in file.markets),
        depth=tuple(
            DepthCourse(
                symbols=tuple(row.symbols),
                facts=tuple((mover.seconds(fact.at), Ppm(fact.ppm)) for fact in row.facts),
            )
            for row in file.depth
        ),
        events=events_of(file, mover),
        origins=tuple(_origin(row) for row in _sourced(file) if row.is_told),
    )


def _timeline(path: Path, file: ScenarioFile, mover: Mover) -> SessionTimeline:
    """Give the calendar's sessions; raises ValueError where it does not cover the days, or differs."""
    beside = path.parent / file.calendar
    calendar = load_calendar(
        beside if file.calendar.endswith(".toml") else CALENDARS_DIRECTORY / f"{file.calendar}.toml"
    )
    timeline = calendar.timeline
    for moment in (file.recorded_from, file.recorded_to):
        if timeline.session_at(mover.seconds(moment)) is Session.UNKNOWN:
            raise ValueError(
                f"the calendar {calendar.name} must cover {mover.day(moment.date())}, on which"
                f" {moment.date()} is played, but does not: choose another played_on or calendar"
            )
    for recorded in file.trading_days:
        played = mover.day(recorded)
        begin = midnight(played, calendar.zone)
        stop = midnight(played + timedelta(days=1), calendar.zone)
        sessions = {border.session for border in timeline.between(begin, stop)}
        if Session.REGULAR not in sessions:
            raise ValueError(
                f"trading_days names {recorded}, but {played}, on which it is played, has no regular"
                f" session in the calendar {calendar.name}: choose another played_on"
            )
    return timeline


def _series(row: SeriesRow, mover: Mover) -> Series:
    usual = 0.0 if row.noise is None else row.noise.bp_per_root_hour
    return Series(
        name=row.name,
        unit=row.unit,
        between=Between(row.between),
        facts=tuple(
            Fact(
                at=mover.seconds(fact.at),
                value=PriceE8(units(fact.value)),
                noise_bp=usual if fact.noise_bp is None else fact.noise_bp,
                first_touch=fact.first_touch,
            )
            for fact in row.facts
        ),
        bounds=tuple(
            Bound(
                start=mover.seconds(each.begins),
                stop=mover.seconds(each.ends),
                low=float(units(each.low)),
                high=float(units(each.high)),
            )
            for each in row.ranges
        ),
    )


def _market(row: MarketRow) -> ScenarioMarket:
    if row.reference_price_usd is None:
        if not (CONFIG_DIRECTORY / "markets" / f"{row.symbol.lower()}.toml").is_file():
            raise ValueError(
                f"market {row.symbol} has no file in config/markets, so it must have a"
                " `reference_price_usd`, found none: add one"
            )
        price = load_market(row.symbol).reference_price_e8
    else:
        price = units(row.reference_price_usd)
    return ScenarioMarket(
        symbol=row.symbol,
        follows=row.follows,
        beta=Ppm(row.beta_ppm),
        own_noise_bp=row.own_noise_bp,
        price=PriceE8(price),
        stands_in_for=row.stands_in_for,
    )


def _sourced(section: Section) -> Iterator[Sourced]:
    """Give every row of a file that says where it comes from."""
    if isinstance(section, Sourced):
        yield section
    for name in type(section).model_fields:
        held = getattr(section, name)
        for each in held if isinstance(held, tuple) else (held,):
            if isinstance(each, Section):
                yield from _sourced(each)


def _origin(row: Sourced) -> Origin:
    return Origin.ASSUMPTION if row.quality is None else Origin(row.quality)
