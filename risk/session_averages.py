"""Liquidity averaged by time over each session: the one that runs, and the last one of each kind.

A sample counts from its time until the next one. Time without a book, and time between samples too
far apart, is *unknown*: it is told and enters no average, least of all as a depth of 0. Each figure
has its own observed time, since a one-sided book has a depth and no spread.
Depth rounds down and spreads round up, once, when asked. Times are the venue's clock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from risk.liquidity import BookLiquidity, Side
from risk.sessions import Session
from risk.units import Seconds, div_ceil, div_floor

MOST_GAP: Final = Seconds(15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """A figure averaged over the time for which it was known."""

    value: int | None
    """In the figure's own unit; None when it was never known."""
    observed: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SideAverage:
    """One side of the book over a session."""

    depth: tuple[Average, ...]
    """In quote atoms, within each of the rules' distances."""
    effective_spread: Average
    """In ppm. A time in which the side was too thin for the notional is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAverage:
    """What was seen of one session, from `start` up to `end`."""

    session: Session
    start: Seconds
    end: Seconds
    is_whole: bool
    """Whether its first moment was seen, and for a session that is over, its last."""
    observed: Seconds
    """For how long a book was known."""
    unknown: Seconds
    """For how long none was; with `observed` it is all the time from start to end."""
    bid: SideAverage
    ask: SideAverage
    quoted_spread: Average

    def side(self, side: Side) -> SideAverage:
        """Give one of the sides."""
        return self.bid if side is Side.BID else self.ask


class SessionAverages:
    """The averages of one market, fed in place; `distances`: how many depths a side has."""

    def __init__(self, *, distances: int, most_gap: Seconds = MOST_GAP) -> None:
        self._distances = distances
        self._most_gap = most_gap
        """Samples farther apart say nothing of the time between them."""
        self._open: _Open | None = None
        self._held: BookLiquidity | None = None
        self._completed: dict[Session, SessionAverage] = {}

    @property
    def current(self) -> SessionAverage | None:
        """Give the session that runs, up to the last sample; None before the first."""
        return None if self._open is None else self._open.average()

    @property
    def completed(self) -> dict[Session, SessionAverage]:
        """Give the last session of each kind that is over."""
        return dict(self._completed)

    def take(self, now: Seconds, session: Session, liquidity: BookLiquidity | None) -> None:
        """Feed a sample; None: no book. What comes no later than the last one only replaces it.

        Time up to a sample counts for the session of the one before, so a boundary is seen up to one
        sample late.
        """
        running = self._open
        if running is None:
            self._open = _Open(session, now, is_whole=False, distances=self._distances)
        elif now > running.end:
            is_seen = now - running.end <= self._most_gap
            running.add(Seconds(now - running.end), self._held if is_seen else None)
            if session is not running.session:
                running.is_whole &= is_seen
                self._completed[running.session] = running.average()
                self._open = _Open(session, now, is_whole=is_seen, distances=self._distances)
        self._held = liquidity


@dataclass(slots=True)
class _Sum:
    weighted: int = 0
    observed: int = 0

    def average(self, divided: Callable[[int, int], int]) -> Average:
        value = divided(self.weighted, self.observed) if self.observed else None
        return Average(value=value, observed=Seconds(self.observed))


@dataclass(slots=True)
class _Open:
    """The sums of a session: bid depths, ask depths, then the three spreads."""

    session: Session
    start: Seconds
    end: Seconds = field(init=False)
    is_whole: bool = field(kw_only=True)
    distances: int = field(kw_only=True)
    unknown: int = 0
    sums: list[_Sum] = field(init=False)

    def __post_init__(self) -> None:
        self.end = self.start
        self.sums = [_Sum() for _ in range(2 * self.distances + 3)]

    def add(self, elapsed: Seconds, held: BookLiquidity | None) -> None:
        self.end = Seconds(self.end + elapsed)
        if held is None:
            self.unknown += elapsed
            return
        for total, value in zip(self.sums, self._figures(held), strict=True):
            if value is not None:
                total.weighted += value * elapsed
                total.observed += elapsed

    def _figures(self, held: BookLiquidity) -> Iterator[int | None]:
        nothing = (None,) * self.distances
        for side in (held.bid, held.ask):
            yield from nothing if side.depth is None else side.depth
        yield held.quoted_spread
        yield held.bid.effective_spread
        yield held.ask.effective_spread

    def average(self) -> SessionAverage:
        distances = self.distances
        depths = [total.average(div_floor) for total in self.sums[: 2 * distances]]
        quoted, bid, ask = (total.average(div_ceil) for total in self.sums[2 * distances :])
        return SessionAverage(
            session=self.session,
            start=self.start,
            end=self.end,
            is_whole=self.is_whole,
            observed=Seconds(self.end - self.start - self.unknown),
            unknown=Seconds(self.unknown),
            bid=SideAverage(depth=tuple(depths[:distances]), effective_spread=bid),
            ask=SideAverage(depth=tuple(depths[distances:]), effective_spread=ask),
            quoted_spread=quoted,
        )
