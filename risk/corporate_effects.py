"""What the exchange makes of a corporate write: the market after it, or why it is refused.

Mirrors docs/exchange.md section 8 in the contract's order of checks; a parity test against the contract
says so. A split's own arithmetic, account by account, is in `corporate_scaling`.
"""

from dataclasses import dataclass, replace
from typing import Final

from risk.corporate_values import LARGEST_PART, Ratio, ratio_of
from risk.exchange_reverts import Revert
from risk.fill import Fill, fill
from risk.funding_accrual import accrued
from risk.guarded_writes import WriteGuard, cooling_revert, entry_revert, range_revert
from risk.margin import Account
from risk.market import Market
from risk.price_publication import HIGHEST_PRICE
from risk.units import (
    FUNDING_NUMERATOR_SCALE,
    PPM_SCALE,
    MarketStatus,
    PpbPerHour,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_floor,
    signed_value,
)

_PRICE_TO_FUNDING: Final = 10**4
"""1e-8 USD in units of the funding index, 1e-12 USD."""
_LARGEST_SETTLEMENT_MOVE: Final = 10
"""The settlement price may be off the mark by one part in this many."""


def pay_dividend(market: Market | None, amount: int, guard: WriteGuard) -> Market | Revert:
    """Let shorts pay longs through the funding index, and mark and index fall by as much."""
    refusal = entry_revert(market, guard)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    if not 0 < amount < min(market.mark, market.index):
        return Revert.OUTSIDE_LIMITS
    share = div_floor(amount * PPM_SCALE, market.mark)
    refusal = range_revert(share, guard) or cooling_revert(guard)
    if refusal is not None:
        return refusal
    # A mark below its band would jump back into it with the next price.
    if market.mark - amount < market.band_low:
        return Revert.MARK_OUTSIDE_BAND
    settled = accrued(market, guard.now)
    paid = amount * _PRICE_TO_FUNDING * FUNDING_NUMERATOR_SCALE
    return replace(
        settled,
        funding_numerator=settled.funding_numerator - paid,
        mark=PriceE8(market.mark - amount),
        index=PriceE8(market.index - amount),
    )


def begin_split(
    market: Market | None, numerator: int, denominator: int, guard: WriteGuard
) -> Market | Revert:
    """Close a halted market for its split: stale from now on, and funding stands still."""
    refusal = entry_revert(market, guard)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    if market.status is not MarketStatus.HALTED:
        return Revert.NOT_HALTED
    if min(numerator, denominator) <= 0 or max(numerator, denominator) > LARGEST_PART:
        return Revert.BAD_RATIO
    refusal = range_revert(div_floor(numerator * PPM_SCALE, denominator), guard)
    if refusal is not None:
        return refusal
    ratio = ratio_of(numerator, denominator)
    highest = PriceE8(max(market.mark, market.index, market.band_high))
    is_price = ratio.price(PriceE8(min(market.mark, market.index))) > 0
    if not is_price or ratio.price(highest) > HIGHEST_PRICE:
        return Revert.BAD_PRICE
    return cooling_revert(guard) or replace(accrued(market, guard.now), is_splitting=True)


def as_rescaled(market: Market, ratio: Ratio) -> Market:
    """Give a market in the middle of its split as it values an account that was rescaled already."""
    return replace(market, mark=ratio.price(market.mark), funding_numerator=0)


def settle_market(market: Market | None, price: int, guard: WriteGuard) -> Market | Revert:
    """End a halted market at a price near its mark."""
    refusal = entry_revert(market, guard)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    if market.status is not MarketStatus.HALTED:
        return Revert.NOT_HALTED
    if not 0 < price <= HIGHEST_PRICE:
        return Revert.BAD_PRICE
    if abs(price - market.mark) * _LARGEST_SETTLEMENT_MOVE > market.mark:
        return Revert.OUTSIDE_LIMITS
    return replace(
        accrued(market, guard.now),
        mark=PriceE8(price),
        index=PriceE8(price),
        price_timestamp=guard.now,
        updated_at=guard.now,
        funding_rate=PpbPerHour(0),
        band_low=PriceE8(0),
        band_high=PriceE8(0),
        status=MarketStatus.SETTLED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPosition:
    """An account whose position in a settled market became cash, and what the funding pool gained."""

    account: Account
    size: SizeE8
    pool_gain: QuoteAtoms


def close_settled(account: Account, market: Market, now: Seconds) -> ClosedPosition | None:
    """Turn a position into cash at the settlement price; None where there is none."""
    held = account.position(market.id)
    if held is None:
        return None
    value = signed_value(held.size, market.mark)
    out = Fill(market=market.id, size=SizeE8(-held.size), cash=value)
    filled = fill(account, out, market, now=now)
    return ClosedPosition(
        account=filled.account,
        size=held.size,
        pool_gain=QuoteAtoms(filled.funding_paid - value),
    )


def covered_loss(account: Account, insurance_fund: QuoteAtoms) -> QuoteAtoms:
    """Give what the insurance fund pays for an account that holds nothing any more and owes."""
    if account.positions or account.collateral >= 0:
        return QuoteAtoms(0)
    return QuoteAtoms(max(0, min(-account.collateral, insurance_fund)))
