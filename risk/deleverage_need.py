"""Who must be deleveraged now, by how much, and what a further move would ask for.

An account is in need where it is bankrupt and the exchange would not answer NOT_NEEDED: insurance
fund and backstop cannot close the whole position. The need is the smallest size after which they
can (or nothing but dust is left), so that nobody gives up more than what nobody else can carry. Each account
is judged on the whole of the pools, as the exchange does; `uncovered` tells what all of them
together lack. Every bankrupt account that is not in need has a reason.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.deleverage_columns import exact_values
from risk.deleverage_rules import Burden, Pools, burden, relief_of
from risk.margin import MarginState, PositionState, margin_state
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8, div_floor, notional


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
        groups: dict[tuple[MarketId, bool], list[NeededClose]] = {}
        for close in self.closes:
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


def deleverage_need(
    book: AccountBook,
    pools: Pools,
    now: Seconds,
    *,
    candidates: Iterable[AccountId] | None = None,
    markets: Mapping[MarketId, Market] | None = None,
) -> Need:
    """Judge every account of the book, or only `candidates` (who is under margin: a superset).

    `markets` replaces the book's own, to ask what would be.
    """
    facts = book.markets if markets is None else markets
    closes: list[NeededClose] = []
    waiting: list[Waiting] = []
    shortfall = 0
    for account in _bankrupt(book, facts, now, candidates):
        if account == pools.backstop.account:
            continue
        state = margin_state(book.account(account), facts, now)
        shortfall += max(0, -state.equity)
        for held in state.positions:
            found = judge_need(state, held, facts, pools)
            if isinstance(found, Waiting):
                waiting.append(found)
            else:
                closes.append(found)
    closes.sort(key=lambda close: (-close.shortfall, close.account, close.market))
    waiting.sort(key=lambda wait: (wait.account, wait.market))
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


def needed_size(state: MarginState, held: PositionState, market: Market, pools: Pools) -> int:
    """Give the smallest close after which the exchange would answer NOT_NEEDED or NOT_BANKRUPT.

    Found by bisection: a smaller rest owes less and fits the backstop better. Where rounding makes
    single atoms go the other way, it is a close that suffices while one unit less does not. As in
    a liquidation no dust is left: a rest under the market's minimum notional is closed as well.
    """
    whole = abs(held.position.size)

    def suffices(close: int) -> bool:
        equity = QuoteAtoms(state.equity + relief_of(state, held, market, close))
        left = SizeE8(held.position.size - close if held.position.size > 0 else close - whole)
        return equity >= 0 or burden(left, equity, market, pools) is Burden.CARRIED

    size = _first_true(whole, suffices)
    rest = notional(SizeE8(whole - size), market.mark)
    return whole if rest < market.min_position_notional else size


def _first_true(last: int, is_true: Callable[[int], bool]) -> int:
    """Bisect in 1..last, where `is_true(last)` is taken for granted and 0 is not asked."""
    low, high = 0, last
    while high - low > 1:
        middle = div_floor(low + high, 2)
        if is_true(middle):
            high = middle
        else:
            low = middle
    return high


def _bankrupt(
    book: AccountBook,
    markets: Mapping[MarketId, Market],
    now: Seconds,
    candidates: Iterable[AccountId] | None,
) -> list[AccountId]:
    if candidates is None:
        rows: Int64Column = np.arange(len(book), dtype=np.int64)
    else:
        found = (book.row(account) for account in candidates)
        rows = np.array(sorted({row for row in found if row is not None}), dtype=np.int64)
    valued = exact_values(book, markets, rows, now)
    return [book.id_at(row) for row in rows[valued.equity < 0].tolist()]
