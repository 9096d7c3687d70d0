"""The budget's week: from Monday's open to the next, with the off hours of the calendar."""

import pytest

from config.calendars import load_calendars
from monitors.incentives.weeks import OFF_HOURS, budget_week, week_starts
from risk.incentive_budget import OffHours
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import Seconds
from tests.monitors.incentives.stage import TIMELINE, at


def test_a_weekend_belongs_to_the_week_that_it_ends() -> None:
    week = budget_week(TIMELINE, at(21, 12))
    assert week is not None
    assert (week.start, week.end) == (at(16, 9, 30), at(23, 9, 30))
    # Four nights from 16:00 to 9:30, and the stretch from Friday's close to Monday's open.
    assert len(week.off_hours) == 5
    assert week.off_hours[-1] == OffHours(start=at(20, 16), end=at(23, 9, 30))
    assert week.length == (4 * 17.5 + 65.5) * 3_600


def test_a_week_begins_on_tuesday_after_a_monday_without_trading() -> None:
    # 7 September 2026 is Labor Day.
    before = [start for start in week_starts(TIMELINE) if start < at(1, 0) - 50 * 86_400][-1]
    week = budget_week(TIMELINE, before)
    assert week is not None
    assert week.start == before
    assert TIMELINE.session_at(before) is Session.REGULAR
    lengths = {
        later - earlier
        for earlier, later in zip(week_starts(TIMELINE), week_starts(TIMELINE)[1:], strict=False)
    }
    # Seven days, one more or less around such a Monday, an hour more or less when clocks change.
    assert {7 * 86_400, 8 * 86_400, 6 * 86_400} <= lengths
    assert all(6 * 86_400 - 3_600 <= each <= 8 * 86_400 + 3_600 for each in lengths)


@pytest.mark.parametrize("calendar", [each.name for each in load_calendars()])
def test_every_second_off_hours_counts_once(calendar: str) -> None:
    timeline = next(each.timeline for each in load_calendars() if each.name == calendar)
    for start in week_starts(timeline)[:-1]:
        week = budget_week(timeline, start)
        assert week is not None
        inside = timeline.between(week.start, week.end)
        ends = (*(each.start for each in inside[1:]), week.end)
        seconds = sum(
            end - each.start
            for each, end in zip(inside, ends, strict=True)
            if each.session in OFF_HOURS
        )
        assert week.length == seconds
        assert week.elapsed(week.end) == seconds


def test_outside_of_the_calendar_there_is_no_week() -> None:
    timeline = SessionTimeline(
        boundaries=(
            Boundary(start=Seconds(0), session=Session.WEEKEND),
            Boundary(start=Seconds(10), session=Session.REGULAR),
        ),
        end=Seconds(20),
    )
    assert budget_week(timeline, Seconds(5)) is None
    assert budget_week(timeline, Seconds(15)) is None
