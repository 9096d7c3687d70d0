"""The weekend that drills replay: Friday 15:00 to Monday 10:10 in New York, on the chain's clock.

The clock runs at a pace of its own in each leg: slowly where something happens (the close, the news on
Sunday, the reopening, a shock on Monday), thousands of times faster than ours where nothing does. The whole takes about a
minute. A pace is venue seconds per second of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from risk.units import Seconds

ZONE: Final = ZoneInfo("America/New_York")


def _at(day: int, hour: int, minute: int = 0) -> Seconds:
    """Give a moment of the weekend of 20 November 2026, New York time."""
    return Seconds(int(datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp()))


SETUP: Final = _at(20, 14, 50)
"""Where the chain starts: the time in which accounts are opened."""
BEGIN: Final = _at(20, 15)
CLOSE: Final = _at(20, 20)
"""Of the post-market session, the last of the week."""
NEWS: Final = _at(22, 14)
"""Sunday afternoon: only the venue's own book is there to hear it."""
REOPEN: Final = _at(22, 20)
"""The overnight session of Monday begins."""
MORNING: Final = _at(23, 9, 30)
SHOCK: Final = _at(23, 9, 44)
"""A sudden fall in the regular session, when outside markets hear it too."""
END: Final = _at(23, 10, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A stretch of the weekend at one pace."""

    until: Seconds
    pace: float
    name: str
    leash: int | None = None
    """How far the clock may run ahead of the newest transaction, in its seconds; None: as far as it likes."""


LEGS: Final = (
    Leg(until=_at(20, 19, 58), pace=3_000, name="Friday afternoon"),
    Leg(until=_at(20, 20, 2), pace=60, name="the last session closes"),
    Leg(until=_at(22, 13, 55), pace=9_000, name="nobody trades but here"),
    Leg(until=_at(22, 17), pace=750, name="news on Sunday"),
    Leg(until=_at(22, 19, 58), pace=4_000, name="Sunday evening"),
    Leg(until=_at(22, 20, 5), pace=60, name="outside markets reopen"),
    Leg(until=_at(23, 9, 28), pace=7_000, name="the night"),
    Leg(until=_at(23, 9, 34), pace=90, name="the opening bell"),
    Leg(until=Seconds(SHOCK - 15), pace=500, name="Monday morning"),
    # Slow enough that the mark, which the venue moves by half a percent an update, falls in a minute.
    Leg(until=Seconds(SHOCK + 120), pace=20, name="a shock"),
    Leg(until=_at(23, 9, 55), pace=120, name="a pause"),
    Leg(until=END, pace=500, name="Monday morning"),
)


def paced(legs: Sequence[Leg], factor: float) -> tuple[Leg, ...]:
    """Make every leg last `factor` times as long."""
    return tuple(replace(leg, pace=leg.pace / factor) for leg in legs)


def leg_at(moment: Seconds, legs: Sequence[Leg] = LEGS) -> Leg:
    """Give the leg of a moment; the last one after the end."""
    return next((leg for leg in legs if moment < leg.until), legs[-1])


def local_text(moment: Seconds) -> str:
    """Write a moment as people on the venue's clock would: `Sun 14:05`."""
    return f"{datetime.fromtimestamp(moment, tz=UTC).astimezone(ZONE):%a %H:%M}"
