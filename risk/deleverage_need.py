"""Who must be deleveraged now, by how much, and what a further move would ask for.

An account is in need where it is bankrupt and the exchange would not answer NOT_NEEDED: insurance
fund and backstop cannot close the whole position. The need is the smallest size after which they
can (or nothing but dust is left), so that nobody gives up more than what nobody else can carry. Each account
is judged on the whole of the pools, as the exchange does; `uncovered` tells what all of them
together lack. Every bankrupt account that is not in need has a reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.deleverage_columns import exact_values
from risk.deleverage_rules import Burden, Pools, burden, relief_of
from risk.deleverage_size import needed_size
from risk.margin import MarginState, PositionState, margin_state
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8


class WaitReason(StrEnum):
    """Why a bankrupt account's position is not deleveraged, or not yet to the end."""

    CARRIED = "carried"
    STALE_PRICE = "stale_price"
    MARKET_CLOSED = "market_closed"
    BACKSTOP_SPLITTING = "backstop_splitting"
    IN_FLIGHT = "in_flight"
    WARMING_UP = "warming_up"
    NO_COUNTERPARTY = "no_counterparty"
    STEP_LIMIT = "step_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededClose:
    """One bankrupt position: `size` (unsigned) of its `held` must be closed against others.

    `shortfall` is this position's part of what the account owes, `relief` what closing `size` adds
    to the account: the least that others must give up. `burden`: what the pools lack.
    """

    account: AccountId
    market: MarketId
    held: SizeE8
    size: int
    shortfall: QuoteAtoms
    relief: QuoteAtoms
    burden: Burden

    @property
    def is_long(self) -> bool:
        """Say on which side the bankrupt position is."""
        return self.held > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A bankrupt account's position that is left alone for now, and why."""

    account: AccountId
    market: MarketId
    reason: WaitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SideNeed:
    """The need of one market and side (that of the bankrupt); sizes 1e-8 share, money in atoms."""

    market: MarketId
    is_long: bool
    account_count: int
    size: int
    shortfall: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """All that is needed at one moment, largest shortfall first, then by account and market.

    `shortfall` is what all bankrupt accounts together owe, whoever carries it; `uncovered` what of
    it insurance fund and backstop headroom together lack.
    """

    closes: tuple[NeededClose, ...]
    waiting: tuple[Waiting, ...]
    shortfall: QuoteAtoms
    uncovered: QuoteAtoms

    @property
    def sides(self) -> tuple[SideNeed, ...]:
        """Sum the need by market and side, in that order, longs first."""
        return side_needs(self.closes)


def deleverage_need(
    book: AccountBook,
    pools: Pools,
    now: Seconds,
    *,
    candidates: Iterable[AccountId] | None = None,
    markets: Mapping[MarketId, Market] | None = None,
) -> Need:
    """Judge every account of the book, or only `candidates` (who is under margin: a superset).

    `markets` replaces the book's own, to ask what would be. Finding who is bankrupt is cheap,
    judging each is not: who must be quick passes few candidates.
    """
    facts = book.markets if markets is None else markets
    found = bankrupt_rows(book, facts, _rows(book, candidates), now)
    found = [each for each in found if book.id_at(each[1]) != pools.backstop.account]
    closes: list[NeededClose] = []
    waiting: list[Waiting] = []
    for _, row in found:
        state = margin_state(book.account(book.id_at(row)), facts, now)
        needed, left = judge_account(state, facts, pools)
        closes += needed
        waiting += left
    closes.sort(key=lambda close: (-close.shortfall, close.account, close.market))
    waiting.sort(key=lambda wait: (wait.account, wait.market))
    shortfall = -sum(equity for equity, _ in found)
    means = pools.insurance_fund + pools.backstop.headroom
    return Need(
        closes=tuple(closes),
        waiting=tuple(waiting),
        shortfall=QuoteAtoms(shortfall),
        uncovered=QuoteAtoms(max(0, shortfall - means)),
    )


def judge_need(
    state: MarginState, held: PositionState, markets: Mapping[MarketId, Market], pools: Pools
) -> NeededClose | Waiting:
    """Say how much of a bankrupt account's position must be closed, or why none of it may be."""
    market = markets[held.position.market]

    def wait(reason: WaitReason) -> Waiting:
        return Waiting(account=state.account, market=market.id, reason=reason)

    if not market.may_liquidate:
        return wait(WaitReason.MARKET_CLOSED)
    if not state.is_priced:
        return wait(WaitReason.STALE_PRICE)
    # In the middle of a split the backstop's own inventory has two prices: we do not guess.
    if any(
        size and markets[number].is_splitting for number, size in pools.backstop.inventories.items()
    ):
        return wait(WaitReason.BACKSTOP_SPLITTING)
    why = burden(held.position.size, state.equity, market, pools)
    if why is Burden.CARRIED:
        return wait(WaitReason.CARRIED)
    size = needed_size(state, held, market, pools)
    return NeededClose(
        account=state.account,
        market=market.id,
        held=held.position.size,
        size=size,
        shortfall=relief_of(state, held, market, abs(held.position.size)),
        relief=relief_of(state, held, market, size),
        burden=why,
    )


def judge_account(
    state: MarginState, markets: Mapping[MarketId, Market], pools: Pools
) -> tuple[list[NeededClose], list[Waiting]]:
    """Judge every position of a bankrupt account."""
    closes: list[NeededClose] = []
    waiting: list[Waiting] = []
    for held in state.positions:
        found = judge_need(state, held, markets, pools)
        if isinstance(found, Waiting):
            waiting.append(found)
        else:
            closes.append(found)
    return closes, waiting


def side_needs(closes: Iterable[NeededClose]) -> tuple[SideNeed, ...]:
    """Sum needs by market and side, in that order, longs first."""
    groups: dict[tuple[MarketId, bool], list[NeededClose]] = {}
    for close in closes:
        groups.setdefault((close.market, not close.is_long), []).append(close)
    return tuple(
        SideNeed(
            market=market,
            is_long=not is_short,
            account_count=len(group),
            size=sum(close.size for close in group),
            shortfall=QuoteAtoms(sum(close.shortfall for close in group)),
        )
        for (market, is_short), group in sorted(groups.items())
    )


def bankrupt_rows(
    book: AccountBook, markets: Mapping[MarketId, Market], rows: Int64Column, now: Seconds
) -> list[tuple[int, int]]:
    """Give (equity, row) of those among the rows whose equity is below 0, the lowest first."""
    equity = exact_values(book, markets, rows, now).equity
    places = np.flatnonzero(equity < 0)
    return sorted(zip(equity[places].tolist(), rows[places].tolist(), strict=True))


def _rows(book: AccountBook, candidates: Iterable[AccountId] | None) -> Int64Column:
    if candidates is None:
        return np.arange(len(book), dtype=np.int64)
    found = (book.row(account) for account in candidates)
    return np.array(sorted({row for row in found if row is not None}), dtype=np.int64)
