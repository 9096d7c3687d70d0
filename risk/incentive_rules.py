"""What the incentive controller is told and how hard it pushes: measurements and rules, as data.

The controller's one number is its *effort*: 0 to 10^6 ppm turns the maker rebate from the
schedule's to the largest, 10^6 to 2·10^6 the funding multiplier likewise. So the lever that is
cheapest for traders is used up before the other moves, and more effort never gives less of either.
"""

from dataclasses import dataclass
from typing import Final

from risk.amounts import money_text, percent_text
from risk.incentive_terms import ControllerBounds, LiquidityTarget
from risk.units import PPM_SCALE, Ppm, QuoteAtoms, Seconds, div_ceil, div_floor

FULL_EFFORT: Final = 2 * PPM_SCALE
"""Both levers at their largest boost, in ppm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLiquidity:
    """The book as measured. Raises ValueError for a negative measurement."""

    bid_depth: QuoteAtoms
    """Notional of the bids within the distance that the target is about (25 bp)."""
    ask_depth: QuoteAtoms
    spread: Ppm
    """Between the best bid and the best ask, of their middle."""

    def __post_init__(self) -> None:
        if min(self.bid_depth, self.ask_depth, self.spread) < 0:
            raise ValueError(
                "expected depths and a spread of at least 0, found"
                f" {self.bid_depth}, {self.ask_depth} and {self.spread}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownLiquidity:
    """Nobody could tell how liquid the market is, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerRules:
    """The controller of one market. Raises ValueError for rules that could not hold together."""

    shortage_band: Ppm
    """A shortage up to this asks for nothing more."""
    surplus_band: Ppm
    """Plenty up to this takes nothing back."""
    proportional_gain_ppm: int
    """Effort at once, in ppm of the shortage beyond the band."""
    integral_gain_ppm_per_second: int
    """Effort gained each second, in ppm of the shortage beyond the band."""
    decay_ppm_per_second: int
    """Effort lost each second while nobody can measure."""
    longest_gap: Seconds
    """One measurement speaks for no more time than this, however long the keeper was away."""
    maker_fee: ControllerBounds
    """On top of the schedule, in ppm: the minimum is the largest rebate that may be added."""
    funding_multiplier: ControllerBounds
    """On top of the schedule, in ppm: the maximum is what may be added."""

    def __post_init__(self) -> None:
        if not (0 <= self.shortage_band < PPM_SCALE and 0 <= self.surplus_band < PPM_SCALE):
            raise ValueError(
                "expected dead bands from 0 to below 10^6 ppm, found"
                f" {self.shortage_band} and {self.surplus_band}"
            )
        if self.proportional_gain_ppm < 0 or self.integral_gain_ppm_per_second <= 0:
            raise ValueError(
                "expected a proportional gain of at least 0 and an integral gain above 0, found"
                f" {self.proportional_gain_ppm} and {self.integral_gain_ppm_per_second}"
            )
        if self.decay_ppm_per_second <= 0 or self.longest_gap <= 0:
            raise ValueError(
                "expected a decay and a longest gap above 0, found"
                f" {self.decay_ppm_per_second} and {self.longest_gap}"
            )
        for bounds in (self.maker_fee, self.funding_multiplier):
            if not bounds.minimum <= 0 <= bounds.maximum or bounds.largest_step < 1:
                raise ValueError(
                    "expected bounds around the schedule (0) and a largest step of at least 1,"
                    f" found {bounds}"
                )

    @property
    def largest_rebate_boost(self) -> int:
        """Give the rebate at full effort beyond the schedule's, in ppm."""
        return -self.maker_fee.minimum

    @property
    def largest_multiplier_boost(self) -> int:
        """Give the funding multiplier at full effort beyond the schedule's, in ppm."""
        return self.funding_multiplier.maximum

    def beyond_band(self, shortage: Ppm) -> int:
        """Give how far a shortage lies outside the dead band: 0 within, negative below it."""
        if shortage > self.shortage_band:
            return shortage - self.shortage_band
        if shortage < -self.surplus_band:
            return shortage + self.surplus_band
        return 0

    def rebate_boost(self, effort: int) -> int:
        """Give the rebate that an effort in ppm asks for beyond the schedule's."""
        return div_floor(self.largest_rebate_boost * min(effort, PPM_SCALE), PPM_SCALE)

    def multiplier_boost(self, effort: int) -> int:
        """Give the funding multiplier that an effort in ppm asks for beyond the schedule's."""
        return div_floor(self.largest_multiplier_boost * max(0, effort - PPM_SCALE), PPM_SCALE)


def shortage(measured: MeasuredLiquidity, target: LiquidityTarget) -> Ppm:
    """Give the worst of what lacks, in ppm of its target, −10^6 to 10^6; negative: plenty.

    Rounded up, so that a doubt never hides a shortage.
    """
    return max(_depth_shortage(measured, target), _spread_excess(measured, target))


def shortage_words(measured: MeasuredLiquidity, target: LiquidityTarget) -> str:
    """Say what was measured, of the worst only, beside its target."""
    if _depth_shortage(measured, target) < _spread_excess(measured, target):
        return (
            f"the spread is {percent_text(measured.spread)} % and {percent_text(target.spread)} %"
            " is wanted"
        )
    side = "bid" if measured.bid_depth <= measured.ask_depth else "ask"
    depth = min(measured.bid_depth, measured.ask_depth)
    return f"{side} depth is {money_text(depth)} USD and {money_text(target.depth)} USD is wanted"


def _depth_shortage(measured: MeasuredLiquidity, target: LiquidityTarget) -> Ppm:
    thinner = min(measured.bid_depth, measured.ask_depth)
    return _share(target.depth - thinner, target.depth)


def _spread_excess(measured: MeasuredLiquidity, target: LiquidityTarget) -> Ppm:
    return _share(measured.spread - target.spread, target.spread)


def _share(lacking: int, wanted: int) -> Ppm:
    """Give a shortage in ppm of what is wanted; a target of 0 is never missed."""
    if wanted <= 0:
        return Ppm(-PPM_SCALE)
    return Ppm(min(PPM_SCALE, max(-PPM_SCALE, div_ceil(lacking * PPM_SCALE, wanted))))
