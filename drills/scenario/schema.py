"""What a scenario file says. Times are local and without an offset; `clock.py` puts them on the venue's clock.

Nothing in a file is silent about where it comes from (`provenance.py`). What only the calendar can tell is
checked by `loader.py`.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from config.schema.calendars import ZoneName
from config.schema.fields import (
    PRICE_UNITS_PER_USD,
    PositiveUsd,
    PriceUsd,
    Section,
    exact_units,
)
from config.schema.markets import Symbol
from drills.scenario.consistency import check_file, check_series
from drills.scenario.moment import SourceState
from drills.scenario.provenance import Sourced

LONGEST: Final = timedelta(days=14)
"""A path holds a value for every second."""
SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


def _check_local(moment: datetime) -> datetime:
    if moment.tzinfo is not None or moment.microsecond:
        raise ValueError(
            "a local time without an offset, in whole seconds, such as 2020-03-09T09:34:13"
        )
    return moment


LocalTime = Annotated[datetime, AfterValidator(_check_local)]
NoiseBp = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class FactRow(Sourced):
    """A value that is known at a time."""

    at: LocalTime
    value: PriceUsd
    noise_bp: NoiseBp | None = None
    """Volatility on the way to this fact, in bp for the square root of an hour; left out: the series'."""
    first_touch: bool = False
    """The path comes to this value here for the first time since it was last on the other side of it."""


class RangeRow(Sourced):
    """Between two times the path stays within what was recorded."""

    begins: LocalTime = Field(alias="from")
    ends: LocalTime = Field(alias="to")
    low: PriceUsd
    high: PriceUsd

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins >= self.ends or self.low >= self.high:
            raise ValueError(
                f"must run forward and have low below high, found {self.begins} to {self.ends} and"
                f" {self.low} to {self.high}: correct them"
            )
        return self


class NoiseRow(Sourced):
    """How much a bridge strays between two facts."""

    bp_per_root_hour: NoiseBp


