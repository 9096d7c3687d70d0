"""A price that moved by a split's ratio although nobody spoke of a split: halt first, ask then.

What a split looks like to whoever missed it is a fall to a half, a third, a tenth within one update, or
between the last price before a closure and the first after it; a reverse split is a rise. Positions of the
old basis judged at a price of the new one are liquidated without cause, so a suspicion halts. It is false:

- when a share falls by 33.3 %, 50 %, 66.7 % … give or take the tolerance, at once: news overnight do that
  to a drug maker; a rise of 50 %, 100 % … is a take-over or a squeeze. At a tolerance of 2 % every fall
  of 32 % to 34.7 % and of 49 % to 51 % is suspected, over a closure with 5 % of 30 % to 36.7 % and 47.5 %
  to 52.5 %. A halt costs minutes of trading then; the other mistake costs everybody's positions;
- never when the price fell by less than 30 %, rose by less than 42.5 %, or walked there in several steps;
- not when fewer than half of the sources that speak moved so: one bad print is for the jump guard, which
  does not believe it.

A split whose ratio is not in the table (4:3, 21:20 for a stock dividend) is not seen. Exact integers:
ratios are compared by cross-multiplication.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from risk.amounts import price_text
from risk.corporate_values import Ratio
from risk.units import PPM_SCALE, Ppm, PriceE8, div_floor

_FORWARD: Final = (
    (3, 2),
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 1),
    (8, 1),
    (10, 1),
    (15, 1),
    (20, 1),
    (25, 1),
    (50, 1),
)
KNOWN_RATIOS: Final = tuple(
    each
    for new, old in _FORWARD
    for each in (
        Ratio(numerator=new, denominator=old),
        Ratio(numerator=old, denominator=new),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspicionRules:
    """How near to a ratio is near. Raises ValueError for tolerances in which ratios would run together."""

    tolerance: Ppm = Ppm(20_000)
    """Within one update, of the price that the ratio makes."""
    closure_tolerance: Ppm = Ppm(50_000)
    """Over a closure, in which the share moves besides."""

    def __post_init__(self) -> None:
        if not 0 < self.tolerance <= self.closure_tolerance <= 100_000:
            raise ValueError(
                "expected 0 < tolerance <= closure_tolerance <= 100_000 ppm, found"
                f" {self.tolerance} and {self.closure_tolerance}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One source's last price and the next one."""

    source: str
    before: PriceE8
    after: PriceE8
    is_over_closure: bool = False
    """Whether the underlying did not trade between the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A split that nobody announced, as far as prices tell."""

    ratio: Ratio
    sources: tuple[str, ...]
    why: str


def suspected_split(
    moves: Sequence[Move], *, rules: SuspicionRules, expected: Ratio | None = None
) -> Suspicion | None:
    """Say which split the prices of one market look like, or None.

    `moves` has one entry for each source that speaks now. `expected` is the ratio of an action that is
    being applied: what it explains is no suspicion. Of several ratios the one that most sources moved by,
    then the nearest.
    """
    found: dict[Ratio, list[Move]] = {}
    for move in moves:
        ratio = nearest_ratio(move, rules)
        if ratio is not None and ratio != expected:
            found.setdefault(ratio, []).append(move)
    if not found:
        return None
    ratio = max(found, key=lambda each: (len(found[each]), -_distance(found[each][0], each)))
    moved = found[ratio]
    if 2 * len(moved) < len(moves):
        return None
    sources = tuple(sorted(move.source for move in moved))
    first = min(moved, key=lambda move: move.source)
    when = "over a closure" if first.is_over_closure else "within one update"
    return Suspicion(
        ratio=ratio,
        sources=sources,
        why=(
            f"the price went from {price_text(first.before)} to {price_text(first.after)} {when}, as"
            f" after a split {ratio} that nobody announced, says {' and '.join(sources)} of"
            f" {len(moves)} sources"
        ),
    )


def nearest_ratio(move: Move, rules: SuspicionRules) -> Ratio | None:
    """Give the known ratio that a move is nearest to, if it is near enough; the edge is."""
    if min(move.before, move.after) <= 0:
        return None
    tolerance = rules.closure_tolerance if move.is_over_closure else rules.tolerance
    if _is_small(move, tolerance):
        return None
    nearest = min(KNOWN_RATIOS, key=lambda each: _distance(move, each))
    # |after − before·b/a| <= tolerance · before·b/a
    wanted = move.before * nearest.denominator
    off = abs(move.after * nearest.numerator - wanted)
    return nearest if off * PPM_SCALE <= wanted * tolerance else None


def _is_small(move: Move, tolerance: Ppm) -> bool:
    """Say whether a price stayed between the two ratios that are nearest to 1, as nearly every one does."""
    least = KNOWN_RATIOS[0]
    small, large = least.denominator, least.numerator
    # before · 2/3 · (1 + tolerance) < after < before · 3/2 · (1 − tolerance)
    return move.before * small * (
        PPM_SCALE + tolerance
    ) < move.after * large * PPM_SCALE and move.after * small * PPM_SCALE < move.before * large * (
        PPM_SCALE - tolerance
    )


def _distance(move: Move, ratio: Ratio) -> int:
    """Give how far a move is from a ratio, in parts per 10^12 of the price that the ratio makes."""
    wanted = move.before * ratio.denominator
    return div_floor(abs(move.after * ratio.numerator - wanted) * 10**12, wanted)
