"""The index while no outside market trades: pulled toward the venue's own book, slowly.

    S' = S + (1 − exp(−dt*/τ)) · IPD,   dt* = min(dt, c·τ)
    IPD = max(impact_bid − S, 0) − max(S − impact_ask, 0)

after trade.xyz's internal oracle. Inside the impact spread nothing moves, a side without depth
pulls nothing, and a long silence counts as c·τ at most, so that one look after an outage cannot take
a whole step. Rounded toward the price that was: a doubt moves less.
"""

from dataclasses import dataclass

from risk.decay import PPB_SCALE, kept
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_floor, div_trunc


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalRules:
    """How fast the internal price follows the book."""

    tau: Seconds = Seconds(1_800)
    largest_elapsed: Ppm = Ppm(100_000)
    """c: the longest time that one step may count, in ppm of τ."""
    largest_step: Ppm = Ppm(5_000)
    """The farthest that one step may go, in ppm of the price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactPrices:
    """What a configured notional could be sold and bought for; None without that much depth."""

    bid: PriceE8 | None
    ask: PriceE8 | None

    @property
    def is_crossed(self) -> bool:
        """Say whether bid and ask contradict each other: then the book is not to be believed."""
        return self.bid is not None and self.ask is not None and self.bid > self.ask


def impact_difference(price: PriceE8, book: ImpactPrices) -> int:
    """Give how far the book lies above (+) or below (−) a price, in 1e-8 USD; 0 inside its spread."""
    if book.is_crossed:
        return 0
    above = 0 if book.bid is None else max(book.bid - price, 0)
    below = 0 if book.ask is None else max(price - book.ask, 0)
    return above - below


def next_internal_price(
    price: PriceE8, book: ImpactPrices, *, elapsed: Seconds, rules: InternalRules
) -> PriceE8:
    """Give the internal price after `elapsed`, pulled toward the book; the same without a book."""
    longest = Seconds(div_floor(rules.tau * rules.largest_elapsed, PPM_SCALE))
    counted = min(max(elapsed, Seconds(0)), longest)
    pull = PPB_SCALE - kept(counted, rules.tau)
    step = div_trunc(impact_difference(price, book) * pull, PPB_SCALE)
    most = div_floor(price * rules.largest_step, PPM_SCALE)
    return PriceE8(price + max(-most, min(step, most)))
