"""Builders for tests of the incentive schedule: levels, terms, timelines."""

from collections.abc import Mapping

from risk.incentive_terms import LiquidityTarget, ScheduledLevers, ScheduleTerms
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import PpbPerHour, Ppm, QuoteAtoms, Seconds

HOUR = 3_600
FIELDS = (
    "initial_margin",
    "funding_multiplier",
    "skew_slope",
    "maker_fee",
    "taker_fee",
    "open_interest_cap",
)


def make_levers(
    margin: int = 50_000,
    *,
    multiplier: int = 1_000_000,
    slope: int = 50_000,
    maker: int = -100,
    taker: int = 500,
    cap: int = 1_000_000,
) -> ScheduledLevers:
    return ScheduledLevers(
        initial_margin=Ppm(margin),
        funding_multiplier=Ppm(multiplier),
        skew_slope=PpbPerHour(slope),
        maker_fee=Ppm(maker),
        taker_fee=Ppm(taker),
        open_interest_cap=QuoteAtoms(cap),
    )


OVERNIGHT = make_levers(100_000, multiplier=800_000, slope=80_000, maker=-150, cap=700_000)
WEEKEND = make_levers(
    200_000, multiplier=500_000, slope=150_000, maker=-200, taker=600, cap=400_000
)
DOUBT = make_levers(200_000, multiplier=500_000, slope=150_000, maker=-100, taker=600, cap=400_000)
LEVELS = {
    Session.REGULAR: make_levers(),
    Session.PRE: make_levers(),
    Session.POST: make_levers(),
    Session.OVERNIGHT: OVERNIGHT,
    Session.WEEKEND: WEEKEND,
    Session.HOLIDAY: WEEKEND,
    Session.HALTED: DOUBT,
    Session.UNKNOWN: DOUBT,
}


def make_terms(
    levels: Mapping[Session, ScheduledLevers] | None = None,
    *,
    ramp_in: int = HOUR,
    ramp_back: int = HOUR // 2,
) -> ScheduleTerms:
    target = LiquidityTarget(depth=QuoteAtoms(10**12), spread=Ppm(200))
    return ScheduleTerms(
        levels=LEVELS if levels is None else levels,
        targets=dict.fromkeys(Session, target),
        ramp_in=Seconds(ramp_in),
        ramp_back=Seconds(ramp_back),
    )


def make_timeline(*borders: tuple[int, Session], end: int) -> SessionTimeline:
    return SessionTimeline(
        boundaries=tuple(Boundary(start=Seconds(at), session=session) for at, session in borders),
        end=Seconds(end),
    )


def steepest(terms: ScheduleTerms, field: str) -> int:
    """The most that a lever may move in one second, by what its ramps say, and 1 for rounding."""
    own: int = getattr(terms.weekday, field)
    ways: list[int] = [getattr(levels, field) - own for levels in terms.levels.values()]
    shortest = min(terms.ramp_in, terms.ramp_back)
    return -(-(max(0, *ways) - min(0, *ways)) // shortest) + 1
