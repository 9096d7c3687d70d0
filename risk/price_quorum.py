"""From the valid reports of several sources to one price, or to the reason for none.

Independent providers make the quorum, not feeds: two feeds of one provider fail together. A
provisional weighted median decides who is an outlier; the rest give the final one. Two who disagree
give no price, since nothing says which of them is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from risk.units import PPM_SCALE, Ppm, PriceE8, div_floor
from risk.weighted_median import weighted_median


class Agreement(StrEnum):
    """How well a price is supported."""

    FULL = "full"
    DEGRADED = "degraded"
    """Fewer providers than wanted, but no fewer than the minimum."""
    TOO_FEW = "too_few"
    DISAGREE = "disagree"
    """So many providers were outliers that those left are too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A valid report, as it counts."""

    source: str
    provider: str
    """Who stands behind the source: sources of one provider count once."""
    price: PriceE8
    confidence: PriceE8
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumRules:
    """Who must agree, and how closely. Raises ValueError for numbers that cannot stand together."""

    wanted: int
    minimum: int
    max_deviation: Ppm
    """Largest distance from the provisional median, in ppm of it."""

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.wanted:
            raise ValueError(
                f"expected 1 <= minimum <= wanted providers, found {self.minimum}, {self.wanted}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """What several sources say together; `price` is None when they do not."""

    agreement: Agreement
    price: PriceE8 | None
    confidence: PriceE8
    """Half-width: the farthest kept price or the widest kept confidence, whichever is larger."""
    kept: tuple[str, ...]
    outliers: tuple[str, ...]
    providers: int
    """Independent providers that stand behind the price."""


def combine(voices: Sequence[Voice], rules: QuorumRules) -> Combined:
    """Combine valid reports; the order in which they come does not matter."""
    ordered = sorted(voices, key=lambda voice: voice.source)
    providers = _count(ordered)
    if providers < rules.minimum:
        return _nothing(Agreement.TOO_FEW, (), providers)
    middle = _median(ordered)
    farthest_kept = div_floor(middle * rules.max_deviation, PPM_SCALE)
    kept = [voice for voice in ordered if abs(voice.price - middle) <= farthest_kept]
    if len(kept) == len(ordered):
        return _agreed(ordered, (), middle, providers, rules)
    outliers = tuple(voice.source for voice in ordered if abs(voice.price - middle) > farthest_kept)
    left = _count(kept)
    if left < rules.minimum:
        return _nothing(Agreement.DISAGREE, outliers, left)
    return _agreed(kept, outliers, _median(kept), left, rules)


def _agreed(
    kept: Sequence[Voice],
    outliers: tuple[str, ...],
    price: PriceE8,
    providers: int,
    rules: QuorumRules,
) -> Combined:
    farthest = max(max(abs(voice.price - price), voice.confidence) for voice in kept)
    return Combined(
        agreement=Agreement.FULL if providers >= rules.wanted else Agreement.DEGRADED,
        price=price,
        confidence=PriceE8(farthest),
        kept=tuple(voice.source for voice in kept),
        outliers=outliers,
        providers=providers,
    )


def _count(voices: Sequence[Voice]) -> int:
    return len({voice.provider for voice in voices})


def _median(voices: Sequence[Voice]) -> PriceE8:
    return PriceE8(weighted_median([(voice.price, voice.weight) for voice in voices]))


def _nothing(agreement: Agreement, outliers: tuple[str, ...], providers: int) -> Combined:
    return Combined(
        agreement=agreement,
        price=None,
        confidence=PriceE8(0),
        kept=(),
        outliers=outliers,
        providers=providers,
    )
