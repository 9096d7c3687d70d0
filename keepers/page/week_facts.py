"""The week that is shown: seven days of UTC, yesterday first; laid out once a day."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from keepers.page.facts import Span, Week, WeekLine
from keepers.page.sources import Hours
from risk.incentive_schedule import next_ramp
from risk.sessions import SessionTimeline
from risk.units import Seconds

DAY: Final = 86_400
DAYS: Final = 7


class WeekPlan:
    """Lays the week out, and keeps it until the day or the markets change."""

    def __init__(self, hours: Mapping[str, Hours]) -> None:
        self._hours = hours
        self._known: tuple[tuple[Seconds, tuple[str, ...]], Week] | None = None

    def at(self, now: Seconds, symbols: Sequence[str]) -> Week:
        """Give the week around `now` for these markets."""
        start = Seconds(now - now % DAY - DAY)
        key = (start, tuple(symbols))
        if self._known is None or self._known[0] != key:
            self._known = (key, self._laid_out(start, symbols))
        return self._known[1]

    def _laid_out(self, start: Seconds, symbols: Sequence[str]) -> Week:
        stop = Seconds(start + DAYS * DAY)
        followers: dict[str, list[str]] = {}
        for symbol in symbols:
            if symbol in self._hours:
                followers.setdefault(self._hours[symbol].calendar, []).append(symbol)
        return Week(
            start=start,
            stop=stop,
            lines=[
                self._line(calendar, who, start, stop)
                for calendar, who in sorted(followers.items())
            ],
            shows_ramps=any(each.schedule is not None for each in self._hours.values()),
        )

    def _line(
        self, calendar: str, symbols: Sequence[str], start: Seconds, stop: Seconds
    ) -> WeekLine:
        every = [self._hours[symbol] for symbol in symbols]
        # Markets of one calendar ramp alike but for the lengths; each other one is laid out once.
        alike = {
            (each.schedule.ramp_in, each.schedule.ramp_back): each
            for each in every
            if each.schedule is not None
        }
        ramps = {ramp for each in alike.values() for ramp in _ramps(each, start, stop)}
        return WeekLine(
            calendar=calendar,
            symbols=symbols,
            spans=tuple(_spans(every[0].timeline, start, stop)),
            ramps=sorted(ramps),
        )


def _spans(timeline: SessionTimeline, start: Seconds, stop: Seconds) -> Iterator[Span]:
    inner = [each.start for each in timeline.between(start, stop) if each.start > start]
    for begin, end in pairwise([start, *inner, stop]):
        yield Span(start=begin, stop=end, session=timeline.session_at(begin))


def _ramps(hours: Hours, start: Seconds, stop: Seconds) -> Iterator[tuple[Seconds, Seconds]]:
    if hours.schedule is None:
        return
    ramp = next_ramp(hours.timeline, hours.schedule, start)
    while ramp is not None and ramp.start < stop:
        yield ramp.start, ramp.stop
        ramp = next_ramp(hours.timeline, hours.schedule, ramp.stop)
