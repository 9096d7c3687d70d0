"""The rolling mean that a moving band is drawn around.

Two means of the last so many seconds: of all prices seen, or of the price over time. Exact integers;
the venue's clock has whole seconds, so there is at most one entry for each second of the window and
one before it: the memory is bounded however fast prices come. The mean rounds down.
"""

from dataclasses import dataclass
from itertools import pairwise

from risk.band_rules import MeanKind, ReferenceRules
from risk.units import PPM_SCALE, PriceE8, Seconds, div_floor

Entry = tuple[Seconds, int, int]
"""A second, the sum of its prices and their number; by time the last price, counted once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWindow:
    """Prices of the last seconds, oldest first, with running sums."""

    entries: tuple[Entry, ...] = ()
    total: int = 0
    """By trades the sum of all prices; by time the sum of price · seconds up to the last entry."""
    count: int = 0


EMPTY = PriceWindow()


def with_price(
    window: PriceWindow, price: PriceE8, *, now: Seconds, rules: ReferenceRules
) -> PriceWindow:
    """Add a price seen at `now`, and forget what is too old to count.

    By trades, a price counts while its age is below the window. Raises ValueError for a price before
    the last one, or one that is not positive.
    """
    if price <= 0 or (window.entries and now < window.entries[-1][0]):
        last = window.entries[-1][0] if window.entries else None
        raise ValueError(
            f"expected a price above 0 at {last} or later, found {price} at {now}: time has one"
            " direction"
        )
    if rules.mean is MeanKind.TRADES:
        return _with_trade(_without_old_trades(window, now, rules.window), price, now)
    return _with_level(window, price, now, rules.window)


def mean(window: PriceWindow, *, now: Seconds, rules: ReferenceRules) -> PriceE8 | None:
    """Give the mean of the window that ends at `now`, rounded down; None without a price in it.

    By time the last price holds until now, so there is a mean as soon as there was a price.
    """
    if rules.mean is MeanKind.TRADES:
        recent = _without_old_trades(window, now, rules.window)
        return PriceE8(div_floor(recent.total, recent.count)) if recent.count else None
    if not window.entries:
        return None
    window = _without_old_levels(window, now, rules.window)
    (first, first_price, _), (last, last_price, _) = window.entries[0], window.entries[-1]
    begin = max(first, now - rules.window)
    if now <= begin:
        return PriceE8(last_price)
    covered = window.total - first_price * (begin - first) + last_price * (now - last)
    return PriceE8(div_floor(covered, now - begin))


def next_reference(
    reference: PriceE8, mean_price: PriceE8 | None, *, age: Seconds, rules: ReferenceRules
) -> PriceE8:
    """Give the mean where it is far enough from a reference that is old enough, else the reference.

    Both bounds are included: a change of exactly 1 % after exactly 30 s moves it. Without a mean the
    old reference holds.
    """
    if mean_price is None or age < rules.least_age:
        return reference
    change = abs(mean_price - reference) * PPM_SCALE
    return mean_price if change >= reference * rules.least_change else reference


def _with_trade(window: PriceWindow, price: PriceE8, now: Seconds) -> PriceWindow:
    entries = window.entries
    if entries and entries[-1][0] == now:
        _, total, count = entries[-1]
        entries = (*entries[:-1], (now, total + price, count + 1))
    else:
        entries = (*entries, (now, price, 1))
    return PriceWindow(entries=entries, total=window.total + price, count=window.count + 1)


def _without_old_trades(window: PriceWindow, now: Seconds, length: Seconds) -> PriceWindow:
    entries, total, count, gone = window.entries, window.total, window.count, 0
    for second, sum_of_prices, number in entries:
        if now - second < length:
            break
        total, count, gone = total - sum_of_prices, count - number, gone + 1
    if not gone:
        return window
    return PriceWindow(entries=entries[gone:], total=total, count=count)


def _with_level(window: PriceWindow, price: PriceE8, now: Seconds, length: Seconds) -> PriceWindow:
    entries, total = window.entries, window.total
    if entries:
        last, last_price, _ = entries[-1]
        # A price that was replaced within its own second held for no time at all.
        total += last_price * (now - last)
        if last == now:
            entries = entries[:-1]
    added = PriceWindow(entries=(*entries, (now, price, 1)), total=total)
    return _without_old_levels(added, now, length)


def _without_old_levels(window: PriceWindow, now: Seconds, length: Seconds) -> PriceWindow:
    """Forget prices that were replaced before the window began; the one that held then stays."""
    total, gone = window.total, 0
    for (second, price, _), (after, _, _) in pairwise(window.entries):
        if after > now - length:
            break
        total, gone = total - price * (after - second), gone + 1
    if not gone:
        return window
    return PriceWindow(entries=window.entries[gone:], total=total)
