"""An operator's own recorded prices as a scenario.

A CSV file: a first line `time` and then the symbol of each column, then a line for each time. A time is ISO 8601 with its
offset from UTC, whole seconds since 1970, or, where the caller names a time zone, local without an offset; times rise, in
whole seconds. A price is in USD, in decimals, and read exactly. An empty cell: nothing was recorded then. Between two
prices the logarithm moves in a straight line, or in a bridge of the volatility that the caller states. While outside
markets trade no gap may be longer than the caller allows; while they are closed nobody expects prices.
Nothing is moved to another day: what was recorded is played when it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.calendars import CALENDARS_DIRECTORY, load_calendar
from drills.scenario.recorded_file import Rows, read_rows
from drills.scenario.schema import LONGEST
from drills.scenario.series import Between, Fact, Series
from drills.scenario.values import Origin, Scenario, ScenarioMarket
from risk.sessions import Session, SessionTimeline
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds
from runtime.errors import OperatorError


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRules:
    """How a file is to be read."""

    timezone: str = ""
    """Of times without an offset; empty: they are refused."""
    calendar: str = "us_equities"
    """By the name of its file in config/calendars."""
    noise_bp: float = 0.0
    """Volatility between two prices, for the square root of an hour; 0: a straight line."""
    longest_gap: Seconds = Seconds(300)
    """While outside markets trade."""
    sources: tuple[str, ...] = ("first", "second", "third")


def recorded_scenario(path: Path, rules: RecordedRules | None = None) -> Scenario:
    """Read an operator's own prices; raises OperatorError with one sentence."""
    rules = RecordedRules() if rules is None else rules
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise OperatorError(
            f"expected a CSV file, found {path}: Parquet is not read, because the package pyarrow is not"
            " among those we install; export the table as CSV"
        )
    rows = read_rows(path, _zone(rules.timezone))
    timeline = _timeline(rules.calendar)
    start = Seconds(min(found[0][0] for found in rows.values()))
    end = Seconds(max(found[-1][0] for found in rows.values()))
    if end - start > LONGEST.total_seconds():
        raise OperatorError(
            f"expected {LONGEST.days} days at most in {path}, found more: cut the file into windows"
        )
    _check_sessions(path, rules, rows, timeline)
    return Scenario(
        name=path.stem,
        title=f"Recorded prices of {', '.join(rows)}",
        story=f"What {path.name} has recorded, on the days on which it was.",
        start=start,
        end=end,
        timeline=timeline,
        sources=rules.sources,
        series=tuple(_series(symbol, found, rules) for symbol, found in rows.items()),
        markets=tuple(
            ScenarioMarket(
                symbol=symbol,
                follows=symbol,
                beta=Ppm(PPM_SCALE),
                own_noise_bp=0.0,
                price=found[0][1],
                stands_in_for="",
            )
            for symbol, found in rows.items()
        ),
        depth=(),
        events=(),
        origins=tuple(Origin.PRIMARY for _ in rows),
    )


def _series(symbol: str, found: Iterable[tuple[Seconds, PriceE8]], rules: RecordedRules) -> Series:
    return Series(
        name=symbol,
        unit="USD",
        between=Between.BRIDGE if rules.noise_bp else Between.LINE,
        facts=tuple(Fact(at=at, value=value, noise_bp=rules.noise_bp) for at, value in found),
        bounds=(),
    )


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OperatorError(
            f'expected the name of a time zone such as "America/New_York", found {name!r}: correct it'
        ) from None


def _timeline(name: str) -> SessionTimeline:
    path = CALENDARS_DIRECTORY / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in CALENDARS_DIRECTORY.glob("*.toml")))
        raise OperatorError(f"expected a calendar among {known}, found {name!r}: choose one")
    return load_calendar(path).timeline


def _check_sessions(
    path: Path, rules: RecordedRules, rows: Rows, timeline: SessionTimeline
) -> None:
    for symbol, found in rows.items():
        for at in (found[0][0], found[-1][0]):
            if timeline.session_at(at) is Session.UNKNOWN:
                raise OperatorError(
                    f"expected times that the calendar {rules.calendar} covers in {path}, found {at}"
                    f" (seconds since 1970) for {symbol}: choose another calendar or other days"
                )
        for (before, _), (after, _) in pairwise(found):
            silent = _longest_open(timeline, before, after)
            if silent > rules.longest_gap:
                raise OperatorError(
                    f"expected no gap of more than {rules.longest_gap} s in {path} while outside markets"
                    f" trade, found {silent} s without a price of {symbol} after {before} (seconds since"
                    " 1970): fill it, or allow a longer gap"
                )


def _longest_open(timeline: SessionTimeline, before: Seconds, after: Seconds) -> int:
    """Give the longest stretch of outside trading between two times."""
    longest, begun = 0, before if timeline.session_at(before).has_external_price else None
    for border in timeline.between(Seconds(before + 1), after):
        if border.session.has_external_price:
            begun = border.start if begun is None else begun
        elif begun is not None:
            longest, begun = max(longest, border.start - begun), None
    return max(longest, after - begun) if begun is not None else longest
