"""The owner's guard rails of a market: what a role may set, how far at once, how often.

One table for each parameter of the exchange, numbered as in docs/exchange.md section 1. The unit is
in the key; `rail` gives the four numbers in the contract's own units.
"""

from abc import ABC, abstractmethod
from typing import Annotated

from pydantic import Field, model_validator

from config.schema.fields import (
    ATOMS_PER_USD,
    NaturalInt,
    PositiveInt,
    PositiveUsd,
    Section,
    exact_units,
)
from risk import guard_rails
from risk.guard_rails import Parameter
from risk.units import Seconds


class _Bounded(Section, ABC):
    cool_down_seconds: NaturalInt
    """Shortest time between two writes."""

    @property
    @abstractmethod
    def rail(self) -> guard_rails.Limits:
        """Give the bounds in the contract's units."""

    @model_validator(mode="after")
    def _check_order(self) -> "_Bounded":
        rail = self.rail
        if rail.minimum > rail.maximum:
            raise ValueError(
                f"must have a minimum up to its maximum, but {rail.minimum} is above "
                f"{rail.maximum}: swap them"
            )
        return self


class PpmRail(_Bounded):
    """Bounds of a rate."""

    minimum_ppm: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    """Lowest value."""

    maximum_ppm: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    """Highest value."""

    largest_step_ppm: Annotated[int, Field(gt=0, le=2_000_000)]
    """Largest change of one write."""

    @property
    def rail(self) -> guard_rails.Limits:
        """Give the bounds in ppm."""
        return guard_rails.Limits(
            minimum=self.minimum_ppm,
            maximum=self.maximum_ppm,
            largest_step=self.largest_step_ppm,
            cool_down=Seconds(self.cool_down_seconds),
        )


class FundingRail(_Bounded):
    """Bounds of the funding rate."""

    minimum_ppb_per_hour: Annotated[int, Field(ge=-1_000_000_000, le=0)]
    """Lowest rate: shorts pay longs."""

    maximum_ppb_per_hour: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """Highest rate: longs pay shorts."""

    largest_step_ppb_per_hour: PositiveInt
    """Largest change of one write."""

    @property
    def rail(self) -> guard_rails.Limits:
        """Give the bounds in ppb per hour."""
        return guard_rails.Limits(
            minimum=self.minimum_ppb_per_hour,
            maximum=self.maximum_ppb_per_hour,
            largest_step=self.largest_step_ppb_per_hour,
            cool_down=Seconds(self.cool_down_seconds),
        )


class UsdRail(_Bounded):
    """Bounds of an amount of money."""

    minimum_usd: PositiveUsd
    """Lowest amount."""

    maximum_usd: PositiveUsd
    """Highest amount."""

    largest_step_usd: PositiveUsd
    """Largest change of one write."""

    @property
    def rail(self) -> guard_rails.Limits:
        """Give the bounds in atoms."""
        return guard_rails.Limits(
            minimum=exact_units(self.minimum_usd, ATOMS_PER_USD),
            maximum=exact_units(self.maximum_usd, ATOMS_PER_USD),
            largest_step=exact_units(self.largest_step_usd, ATOMS_PER_USD),
            cool_down=Seconds(self.cool_down_seconds),
        )


class StatusRail(_Bounded):
    """Bounds of the market's status: 0 OPEN, 1 LIMIT, 2 REDUCE_ONLY, 3 HALTED."""

    minimum: Annotated[int, Field(ge=0, le=3)]
    """Least strict status that the breaker may set."""

    maximum: Annotated[int, Field(ge=0, le=3)]
    """Strictest status that the breaker may set."""

    largest_step: Annotated[int, Field(ge=1, le=3)]
    """Steps of one write; the exchange checks the value only."""

    @property
    def rail(self) -> guard_rails.Limits:
        """Give the bounds as numbers of a status."""
        return guard_rails.Limits(
            minimum=self.minimum,
            maximum=self.maximum,
            largest_step=self.largest_step,
            cool_down=Seconds(self.cool_down_seconds),
        )


class SplitRail(_Bounded):
    """Bounds of a split's ratio, new shares per old share."""

    minimum_ratio_ppm: PositiveInt
    """Smallest ratio; 50_000 is 1 new for 20 old."""

    maximum_ratio_ppm: PositiveInt
    """Largest ratio; 20_000_000 is 20 new for 1 old."""

    @property
    def rail(self) -> guard_rails.Limits:
        """Give the bounds in ppm; a split knows no step."""
        return guard_rails.Limits(
            minimum=self.minimum_ratio_ppm,
            maximum=self.maximum_ratio_ppm,
            largest_step=0,
            cool_down=Seconds(self.cool_down_seconds),
        )


class DividendRail(_Bounded):
    """Bounds of one cash dividend, in ppm of the mark."""

    minimum_ppm: Annotated[int, Field(gt=0, le=1_000_000)]
    """Smallest dividend."""

    maximum_ppm: Annotated[int, Field(gt=0, le=1_000_000)]
    """Largest dividend."""

    @property
    def rail(self) -> guard_rails.Limits:
        """Give the bounds in ppm; a dividend knows no step."""
        return guard_rails.Limits(
            minimum=self.minimum_ppm,
            maximum=self.maximum_ppm,
            largest_step=0,
            cool_down=Seconds(self.cool_down_seconds),
        )


class Limits(Section):
    """The guard rails of a market; a parameter without a table could never be written."""

    initial_margin: PpmRail
    """Initial margin, set by the tuner."""

    funding_rate: FundingRail
    """Funding rate, set by the tuner."""

    taker_fee: PpmRail
    """Taker's fee, set by the tuner."""

    maker_fee: PpmRail
    """Maker's fee, set by the tuner."""

    open_interest_cap: UsdRail
    """Cap of the open interest, set by the tuner."""

    band: PpmRail
    """Half-width of the price band, set by the breaker; the step is in ppm of the old edge."""

    status: StatusRail
    """Status of the market, set by the breaker."""

    split: SplitRail
    """Ratio of a split, carried out by the corporate role."""

    dividend: DividendRail
    """Cash dividend, carried out by the corporate role."""

    @property
    def rails(self) -> dict[Parameter, guard_rails.Limits]:
        """Give every rail by its parameter's number on the exchange."""
        return {parameter: getattr(self, parameter.name.lower()).rail for parameter in Parameter}
