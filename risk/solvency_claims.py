"""From all accounts, read at one block, to what they claim together and who holds how much of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from risk.columns import AccountColumns, Int64Column
from risk.exact_columns import exact_sum
from risk.margin import margin_state
from risk.market import Market
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import BookTotals, Claims, MarketClaims, Sides, UnderMargin
from risk.solvency_stress import stressed_losses
from risk.solvency_valuation import Valuation
from risk.units import PPM_SCALE, AccountId, MarketId, Ppm, QuoteAtoms, Seconds, SizeE8, div_ceil

_SQUARE_BITS: Final = 30
"""Sizes are below 2^60; the square of each half fits 64 bits."""


def claims_of(
    pages: Sequence[AccountColumns],
    markets: Mapping[MarketId, Market],
    *,
    now: Seconds,
    block: int,
    backstop: AccountId,
    rules: SolvencyRules,
    previous: Claims | None = None,
) -> Claims:
    """Add up everything at one block; `previous` tells since when accounts are under margin.

    Raises KeyError for a position in a market that `markets` lacks.
    """
    valued = Valuation(pages, markets, now)
    equity = valued.equities()
    pool = next((row for row, account in enumerate(valued.ids) if account == backstop), None)
    state = None if pool is None else margin_state(valued.account(pool), markets, now)
    debts = -np.minimum(equity, 0)
    return Claims(
        account_count=len(valued.ids),
        position_count=len(valued.market),
        equity=QuoteAtoms(exact_sum(equity)),
        positive_equity=QuoteAtoms(exact_sum(np.maximum(equity, 0))),
        bad_debt=QuoteAtoms(exact_sum(debts)),
        bankrupt_count=int(np.count_nonzero(debts)),
        backstop_cash=QuoteAtoms(0 if pool is None else _cash(valued, pool)),
        backstop_equity=QuoteAtoms(0) if state is None else state.equity,
        backstop_initial_margin=QuoteAtoms(0) if state is None else state.initial_margin,
        book=totals_of(valued),
        markets=_by_market(valued),
        under_margin=_under_margin(valued, equity, pool, block, previous),
        stress=stressed_losses(valued, pool, rules),
    )


def _cash(valued: Valuation, row: int) -> int:
    account = valued.account(row)
    return account.collateral + sum(held.quote for held in account.positions)


def totals_of(valued: Valuation) -> BookTotals:
    """Add up the cash of all accounts and the two sides of every market."""
    sizes = valued.size.astype(np.int64)
    longs = [exact_sum(np.maximum(sizes[rows], 0)) for rows in valued.rows]
    shorts = [exact_sum(np.maximum(-sizes[rows], 0)) for rows in valued.rows]
    return BookTotals(
        collateral=QuoteAtoms(exact_sum(valued.collateral)),
        quote=QuoteAtoms(exact_sum(valued.quote)),
        sides={
            number: Sides(longs=SizeE8(longs[number]), shorts=SizeE8(shorts[number]))
            for number in valued.markets
        },
    )


def _by_market(valued: Valuation) -> dict[MarketId, MarketClaims]:
    found = {}
    for number in valued.markets:
        rows = valued.rows[number]
        sizes = valued.size[rows].astype(np.int64)
        sides = [_concentration(sizes[sizes > 0]), _concentration(-sizes[sizes < 0])]
        top_one, top_five, herfindahl = (max(pair) for pair in zip(*sides, strict=True))
        found[number] = MarketClaims(
            position_count=len(rows),
            value=QuoteAtoms(exact_sum(valued.value[rows])),
            funding_owed=QuoteAtoms(exact_sum(valued.owed[rows])),
            top_one=Ppm(top_one),
            top_five=Ppm(top_five),
            herfindahl=Ppm(herfindahl),
        )
    return found


def _concentration(sizes: Int64Column) -> tuple[int, int, int]:
    """Give a side's largest share, its five largest together and its Herfindahl index, rounded up."""
    whole = exact_sum(sizes)
    if not whole:
        return 0, 0, 0
    largest = np.sort(sizes)[-5:]
    high, low = sizes >> _SQUARE_BITS, sizes & ((1 << _SQUARE_BITS) - 1)
    squares = exact_sum(high * high) << (2 * _SQUARE_BITS)
    squares += (exact_sum(high * low) << (_SQUARE_BITS + 1)) + exact_sum(low * low)
    return (
        div_ceil(int(largest[-1]) * PPM_SCALE, whole),
        div_ceil(exact_sum(largest) * PPM_SCALE, whole),
        div_ceil(squares * PPM_SCALE, whole * whole),
    )


def _under_margin(
    valued: Valuation,
    equity: Int64Column,
    pool: int | None,
    block: int,
    previous: Claims | None,
) -> tuple[UnderMargin, ...]:
    """List who is below maintenance margin, the one waiting longest first."""
    required = valued.per_account(valued.maintenance)
    held = valued.per_account(valued.notional)
    markets = valued.markets
    is_open = {number: market.may_liquidate for number, market in markets.items()}
    is_stale = {number: market.is_stale(valued.now) for number, market in markets.items()}
    may = (valued.flagged(is_open) > 0) & (valued.flagged(is_stale) == 0)
    before = {} if previous is None else {each.account: each for each in previous.under_margin}
    found = []
    for row in np.flatnonzero((equity < required) & (valued.count > 0)).tolist():
        if row == pool:
            continue
        known = before.get(valued.ids[row])
        # The wait begins when the exchange would let somebody act, not while it is halted.
        goes_on = known is not None and known.may_liquidate == bool(may[row])
        found.append(
            UnderMargin(
                account=valued.ids[row],
                equity=QuoteAtoms(int(equity[row])),
                maintenance_margin=QuoteAtoms(int(required[row])),
                notional=QuoteAtoms(int(held[row])),
                may_liquidate=bool(may[row]),
                since_block=known.since_block if known is not None and goes_on else block,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.since_block, each.account)))
