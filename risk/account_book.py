"""Every account of a venue, as columns: a million accounts and two million positions in memory.

An account is a row, a position is a slot, and the slots of one account are a linked list. Nothing
is an object per account: Python's collector would walk millions of them. Columns are int64 and grow
by doubling; a value that does not fit is refused where it enters, in one sentence, never wrapped.
Accounts are never forgotten: an emptied one may come back. The book judges exactly (`slack`), and
tells nothing about when to judge: that is the trigger index.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import numpy as np

from risk.columns import AccountColumns, Int64Column
from risk.margin import Account, MarginState, Position, margin_state
from risk.market import Market
from risk.position_slots import NO_SLOT, AccountRows, PositionSlots, SlotColumn
from risk.slack import MarketTerms
from risk.units import (
    FUNDING_SCALE,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    FundingE12,
    MarketId,
    QuoteAtoms,
    Seconds,
    SizeE8,
)

_LARGEST: Final = 2**63 - 1


class AccountBook:
    """Columnar store of accounts, positions and markets; rows and slots are dense integers."""

    def __init__(self, markets: Mapping[MarketId, Market]) -> None:
        self._markets = dict(markets)
        self._terms: dict[int, MarketTerms] = {}
        self._row_of: dict[AccountId, int] = {}
        self._ids: list[AccountId] = []
        self.rows = AccountRows()
        self.slots = PositionSlots()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """Every market as last told."""
        return self._markets

    @property
    def position_count(self) -> int:
        """How many positions are open, over all accounts."""
        return self.slots.live_count

    # --- what changes ----------------------------------------------------------------------------

    def load(self, pages: Iterable[AccountColumns]) -> None:
        """Add whole pages of accounts; ValueError for an account that is known already."""
        for page in pages:
            first = len(self._ids)
            self._ids.extend(page.ids)
            self._row_of.update(zip(page.ids, range(first, len(self._ids)), strict=True))
            if len(self._row_of) != len(self._ids):
                raise ValueError("expected each account once in the pages, found one twice")
            self._refuse_unknown_markets(page)
            heads = self.slots.extend(page, first)
            self.rows.extend(page.collateral, heads)

    def set_market(self, market: Market) -> None:
        """Replace a market, or add one."""
        self._markets[market.id] = market

    def set_collateral(self, account: AccountId, collateral: QuoteAtoms) -> int:
        """Set an account's cash; give its row."""
        _check_fits(account, collateral)
        row = self._row(account)
        self.rows.collateral_at[row] = collateral
        return row

    def set_position(
        self,
        account: AccountId,
        market: MarketId,
        size: SizeE8,
        quote: QuoteAtoms,
        funding: FundingE12,
        slice_time: Seconds,
        collateral: QuoteAtoms,
    ) -> tuple[int, int]:
        """Set an account's position in a market, and its cash; size 0 removes the position.

        Gives the account's row and the slot that was written or freed (`NO_SLOT`: none was).
        """
        _check_fits(account, size, quote, funding, slice_time, collateral)
        if market not in self._markets:
            raise ValueError(f"expected a position in a known market, found market {market}")
        row = self._row(account)
        self.rows.collateral_at[row] = collateral
        slots, heads = self.slots, self.rows.head_at
        last, slot = NO_SLOT, heads[row]
        while slot != NO_SLOT and slots.market_at[slot] != market:
            last, slot = slot, slots.next_at[slot]
        if size == 0:
            if slot != NO_SLOT:
                following = slots.free(slot)
                if last == NO_SLOT:
                    heads[row] = following
                else:
                    slots.next_at[last] = following
            return row, slot
        if slot == NO_SLOT:
            slot = slots.take(market, row)
            if last == NO_SLOT:
                heads[row] = slot
            else:
                slots.next_at[last] = slot
        slots.write(slot, size, quote, funding, slice_time)
        return row, slot

    # --- what is known ---------------------------------------------------------------------------

    def row(self, account: AccountId) -> int | None:
        """Give an account's row, or None for an account never seen."""
        return self._row_of.get(account)

    def id_at(self, row: int) -> AccountId:
        """Give the account in a row."""
        return self._ids[row]

    def account(self, account: AccountId) -> Account:
        """Give one account as a value; KeyError for an account never seen."""
        row = self._row_of[account]
        slots = self.slots
        positions: list[Position] = []
        slot = self.rows.head_at[row]
        while slot != NO_SLOT:
            positions.append(slots.position(slot))
            slot = slots.next_at[slot]
        return Account(
            id=account,
            collateral=QuoteAtoms(self.rows.collateral_at[row]),
            positions=tuple(positions),
        )

    def state(self, account: AccountId, now: Seconds) -> MarginState:
        """Judge one account in full; KeyError for an account never seen."""
        return margin_state(self.account(account), self._markets, now)

    def slack(self, row: int, now: Seconds) -> tuple[int, int]:
        """Give a row's (equity, maintenance margin) in atoms: `margin_state`, and nothing else."""
        slots = self.slots
        sizes, quotes, fundings = slots.size_at, slots.quote_at, slots.funding_at
        markets, following = slots.market_at, slots.next_at
        every_terms, known = self._terms, cast("dict[int, Market]", self._markets)
        equity = self.rows.collateral_at[row]
        maintenance = 0
        slot = self.rows.head_at[row]
        while slot != NO_SLOT:
            number = markets[slot]
            terms = every_terms.get(number)
            if terms is None or terms.now != now or terms.market is not known[number]:
                terms = self._refresh(number, now)
            size = sizes[slot]
            product = size * terms.mark
            value = product // NOTIONAL_SCALE
            equity += value + quotes[slot]
            since = terms.funding - fundings[slot]
            if since:
                # −ceil(a / b) is floor(−a / b): what is owed rounds up, so equity rounds down.
                equity += -size * since // FUNDING_SCALE
            # A short's value rounded down is its notional rounded up.
            exposure = -value if size < 0 else -(-product // NOTIONAL_SCALE)
            rate, deduction = terms.rate, terms.deduction
            for bound, next_rate, next_deduction in terms.steps:
                if bound > exposure:
                    break
                rate, deduction = next_rate, next_deduction
            maintenance -= -exposure * rate // PPM_SCALE + deduction
            slot = following[slot]
        return equity, maintenance

    def accounts_at(self, rows: Sequence[int]) -> list[AccountId]:
        """Name the accounts in these rows (any integers: taken modulo the number of accounts)."""
        count = len(self._ids)
        return [self._ids[row % count] for row in rows] if count else []

    def differences(self, page: AccountColumns) -> list[AccountId]:
        """Name the accounts of a page that are held differently here, in the page's order."""
        return [
            told.id
            for told in page.accounts()
            if told.id not in self._row_of or _content(told) != _content(self.account(told.id))
        ]

    def columns(self, accounts: Sequence[AccountId] | None = None) -> AccountColumns:
        """Export accounts (all of them by default) as one page, in the given order."""
        if accounts is None:
            ids, rows = tuple(self._ids), np.arange(len(self._ids), dtype=np.int64)
        else:
            ids = tuple(accounts)
            rows = np.array([self._row_of[account] for account in ids], dtype=np.int64)
        slots, owners = self.slots_of(rows)
        order = np.argsort(owners, kind="stable")
        return AccountColumns(
            ids=ids,
            collateral=self.rows.collateral[rows],
            position_count=np.bincount(owners, minlength=len(rows)).astype(np.int64),
            positions=self.slots.columns(slots[order]),
        )

    def slots_of(self, rows: Int64Column) -> tuple[SlotColumn, SlotColumn]:
        """Give the slots of many rows, each with the place in `rows` of the row it belongs to."""
        current = self.rows.head[rows]
        owners = np.arange(len(rows), dtype=np.int32)
        found: list[SlotColumn] = []
        found_owners: list[SlotColumn] = []
        while True:
            kept = current != NO_SLOT
            current, owners = current[kept], owners[kept]
            if not len(current):
                break
            found.append(current)
            found_owners.append(owners)
            current = self.slots.next[current]
        if not found:
            return current, owners
        return np.concatenate(found), np.concatenate(found_owners)

    def _row(self, account: AccountId) -> int:
        row = self._row_of.get(account)
        if row is None:
            row = self.rows.append()
            self._row_of[account] = row
            self._ids.append(account)
        return row

    def _refresh(self, number: int, now: Seconds) -> MarketTerms:
        terms = MarketTerms(self._markets[MarketId(number)], now)
        self._terms[number] = terms
        return terms

    def _refuse_unknown_markets(self, page: AccountColumns) -> None:
        for number in np.unique(page.positions.market).tolist():
            if number not in self._markets:
                raise ValueError(f"expected positions in known markets, found market {number}")


def _check_fits(account: AccountId, *values: int) -> None:
    if max(values) > _LARGEST or min(values) < -_LARGEST - 1:
        raise OverflowError(
            f"expected every number of account {account:#x} to fit 64 bits, found {values}"
        )


def _content(account: Account) -> tuple[int, list[Position]]:
    return account.collateral, sorted(account.positions, key=lambda held: held.market)
