"""Which band to write now, so that the exchange takes it: the wanted one, as far as its guard rails go.

The exchange refuses a band that does not hold the mark, that lies nearer or farther than the owner's
limits, whose edges move too far at once, or that comes too soon (docs/exchange.md section 7). Nothing
is rounded toward what is looser than wanted, but for an edge nearer to the mark than the owner lets any
be: that lies at his least distance, if no tighter one stands. Where only a looser band could be written
otherwise, none is.
The mark moves between the judgement and the block; an edge that the owner's widest distance cuts off
keeps a reserve for that, or a fast fall would be when bands are refused.
"""

from dataclasses import dataclass
from typing import Final

from risk.guard_rails import Limits
from risk.market import Market
from risk.precedence import BandEdges
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class BandWrite:
    """A band to write, or None with the reason."""

    band: BandEdges | None
    why: str
    is_due_later: bool = False
    """The exchange's cool-down alone holds it back."""


def plan_band(
    market: Market,
    wanted: BandEdges,
    limits: Limits,
    *,
    now: Seconds,
    last_written: Seconds | None,
    tolerance: Ppm,
) -> BandWrite:
    """Choose the band to write at `now` (the venue's clock).

    `tolerance`, in ppm of the mark, is how far both edges may be off before a write is worth it.
    """
    if market.mark <= 0 or market.is_settled or market.is_splitting:
        return _nothing("the market has no price, is settled or is being split")
    if limits.maximum < limits.minimum:
        return _nothing("the owner allows no band")
    held = _held(market)
    if held is not None and _is_near(held, wanted, market.mark, tolerance):
        return _nothing("the band is as wanted")
    if last_written is not None and now < last_written + limits.cool_down:
        wait = last_written + limits.cool_down - now
        return BandWrite(
            band=None, why=f"the band may be written again in {wait} s", is_due_later=True
        )
    low = _edge(wanted.low, market, None if held is None else held.low, limits)
    high = _edge(wanted.high, market, None if held is None else held.high, limits)
    low, high = min(low, market.mark), max(high, market.mark)
    least_low, least_high = _nearest(market.mark, limits)
    # Only where what stands is at least as loose there: else an edge at the mark would hold back the other for ever.
    if held is None or held.low <= least_low:
        low = min(low, least_low)
    if held is None or held.high >= least_high:
        high = max(high, least_high)
    distances = (_distance(low, market.mark), _distance(high, market.mark))
    if min(distances) < limits.minimum:
        return _nothing("the mark is too near an edge for the owner's limits")
    if max(distances) > limits.maximum:
        return _nothing("an old edge is so far away that one step does not bring it in")
    band = BandEdges(low=low, high=high)
    if band == held:
        return _nothing("no nearer band can be written")
    return BandWrite(band=band, why="as wanted" if band == wanted else "as far as the limits go")


def _held(market: Market) -> BandEdges | None:
    if not market.band_low and not market.band_high:
        return None
    return BandEdges(low=market.band_low, high=market.band_high)


def _is_near(held: BandEdges, wanted: BandEdges, mark: PriceE8, tolerance: Ppm) -> bool:
    worst: int = max(abs(held.low - wanted.low), abs(held.high - wanted.high))
    return worst * PPM_SCALE <= mark * tolerance


def _edge(wanted: PriceE8, market: Market, held: PriceE8 | None, limits: Limits) -> PriceE8:
    """Bring one edge inside the widest distance from the mark, then inside the step from the old."""
    mark = market.mark
    widest = limits.maximum - min(_RESERVE, div_floor(limits.maximum - limits.minimum, 2))
    lowest = div_ceil(mark * max(0, PPM_SCALE - widest), PPM_SCALE)
    highest = div_floor(mark * (PPM_SCALE + widest), PPM_SCALE)
    edge = min(max(wanted, lowest, _LEAST), highest)
    if held:
        step = div_floor(held * limits.largest_step, PPM_SCALE)
        edge = min(max(edge, held - step), held + step)
    return PriceE8(edge)


def _nearest(mark: PriceE8, limits: Limits) -> tuple[PriceE8, PriceE8]:
    """Give the edges nearest to the mark that the owner allows."""
    low = div_floor(mark * (PPM_SCALE - limits.minimum), PPM_SCALE)
    return PriceE8(max(low, _LEAST)), PriceE8(
        div_ceil(mark * (PPM_SCALE + limits.minimum), PPM_SCALE)
    )


def _distance(edge: PriceE8, mark: PriceE8) -> int:
    """Give the half-width as the exchange reckons it, in ppm of the mark, rounded down."""
    return div_floor(abs(edge - mark) * PPM_SCALE, mark)


def _nothing(why: str) -> BandWrite:
    return BandWrite(band=None, why=why)


_LEAST: Final = 1
_RESERVE: Final = Ppm(10_000)
"""Two updates of the internal price (`risk.internal_price`), each of which moves the mark by 0.5 % at most."""
