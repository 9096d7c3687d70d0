"""What a split does to accounts and to a market: the exchange's own arithmetic, to the atom.

    size'  = trunc(size · a / b)         funding owed so far moves to cash; cost (`quote`) stays
    price' = floor(price · b / a)        of mark, index and both edges of the band

What is counted in money (open-interest cap, smallest position, tiers, slices, the backstop's cap, depth)
is not touched by a split: notional stays. A position that rounds to nothing is flat, and its cost goes to
cash; the sizes that rounding loses go to the backstop without cash, so that sizes still add up to zero.
Mirrors docs/exchange.md section 8; a parity test against the contract says so. How much value may move:
`risk.corporate_totals.split_dust`, for an account's equity as for its notional. With R the highest
maintenance rate its requirement moves by less than R times that and two atoms, so that the verdict of an
account whose slack is at least `slack_dust` away from zero does not change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from risk.corporate_totals import split_dust
from risk.corporate_values import Ratio
from risk.fill import Fill, fill
from risk.margin import Account, Position, funding_owed
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    AccountId,
    FundingE12,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAccount:
    """One account after a split, and what it paid into the funding pool (signed)."""

    account: Account
    size: SizeE8
    """Of its position in the market; 0 when it holds none any more."""
    funding_paid: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitBook:
    """Every account and the market after a split."""

    accounts: Mapping[AccountId, Account]
    market: Market
    funding_paid: QuoteAtoms
    dust: SizeE8
    """What rounding left of the sizes, and the backstop took with the opposite sign."""


def split_account(
    account: Account, market: Market, ratio: Ratio, *, begun_at: Seconds
) -> SplitAccount:
    """Rescale an account's position; `market` as before, funding stands still from `begun_at`."""
    held = account.position(market.id)
    if held is None or held.size == 0:
        return SplitAccount(account=account, size=SizeE8(0), funding_paid=QuoteAtoms(0))
    owed = funding_owed(held, market, begun_at)
    size = ratio.size(held.size)
    cash = account.collateral - owed
    left: tuple[Position, ...] = ()
    if size == 0:
        cash += held.quote
    else:
        left = (replace(held, size=size, funding=FundingE12(0)),)
    positions = tuple(
        kept for each in account.positions for kept in (left if each is held else (each,))
    )
    after = replace(account, collateral=QuoteAtoms(cash), positions=positions)
    return SplitAccount(account=after, size=size, funding_paid=owed)


def split_market(market: Market, ratio: Ratio, *, longs: SizeE8, now: Seconds) -> Market:
    """Give a market as it is once the last account is rescaled; `longs` is its open interest then."""
    return replace(
        market,
        is_splitting=False,
        mark=ratio.price(market.mark),
        index=ratio.price(market.index),
        band_low=ratio.price(market.band_low),
        band_high=ratio.price(market.band_high),
        funding_numerator=0,
        funding_time=now,
        open_interest=longs,
    )


def split_book(
    accounts: Mapping[AccountId, Account],
    market: Market,
    ratio: Ratio,
    *,
    backstop: AccountId,
    begun_at: Seconds,
    now: Seconds,
) -> SplitBook:
    """Split a whole market, begun at one time and finished at `now`.

    KeyError when `accounts` lack the backstop. Funding accrued up to `begun_at` is settled.
    """
    rescaled = {
        number: split_account(account, market, ratio, begun_at=begun_at)
        for number, account in accounts.items()
    }
    dust = SizeE8(sum(each.size for each in rescaled.values()))
    after = {number: each.account for number, each in rescaled.items()}
    if dust:
        bare = split_market(market, ratio, longs=SizeE8(0), now=now)
        taken = Fill(market=market.id, size=SizeE8(-dust), cash=QuoteAtoms(0))
        after[backstop] = fill(after[backstop], taken, bare, now=now).account
    held = (account.position(market.id) for account in after.values())
    longs = SizeE8(sum(max(each.size, 0) for each in held if each is not None))
    return SplitBook(
        accounts=after,
        market=split_market(market, ratio, longs=longs, now=now),
        funding_paid=QuoteAtoms(sum(each.funding_paid for each in rescaled.values())),
        dust=dust,
    )


def slack_dust(market: Market, ratio: Ratio, *, size: SizeE8) -> QuoteAtoms:
    """Give by how much a split may change equity − maintenance margin of who holds `size`.

    `market` as before. The exact bound of the module's own words, rounded up.
    """
    dust = split_dust(ratio, size=size, price_after=ratio.price(market.mark))
    highest = max(tier.rate for tier in market.tiers)
    return QuoteAtoms(dust + div_ceil(dust * highest, PPM_SCALE) + 2)
