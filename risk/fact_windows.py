"""Facts that need memory: how far something fell from its highest of late, or rose from its lowest.

A window keeps the highest and lowest value of each slice of time, a fixed number of slices, so its memory
is bounded however often it is fed. A slice is kept until its last second has left the span: a window
may remember up to one slice too long and never too short, since a doubt never hides a risk. Shares
round up for the same reason. An unknown value is not fed: the window only ages.
"""

from dataclasses import dataclass

from risk.units import PPM_SCALE, Ppm, QuoteAtoms, Seconds, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRules:
    """How long to remember, and how finely.

    Raises ValueError for a span that cannot be cut into so many whole seconds.
    """

    span: Seconds
    slices: int = 60
    """In so many slices the span is cut; a window holds at most one more."""

    def __post_init__(self) -> None:
        if not 1 <= self.slices <= self.span:
            raise ValueError(
                f"expected 1 <= slices <= span in seconds, found {self.slices} and {self.span}"
            )

    @property
    def slice(self) -> Seconds:
        """Length of a slice, rounded up so that they cover the span."""
        return Seconds(div_ceil(self.span, self.slices))


@dataclass(frozen=True, slots=True, kw_only=True)
class FactWindow:
    """How a fact that needs memory is measured."""

    rules: WindowRules
    least_base: QuoteAtoms
    """What is smaller is no base for a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The extremes of one slice of time."""

    number: int
    """Time divided by the length of a slice, rounded down."""
    highest: int
    lowest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is remembered, oldest first."""

    slices: tuple[Slice, ...] = ()


def with_value(window: Window, value: int, *, now: Seconds, rules: WindowRules) -> Window:
    """Feed a value seen at `now`; a clock that went back feeds the last slice."""
    number = div_floor(now, rules.slice)
    kept = _kept(window, now, rules)
    if kept and kept[-1].number >= number:
        last = kept[-1]
        merged = Slice(
            number=last.number, highest=max(last.highest, value), lowest=min(last.lowest, value)
        )
        return Window(slices=(*kept[:-1], merged))
    return Window(slices=(*kept, Slice(number=number, highest=value, lowest=value)))


def highest(window: Window, *, now: Seconds, rules: WindowRules) -> int | None:
    """Give the highest value of the span that ends at `now`; None without any."""
    return max((each.highest for each in _kept(window, now, rules)), default=None)


def lowest(window: Window, *, now: Seconds, rules: WindowRules) -> int | None:
    """Give the lowest value of the span that ends at `now`; None without any."""
    return min((each.lowest for each in _kept(window, now, rules)), default=None)


def fall(
    window: Window, value: int | None, *, now: Seconds, rules: WindowRules, least_base: int = 1
) -> Ppm | None:
    """Give how far a value is below the highest of late, in ppm of that highest, rounded up.

    For the depth of a book, and for the insurance fund. None when the value or what it is compared
    with is unknown; 0 when the highest is below `least_base`: what was never much cannot fall far.
    """
    peak = highest(window, now=now, rules=rules)
    if value is None or peak is None:
        return None
    if peak < max(least_base, 1):
        return Ppm(0)
    return Ppm(div_ceil(max(0, peak - value) * PPM_SCALE, peak))


def rise(
    window: Window, value: int | None, *, now: Seconds, rules: WindowRules, least_base: int = 1
) -> Ppm | None:
    """Give how far a value is above the lowest of late, in ppm of that lowest, rounded up.

    For open interest. The base is at least `least_base`, so that the first trades of a young market
    are no jump. None when the value or what it is compared with is unknown.
    """
    trough = lowest(window, now=now, rules=rules)
    if value is None or trough is None:
        return None
    return Ppm(div_ceil(max(0, value - trough) * PPM_SCALE, max(trough, least_base, 1)))


def _kept(window: Window, now: Seconds, rules: WindowRules) -> tuple[Slice, ...]:
    """Give the slices of which any second lies in the span; `now - span` itself is in it."""
    oldest = div_floor(now - rules.span, rules.slice)
    return tuple(each for each in window.slices if each.number >= oldest)
