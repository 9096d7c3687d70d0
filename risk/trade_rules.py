"""What the exchange makes of one trade that was matched off chain: refused in words, or both fills.

Mirrors docs/exchange.md section 4 to the atom, in the contract's order of checks; a parity test
against the contract says so. Both sides are filled first and judged afterwards, each on all that it
then holds. Fees round up: a rebate is never more than was promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from risk.exchange_reverts import Revert
from risk.fill import Fill, Filled, fill
from risk.margin import Account, MarginState, margin_state
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    AccountId,
    MarketId,
    MarketStatus,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    notional,
    signed_value,
)

LARGEST_SIZE: Final = 10**18
HIGHEST_TRADE_PRICE: Final = 10**15
MOST_MARKETS_PER_ACCOUNT: Final = 16
"""The backstop may hold every market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade as the matcher settles it; `size` is the taker's, + bought."""

    taker: AccountId
    maker: AccountId
    market: MarketId
    size: SizeE8
    price: PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeParty:
    """One side before the trade.

    `markets` are the markets as this account is valued in them: in the middle of a split, those who
    were rescaled already are valued at the new price. `is_free`: the backstop, which may hold every
    market.
    """

    account: Account
    markets: Mapping[MarketId, Market]
    is_open: bool
    is_free: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeEffect:
    """Both accounts after a trade and what the pools gained (signed)."""

    taker: Account
    maker: Account
    taker_fee: QuoteAtoms
    maker_fee: QuoteAtoms
    funding_paid: QuoteAtoms
    open_interest_change: SizeE8

    @property
    def fees(self) -> QuoteAtoms:
        """Give what the fee pool gains; never below 0."""
        return QuoteAtoms(self.taker_fee + self.maker_fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One side after its fill."""

    party: TradeParty
    account: Account
    before: SizeE8
    after: SizeE8
    cash: QuoteAtoms
    """Of the fill, less the fee."""
    funding_paid: QuoteAtoms

    @property
    def reduces(self) -> bool:
        """Say whether the position got smaller on the same side, or flat."""
        if self.before > 0:
            return 0 <= self.after < self.before
        return self.before < self.after <= 0

    @property
    def longs_added(self) -> int:
        """Give what this side adds to the open interest."""
        return max(self.after, 0) - max(self.before, 0)


def settle_trade(
    trade: Trade, taker: TradeParty, maker: TradeParty, market: Market | None, now: Seconds
) -> TradeEffect | Revert:
    """Settle one trade at `now`; accounts, fees and open interest after it, or why it is refused."""
    refusal = _refusal(trade, market)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    exposure = notional(trade.size, trade.price)
    cash = signed_value(trade.size, trade.price)
    taker_fee = fee_of(exposure, market.taker_fee)
    maker_fee = fee_of(exposure, market.maker_fee)
    taken = _filled(taker, market, trade.size, QuoteAtoms(-cash), taker_fee, now)
    if isinstance(taken, Revert):
        return taken
    made = _filled(maker, market, SizeE8(-trade.size), cash, maker_fee, now)
    if isinstance(made, Revert):
        return made
    refusal = _why_not_both(market, taken, made, now)
    if refusal is not None:
        return refusal
    longs = taken.longs_added + made.longs_added
    worth = notional(SizeE8(market.open_interest + longs), market.mark)
    if longs > 0 and worth > market.open_interest_cap:
        return Revert.OPEN_INTEREST_CAP
    return TradeEffect(
        taker=taken.account,
        maker=made.account,
        taker_fee=taker_fee,
        maker_fee=maker_fee,
        funding_paid=QuoteAtoms(taken.funding_paid + made.funding_paid),
        open_interest_change=SizeE8(longs),
    )


def fee_of(exposure: QuoteAtoms, fee: Ppm) -> QuoteAtoms:
    """Give a side's fee, rounded up; below 0 it is a rebate."""
    return QuoteAtoms(div_ceil(exposure * fee, PPM_SCALE))


def _refusal(trade: Trade, market: Market | None) -> Revert | None:
    """Give the first reason that needs no account."""
    if market is None:
        return Revert.UNKNOWN_MARKET
    has_band = bool(market.band_low or market.band_high)
    checks = (
        (market.status >= MarketStatus.HALTED, Revert.MARKET_CLOSED),
        (market.is_splitting, Revert.SPLIT_IN_PROGRESS),
        (trade.taker == trade.maker, Revert.SELF_TRADE),
        (not 0 < abs(trade.size) <= LARGEST_SIZE, Revert.BAD_SIZE),
        (not 0 < trade.price <= HIGHEST_TRADE_PRICE, Revert.BAD_PRICE),
        (
            has_band and not market.band_low <= trade.price <= market.band_high,
            Revert.OUTSIDE_BAND,
        ),
    )
    return next((reason for holds, reason in checks if holds), None)


def _filled(
    party: TradeParty,
    market: Market,
    size: SizeE8,
    cash: QuoteAtoms,
    fee: QuoteAtoms,
    now: Seconds,
) -> _Side | Revert:
    held = party.account.position(market.id)
    if held is None and not party.is_open:
        return Revert.UNKNOWN_ACCOUNT
    before = SizeE8(0) if held is None else held.size
    after = SizeE8(before + size)
    if abs(after) > LARGEST_SIZE:
        return Revert.BAD_SIZE
    filled: Filled = fill(
        party.account, Fill(market=market.id, size=size, cash=cash), market, now=now
    )
    account = replace(filled.account, collateral=QuoteAtoms(filled.account.collateral - fee))
    if held is None and not party.is_free and len(account.positions) > MOST_MARKETS_PER_ACCOUNT:
        return Revert.TOO_MANY_MARKETS
    return _Side(
        party=party,
        account=account,
        before=before,
        after=after,
        cash=QuoteAtoms(cash - fee),
        funding_paid=filled.funding_paid,
    )


def _why_not_both(market: Market, taken: _Side, made: _Side, now: Seconds) -> Revert | None:
    must_reduce = market.status is MarketStatus.REDUCE_ONLY or market.is_stale(now)
    is_priced = True
    for side in (taken, made):
        state = margin_state(side.account, side.party.markets, now)
        refusal = (
            _why_not_reduced(market, side, state)
            if side.reduces
            else _why_not_grown(market, side, state, must_reduce=must_reduce)
        )
        if refusal is not None:
            return refusal
        is_priced = is_priced and state.is_priced
    if not is_priced and not (taken.reduces and made.reduces):
        return Revert.STALE_PRICE
    return None


def _why_not_grown(
    market: Market, side: _Side, state: MarginState, *, must_reduce: bool
) -> Revert | None:
    checks = (
        (must_reduce, Revert.REDUCE_ONLY),
        (not state.is_priced, Revert.STALE_PRICE),
        (
            notional(side.after, market.mark) < market.min_position_notional,
            Revert.BELOW_MINIMUM_NOTIONAL,
        ),
        (state.equity < state.initial_margin, Revert.BELOW_INITIAL_MARGIN),
    )
    return next((reason for holds, reason in checks if holds), None)


def _why_not_reduced(market: Market, side: _Side, state: MarginState) -> Revert | None:
    """Refuse a bankrupt side whose equity over its margin would get worse."""
    if state.equity >= 0:
        return None
    revalued = signed_value(side.after, market.mark) - signed_value(side.before, market.mark)
    equity_before = state.equity - (revalued + side.cash)
    margin_after = state.maintenance_margin
    margin_before = (
        margin_after
        + market.maintenance_margin(notional(side.before, market.mark))
        - market.maintenance_margin(notional(side.after, market.mark))
    )
    if state.equity * margin_before < equity_before * margin_after:
        return Revert.WORSE_MARGIN
    return None
