"""The rules and facts of the market-wide breaker: levels, trading days, what is known of the index.

A trading day comes from the timeline of sessions, so a half day closes, and cuts off, when it does.
"""

import itertools
from dataclasses import dataclass

from risk.sessions import Session, SessionTimeline
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """One level: how far down, and for how long.

    Raises ValueError for a fall or a halt that is none.
    """

    fall: Ppm
    """Below the previous close; this much or more."""
    halt: Seconds | None
    """How long; None: to the end of the trading day, and however near the close is."""

    def __post_init__(self) -> None:
        if not 0 < self.fall < PPM_SCALE or (self.halt is not None and self.halt <= 0):
            raise ValueError(
                "expected a fall above 0 and below 10^6 ppm and a halt above 0 s, found"
                f" {self.fall} ppm and {self.halt} s"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWideRules:
    """The rules of one group of markets. Level 1 is the first of `levels`.

    Raises ValueError for levels that do not rise or that nothing can reach, a negative cut-off, or
    a warm-up of nothing.
    """

    index: str
    """Symbol of the market that is looked at."""
    levels: tuple[LevelRule, ...]
    cut_off: Seconds
    """A halt with a length does not begin in this last part of the session, its first second included."""
    warm_up: int
    """Fresh prices of the index that each step back takes."""

    def __post_init__(self) -> None:
        falls = [level.fall for level in self.levels]
        rising = all(lower < upper for lower, upper in itertools.pairwise(falls))
        if not falls or not rising:
            raise ValueError(f"expected levels that rise, found falls of {falls} ppm")
        if any(level.halt is None for level in self.levels[:-1]):
            raise ValueError(
                "expected only the last level to halt to the end of the day, found one before it"
            )
        if self.cut_off < 0 or self.warm_up < 1:
            raise ValueError(
                f"expected cut_off >= 0 and warm_up >= 1, found {self.cut_off} and {self.warm_up}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """When the regular session opens and closes, and when the trading day ends (after POST)."""

    opens: Seconds
    closes: Seconds
    ends: Seconds


def trading_day(timeline: SessionTimeline, now: Seconds) -> TradingDay | None:
    """Give the trading day of the regular session at `now`, None outside; half days as they are."""
    begin = timeline.last_boundary(now)
    close = timeline.next_boundary(now)
    if begin is None or close is None or begin.session is not Session.REGULAR:
        return None
    end = close
    while end.session is Session.POST:
        after = timeline.next_boundary(end.start)
        if after is None:
            break
        end = after
    return TradingDay(opens=begin.start, closes=close.start, ends=end.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWideFacts:
    """What is known of the index market; None: not known.

    Raises ValueError for a regular session without its day.
    """

    session: Session
    day: TradingDay | None
    """The calendar's, by `trading_day`."""
    index: PriceE8 | None
    index_time: Seconds | None
    """To which time the price belongs; a price counts once."""
    previous_close: PriceE8 | None
    """Of the last regular session before this one."""

    def __post_init__(self) -> None:
        if self.session is Session.REGULAR and self.day is None:
            raise ValueError("expected the trading day of a regular session, found none")

    @property
    def regular_day(self) -> TradingDay | None:
        """The trading day while its regular session is on; None at every other time."""
        return self.day if self.session is Session.REGULAR else None

    @property
    def fall(self) -> Ppm | None:
        """How far the index is below the previous close, rounded down; negative when above."""
        if self.index is None or self.index <= 0 or not self.previous_close:
            return None
        missing = self.previous_close - self.index
        return Ppm(div_floor(missing * PPM_SCALE, self.previous_close))
