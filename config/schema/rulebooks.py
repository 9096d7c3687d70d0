"""What a rulebook file in config/rulebooks/ says: a market's band, its limit state, its pause."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.schema.fields import (
    PRICE_UNITS_PER_USD,
    NaturalInt,
    PriceUsd,
    Section,
    Usd,
    WholeSeconds,
    exact_units,
)

SharePpm = Annotated[int, Field(gt=0, lt=1_000_000)]
"""More than nothing and less than all."""
SessionName = Literal["regular", "pre", "post", "overnight", "weekend", "holiday", "halted"]


class Bracket(Section):
    """The half-width from one previous close on."""

    from_usd: Usd | None = None
    """Lowest previous close, itself included."""

    above_usd: Usd | None = None
    """The same, itself left out."""

    width_ppm: SharePpm
    """Half-width in ppm of the reference."""

    widest_usd: PriceUsd | None = None
    """An absolute half-width; the lesser of the two holds."""

    is_doubled_before_close: bool = False
    """Whether it is twice as wide in the last stretch of the session."""

    @property
    def lowest(self) -> int:
        """Give the lowest previous close in 1e-8 USD."""
        above = self.from_usd is None
        bound = self.above_usd if above else self.from_usd
        return exact_units(bound if bound is not None else Decimal(0), PRICE_UNITS_PER_USD) + above

    @model_validator(mode="after")
    def _one_bound(self) -> "Bracket":
        if (self.from_usd is None) == (self.above_usd is None):
            found = "neither" if self.from_usd is None else "both"
            raise ValueError(f"must have from_usd or above_usd, found {found}: keep one")
        return self


class Reference(Section):
    """The rolling mean that a moving band is drawn around."""

    window_seconds: WholeSeconds
    """Prices of so long count."""

    mean: Literal["trades", "time"]
    """Every price counts the same, or for as long as it held."""

    least_change_ppm: Annotated[int, Field(ge=0, lt=1_000_000)]
    """A mean nearer than this to the reference does not move it."""

    least_age_seconds: NaturalInt
    """A reference stays at least this long."""


class Luld(Section):
    """A band around a moving reference."""

    reference: Reference
    doubled_before_close_seconds: NaturalInt
    """How long before the close brackets that say so are doubled."""

    scales_with_leverage: bool
    """Whether widths are multiplied by the product's leverage."""

    tier_1: Annotated[tuple[Bracket, ...], Field(min_length=1, strict=False)]
    """Brackets that rise from 0 USD."""

    tier_2: Annotated[tuple[Bracket, ...], Field(min_length=1, strict=False)]
    """Brackets that rise from 0 USD."""

    @model_validator(mode="after")
    def _brackets_rise(self) -> "Luld":
        for name, brackets in (("tier_1", self.tier_1), ("tier_2", self.tier_2)):
            lowest = [bracket.lowest for bracket in brackets]
            if lowest[0] != 0 or sorted(set(lowest)) != lowest:
                raise ValueError(
                    f"must have brackets that rise from_usd = 0, found others in {name}: sort them"
                )
        return self


class Static(Section):
    """A band around the previous close."""

    down_ppm: SharePpm
    """From the previous close to the lower edge."""

    up_ppm: Annotated[int, Field(gt=0, le=10_000_000)]
    """From the previous close to the upper edge."""

    follows_pause: bool = False
    """Whether it is around the price of the last reopening until the next close, as where an auction ends a pause."""


class Dynamic(Section):
    """The breaker on the move within a rolling window."""

    move_ppm: SharePpm
    """Largest move, in ppm of the previous close."""

    tick_usd: PriceUsd
    """The move is rounded down to a multiple of this."""

    window_seconds: WholeSeconds
    """The look-back."""

    pause_seconds: WholeSeconds
    """How long a trip pauses trading."""

    late_window_seconds: NaturalInt
    """So long before the close the pause is the late one."""

    late_pause_seconds: NaturalInt
    """The pause near the close; at most `pause_seconds`."""

    @model_validator(mode="after")
    def _late_is_shorter(self) -> "Dynamic":
        if self.late_pause_seconds > self.pause_seconds:
            raise ValueError(
                f"`late_pause_seconds` ({self.late_pause_seconds}) must be at most"
                f" `pause_seconds` ({self.pause_seconds})"
            )
        return self


class Limit(Section):
    """What follows when the mark stays at an edge."""

    pause_after_seconds: NaturalInt | None = None
    """A limit state of so long pauses; left out: the market trades at its limit."""

    straddle_pause_after_seconds: NaturalInt | None = None
    """A straddle state of so long pauses; left out: never."""


class Pause(Section):
    """How long trading pauses and how it returns."""

    seconds: WholeSeconds
    """The pause after a limit or straddle state."""

    extension_seconds: NaturalInt
    """Once, when there is no orderly price at the end; 0 for none."""

    held_to_close_seconds: NaturalInt
    """In this last stretch of the session no pause ends; 0 for none."""

    collar_step_ppm: Annotated[int, Field(ge=0, lt=1_000_000)]
    """By how much of the reference the band widens in the pause, and again in the extension."""

    reopening_prices: Annotated[int, Field(ge=1, le=1_000)]
    """Good prices in a row before trading returns."""


class RulebookFile(Section):
    """One rulebook: a band, a dynamic breaker or both, and how a pause begins and ends."""

    sessions: Annotated[tuple[SessionName, ...], Field(min_length=1, strict=False)]
    """Where it holds; in all other sessions the discovery bound does."""

    luld: Luld | None = None
    static: Static | None = None
    dynamic: Dynamic | None = None
    limit: Limit
    pause: Pause

    @model_validator(mode="after")
    def _one_band(self) -> "RulebookFile":
        if self.luld is not None and self.static is not None:
            raise ValueError("must have one band, found both [luld] and [static]: remove one")
        if self.luld is None and self.static is None and self.dynamic is None:
            raise ValueError("must have [luld], [static] or [dynamic], found none: add one")
        return self
