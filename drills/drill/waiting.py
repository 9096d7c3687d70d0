"""Who is due to be liquidated after each block, and how long each waited: `drills.waits` for whole columns.

Due means under maintenance margin, every price fresh, and at least one position that the exchange would let go:
its market takes liquidations, and it is not cooling down (a critical account never is).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from drills.waits import judge
from monitors.accounts import AccountsMonitor
from risk.columns import Int64Column
from risk.liquidation import LiquidationTerms, backstop_state, judge_liquidation
from risk.margin import MarginState, margin_state
from risk.units import AccountId, Seconds
from venues.port import BlockRef

FEW = 32
"""So many are judged one by one; the columns are walked for more."""
NOBODY = -1

Bools = NDArray[np.bool_]


class DueAccounts:
    """Since when each account has been due."""

    def __init__(self, monitor: AccountsMonitor) -> None:
        self._monitor = monitor
        count = len(monitor.watch.book)
        self._since: Int64Column = np.full(count, NOBODY, dtype=np.int64)
        self._block: Int64Column = np.full(count, NOBODY, dtype=np.int64)
        self._waiting: Int64Column = np.zeros(0, dtype=np.int64)
        self.count = 0
        """Due after the last block."""

    def after_block(
        self, block: BlockRef, liquidated: Iterable[AccountId]
    ) -> list[tuple[int, int]]:
        """Take a block; give the waits (seconds, blocks) of the accounts liquidated in it, in their order."""
        book = self._monitor.watch.book
        ended = []
        for account in liquidated:
            row = book.row(account)
            assert row is not None, "only an account that is held can be liquidated"
            since, first = int(self._since[row]), int(self._block[row])
            self._since[row] = NOBODY
            ended.append((0, 0) if since < 0 else (block.timestamp - since, block.number - first))
        due = self._due(block.timestamp)
        new = due[self._since[due] < 0]
        self._since[new], self._block[new] = block.timestamp, block.number
        still = np.zeros(0, dtype=np.int64)
        if len(self._waiting):
            still = np.setdiff1d(self._waiting, due, assume_unique=True)
        self._since[still] = NOBODY
        self._waiting, self.count = due, len(due)
        return ended

    def carried(self, now: Seconds) -> tuple[int, int | None]:
        """Count those due now whom the funds let go, and give the longest wait of them in seconds.

        Whom only an empty backstop keeps is waiting for money, or to be bankrupt and deleveraged; not for a keeper.
        """
        monitor = self._monitor
        book = monitor.watch.book
        terms = LiquidationTerms(
            markets=monitor.markets,
            rules=monitor.rules,
            now=now,
            insurance_fund=monitor.insurance_fund,
            backstop=backstop_state(monitor.state(monitor.backstop_account)),
        )
        rows = [
            row
            for row in self._waiting.tolist()
            if _is_carried(margin_state(book.account(book.id_at(row)), monitor.markets, now), terms)
        ]
        return len(rows), int(now - self._since[rows].min()) if rows else None

    def longest(self, block: BlockRef) -> tuple[int, int] | None:
        """Give the longest wait (seconds, blocks) of those who are due now; None of nobody."""
        if not len(self._waiting):
            return None
        return (
            int(block.timestamp - self._since[self._waiting].min()),
            int(block.number - self._block[self._waiting].min()),
        )

    # --- within ----------------------------------------------------------------------------------

    def _due(self, now: Seconds) -> Int64Column:
        """Give the rows of who is due."""
        monitor = self._monitor
        pool = monitor.watch.book.row(monitor.backstop_account)
        rows = monitor.watch.under_margin_rows()
        rows = np.sort(rows[rows != pool]).astype(np.int64)
        if not len(rows):
            return rows
        found = (
            [row for row in rows.tolist() if self._is_due(row, now)] if len(rows) <= FEW else None
        )
        return self._due_of_many(rows, now) if found is None else np.array(found, dtype=np.int64)

    def _is_due(self, row: int, now: Seconds) -> bool:
        monitor, book = self._monitor, self._monitor.watch.book
        return judge(book.account(book.id_at(row)), monitor.markets, monitor.rules, now).is_due

    def _due_of_many(self, rows: Int64Column, now: Seconds) -> Int64Column:
        monitor, slots = self._monitor, self._monitor.watch.book.slots
        member: Bools = np.zeros(len(monitor.watch.book), dtype=np.bool_)
        member[rows] = True
        owners, markets = slots.owner[: slots.count], slots.market[: slots.count]
        chosen = np.flatnonzero((markets >= 0) & member[owners])
        owner, market = owners[chosen], markets[chosen]
        listed = sorted(monitor.markets.items())
        takes = np.array([each.may_liquidate for _, each in listed])
        fresh = np.array([not each.is_stale(now) for _, each in listed])
        sliced = slots.slice_time[chosen]
        cools = (sliced > 0) & (now < sliced + monitor.rules.cool_down)
        stale, free, held_back = (np.zeros(len(member), dtype=np.bool_) for _ in range(3))
        stale[owner[~fresh[market]]] = True
        free[owner[takes[market] & ~cools]] = True
        held_back[owner[takes[market] & cools]] = True
        # Whoever only cools down may be critical: few, and judged one by one.
        for row in np.flatnonzero(held_back & ~free & ~stale).tolist():
            free[row] = self._is_due(row, now)
        due: Int64Column = np.flatnonzero(member & free & ~stale).astype(np.int64)
        return due


def _is_carried(state: MarginState, terms: LiquidationTerms) -> bool:
    """Say whether the exchange would let go of any position of an account now."""
    return any(
        judge_liquidation(state, held.position.market, terms).is_liquidated
        for held in state.positions
    )
