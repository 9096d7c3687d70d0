"""What a fill does to one account: the bookkeeping of docs/exchange.md section 2, to the atom.

A fill settles funding first, then moves size and cash. Opening and increasing put cash into the
quote; reducing realises a share of the quote (truncated toward zero) into the collateral; flipping
closes with a share of the cash and opens with the rest. Money is neither made nor lost:
`Σ collateral + Σ quote + funding paid` changes by exactly the cash of the fill.
"""

from dataclasses import dataclass, replace

from risk.margin import Account, Position, funding_owed
from risk.market import Market
from risk.units import MarketId, QuoteAtoms, Seconds, SizeE8, div_trunc


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A signed size for a signed cash in one market; cash is negative when buying."""

    market: MarketId
    size: SizeE8
    cash: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """An account after a fill, and the funding that it paid into the pool (signed)."""

    account: Account
    funding_paid: QuoteAtoms


def fill(
    account: Account,
    trade: Fill,
    market: Market,
    *,
    now: Seconds,
    slice_time: Seconds | None = None,
) -> Filled:
    """Settle funding, then fill. `slice_time`, when given, is written to what is left.

    A position that flips is a new one: no slice of it was ever liquidated.
    """
    held = account.position(trade.market) or Position(
        market=trade.market, size=SizeE8(0), quote=QuoteAtoms(0)
    )
    owed = funding_owed(held, market, now)
    quote, realised = _moved(held.size, held.quote, trade.size, trade.cash)
    if held.size * (held.size + trade.size) < 0:
        slice_time = Seconds(0)
    left = Position(
        market=trade.market,
        size=SizeE8(held.size + trade.size),
        quote=QuoteAtoms(quote),
        funding=market.funding_index(now),
        slice_time=held.slice_time if slice_time is None else slice_time,
    )
    return Filled(
        account=replace(
            account,
            collateral=QuoteAtoms(account.collateral - owed + realised),
            positions=_with_position(account.positions, left),
        ),
        funding_paid=owed,
    )


def _moved(size: int, quote: int, change: int, cash: int) -> tuple[int, int]:
    """Give the quote afterwards and what the collateral gains, funding apart."""
    if size == 0 or (size > 0) == (change > 0):
        return quote + cash, 0
    if abs(change) <= abs(size):
        part = quote if change == -size else div_trunc(quote * abs(change), abs(size))
        return quote - part, part + cash
    closing_cash = div_trunc(cash * abs(size), abs(change))
    return cash - closing_cash, quote + closing_cash


def _with_position(positions: tuple[Position, ...], changed: Position) -> tuple[Position, ...]:
    """Replace, append or (when flat) remove one market's position."""
    if all(held.market != changed.market for held in positions):
        return positions if changed.size == 0 else (*positions, changed)
    updated = (changed if held.market == changed.market else held for held in positions)
    return tuple(held for held in updated if held.size != 0)
