"""The budget's week, from a market's own calendar: from Monday's open to the next.

A week begins with the first regular session after a weekend, so that what is given out over a weekend
comes from the week that it ends. Off hours are all sessions in which the schedule may pay more
than on a weekday; a pause or an unknown session is none: nothing is added there.
"""

from itertools import pairwise
from typing import Final

from risk.incentive_budget import BudgetWeek, OffHours
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import Seconds

OFF_HOURS: Final = frozenset(
    {Session.PRE, Session.POST, Session.OVERNIGHT, Session.WEEKEND, Session.HOLIDAY}
)


def budget_week(timeline: SessionTimeline, now: Seconds) -> BudgetWeek | None:
    """Give the week of `now`; None where the timeline does not cover all of it."""
    starts = week_starts(timeline)
    before = [start for start in starts if start <= now]
    after = [start for start in starts if start > now]
    if not before or not after:
        return None
    start, end = before[-1], after[0]
    return BudgetWeek(start=start, end=end, off_hours=_off_hours(timeline, start, end))


def week_starts(timeline: SessionTimeline) -> tuple[Seconds, ...]:
    """Give when each week begins, in order."""
    starts: list[Seconds] = []
    has_weekend = False
    for border in timeline.boundaries:
        if border.session is Session.WEEKEND:
            has_weekend = True
        elif border.session is Session.REGULAR and has_weekend:
            starts.append(border.start)
            has_weekend = False
    return tuple(starts)


def _off_hours(timeline: SessionTimeline, start: Seconds, end: Seconds) -> tuple[OffHours, ...]:
    stretches: list[OffHours] = []
    borders = (*timeline.between(start, end), Boundary(start=end, session=Session.UNKNOWN))
    for border, following in pairwise(borders):
        if border.session not in OFF_HOURS:
            continue
        if stretches and stretches[-1].end == border.start:
            begin = stretches.pop().start
        else:
            begin = border.start
        stretches.append(OffHours(start=begin, end=following.start))
    return tuple(stretches)
