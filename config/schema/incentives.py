"""What the files in config/incentives/ say: one for each class of market, one for all markets.

The weekday's levels are the market's own (config/markets/). A file gives what a session changes; what
it leaves out stays as on a weekday. Margin is written as the largest leverage, as traders know it.
"""

import itertools
from decimal import Decimal
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.schema.calendars import AssetClass
from config.schema.fields import NaturalInt, PositiveInt, PositiveUsd, Section, exact_decimal
from config.schema.fields import exact_units as exact
from config.schema.markets import FeePpm

SCHEDULED_SESSIONS = ("regular", "pre", "post", "overnight", "weekend", "holiday")


def _check_leverage(value: Decimal) -> Decimal:
    if not 1_000 <= exact(value, 1_000) <= 1_000_000:
        raise ValueError("a leverage from 1 to 1000")
    return value


Leverage = Annotated[Decimal, BeforeValidator(exact_decimal), AfterValidator(_check_leverage)]
RampMinutes = Annotated[int, Field(ge=1, le=240)]
PartPpm = Annotated[int, Field(gt=0, le=1_000_000)]
MultiplierPpm = Annotated[int, Field(ge=0, le=10_000_000)]
SlopePpb = Annotated[int, Field(ge=0, le=1_000_000_000)]
BandPpm = Annotated[int, Field(ge=0, lt=1_000_000)]


class Target(Section):
    """The order book that the venue wants in a session."""

    target_depth_usd: PositiveUsd
    """Depth on each side, within 25 bp of the mark."""

    target_spread_ppm: PartPpm
    """Between the best bid and the best ask."""


class RegularLevels(Target):
    """The weekday: the market's own margin, fees and cap."""

    skew_slope_ppb_per_hour: SlopePpb = 0
    """Funding that is added at full skew, 1_000_000 ppm; 50_000 is 0.05 ppb an hour for each ppm."""

    funding_multiplier_ppm: MultiplierPpm = 1_000_000
    """Part of the base funding that is paid."""


class SessionLevels(Target):
    """What a session changes."""

    largest_leverage_x: Leverage | None = None
    """Largest leverage; a market that allows less on a weekday keeps its own."""

    funding_multiplier_ppm: MultiplierPpm | None = None
    """Part of the base funding that is paid."""

    skew_slope_ppb_per_hour: SlopePpb | None = None
    """Funding that is added at full skew, 1_000_000 ppm."""

    maker_fee_ppm: FeePpm | None = None
    """Fee of the making side; negative is a rebate."""

    taker_fee_ppm: FeePpm | None = None
    """Fee of the taking side."""

    open_interest_cap_ppm: PartPpm = 1_000_000
    """Part of the market's weekday cap."""


class Sessions(Section):
    """A table for each session. Unknown is never listed: it is the strictest of all that are."""

    regular: RegularLevels
    pre: SessionLevels
    post: SessionLevels
    overnight: SessionLevels
    weekend: SessionLevels
    holiday: SessionLevels
    halted: SessionLevels | None = None
    """The underlying's pause within a day; left out: as unknown."""

    @model_validator(mode="after")
    def _stricter_sessions_are_no_looser(self) -> Self:
        order = ("post", "pre", "overnight", "weekend", "holiday")
        for early, late in itertools.pairwise(order):
            before: SessionLevels = getattr(self, early)
            after: SessionLevels = getattr(self, late)
            if (after.largest_leverage_x or 1_000) > (before.largest_leverage_x or 1_000):
                raise ValueError(
                    f"must not allow more leverage in `{late}` than in `{early}`, which is the less"
                    " strict session: lower `largest_leverage_x` there"
                )
            if after.open_interest_cap_ppm > before.open_interest_cap_ppm:
                raise ValueError(
                    f"must not have a larger cap in `{late}` than in `{early}`, which is the less"
                    " strict session: lower `open_interest_cap_ppm` there"
                )
        return self


class Ramps(Section):
    """How long levers take from one session's levels to the next."""

    before_close_minutes: RampMinutes = 60
    """Ahead of a session that is stricter."""

    after_reopen_minutes: RampMinutes = 45
    """After the reopening."""


class _Bounded(Section):
    cool_down_seconds: PositiveInt
    """Shortest time between two changes."""


