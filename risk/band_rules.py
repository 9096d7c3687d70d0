"""The rulebook of a price band, as data: which band is drawn, what trips it, how trading returns.

Three kinds that may be combined: a band around a moving reference (US limit up / limit down), a band
around the last close (static), and a breaker on the move within a rolling window (CME's dynamic one).
Percentages are ppm, spans are seconds; times of day are known only as seconds before the close.
Bands are rounded inward: a doubt never lets a price go farther. Values: config/rulebooks/*.toml.
"""

from dataclasses import dataclass
from enum import StrEnum

from risk.sessions import Session
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_ceil, div_floor

UNLEVERAGED = Ppm(PPM_SCALE)
"""The leverage factor of a product that moves as its underlying does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """Where the mark may go, edges included, and the reference that the band is drawn around.

    Raises ValueError unless 0 < low <= reference <= high.
    """

    reference: PriceE8
    low: PriceE8
    high: PriceE8

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.reference <= self.high:
            raise ValueError(
                "expected a band with 0 < low <= reference <= high, found"
                f" {self.low}, {self.reference}, {self.high}"
            )

    def holds(self, price: PriceE8) -> bool:
        """Say whether a price is within the band, edges included."""
        return self.low <= price <= self.high

    def is_edge(self, price: PriceE8) -> bool:
        """Say whether a price is at an edge, or beyond it."""
        return price <= self.low or price >= self.high


class MeanKind(StrEnum):
    """How prices of a window become one."""

    TRADES = "trades"
    """Every price counts the same: the arithmetic mean of the US plan."""
    TIME = "time"
    """Every price counts for as long as it held."""


class LuldTier(StrEnum):
    """The two groups of US securities."""

    ONE = "tier_1"
    """S&P 500, Russell 1000 and chosen exchange-traded products."""
    TWO = "tier_2"
    """All others but rights and warrants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRules:
    """When the reference of a moving band moves."""

    window: Seconds
    mean: MeanKind
    least_change: Ppm
    """A mean nearer than this leaves the reference where it is."""
    least_age: Seconds
    """A reference stays at least this long."""

    def __post_init__(self) -> None:
        if self.window <= 0 or self.least_change < 0 or self.least_age < 0:
            raise ValueError(
                "expected a window above 0 and a least change and age of at least 0, found"
                f" {self.window}, {self.least_change} and {self.least_age}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBracket:
    """The half-width for securities whose previous close is at least `lowest`."""

    lowest: PriceE8
    width: Ppm
    widest: PriceE8 | None = None
    """An absolute half-width: the lesser of the two holds."""
    is_doubled_before_close: bool = False

    def __post_init__(self) -> None:
        if self.lowest < 0 or not 0 < self.width < PPM_SCALE or self.widest == 0:
            raise ValueError(
                "expected a bracket from 0 USD or more with a width above 0 and below 10^6 ppm,"
                f" found {self.lowest}, {self.width} and a widest of {self.widest}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LuldBand:
    """A band around a rolling mean, as wide as tier, previous close and time of day say."""

    reference: ReferenceRules
    tier_1: tuple[PriceBracket, ...]
    tier_2: tuple[PriceBracket, ...]
    doubled_before_close: Seconds
    """Brackets that are doubled are so for this long before the close."""
    scales_with_leverage: bool

    def __post_init__(self) -> None:
        for brackets in (self.tier_1, self.tier_2):
            lowest = [bracket.lowest for bracket in brackets]
            if not lowest or lowest[0] != 0 or sorted(set(lowest)) != lowest:
                raise ValueError(
                    f"expected the brackets of a tier to rise from 0 USD, found {lowest}"
                )

    def bracket(self, tier: LuldTier, previous_close: PriceE8) -> PriceBracket:
        """Give the bracket that a previous close falls into."""
        brackets = self.tier_1 if tier is LuldTier.ONE else self.tier_2
        return next(each for each in reversed(brackets) if previous_close >= each.lowest)

    def around(
        self,
        reference: PriceE8,
        bracket: PriceBracket,
        *,
        leverage: Ppm,
        seconds_to_close: Seconds | None,
    ) -> PriceBand:
        """Draw the band, rounded inward; at least one unit above 0 where it would be wider than all."""
        scale = abs(leverage) if self.scales_with_leverage else PPM_SCALE
        half = div_floor(reference * bracket.width * scale, PPM_SCALE * PPM_SCALE)
        if bracket.widest is not None:
            half = min(half, bracket.widest)
        if (
            bracket.is_doubled_before_close
            and seconds_to_close is not None
            and seconds_to_close <= self.doubled_before_close
        ):
            half *= 2
        return PriceBand(
            reference=reference,
            low=PriceE8(max(reference - half, 1)),
            high=PriceE8(reference + half),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticBand:
    """A band around the previous close."""

    down: Ppm
    up: Ppm
    follows_pause: bool = False
    """Whether it is around the price of the last reopening, until the next close: the band of an exchange whose
    interruption ends in an auction. A hard limit of the day is not."""

    def __post_init__(self) -> None:
        if not 0 < self.down < PPM_SCALE or self.up <= 0:
            raise ValueError(
                f"expected down above 0 and below 10^6 ppm and up above 0, found {self.down} and"
                f" {self.up}"
            )

    def around(self, previous_close: PriceE8) -> PriceBand:
        """Draw the band, rounded inward."""
        return PriceBand(
            reference=previous_close,
            low=PriceE8(div_ceil(previous_close * (PPM_SCALE - self.down), PPM_SCALE)),
            high=PriceE8(div_floor(previous_close * (PPM_SCALE + self.up), PPM_SCALE)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicRules:
    """How far a price may move within a rolling window before trading pauses."""

    move: Ppm
    """In ppm of the previous close: CME's variant."""
    tick: PriceE8
    """The variant is rounded down to a multiple of this."""
    window: Seconds
    pause: Seconds
    late_window: Seconds
    """So long before the close the pause is the late one."""
    late_pause: Seconds

    def __post_init__(self) -> None:
        if not 0 < self.move < PPM_SCALE or self.tick < 1 or self.window < 1:
            raise ValueError(
                "expected a move above 0 and below 10^6 ppm, a tick and a window above 0, found"
                f" {self.move}, {self.tick} and {self.window}"
            )
        if self.pause < 1 or not 0 <= self.late_pause <= self.pause or self.late_window < 0:
            raise ValueError(
                "expected 0 <= late pause <= pause and a pause above 0, found"
                f" {self.late_pause} and {self.pause}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """What follows when the mark stays at an edge; None: nothing, the market trades at its limit."""

    pause_after: Seconds | None
    straddle_pause_after: Seconds | None = None
    """A straddle state may be paused too; the US plan leaves it to the listing exchange."""

    def __post_init__(self) -> None:
        for after in (self.pause_after, self.straddle_pause_after):
            if after is not None and after < 0:
                raise ValueError(f"expected a time of at least 0 before a pause, found {after}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRules:
    """How long trading pauses, and what must be true before it returns."""

    length: Seconds
    extension: Seconds
    """Once, when the pause ends without an orderly price; 0 for none."""
    held_to_close: Seconds
    """In this last stretch of the session no pause ends; 0 for none."""
    collar_step: Ppm
    """In a pause the band grows by this share of the reference on both sides, and by as much again
    in the extension, so that the mark can follow the news while nobody trades."""
    reopening_prices: int
    """Good prices in a row before trading returns."""

    def __post_init__(self) -> None:
        if self.length < 1 or self.extension < 0 or self.held_to_close < 0:
            raise ValueError(
                "expected a pause above 0, an extension and a stretch before the close of at least"
                f" 0, found {self.length}, {self.extension} and {self.held_to_close}"
            )
        if self.collar_step < 0 or self.reopening_prices < 1:
            raise ValueError(
                "expected a collar step of at least 0 and at least 1 reopening price, found"
                f" {self.collar_step} and {self.reopening_prices}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All rules of one kind of market. Raises ValueError when it neither bands nor breaks."""

    name: str
    sessions: frozenset[Session]
    """In all others the band is the discovery bound."""
    band: LuldBand | StaticBand | None
    """None: the discovery bound here too."""
    dynamic: DynamicRules | None
    limit: LimitRules
    pause: PauseRules

    def __post_init__(self) -> None:
        if self.band is None and self.dynamic is None:
            raise ValueError("expected a band, a dynamic breaker or both, found neither")
        if not self.sessions:
            raise ValueError("expected at least one session in which the rules hold, found none")
