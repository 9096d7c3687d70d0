"""Event days: a known piece of news tightens leverage and cap ahead of it and relaxes them after.

An event multiplies what the schedule asks for. Its factors begin to move `ramp_in` before it, are in
full force from its start until `hold` after its stop, and are gone `ramp_back` later. Of several
events at once the strictest factor holds for each lever: two pieces of news on one day are not twice
as dangerous. Nothing goes beyond the owner's limits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from risk.guard_rails import Limits, Parameter
from risk.incentive_terms import ScheduledLevers
from risk.units import PPM_SCALE, Ppm, QuoteAtoms, Seconds, div_ceil, div_floor


class EventKind(StrEnum):
    """What the news is about."""

    FOMC = "fomc"
    CPI = "cpi"
    PCE = "pce"
    EARNINGS = "earnings"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTerms:
    """What events of one kind do.

    Raises ValueError for a factor that is no part of the whole, or a ramp that does not last.
    """

    leverage: Ppm
    """Part of the leverage that is left; 500_000 doubles the initial margin."""
    cap: Ppm
    """Part of the open-interest cap that is left."""
    ramp_in: Seconds
    ramp_back: Seconds
    hold: Seconds
    """So long after the event the factors stay in full force."""
    asset_classes: frozenset[str]
    """Touched by events that name no symbol."""

    def __post_init__(self) -> None:
        if not (0 < self.leverage <= PPM_SCALE and 0 < self.cap <= PPM_SCALE):
            raise ValueError(
                f"expected factors above 0 and up to {PPM_SCALE} ppm, found {self.leverage} of the"
                f" leverage and {self.cap} of the cap"
            )
        if self.ramp_in <= 0 or self.ramp_back <= 0 or self.hold < 0:
            raise ValueError(
                f"expected ramps that last and a hold that is not negative, found {self.ramp_in},"
                f" {self.ramp_back} and {self.hold} s"
            )

    @property
    def margin(self) -> Ppm:
        """Give the factor on initial margin that leaves the part of the leverage, rounded up."""
        return Ppm(div_ceil(PPM_SCALE * PPM_SCALE, self.leverage))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dated event: the news comes between `start` and `stop`, which are equal when it is known.

    An empty symbol stands for all markets of the classes that the kind touches.
    """

    kind: EventKind
    start: Seconds
    stop: Seconds
    symbol: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.stop < self.start:
            raise ValueError(f"expected an event that ends after {self.start}, found {self.stop}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFactors:
    """What the events of a moment do to a market."""

    margin: Ppm
    """On the initial margin; 1_000_000 when no event is near."""
    cap: Ppm
    """On the open-interest cap; 1_000_000 when no event is near."""
    causes: tuple[Event, ...]
    """The events that are felt, in order of their start."""


def touches(event: Event, terms: EventTerms, symbol: str, asset_class: str) -> bool:
    """Say whether a market feels an event."""
    return event.symbol == symbol if event.symbol else asset_class in terms.asset_classes


def event_factors(
    events: Iterable[Event],
    terms: Mapping[EventKind, EventTerms],
    *,
    symbol: str,
    asset_class: str,
    now: Seconds,
) -> EventFactors:
    """Give the factors at `now` for one market: the strictest of all events that it feels."""
    margin, cap = PPM_SCALE, PPM_SCALE
    causes: list[Event] = []
    for event in events:
        kind = terms[event.kind]
        weight, full = _weight(event, kind, now)
        if weight <= 0 or not touches(event, kind, symbol, asset_class):
            continue
        causes.append(event)
        margin = max(margin, PPM_SCALE + div_ceil((kind.margin - PPM_SCALE) * weight, full))
        cap = min(cap, PPM_SCALE - div_ceil((PPM_SCALE - kind.cap) * weight, full))
    ordered = sorted(causes, key=lambda each: (each.start, each.kind, each.symbol, each.stop))
    return EventFactors(margin=Ppm(margin), cap=Ppm(cap), causes=tuple(ordered))


def tightened(
    levers: ScheduledLevers, factors: EventFactors, limits: Mapping[Parameter, Limits]
) -> ScheduledLevers:
    """Give the schedule's levers with the events' factors, up to the owner's limits.

    What the schedule asks for by itself is never loosened, even where it is beyond the limits: the
    loader has refused that.
    """
    margin = div_ceil(levers.initial_margin * factors.margin, PPM_SCALE)
    cap = div_floor(levers.open_interest_cap * factors.cap, PPM_SCALE)
    largest = max(levers.initial_margin, limits[Parameter.INITIAL_MARGIN].maximum)
    least = min(levers.open_interest_cap, limits[Parameter.OPEN_INTEREST_CAP].minimum)
    return replace(
        levers,
        initial_margin=Ppm(min(margin, largest)),
        open_interest_cap=QuoteAtoms(max(cap, least)),
    )


def next_event(
    events: Iterable[Event],
    terms: Mapping[EventKind, EventTerms],
    *,
    symbol: str,
    asset_class: str,
    now: Seconds,
) -> Event | None:
    """Give the event that a market feels now or feels next; None when none is known."""
    ahead = [
        event
        for event in events
        if touches(event, terms[event.kind], symbol, asset_class)
        and event.stop + terms[event.kind].hold + terms[event.kind].ramp_back > now
    ]
    return min(
        ahead,
        key=lambda each: (
            each.start - terms[each.kind].ramp_in,
            each.start,
            each.kind,
            each.symbol,
        ),
        default=None,
    )


def _weight(event: Event, terms: EventTerms, now: Seconds) -> tuple[int, int]:
    """Give how much of its force an event has at `now`, as a fraction."""
    if now < event.start:
        return max(0, now - (event.start - terms.ramp_in)), terms.ramp_in
    relaxes = event.stop + terms.hold
    if now > relaxes:
        return max(0, relaxes + terms.ramp_back - now), terms.ramp_back
    return 1, 1
