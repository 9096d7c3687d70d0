"""The base funding rate of a market, from how far its mark stands above its index.

    premium  = (mark − index) / index
    P        = time-weighted mean premium of the last hour
    F8h      = P + clamp(r − P, −500 ppm, +500 ppm)
    per hour = F8h / 8, never farther from 0 than the cap; positive: longs pay shorts

Formula, r = 0.01 % per 8 h, the hour and the cap of 4 % an hour are Hyperliquid's (its documentation,
"Funding"); there the premium is sampled every 5 s, here each sample holds until the next. Premiums are
in ppb; every division truncates toward 0, so that no trader pays for a rounding.
The hour is kept in slices of a few minutes: its far end is exact to one slice.
"""

from dataclasses import dataclass, replace
from typing import Final

from risk.units import PpbPerHour, Ppm, PriceE8, Seconds, div_floor, div_trunc

PPB_SCALE: Final = 10**9
PPB_PER_PPM: Final = 1_000
HOURS: Final = 8
"""Rates are quoted for so many hours and paid by the hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRules:
    """How premium becomes a rate. Raises ValueError for rules that could not hold together."""

    interest: Ppm = Ppm(100)
    """r, for 8 hours."""
    clamp: Ppm = Ppm(500)
    cap: PpbPerHour = PpbPerHour(40_000_000)
    """4 % an hour."""
    window: Seconds = Seconds(3_600)
    slice_length: Seconds = Seconds(300)
    longest_hold: Seconds = Seconds(300)
    """A sample says nothing of later times than this."""
    least_observed: Seconds = Seconds(300)
    """With less of the window seen, nothing is known."""

    def __post_init__(self) -> None:
        if self.clamp < 0 or self.cap < 0:
            raise ValueError(
                f"expected a clamp and a cap of at least 0, found {self.clamp} and {self.cap}"
            )
        if self.slice_length < 1 or self.window < self.slice_length or self.longest_hold < 1:
            raise ValueError(
                "expected slices and holds of at least 1 s and a window of a slice or more, found"
                f" {self.slice_length}, {self.longest_hold} and {self.window}"
            )
        if not 0 < self.least_observed <= self.window - self.slice_length:
            raise ValueError(
                "expected to need from 1 s to all but one slice of the window, found"
                f" {self.least_observed}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumSlice:
    """What was seen in one slice of time."""

    start: Seconds
    """A multiple of the slice's length."""
    seconds: int
    """In which a premium held."""
    weighted: int
    """Sum of premium · seconds, in ppb · s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumState:
    """The premium of the last hour, oldest slice first, and the sample that holds now."""

    slices: tuple[PremiumSlice, ...] = ()
    premium: int | None = None
    """In ppb; None: none holds."""
    seen_at: Seconds = Seconds(0)


def premium_of(mark: PriceE8, index: PriceE8) -> int:
    """Give the premium of a mark over an index, in ppb; raises ValueError without an index."""
    if index <= 0:
        raise ValueError(f"expected an index above 0, found {index}")
    return div_trunc((mark - index) * PPB_SCALE, index)


def observe(
    state: PremiumState, premium: int | None, now: Seconds, rules: FundingRules
) -> PremiumState:
    """Let the last sample hold until now, then this one; None when there is none to be trusted.

    A `now` before the last one (a reorganised chain) counts as no time at all.
    """
    now = max(now, state.seen_at)
    slices = list(state.slices)
    if state.premium is not None:
        held_until = min(now, state.seen_at + rules.longest_hold)
        _spread(slices, state.premium, state.seen_at, held_until, rules.slice_length)
    kept = tuple(each for each in slices if each.start > now - rules.window)
    return PremiumState(slices=kept, premium=premium, seen_at=now)


def mean_premium(state: PremiumState, rules: FundingRules) -> int | None:
    """Give the time-weighted mean premium of the window, in ppb; None where too little was seen."""
    seconds = sum(each.seconds for each in state.slices)
    if seconds < rules.least_observed:
        return None
    return div_trunc(sum(each.weighted for each in state.slices), seconds)


def base_rate(premium: int, rules: FundingRules) -> PpbPerHour:
    """Give the rate per hour for a mean premium in ppb."""
    clamp = rules.clamp * PPB_PER_PPM
    pull = min(clamp, max(-clamp, rules.interest * PPB_PER_PPM - premium))
    rate = div_trunc(premium + pull, HOURS)
    return PpbPerHour(min(rules.cap, max(-rules.cap, rate)))


def _spread(
    slices: list[PremiumSlice], premium: int, start: int, stop: int, length: Seconds
) -> None:
    """Add a premium that held from `start` to `stop` to the slices that this time touches."""
    while start < stop:
        begin = Seconds(div_floor(start, length) * length)
        seconds = min(stop, begin + length) - start
        if slices and slices[-1].start == begin:
            last = slices[-1]
            slices[-1] = replace(
                last,
                seconds=last.seconds + seconds,
                weighted=last.weighted + premium * seconds,
            )
        else:
            slices.append(PremiumSlice(start=begin, seconds=seconds, weighted=premium * seconds))
        start += seconds