class PpmBounds(_Bounded):
    """How far the controller may go on top of the schedule."""

    minimum_ppm: Annotated[int, Field(ge=-10_000_000, le=0)]
    """Most that it may take away."""

    maximum_ppm: Annotated[int, Field(ge=0, le=10_000_000)]
    """Most that it may add."""

    largest_step_ppm: PositiveInt
    """Largest change at once."""

    hysteresis_ppm: NaturalInt
    """Wishes that are nearer than this to what is set change nothing."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        _check_bounds(self.largest_step_ppm, self.hysteresis_ppm, "ppm")
        return self


class SlopeBounds(_Bounded):
    """How far the controller may go on top of the schedule."""

    minimum_ppb_per_hour: Annotated[int, Field(ge=-1_000_000_000, le=0)]
    """Most that it may take away."""

    maximum_ppb_per_hour: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """Most that it may add."""

    largest_step_ppb_per_hour: PositiveInt
    """Largest change at once."""

    hysteresis_ppb_per_hour: NaturalInt
    """Wishes that are nearer than this to what is set change nothing."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        _check_bounds(self.largest_step_ppb_per_hour, self.hysteresis_ppb_per_hour, "ppb_per_hour")
        return self


def _check_bounds(step: int, hysteresis: int, unit: str) -> None:
    if hysteresis > step:
        raise ValueError(
            f"`hysteresis_{unit}` ({hysteresis}) must be at most `largest_step_{unit}` ({step}), or"
            " a change would be too small to be made: lower it"
        )


class Response(Section):
    """How hard the controller pushes: 1_000_000 ppm of effort is the largest rebate, twice that all."""

    shortage_band_ppm: BandPpm = 100_000
    """A shortage up to this part of the target asks for nothing more."""

    surplus_band_ppm: BandPpm = 200_000
    """Plenty up to this part of the target takes nothing back."""

    proportional_gain_ppm: NaturalInt = 200_000
    """Effort at once, in ppm of the shortage beyond the band."""

    integral_gain_ppm_per_second: PositiveInt = 200
    """Effort gained each second, in ppm of the shortage beyond the band; 200 needs 83 minutes of a whole shortage for the largest rebate."""

    decay_ppm_per_second: PositiveInt = 500
    """Effort lost each second while nobody can measure."""

    longest_gap_seconds: PositiveInt = 60
    """One measurement speaks for no more time than this."""


class Controller(Section):
    """A table for each lever, and how hard it pushes."""

    response: Response = Field(default_factory=Response)
    initial_margin: PpmBounds
    funding_multiplier: PpmBounds
    skew_slope: SlopeBounds
    maker_fee: PpmBounds
    taker_fee: PpmBounds
    open_interest_cap: PpmBounds
    """In ppm of the market's weekday cap."""


class IncentivesFile(Section):
    """The incentives of one class of market; the file is called as the class."""

    weekly_budget_usd: PositiveUsd
    """Most that rebates and incentives may cost in a week, for each market of the class."""

    ramps: Ramps
    sessions: Sessions
    controller: Controller


KindName: TypeAlias = Literal["fomc", "cpi", "pce", "earnings", "other"]


class EventTermsTable(Section):
    """What events of one kind do."""

    leverage_ppm: PartPpm
    """Part of the leverage that is left; 500_000 doubles the initial margin."""

    open_interest_cap_ppm: PartPpm
    """Part of the open-interest cap that is left."""

    before_minutes: RampMinutes
    """Length of the ramp ahead of the event."""

    hold_minutes: Annotated[int, Field(ge=0, le=1_440)]
    """How long after the event it stays in full force."""

    after_minutes: RampMinutes
    """Length of the ramp back."""

    asset_classes: tuple[AssetClass, ...] = Field(default=(), strict=False)
    """Classes that an event without a symbol touches."""


class EventKinds(Section):
    """A table for each kind of event."""

    fomc: EventTermsTable
    cpi: EventTermsTable
    pce: EventTermsTable
    earnings: EventTermsTable
    other: EventTermsTable


class AllMarketsFile(Section):
    """`all_markets.toml`: what holds for every market."""

    weekly_budget_usd: PositiveUsd
    """Most that the incentives of all markets together may cost in a week."""

    events: EventKinds
