"""Where an axis has its ticks and what they say: round numbers of a unit, round times of a wall clock."""

import math
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from risk.units import Seconds

STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
TIME_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
)
SAME: Final = 1e-12
"""A range that is this small a part of its values is none: no axis could tell its ends apart."""
HOUR: Final = 3_600
DAY: Final = 86_400
SHORT: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def scale(low: float, high: float, count: int = 4) -> tuple[float, float, list[float]]:
    """Give a range that holds `low` and `high` and begins and ends at ticks, and the ticks."""
    size = max(abs(low), abs(high))
    if high - low <= max(size, SAME) * SAME:
        room = size * 0.01 if size > SAME else 1.0
        low, high = low - (room if low else 0.0), high + room
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in STEPS if each * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, last * step, [place * step for place in range(first, last + 1)]


def tick_text(value: float, step: float) -> str:
    """Write a tick: 1.2M, 150, 0.25; with as many decimals as its step needs."""
    for size, name in SHORT:
        if abs(value) >= size and step >= size / 1_000:
            return _plain(value / size, step / size) + name
    return _plain(value, step)


def _plain(value: float, step: float) -> str:
    places = 0
    while places < 6 and abs(step * 10**places - round(step * 10**places)) > 1e-6:
        places += 1
    return f"{value:,.{places}f}".replace("-", "−")


def time_ticks(
    start: Seconds, stop: Seconds, zone: str, most: int
) -> list[tuple[Seconds, str, str]]:
    """Give at most about `most` round times, each with its time of day and, where the day is new, the day."""
    step = next((each for each in TIME_STEPS if (stop - start) / each <= most), TIME_STEPS[-1])
    place = ZoneInfo(zone)
    # The wall clock may change by an hour on the way: look at every hour and keep the round ones.
    look = min(step, HOUR)
    found: list[tuple[Seconds, str, str]] = []
    last_day = ""
    for at in range(start + (-start) % look, stop + 1, look):
        local = datetime.fromtimestamp(at, place)
        if not _is_round(local, step):
            continue
        day = f"{local:%a} {local.day} {local:%b}"
        seconds = f":{local:%S}" if step < 60 else ""
        found.append((Seconds(at), f"{local:%H:%M}{seconds}", day if day != last_day else ""))
        last_day = day
    return found


def _is_round(local: datetime, step: int) -> bool:
    if step > DAY:
        return local.hour == local.minute == 0 and local.toordinal() % (step // DAY) == 0
    midnight = local.replace(hour=0, minute=0, second=0, tzinfo=None)
    return (local.replace(tzinfo=None) - midnight) % timedelta(seconds=step) == timedelta(0)
