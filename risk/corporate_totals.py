"""The sums of a market's positions that a corporate action must leave alone, and by how much it may not.

A split rounds: prices and sizes toward zero. For one position of size s, at a mark m and a ratio a:b,
with s' = trunc(s·a/b) = s·a/b ∓ δ and m' = floor(m·b/a) = m·b/a − ε, 0 ≤ δ, ε < 1:

    s·m − s'·m' = ±(|s|·(a/b)·ε + δ·m')                    in units of 1e-16 USD
    |V(s) − V(s')|, |notional − notional'|  <  (|s|·a/b + m') / 10^10 + 1     atoms

The first part is one unit of price for each new share, the second one unit of size at the new price, and
the last atom the rounding of the two values themselves. The cost (`quote`) stays, and what funding is
owed moves to cash to the atom, so equity moves by as much as the value, and no more. Summed over n
positions of |sizes| S: (S·a/b + n·m') / 10^10 + n. `split_dust` gives this, rounded up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from risk.amounts import money_text, price_text, size_text
from risk.corporate_values import CorporateAction, Effect, Ratio
from risk.margin import Account
from risk.market import Market
from risk.units import (
    FUNDING_NUMERATOR_SCALE,
    NOTIONAL_SCALE,
    FundingE12,
    PpbPerHour,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    notional,
    signed_value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all positions of a market but the backstop's, at one block."""

    price: PriceE8
    """At which they are valued."""
    at: Seconds
    positions: int
    long_size: SizeE8
    short_size: SizeE8
    """Without sign."""
    notional: QuoteAtoms
    long_equity: QuoteAtoms
    """Σ (value + quote) of the longs. Funding is apart: a split settles it to cash."""
    short_equity: QuoteAtoms
    funding: FundingE12
    """Cumulative funding of a share, as the exchange holds it."""
    funding_rate: PpbPerHour


def market_totals(
    accounts: Iterable[Account],
    market: Market,
    *,
    price: PriceE8,
    now: Seconds,
    ratio: Ratio | None = None,
) -> Totals:
    """Add up a market's positions at a price.

    Leave the backstop out of `accounts`: it takes a split's dust. With a ratio, positions too small to
    survive it are left out too: the exchange turns them into cash.
    """
    positions, sizes, equities, worth = 0, [0, 0], [0, 0], 0
    for account in accounts:
        held = account.position(market.id)
        if held is None or (ratio is not None and ratio.size(held.size) == 0):
            continue
        side = held.size < 0
        positions += 1
        sizes[side] += abs(held.size)
        equities[side] += signed_value(held.size, price) + held.quote
        worth += notional(held.size, price)
    return Totals(
        price=price,
        at=now,
        positions=positions,
        long_size=SizeE8(sizes[False]),
        short_size=SizeE8(sizes[True]),
        notional=QuoteAtoms(worth),
        long_equity=QuoteAtoms(equities[False]),
        short_equity=QuoteAtoms(equities[True]),
        funding=market.funding_index(now),
        funding_rate=market.funding_rate,
    )


def split_dust(ratio: Ratio, *, size: int, price_after: int, positions: int = 1) -> QuoteAtoms:
    """Give by how much the value of positions may change in a split, rounded up.

    `size` is the sum of their sizes before, without sign. See the module's own words for the proof.
    """
    new_shares = div_ceil(abs(size) * ratio.numerator, ratio.denominator)
    return QuoteAtoms(div_ceil(new_shares + positions * price_after, NOTIONAL_SCALE) + positions)


def difference(before: Totals, after: Totals, action: CorporateAction) -> str | None:
    """Tell in one sentence what an applied action changed that it may not, or None.

    `before` and `after` are valued at prices that are worth the same. ValueError when they are not.
    """
    wanted = action.price_after(before.price)
    if action.effect is Effect.SETTLE:
        left = after.positions
        return None if left == 0 else f"{left} positions are still open in the settled market"
    if after.price != wanted:
        raise ValueError(
            f"expected sums at {price_text(wanted)}, found them at {price_text(after.price)}: value"
            " them at the price that the decision names"
        )
    if action.effect is Effect.RESCALE and action.ratio is not None:
        return _after_split(before, after, action.ratio)
    return _after_payment(before, after, action)


def _after_split(before: Totals, after: Totals, ratio: Ratio) -> str | None:
    size = before.long_size + before.short_size
    dust = split_dust(ratio, size=size, price_after=after.price, positions=before.positions)
    if after.positions != before.positions:
        return f"{before.positions} positions became {after.positions}"
    sums = (
        ("notional", before.notional, after.notional),
        ("equity of the longs", before.long_equity, after.long_equity),
        ("equity of the shorts", before.short_equity, after.short_equity),
    )
    for what, was, is_now in sums:
        if abs(is_now - was) > dust:
            return (
                f"the {what} went from {money_text(was)} to {money_text(is_now)} USD, more than the"
                f" dust of {money_text(dust)} USD"
            )
    return None


def _after_payment(before: Totals, after: Totals, action: CorporateAction) -> str | None:
    sizes = ((before.long_size, after.long_size), (before.short_size, after.short_size))
    for was, is_now in sizes:
        if was != is_now:
            return f"sizes went from {size_text(was)} to {size_text(is_now)} shares"
    if action.effect is not Effect.PAY or action.amount is None:
        return None
    # Funding ran on meanwhile, on an index that is not the mark, but is less than twice it.
    elapsed = max(0, after.at - before.at)
    most = 2 * abs(before.funding_rate) * before.price * elapsed
    ran = div_ceil(most, FUNDING_NUMERATOR_SCALE)
    paid = before.funding - after.funding
    # 1e-8 USD of price are 10^4 units of funding; each of two roundings may lose one.
    off = abs(paid - action.amount * 10**4)
    if off > ran + 2:
        return f"longs were paid {paid} units of 1e-12 USD a share, not {action.amount * 10**4}"
    return None
