"""What the underlying's market does, and when: a timeline of sessions on the venue's clock.

A timeline is data, compiled from dated schedule files. What it does not cover is UNKNOWN, and an
unknown session is treated as restricted, never as open.
"""

import itertools
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.units import Seconds


class Session(StrEnum):
    """What the market of the underlying does."""

    REGULAR = "regular"
    PRE = "pre"
    POST = "post"
    OVERNIGHT = "overnight"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    HALTED = "halted"
    UNKNOWN = "unknown"

    @property
    def has_external_price(self) -> bool:
        """Say whether outside markets trade the underlying now, so that their price leads."""
        return self in EXTERNAL_SESSIONS


EXTERNAL_SESSIONS = frozenset({Session.REGULAR, Session.PRE, Session.POST, Session.OVERNIGHT})

STRICTNESS: Final = (
    Session.REGULAR,
    Session.POST,
    Session.PRE,
    Session.OVERNIGHT,
    Session.WEEKEND,
    Session.HOLIDAY,
    Session.HALTED,
    Session.UNKNOWN,
)
"""From the session in which most is allowed to the one in which least is."""


def stricter(one: Session, other: Session) -> Session:
    """Give the more restricted of two answers to the same question."""
    return max(one, other, key=STRICTNESS.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """From this second on the session is this."""

    start: Seconds
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimeline:
    """The sessions of one market from the first boundary up to `end`, which is not covered.

    Raises ValueError unless boundaries strictly rise, each changes the session, and the last is
    before `end`.
    """

    boundaries: tuple[Boundary, ...]
    end: Seconds

    def __post_init__(self) -> None:
        if not self.boundaries or self.boundaries[-1].start >= self.end:
            raise ValueError("expected a boundary before the end of the timeline, found none")
        for before, after in itertools.pairwise(self.boundaries):
            if after.start <= before.start or after.session is before.session:
                raise ValueError(
                    f"expected boundaries that rise and change the session, found"
                    f" {before.session} at {before.start}, then {after.session} at {after.start}"
                )

    def session_at(self, now: Seconds) -> Session:
        """Give the session at `now`; UNKNOWN where the timeline says nothing."""
        place = self._place(now)
        if place < 0 or now >= self.end:
            return Session.UNKNOWN
        return self.boundaries[place].session

    def next_boundary(self, now: Seconds) -> Boundary | None:
        """Give the first boundary after `now`; the end of the timeline is one to UNKNOWN."""
        place = self._place(now) + 1
        if place < len(self.boundaries):
            return self.boundaries[place]
        return Boundary(start=self.end, session=Session.UNKNOWN) if now < self.end else None

    def last_boundary(self, now: Seconds) -> Boundary | None:
        """Give the boundary at which the session of `now` began; None before the first."""
        if now >= self.end:
            return Boundary(start=self.end, session=Session.UNKNOWN)
        place = self._place(now)
        return self.boundaries[place] if place >= 0 else None

    def between(self, start: Seconds, stop: Seconds) -> tuple[Boundary, ...]:
        """Give the boundaries from `start` on and before `stop`, the end of the timeline too."""
        every = (*self.boundaries, Boundary(start=self.end, session=Session.UNKNOWN))
        return tuple(each for each in every if start <= each.start < stop)

    def _place(self, now: Seconds) -> int:
        return bisect_right(self.boundaries, now, key=lambda each: each.start) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two timelines that say different things from `start` up to `stop`."""

    start: Seconds
    stop: Seconds
    one: Session
    other: Session


def disagreements(
    one: SessionTimeline, other: SessionTimeline, start: Seconds, stop: Seconds
) -> tuple[Disagreement, ...]:
    """Give where two timelines differ between two times; the stricter answer is the one to keep."""
    cuts = {start, stop}
    for timeline in (one, other):
        cuts |= {each.start for each in timeline.between(start, stop)}
    ordered = sorted(cuts)
    return tuple(
        Disagreement(
            start=begin, stop=end, one=one.session_at(begin), other=other.session_at(begin)
        )
        for begin, end in itertools.pairwise(ordered)
        if one.session_at(begin) is not other.session_at(begin)
    )
