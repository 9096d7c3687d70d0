"""The index while no outside market trades: pulled slowly by three voices of stated weight.

    S' = S + (1 − exp(−dt*/τ)) · D,   dt* = min(dt, c·τ)
    D  = (w_book · IPD + w_participants · (P − S) + w_close · (C − S)) / (sum of all three weights)
    IPD = max(impact_bid − S, 0) − max(S − impact_ask, 0)

after trade.xyz's internal oracle, which has the book alone. P is what registered participants quote
together, C the last outside price. The sum has all three weights, also those of who is silent: a
voice that falls away makes the others no louder, or whoever silences participants would own the
price. Inside the impact spread the book pulls nothing, nor does a side without depth. A long silence counts as
c·τ at most, so that one look after an outage cannot take a whole step. Rounded toward the price
that was: a doubt moves less.
"""

from dataclasses import dataclass, field

from risk.decay import PPB_SCALE, kept
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_floor, div_trunc


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendWeights:
    """How much each voice pulls. Raises ValueError when one is negative or none pulls."""

    book: int = 6
    participants: int = 3
    last_close: int = 1

    def __post_init__(self) -> None:
        if min(self.book, self.participants, self.last_close) < 0 or self.total == 0:
            raise ValueError(
                "expected weights of at least 0 and one above it, found book"
                f" {self.book}, participants {self.participants}, last close {self.last_close}"
            )

    @property
    def total(self) -> int:
        """Add the weights up, silent voices included."""
        return self.book + self.participants + self.last_close


BOOK_ALONE = BlendWeights(book=1, participants=0, last_close=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalRules:
    """How fast the internal price follows its voices."""

    tau: Seconds = Seconds(1_800)
    largest_elapsed: Ppm = Ppm(100_000)
    """c: the longest time that one step may count, in ppm of τ."""
    largest_step: Ppm = Ppm(5_000)
    """The farthest that one step may go, in ppm of the price."""
    weights: BlendWeights = field(default_factory=BlendWeights)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """What pulls the internal price; None where nothing is said."""

    book: ImpactPrices
    participants: PriceE8 | None = None
    last_close: PriceE8 | None = None


def blended_difference(price: PriceE8, voices: Voices, weights: BlendWeights) -> int:
    """Give D: how far all voices together lie from a price, in 1e-8 USD, rounded toward 0."""
    pull = weights.book * impact_difference(price, voices.book)
    if voices.participants is not None:
        pull += weights.participants * (voices.participants - price)
    if voices.last_close is not None:
        pull += weights.last_close * (voices.last_close - price)
    return div_trunc(pull, weights.total)


def next_internal_price(
    price: PriceE8, voices: Voices, *, elapsed: Seconds, rules: InternalRules
) -> PriceE8:
    """Give the internal price after `elapsed`, pulled toward the voices; the same without any."""
    longest = Seconds(div_floor(rules.tau * rules.largest_elapsed, PPM_SCALE))
    counted = min(max(elapsed, Seconds(0)), longest)
    pull = PPB_SCALE - kept(counted, rules.tau)
    step = div_trunc(blended_difference(price, voices, rules.weights) * pull, PPB_SCALE)
    most = div_floor(price * rules.largest_step, PPM_SCALE)
    return PriceE8(price + max(-most, min(step, most)))
