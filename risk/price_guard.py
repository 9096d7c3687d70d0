"""Whether a market's price may be acted on: fail quiet on doubt.

The exchange refuses stale prices by itself; this guard is stricter, because a liquidation on a bad
print cannot be undone. A price is in doubt while it is missing, stale, future-dated or far from the
index, and while too few fresh updates came after a halt, an outage or a jump (the warm-up).
Times are on the venue's clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from risk.market import Market
from risk.units import PPM_SCALE, MarketStatus, Ppm, Seconds, div_floor


class Doubt(StrEnum):
    """Why a market's price is not acted on."""

    CLOSED = "closed"
    UNPRICED = "unpriced"
    STALE = "stale"
    FUTURE_DATED = "future_dated"
    DIVERGED = "diverged"
    WARMING_UP = "warming_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """How much doubt is too much."""

    max_divergence: Ppm
    """Largest |mark − index| in ppm of the index."""
    warm_up_updates: int
    """Fresh updates that must be seen after a halt, an outage or a jump."""
    future_tolerance: Seconds
    """How far a price's timestamp may lie ahead of the venue's clock as far as we know it."""


def updates_needed(before: Market | None, after: Market, needed: int, rules: PriceRules) -> int:
    """Give how many more fresh updates a market needs, after it changed from `before` to `after`.

    `before` is None when we lost sight of it (start, resync): then one live update must be seen,
    which proves that the feed and the price are alive.
    """
    if before is None:
        return max(needed, 1)
    if _is_new_doubt(before, after):
        return rules.warm_up_updates
    is_update = after.updated_at > before.updated_at or after.mark != before.mark
    return max(0, needed - 1) if is_update else needed


def _is_new_doubt(before: Market, after: Market) -> bool:
    reopened = before.status is MarketStatus.HALTED and after.status < MarketStatus.HALTED
    rebased = before.is_splitting and not after.is_splitting
    was_silent = after.price_timestamp - before.price_timestamp > before.expiry
    # The exchange clamps every update: a larger step means that we did not see what lay between,
    # or that the clamp was lifted. Dividends move the mark too, and are rare enough to wait for.
    step = div_floor(before.mark * before.clamp, PPM_SCALE) + 1
    jumped = before.mark > 0 and abs(after.mark - before.mark) > step
    return reopened or rebased or was_silent or jumped


def doubt_about(market: Market, *, needed: int, now: Seconds, rules: PriceRules) -> Doubt | None:
    """Give the first reason not to act on a market's price, or None.

    `needed` is what `updates_needed` says is missing. A settled market is never in doubt.
    """
    if market.is_settled:
        return None
    divergence = abs(market.mark - market.index) * PPM_SCALE
    reasons = (
        (market.is_splitting or market.status is MarketStatus.HALTED, Doubt.CLOSED),
        (market.mark <= 0 or market.index <= 0, Doubt.UNPRICED),
        (market.is_stale(now), Doubt.STALE),
        (market.price_timestamp > now + rules.future_tolerance, Doubt.FUTURE_DATED),
        (divergence > market.index * rules.max_divergence, Doubt.DIVERGED),
        (needed > 0, Doubt.WARMING_UP),
    )
    return next((doubt for holds, doubt in reasons if holds), None)
