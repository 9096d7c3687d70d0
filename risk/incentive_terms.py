"""What a market's schedule of incentives says: levels by session, ramps, bounds, budget.

A lever never liquidates anybody: leverage is taken back through *initial* margin only. What is
stricter is fixed lever by lever, because a doubt may cost somebody a trade but never the venue its
money: more margin, a smaller cap, higher fees, a smaller rebate, less funding on an unsure premium,
more funding on a skew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from risk.sessions import Session
from risk.units import (
    PPM_SCALE,
    PpbPerHour,
    Ppm,
    QuoteAtoms,
    Seconds,
    div_ceil,
    div_floor,
)


class Lever(StrEnum):
    """What the schedule and the controller may set; each is a field of `ScheduledLevers`."""

    INITIAL_MARGIN = "initial_margin"
    FUNDING_MULTIPLIER = "funding_multiplier"
    SKEW_SLOPE = "skew_slope"
    MAKER_FEE = "maker_fee"
    TAKER_FEE = "taker_fee"
    OPEN_INTEREST_CAP = "open_interest_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledLevers:
    """The levels of all levers at one moment."""

    initial_margin: Ppm
    funding_multiplier: Ppm
    """Of the base funding; 1_000_000 leaves it as it is."""
    skew_slope: PpbPerHour
    """Funding that is added at full skew, 1_000_000 ppm; 50_000 is 0.05 ppb an hour for each ppm.

    A whole ppb an hour for each ppm would already be 0.1 % an hour at full skew: too coarse a unit.
    """
    maker_fee: Ppm
    """Negative is a rebate."""
    taker_fee: Ppm
    open_interest_cap: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityTarget:
    """The order book that the venue wants to have."""

    depth: QuoteAtoms
    """On each side, within 25 bp of the mark."""
    spread: Ppm
    """Between the best bid and the best ask."""


def margin_of(leverage_milli: int) -> Ppm:
    """Give the initial margin that allows a leverage in thousandths: 5_000 (5 x) is 200_000 ppm."""
    return Ppm(div_ceil(1_000 * PPM_SCALE, leverage_milli))


def part_of_cap(cap: QuoteAtoms, part: Ppm) -> QuoteAtoms:
    """Give a part of the weekday's cap, rounded down."""
    return QuoteAtoms(div_floor(cap * part, PPM_SCALE))


def strictest(levels: Iterable[ScheduledLevers]) -> ScheduledLevers:
    """Give the strictest level of each lever by itself; raises ValueError when there are none."""
    every = tuple(levels)
    if not every:
        raise ValueError("expected the levels of one session or more, found none")
    return ScheduledLevers(
        initial_margin=max(each.initial_margin for each in every),
        funding_multiplier=min(each.funding_multiplier for each in every),
        skew_slope=max(each.skew_slope for each in every),
        maker_fee=max(each.maker_fee for each in every),
        taker_fee=max(each.taker_fee for each in every),
        open_interest_cap=min(each.open_interest_cap for each in every),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerBounds:
    """How far the controller may go on top of the schedule, in the lever's own unit.

    For the open-interest cap that is ppm of the weekday's cap.
    """

    minimum: int
    maximum: int
    largest_step: int
    cool_down: Seconds
    hysteresis: int
    """Wishes that are nearer than this to what is set are not worth a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTerms:
    """The schedule of one market: what each session wants, and how long the ramps are.

    Raises ValueError unless every session has levels and a target and both ramps last.
    """

    levels: Mapping[Session, ScheduledLevers]
    targets: Mapping[Session, LiquidityTarget]
    ramp_in: Seconds
    """So long before a session that is stricter begins."""
    ramp_back: Seconds
    """So long after a session that is stricter has ended."""

    def __post_init__(self) -> None:
        for session in Session:
            if session not in self.levels or session not in self.targets:
                raise ValueError(f"expected levels and a target for {session}, found none")
        if self.ramp_in <= 0 or self.ramp_back <= 0:
            raise ValueError(
                f"expected ramps that last, found {self.ramp_in} s in and {self.ramp_back} s back"
            )

    @property
    def weekday(self) -> ScheduledLevers:
        """Give the market's own levels, from which all ramps start."""
        return self.levels[Session.REGULAR]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketIncentives:
    """All that the incentives keeper needs to know of one market."""

    symbol: str
    asset_class: str
    terms: ScheduleTerms
    controller: Mapping[Lever, ControllerBounds]
    weekly_budget: QuoteAtoms
