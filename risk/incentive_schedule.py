"""The levers that the schedule wants at a moment: continuous in time, in exact integers.

Each stretch of a session pulls every lever away from the weekday's level: by nothing until `ramp_in`
before it begins, then linearly more, in full from its first second to its last, then linearly less
during `ramp_back`. Where pulls overlap, the one farthest from the weekday's level wins, lever by
lever; a pull up and a pull down add up. A maximum of continuous functions is continuous and never
steeper than the steepest of them, so no border, short day or chain of sessions can make a jump, and
margin and cap are always at least as strict as the session itself asks for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from risk.incentive_terms import LiquidityTarget, ScheduledLevers, ScheduleTerms
from risk.sessions import Boundary, Session, SessionTimeline, stricter
from risk.units import PpbPerHour, Ppm, QuoteAtoms, Seconds, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """A move of the levers from one session's levels to another's, for display.

    It may begin later than `start` where the earlier session is already part of the way there.
    """

    start: Seconds
    stop: Seconds
    from_session: Session
    to_session: Session
    levers: ScheduledLevers
    """Where it leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pull:
    levels: ScheduledLevers
    weight: int
    """Out of `full`."""
    full: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    session: Session
    start: Seconds | None
    """None: since ever."""
    stop: Seconds | None
    """None: for ever. Not covered itself."""


def scheduled(timeline: SessionTimeline, terms: ScheduleTerms, now: Seconds) -> ScheduledLevers:
    """Give the level of every lever at `now`.

    Rounded to the strict side: margin, fees and skew slope up, cap and funding multiplier down.
    """
    pulls = tuple(_pulls(timeline, terms, now))
    base = terms.weekday

    def blended(read: Callable[[ScheduledLevers], int], divide: Callable[[int, int], int]) -> int:
        own = read(base)
        offsets = [divide((read(pull.levels) - own) * pull.weight, pull.full) for pull in pulls]
        return own + max(0, *offsets, 0) + min(0, *offsets, 0)

    return ScheduledLevers(
        initial_margin=Ppm(blended(lambda levels: levels.initial_margin, div_ceil)),
        funding_multiplier=Ppm(blended(lambda levels: levels.funding_multiplier, div_floor)),
        skew_slope=PpbPerHour(blended(lambda levels: levels.skew_slope, div_ceil)),
        maker_fee=Ppm(blended(lambda levels: levels.maker_fee, div_ceil)),
        taker_fee=Ppm(blended(lambda levels: levels.taker_fee, div_ceil)),
        open_interest_cap=QuoteAtoms(blended(lambda levels: levels.open_interest_cap, div_floor)),
    )


def target_at(timeline: SessionTimeline, terms: ScheduleTerms, now: Seconds) -> LiquidityTarget:
    """Give the order book that is wanted at `now`; a target knows no ramp."""
    return terms.targets[timeline.session_at(now)]


def next_ramp(timeline: SessionTimeline, terms: ScheduleTerms, now: Seconds) -> Ramp | None:
    """Give the ramp that is under way or comes next; None when nothing will ever move again.

    Into a stricter session it ends when the session begins; back from one it starts then.
    """
    before = timeline.session_at(Seconds(now - terms.ramp_back - 1))
    for border in _borders(timeline, Seconds(now - terms.ramp_back)):
        ramp = _ramp_at(border, before, terms)
        if ramp is not None and ramp.stop > now:
            return ramp
        before = border.session
    return None


def _borders(timeline: SessionTimeline, since: Seconds) -> Iterator[Boundary]:
    border = timeline.next_boundary(Seconds(since - 1))
    while border is not None:
        yield border
        border = timeline.next_boundary(border.start)


def _ramp_at(border: Boundary, before: Session, terms: ScheduleTerms) -> Ramp | None:
    after = border.session
    if terms.levels[before] == terms.levels[after]:
        return None
    tightens = stricter(before, after) is after
    return Ramp(
        start=Seconds(border.start - terms.ramp_in) if tightens else border.start,
        stop=border.start if tightens else Seconds(border.start + terms.ramp_back),
        from_session=before,
        to_session=after,
        levers=terms.levels[after],
    )


def _pulls(timeline: SessionTimeline, terms: ScheduleTerms, now: Seconds) -> Iterable[_Pull]:
    for stretch in _stretches(timeline, terms, now):
        levels = terms.levels[stretch.session]
        if stretch.start is not None and now < stretch.start:
            weight = now - (stretch.start - terms.ramp_in)
            yield _Pull(levels=levels, weight=weight, full=terms.ramp_in)
        elif stretch.stop is not None and now >= stretch.stop:
            weight = stretch.stop + terms.ramp_back - now
            yield _Pull(levels=levels, weight=weight, full=terms.ramp_back)
        else:
            yield _Pull(levels=levels, weight=1, full=1)


def _stretches(timeline: SessionTimeline, terms: ScheduleTerms, now: Seconds) -> Iterator[_Stretch]:
    """Give the stretches whose ramps reach `now`, in order."""
    first, last = Seconds(now - terms.ramp_back), Seconds(now + terms.ramp_in)
    begun = timeline.last_boundary(first)
    session, start = timeline.session_at(first), None if begun is None else begun.start
    for border in _borders(timeline, Seconds(first + 1)):
        if border.start > last:
            break
        yield _Stretch(session=session, start=start, stop=border.start)
        session, start = border.session, border.start
    yield _Stretch(session=session, start=start, stop=None)
