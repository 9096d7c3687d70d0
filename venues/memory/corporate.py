"""Splits, dividends, settlements: docs/exchange.md section 8."""

from dataclasses import replace
from typing import Final, assert_never

import numpy as np

from risk.columns import Int64Column
from risk.corporate_effects import (
    begin_split,
    close_settled,
    covered_loss,
    pay_dividend,
    settle_market,
)
from risk.corporate_prices import Rebase
from risk.corporate_scaling import split_account, split_market
from risk.corporate_values import Ratio, ratio_of
from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
)
from risk.exchange_reverts import Revert
from risk.fill import Fill, fill
from risk.guard_rails import Parameter
from risk.market import Market
from risk.units import MarketId, QuoteAtoms, SizeE8
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError
from venues.memory.gates import guard_of, note_write, require_role
from venues.memory.requests import Corporate
from venues.memory.state import SplitProgress
from venues.memory.writing import market_of, unreverted
from venues.port import CorporateChanged

_MOST_ROWS: Final = 1_024
"""Accounts that one `continue_split` rescales at most."""


def corporate(draft: Draft, request: Corporate) -> None:
    """Make a corporate write; raises RevertedError."""
    market = request.market
    match request.write:
        case BeginSplit():
            _begin_split(draft, market, request.write)
        case ContinueSplit():
            _continue_split(draft, market, request.write.count)
        case PayDividend():
            _pay_dividend(draft, market, request.write)
        case SettleMarket():
            _settle_market(draft, market, request.write)
        case CloseSettled():
            _close_settled(draft, market, request.write)
        case CoverLosses():
            _cover_losses(draft, request.write)
        case _:
            assert_never(request.write)


def _begin_split(draft: Draft, number: MarketId, write: BeginSplit) -> None:
    require_role(draft, Role.CORPORATE)
    guard = guard_of(draft, number, Role.CORPORATE, Parameter.SPLIT, write.expected_epoch)
    after = begin_split(market_of(draft, number), write.numerator, write.denominator, guard)
    draft.set_market(unreverted(after))
    note_write(draft, number, Role.CORPORATE, Parameter.SPLIT, guard.epoch + 1)
    progress = SplitProgress(ratio=ratio_of(write.numerator, write.denominator), begun_at=draft.now)
    splits = draft.state.splits
    draft.later(lambda: splits.update({number: progress}))
    _answer(draft, number, "SplitBegun", guard.epoch + 1)


def _answer(draft: Draft, number: MarketId, event: str, epoch: int) -> None:
    draft.answers.append(CorporateChanged(market=number, epoch=epoch, block=0, event=event))


def _continue_split(draft: Draft, number: MarketId, count: int) -> None:
    require_role(draft, Role.CORPORATE)
    market = market_of(draft, number)
    if market is None:
        raise RevertedError(Revert.UNKNOWN_MARKET)
    progress = draft.state.splits.get(number)
    if progress is None:
        raise RevertedError(Revert.NO_SPLIT)
    book = draft.state.book
    end = min(len(book), progress.cursor + min(count, _MOST_ROWS))
    total, longs, pool = progress.total, progress.longs, 0
    for row in _holders(draft, number, progress.cursor, end).tolist():
        account = draft.account(book.id_at(row))
        after = split_account(account, market, progress.ratio, begun_at=progress.begun_at)
        draft.write(after.account, number)
        total, longs, pool = (
            total + after.size,
            longs + max(after.size, 0),
            pool + after.funding_paid,
        )
    splits = draft.state.splits
    if end == len(book):
        _finish(draft, market, progress.ratio, total, longs)
        draft.later(lambda: splits.__delitem__(number))
    else:
        moved = replace(progress, cursor=end, total=total, longs=longs)
        draft.later(lambda: splits.update({number: moved}))
    draft.move_pools(funding=pool)


def _holders(draft: Draft, number: MarketId, start: int, end: int) -> Int64Column:
    """Give the rows from `start` to `end` that hold something in a market, in their order."""
    slots = draft.state.book.slots
    owners = slots.owner[slots.in_market(number)]
    inside = owners[(owners >= start) & (owners < end)]
    return np.sort(inside).astype(np.int64)


def _finish(draft: Draft, market: Market, ratio: Ratio, total: int, longs: int) -> None:
    """Give the market its new prices, and the backstop what rounding left of the sizes."""
    bare = split_market(market, ratio, longs=SizeE8(0), now=draft.now)
    if total:
        backstop = draft.account(draft.state.backstop)
        held = backstop.position(market.id)
        before = 0 if held is None else held.size
        dust = Fill(market=market.id, size=SizeE8(-total), cash=QuoteAtoms(0))
        taken = fill(backstop, dust, bare, now=draft.now).account
        draft.write(taken, market.id)
        longs += max(before - total, 0) - max(before, 0)
    draft.move_open_interest(market.id, longs - market.open_interest)
    done = split_market(market, ratio, longs=SizeE8(longs), now=draft.now)
    draft.set_market(done, rebase=Rebase(ratio=ratio))
    _answer(
        draft, market.id, "SplitFinished", draft.state.epochs.get((market.id, Role.CORPORATE), 0)
    )


def _pay_dividend(draft: Draft, number: MarketId, write: PayDividend) -> None:
    require_role(draft, Role.CORPORATE)
    guard = guard_of(draft, number, Role.CORPORATE, Parameter.DIVIDEND, write.expected_epoch)
    after = pay_dividend(market_of(draft, number), write.amount, guard)
    draft.set_market(unreverted(after), rebase=Rebase(amount=write.amount))
    note_write(draft, number, Role.CORPORATE, Parameter.DIVIDEND, guard.epoch + 1)
    _answer(draft, number, "DividendPaid", guard.epoch + 1)


def _settle_market(draft: Draft, number: MarketId, write: SettleMarket) -> None:
    require_role(draft, Role.CORPORATE)
    guard = guard_of(draft, number, Role.CORPORATE, Parameter.STATUS, write.expected_epoch)
    draft.set_market(unreverted(settle_market(market_of(draft, number), write.price, guard)))
    note_write(draft, number, Role.CORPORATE, None, guard.epoch + 1)
    _answer(draft, number, "MarketSettled", guard.epoch + 1)


def _close_settled(draft: Draft, number: MarketId, write: CloseSettled) -> None:
    market = market_of(draft, number)
    if market is None:
        raise RevertedError(Revert.UNKNOWN_MARKET)
    if not market.is_settled:
        raise RevertedError(Revert.NOT_SETTLED)
    longs = pool = 0
    for each in write.accounts:
        closed = close_settled(draft.account(each), market, draft.now)
        if closed is not None:
            draft.write(closed.account, number)
            longs, pool = longs + max(closed.size, 0), pool + closed.pool_gain
    draft.move_open_interest(number, -longs)
    draft.move_pools(funding=pool)


def _cover_losses(draft: Draft, write: CoverLosses) -> None:
    fund = draft.funds.insurance_fund
    for each in write.accounts:
        paid = covered_loss(draft.account(each), fund)
        if paid > 0:
            fund = QuoteAtoms(fund - paid)
            draft.change_collateral(each, paid)
    draft.move_pools(insurance=fund - draft.funds.insurance_fund)