class SeriesRow(Section):
    """A course of values, in any unit: markets follow its relative moves."""

    name: SourceName
    unit: str
    between: Literal["bridge", "line", "step"]
    """A Brownian bridge in the logarithm, a straight line in the logarithm, or the last fact."""
    noise: NoiseRow | None = None
    """Needed by a bridge, and by nothing else."""
    facts: Annotated[tuple[FactRow, ...], Field(min_length=1, strict=False)]
    ranges: Annotated[tuple[RangeRow, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_series(self)
        return self


class MarketRow(Sourced):
    """A market of ours, and what moves it."""

    symbol: Symbol
    follows: SourceName
    beta_ppm: Annotated[int, Field(ge=-5_000_000, le=5_000_000)] = 1_000_000
    """Log move of the market for one of the series."""
    own_noise_bp: NoiseBp = 0.0
    """Volatility of its own on top, for the square root of an hour; none at either end of the window."""
    reference_price_usd: PriceUsd | None = None
    """At the start; left out: that of the market's file."""
    stands_in_for: str = ""
    """What the recorded series was, where we have no such market."""

    @property
    def needs_provenance(self) -> bool:
        """Say whether somebody had to choose a number."""
        return self.beta_ppm != 1_000_000 or self.own_noise_bp != 0


class Span(Sourced):
    """Something that lasts, for some markets or all."""

    begins: LocalTime = Field(alias="from")
    ends: LocalTime = Field(alias="to")
    symbols: Annotated[tuple[Symbol, ...], Field(strict=False)] = ()
    """Left out: all."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError(
                f"must end after it begins, found {self.begins} to {self.ends}: correct them"
            )
        return self


class HaltRow(Span):
    """The exchange of the underlying trades nothing."""

    reason: Annotated[str, Field(min_length=1, max_length=80)]


class FaultRow(Span):
    """A source that does not report what it should."""

    sources: Annotated[tuple[SourceName, ...], Field(min_length=1, strict=False)]
    state: Literal["frozen", "stuck", "gone", "offset", "printed", "old_basis"]
    offset_ppm: Annotated[int, Field(gt=-1_000_000, le=100_000_000)] = 0
    """How far from the truth, for `offset` and `printed`."""

    @model_validator(mode="after")
    def _offset_where_it_counts(self) -> Self:
        wants = SourceState(self.state) in {SourceState.OFFSET, SourceState.PRINTED}
        if wants != (self.offset_ppm != 0):
            raise ValueError(
                f"must have `offset_ppm` exactly for offset and printed, found {self.offset_ppm} for"
                f" {self.state}: correct it"
            )
        return self


class FlowRow(Span):
    """Somebody who trades at our venue whatever the price is, evenly over the time."""

    side: Literal["buy", "sell"]
    notional_usd: PositiveUsd


class OutageRow(Span):
    """Our exchange takes no order and no transaction, or its chain makes no block; for all markets."""

    what: Literal["exchange", "chain"]


class DepthFact(Sourced):
    """Depth of the book as a part of what it usually is."""

    at: LocalTime
    ppm: Annotated[int, Field(gt=0, le=10_000_000)]


class DepthRow(Section):
    """What is known of depth; a straight line in the logarithm between facts, nothing outside of them."""

    symbols: Annotated[tuple[Symbol, ...], Field(strict=False)] = ()
    facts: Annotated[tuple[DepthFact, ...], Field(min_length=1, strict=False)]


class SplitRow(Sourced):
    """A share becomes several; nobody need have said so."""

    at: LocalTime
    symbol: Symbol
    new_shares: Annotated[int, Field(gt=0, le=100)]
    old_shares: Annotated[int, Field(gt=0, le=100)]


class HeadlineRow(Sourced):
    """Something that people read; it moves nothing by itself."""

    at: LocalTime
    text: Annotated[str, Field(min_length=1, max_length=200)]


class ScenarioFile(Section):
    """One scenario."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    story: Annotated[str, Field(min_length=1)]
    timezone: ZoneName
    calendar: str = "us_equities"
    """A calendar of config/calendars by name, or a file beside this one that ends in .toml."""
    recorded_from: LocalTime
    recorded_to: LocalTime
    played_on: date
    """The day on which the day of `recorded_from` is played; the same day of the week."""
    trading_days: Annotated[tuple[date, ...], Field(strict=False)] = ()
    """Recorded days that had a regular session; they must have one when played."""
    sources: Annotated[tuple[SourceName, ...], Field(min_length=1, strict=False)] = (
        "first",
        "second",
        "third",
    )
    """The price sources of every market, by names that the runner gives a meaning."""
    series: Annotated[tuple[SeriesRow, ...], Field(min_length=1, strict=False)]
    markets: Annotated[tuple[MarketRow, ...], Field(min_length=1, strict=False)]
    halts: Annotated[tuple[HaltRow, ...], Field(strict=False)] = ()
    faults: Annotated[tuple[FaultRow, ...], Field(strict=False)] = ()
    flows: Annotated[tuple[FlowRow, ...], Field(strict=False)] = ()
    outages: Annotated[tuple[OutageRow, ...], Field(strict=False)] = ()
    depth: Annotated[tuple[DepthRow, ...], Field(strict=False)] = ()
    splits: Annotated[tuple[SplitRow, ...], Field(strict=False)] = ()
    headlines: Annotated[tuple[HeadlineRow, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not timedelta(0) < self.recorded_to - self.recorded_from <= LONGEST:
            raise ValueError(
                f"must end after it begins and last {LONGEST.days} days at most, found"
                f" {self.recorded_from} to {self.recorded_to}: correct recorded_from or recorded_to"
            )
        check_file(self)
        return self


def units(amount: Decimal) -> int:
    """Give a value in 1e-8 of its unit, exactly as the schema has checked."""
    return exact_units(amount, PRICE_UNITS_PER_USD)
