"""The breaker on how far a price moved within a rolling window: 3.5 % in 60 minutes.

    variant = previous close · move, rounded down to a tick
    limits  = [highest of the window − variant, lowest of the window + variant]

after CME's dynamic circuit breaker. A price at or beyond a limit trips it; the look-back starts anew
when trading resumes. Highest and lowest are kept as two sorted queues with at most one entry a
second, so that the memory is bounded by the window and a quiet market keeps next to nothing.
"""

from dataclasses import dataclass

from risk.band_rules import DynamicRules
from risk.units import PPM_SCALE, PriceE8, Seconds, div_floor

Entry = tuple[Seconds, PriceE8]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerWindow:
    """What the window's extremes can still be, oldest and most extreme first."""

    lows: tuple[Entry, ...] = ()
    highs: tuple[Entry, ...] = ()


EMPTY = BreakerWindow()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimits:
    """A price at or beyond one of these trips the breaker."""

    low: int
    """May be 0 or less: then nothing trips it downward."""
    high: PriceE8

    def is_tripped_by(self, price: PriceE8) -> bool:
        """Say whether a price is at or beyond a limit."""
        return price <= self.low or price >= self.high


def with_price(
    window: BreakerWindow, price: PriceE8, *, now: Seconds, rules: DynamicRules
) -> BreakerWindow:
    """Add a price seen at `now` and forget those whose age has reached the window's length.

    Raises ValueError for a price before the last one.
    """
    if window.lows and now < window.lows[-1][0]:
        raise ValueError(
            f"expected a price at {window.lows[-1][0]} or later, found one at {now}: time has one"
            " direction"
        )
    since = Seconds(now - rules.window)
    return BreakerWindow(
        lows=_queue(window.lows, price, now, since, sign=1),
        highs=_queue(window.highs, price, now, since, sign=-1),
    )


def limits(
    window: BreakerWindow, previous_close: PriceE8, *, now: Seconds, rules: DynamicRules
) -> BreakerLimits | None:
    """Give the limits that the window sets at `now`; None while there is no price in it."""
    since = now - rules.window
    low = next((price for second, price in window.lows if second > since), None)
    high = next((price for second, price in window.highs if second > since), None)
    if low is None or high is None:
        return None
    size = variant(previous_close, rules)
    return BreakerLimits(low=high - size, high=PriceE8(low + size))


def variant(previous_close: PriceE8, rules: DynamicRules) -> PriceE8:
    """Give the largest move, rounded down to a tick but never below one."""
    move = div_floor(previous_close * rules.move, PPM_SCALE)
    return PriceE8(max(div_floor(move, rules.tick), 1) * rules.tick)


def pause_length(seconds_to_close: Seconds | None, rules: DynamicRules) -> Seconds:
    """Give how long a trip pauses trading: shorter in the last minutes of a session."""
    is_late = seconds_to_close is not None and seconds_to_close <= rules.late_window
    return rules.late_pause if is_late else rules.pause


def _queue(
    entries: tuple[Entry, ...], price: PriceE8, now: Seconds, since: Seconds, *, sign: int
) -> tuple[Entry, ...]:
    """Keep what may yet be the extreme: an older price that is no more extreme never can."""
    first, end = 0, len(entries)
    while end and (entries[end - 1][1] - price) * sign >= 0:
        end -= 1
    while first < end and entries[first][0] <= since:
        first += 1
    if first < end and entries[end - 1][0] == now:
        # Something more extreme was seen in this very second, and will leave no sooner.
        return entries[first:end]
    return (*entries[first:end], (now, price))
