"""The gaps of a series: from each close to the next open, and how accounts came to that close.

A night is a close and an open on the next calendar day; a weekend a Friday and its Monday; a holiday any
other closure of up to a week. A longer hole is missing data. The gap is signed and a share of the close:
a fall hits the longs, a rise the shorts, so its size is the loss of whoever is on the wrong side.
For each gap also where an account of 1 to `OLDEST` sessions entered (at that session's open), and the
lowest and highest price since, all as shares of the close. Shares are floats; prices were integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drills.advice.series import Day
from drills.advice.sources import Series

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

OLDEST: Final = 5
"""Sessions for which an account may have been open: a week of trade."""
LONGEST_CLOSURE_DAYS: Final = 7
"""11 to 16 September 2001, with both ends seven days apart: the longest closure in living memory."""
_FRIDAY: Final = 4
_A_WEEKEND: Final = 3


class Kind(StrEnum):
    """What lay between the close and the open."""

    NIGHT = "night"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Gaps of one or more series, one row each, in no order that matters."""

    move: Floats
    """From close to open, signed, as a share of the close."""
    is_closure: Flags
    """Weekend or holiday; else a night."""
    kind: tuple[Kind, ...]
    day: Ints
    """Ordinal of the day of the open."""
    year: Ints
    name: tuple[str, ...]
    entry: Floats
    """Price at which an account of each age entered, in closes; a column each, not a number where unknown."""
    lowest: Floats
    """Lowest price since then."""
    highest: Floats
    """Highest price since then."""
    excursion: Floats
    """Farthest that the session before the gap went from its open, as a share of the open."""
    series_years: float
    """Years of trade of all series together; the yearly figures are of one market."""

    def __len__(self) -> int:
        return len(self.move)

    @property
    def loss(self) -> Floats:
        """Give what the wrong side of each gap loses, as a share of the close."""
        size: Floats = np.abs(self.move)
        return size

    def chosen(self, keep: Flags) -> "Gaps":
        """Give some of the gaps; the years of trade shrink in proportion."""
        return self.rows(np.flatnonzero(keep))

    def rows(self, numbers: Ints) -> "Gaps":
        """Give rows by number, a row that is named twice twice."""
        return Gaps(
            move=self.move[numbers],
            is_closure=self.is_closure[numbers],
            kind=tuple(self.kind[number] for number in numbers.tolist()),
            day=self.day[numbers],
            year=self.year[numbers],
            name=tuple(self.name[number] for number in numbers.tolist()),
            entry=self.entry[numbers],
            lowest=self.lowest[numbers],
            highest=self.highest[numbers],
            excursion=self.excursion[numbers],
            series_years=self.series_years * len(numbers) / max(1, len(self)),
        )


def kind_of(before: Day, after: Day) -> Kind | None:
    """Name a closure; None for a hole in the data."""
    nights = (after.date - before.date).days
    if nights == 1:
        return Kind.NIGHT
    if nights == _A_WEEKEND and before.date.weekday() == _FRIDAY:
        return Kind.WEEKEND
    return Kind.HOLIDAY if nights <= LONGEST_CLOSURE_DAYS else None


def gaps_of(series: Series) -> Gaps:
    """Find the gaps of a series, those of left-out years excepted.

    A series of closes alone knows no opens: its gap runs to the next close, a day of trade too far. On a
    weekday there would be more day than night in it, so of such a series only closures are gaps.
    """
    days = series.days
    opens, highs, lows, closes = (
        np.array([getattr(day, key) for day in days], dtype=np.float64)
        for key in ("open", "high", "low", "close")
    )
    kinds = [kind_of(days[at], days[at + 1]) for at in range(len(days) - 1)]
    played = [
        at
        for at, kind in enumerate(kinds)
        if kind is not None and days[at + 1].date.year not in series.left_out
    ]
    counted = [at for at in played if not series.closes_only or kinds[at] is not Kind.NIGHT]
    rows = np.array(counted, dtype=np.int64)
    after = closes if series.closes_only else opens
    entry, lowest, highest = _histories(opens, highs, lows, kinds)
    close = closes[rows]
    return Gaps(
        move=after[rows + 1] / close - 1.0,
        is_closure=np.array([kinds[at] is not Kind.NIGHT for at in counted], dtype=np.bool_),
        kind=tuple(kind for at in counted if (kind := kinds[at]) is not None),
        day=np.array([days[at + 1].date.toordinal() for at in counted], dtype=np.int64),
        year=np.array([days[at + 1].date.year for at in counted], dtype=np.int64),
        name=(series.name,) * len(counted),
        entry=entry[rows] / close[:, None],
        lowest=lowest[rows] / close[:, None],
        highest=highest[rows] / close[:, None],
        excursion=np.maximum(highs[rows] / opens[rows] - 1.0, 1.0 - lows[rows] / opens[rows]),
        series_years=len(played) / _SESSIONS_PER_YEAR,
    )


_SESSIONS_PER_YEAR: Final = 252.0


def pooled(parts: Sequence[Gaps]) -> Gaps:
    """Put the gaps of several series together."""
    return Gaps(
        move=np.concatenate([part.move for part in parts]),
        is_closure=np.concatenate([part.is_closure for part in parts]),
        kind=tuple(kind for part in parts for kind in part.kind),
        day=np.concatenate([part.day for part in parts]),
        year=np.concatenate([part.year for part in parts]),
        name=tuple(name for part in parts for name in part.name),
        entry=np.concatenate([part.entry for part in parts]),
        lowest=np.concatenate([part.lowest for part in parts]),
        highest=np.concatenate([part.highest for part in parts]),
        excursion=np.concatenate([part.excursion for part in parts]),
        series_years=sum(part.series_years for part in parts),
    )


def _histories(
    opens: Floats, highs: Floats, lows: Floats, kinds: Sequence[Kind | None]
) -> tuple[Floats, Floats, Floats]:
    """Give entry, lowest and highest for each close and age; a hole in the data breaks a history."""
    shape = (len(opens), OLDEST)
    entry, lowest, highest = (np.full(shape, np.nan) for _ in range(3))
    entry[:, 0], lowest[:, 0], highest[:, 0] = opens, lows, highs
    unbroken = np.array([kind is not None for kind in kinds], dtype=np.bool_)
    for age in range(1, OLDEST):
        # An account of age + 1 sessions entered where the one of age sessions did a day before.
        entry[1:, age] = np.where(unbroken, entry[:-1, age - 1], np.nan)
        lowest[1:, age] = np.minimum(lowest[:-1, age - 1], lows[1:])
        highest[1:, age] = np.maximum(highest[:-1, age - 1], highs[1:])
    return entry, lowest, highest
