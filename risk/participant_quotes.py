"""Two-sided quotes from registered firms: what each is worth, and the price that they make together.

A quote is judged in two steps, so that garbage costs little: first what it claims about itself
(sequence and times), which needs no trust in who wrote it, and only after its signature was checked
its prices. A participant speaks once about a market: the newest sequence that has not expired. No
participant holds more than half of the weight, so that none decides alone beside another.
Times are the venue's clock; a quote stands while `now < expires_at`. Mids round down, once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_floor
from risk.weighted_median import weighted_median


class QuoteVerdict(StrEnum):
    """What became of a quote; the first that holds, in this order. It becomes a metric label."""

    MALFORMED = "malformed"
    UNKNOWN_PARTICIPANT = "unknown_participant"
    NOT_ALLOWED_MARKET = "not_allowed_market"
    OLD_SEQUENCE = "old_sequence"
    FUTURE = "future"
    EXPIRED = "expired"
    TOO_LONG_LIVED = "too_long_lived"
    RATE_LIMITED = "rate_limited"
    BAD_SIGNATURE = "bad_signature"
    NOT_POSITIVE = "not_positive"
    CROSSED = "crossed"
    TOO_WIDE = "too_wide"
    NO_REFERENCE = "no_reference"
    """Nothing is known to compare the price with, so nothing is believed."""
    TOO_FAR = "too_far"
    ACCEPTED = "accepted"


class LeftOut(StrEnum):
    """Why a standing quote does not count; a closed set, it becomes a metric label."""

    EXPIRED = "expired"
    NO_WEIGHT = "no_weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a participant offers to buy and sell for, in its own words."""

    participant: str
    symbol: str
    bid: PriceE8
    ask: PriceE8
    size: int
    """What it would trade on either side, in 1e-8 share; must be positive."""
    sequence: int
    """Grows with every quote of the participant, whatever the market."""
    issued_at: Seconds
    expires_at: Seconds

    @property
    def doubled_mid(self) -> int:
        """Bid plus ask, in 1e-8 USD: twice the mid, without a rounding."""
        return self.bid + self.ask

    @property
    def mid(self) -> PriceE8:
        """The middle of bid and ask, rounded down."""
        return PriceE8(div_floor(self.doubled_mid, 2))

    def stands(self, now: Seconds) -> bool:
        """Say whether the quote has not expired."""
        return now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRules:
    """What quotes must keep. Raises ValueError for numbers that cannot stand together."""

    max_deviation: Ppm
    """Largest distance of bid and of ask from the reference price, in ppm of it."""
    max_spread: Ppm
    """Largest ask − bid, in ppm of the bid."""
    longest_life: Seconds
    """Longest span from issue to expiry."""
    future_tolerance: Seconds = Seconds(2)
    """How far a quote's issue may lie ahead of the venue's clock as far as we know it."""
    minimum: int = 2
    """Fewest participants who make a price."""

    def __post_init__(self) -> None:
        if self.minimum < 1 or self.longest_life <= 0 or self.future_tolerance < 0:
            raise ValueError(
                "expected minimum >= 1, longest_life > 0 and future_tolerance >= 0, found"
                f" {self.minimum}, {self.longest_life}, {self.future_tolerance}"
            )
        if not (0 < self.max_deviation < PPM_SCALE and self.max_spread > 0):
            raise ValueError(
                "expected max_deviation between 0 and 1_000_000 ppm and max_spread above 0, found"
                f" {self.max_deviation} and {self.max_spread}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPrice:
    """What the participants say together; `price` is None while they are too few."""

    price: PriceE8 | None
    confidence: PriceE8
    """Half-width: the farthest bid or ask that counts, from the price; 0 without one."""
    weights: tuple[tuple[str, int], ...]
    """Who counts and how much, after the cap; by name."""
    left_out: tuple[tuple[str, LeftOut], ...]


def judge_claim(quote: Quote, before: int | None, now: Seconds, rules: QuoteRules) -> QuoteVerdict:
    """Judge what needs no trust in the writer: sequence, then times; costs a few comparisons.

    `before` is the last sequence that counted (None: none yet); a quote must exceed it. An expiry
    at or before the issue is expired from birth.
    """
    if before is not None and quote.sequence <= before:
        return QuoteVerdict.OLD_SEQUENCE
    if quote.issued_at > now + rules.future_tolerance:
        return QuoteVerdict.FUTURE
    if not quote.stands(now) or quote.expires_at <= quote.issued_at:
        return QuoteVerdict.EXPIRED
    if quote.expires_at - quote.issued_at > rules.longest_life:
        return QuoteVerdict.TOO_LONG_LIVED
    return QuoteVerdict.ACCEPTED


def judge_prices(quote: Quote, reference: PriceE8 | None, rules: QuoteRules) -> QuoteVerdict:
    """Judge prices and size of a quote whose writer is known.

    Both sides must lie within `max_deviation` of the reference: a mid in the right place may be made
    of two absurd sides. A locked quote (bid = ask) passes, a crossed one does not.
    """
    if quote.bid <= 0 or quote.ask <= 0 or quote.size <= 0:
        return QuoteVerdict.NOT_POSITIVE
    if quote.bid > quote.ask:
        return QuoteVerdict.CROSSED
    if (quote.ask - quote.bid) * PPM_SCALE > quote.bid * rules.max_spread:
        return QuoteVerdict.TOO_WIDE
    if reference is None or reference <= 0:
        return QuoteVerdict.NO_REFERENCE
    farthest = max(abs(quote.bid - reference), abs(quote.ask - reference))
    if farthest * PPM_SCALE > reference * rules.max_deviation:
        return QuoteVerdict.TOO_FAR
    return QuoteVerdict.ACCEPTED


def judge_quote(
    quote: Quote, before: int | None, reference: PriceE8 | None, now: Seconds, rules: QuoteRules
) -> QuoteVerdict:
    """Give the first reason against a quote of a known writer, or ACCEPTED: claims, then prices."""
    claim = judge_claim(quote, before, now, rules)
    if claim is not QuoteVerdict.ACCEPTED:
        return claim
    return judge_prices(quote, reference, rules)


def standing_price(
    quotes: Iterable[Quote], weights: Mapping[str, int], now: Seconds, rules: QuoteRules
) -> StandingPrice:
    """Give the weighted median of the mids of one market's quotes; their order does not matter.

    A participant who is not in `weights` has none. Raises ValueError for quotes of two markets.
    """
    newest = _newest_by_participant(quotes)
    left_out = {
        quote.participant: LeftOut.NO_WEIGHT if quote.stands(now) else LeftOut.EXPIRED
        for quote in newest
        if not quote.stands(now) or weights.get(quote.participant, 0) <= 0
    }
    kept = [quote for quote in newest if quote.participant not in left_out]
    capped = _capped({quote.participant: weights[quote.participant] for quote in kept})
    why = tuple(left_out.items())
    if len(kept) < rules.minimum:
        return StandingPrice(price=None, confidence=PriceE8(0), weights=(), left_out=why)
    doubled = weighted_median([(quote.doubled_mid, capped[quote.participant]) for quote in kept])
    price = PriceE8(div_floor(doubled, 2))
    farthest = max(max(abs(quote.bid - price), abs(quote.ask - price)) for quote in kept)
    return StandingPrice(
        price=price,
        confidence=PriceE8(farthest),
        weights=tuple(capped.items()),
        left_out=why,
    )


def _newest_by_participant(quotes: Iterable[Quote]) -> list[Quote]:
    newest: dict[str, Quote] = {}
    for quote in quotes:
        held = newest.get(quote.participant)
        if held is None or quote.sequence > held.sequence:
            newest[quote.participant] = quote
    symbols = sorted({quote.symbol for quote in newest.values()})
    if len(symbols) > 1:
        raise ValueError(f"expected quotes of one market, found {', '.join(symbols)}")
    return [newest[name] for name in sorted(newest)]


def _capped(weights: dict[str, int]) -> dict[str, int]:
    """Bring the heaviest down to what all others weigh together, unless it stands alone."""
    if len(weights) < 2:
        return weights
    total = sum(weights.values())
    return {name: min(weight, total - weight) for name, weight in weights.items()}
