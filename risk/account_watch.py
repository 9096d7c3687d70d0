"""The account book and the trigger index together: who is under margin, at every moment.

Every method applies one fact and returns whether the set of accounts under margin changed. The set
is a level, not a stream of events: an account is in it exactly while its equity is below its
maintenance margin at the latest marks and time told, whatever the state of its markets (stale,
halted: whether one may act is the keeper's to judge). A quiet tick costs two comparisons of
prices, one of times, and the proof that the market changed in nothing but what a price changes.
Time never goes back here: the clock is the latest that any call or market has told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from risk.account_book import AccountBook
from risk.columns import AccountColumns, Int64Column
from risk.exposure import ExposureSurvey
from risk.margin import MarginState
from risk.market import Market
from risk.position_slots import NO_SLOT
from risk.trigger_index import LAG, TriggerIndex
from risk.units import AccountId, FundingE12, MarketId, Ppm, QuoteAtoms, Seconds, SizeE8


class AccountWatch:
    """Every account of a venue, watched; driven by what the venue tells, in its order."""

    def __init__(self) -> None:
        self._stamp = (Seconds(0), 0)
        self.load({}, (), Seconds(0))

    def load(
        self, markets: Mapping[MarketId, Market], pages: Iterable[AccountColumns], now: Seconds
    ) -> None:
        """Forget everything and start from this snapshot."""
        self._book = AccountBook(markets)
        self._book.load(pages)
        self._index = TriggerIndex(self._book)
        self._index.stamp = self._stamp
        self._now = Seconds(max([now, *(market.funding_time for market in markets.values())]))
        self._index.recentre_all(self._now)
        self._under = UnderMargin(self, self._book, self._index.under)

    @property
    def book(self) -> AccountBook:
        """Every account and market as last told; to be read only."""
        return self._book

    @property
    def now(self) -> Seconds:
        """The venue's clock as far as it was told."""
        return self._now

    @property
    def judged_count(self) -> int:
        """How many accounts were judged since the last load, by triggers or by facts."""
        return self._index.judged

    @property
    def under_margin(self) -> Mapping[AccountId, MarginState]:
        """Who is under margin now, each judged exactly when looked up."""
        return self._under

    def under_margin_rows(self) -> Int64Column:
        """Give the book's rows of who is under margin now."""
        under = self._index.under
        return np.fromiter(under, dtype=np.int64, count=len(under))

    def set_market(self, market: Market, now: Seconds) -> bool:
        """Take a market as it is now; a mere price move costs next to nothing."""
        index = self._index
        gate = index.gates.get(market.id)
        if gate is None:
            return self._set_rules(market, now)
        known, seen = gate.market, self._now
        if not _is_price_move(known, market, seen, gate.pace.index_cap):
            return self._set_rules(market, now)
        self._book.set_market(market)
        gate.market = market
        if now > seen or market.funding_time > seen:
            self._now = max(market.funding_time, now)
        mark = market.mark
        if (
            mark < gate.rising.next
            and -mark < gate.falling.next
            and not gate.tight
            and self._now < index.due.next
        ):
            return False
        flips = index.flips
        index.reach_price(gate, self._now)
        index.reach_time(self._now)
        return index.flips != flips

    def advance(self, now: Seconds) -> bool:
        """Let the venue's clock reach `now`."""
        if now <= self._now:
            return False
        self._now = now
        index = self._index
        if now < index.due.next:
            return False
        flips = index.flips
        index.reach_time(now)
        return index.flips != flips

    def set_collateral(self, account: AccountId, collateral: QuoteAtoms) -> bool:
        """Take an account's cash."""
        flips = self._index.flips
        row = self._book.set_collateral(account, collateral)
        self._index.recentre((row,), self._now)
        return self._index.flips != flips

    def set_position(
        self,
        account: AccountId,
        market: MarketId,
        size: SizeE8,
        quote: QuoteAtoms,
        funding: FundingE12,
        slice_time: Seconds,
        collateral: QuoteAtoms,
    ) -> bool:
        """Take an account's position in a market, and its cash; size 0 removes the position."""
        flips = self._index.flips
        row, slot = self._book.set_position(
            account, market, size, quote, funding, slice_time, collateral
        )
        if size == 0 and slot != NO_SLOT:
            self._index.forget(slot)
        self._index.recentre((row,), self._now)
        return self._index.flips != flips

    def note_block(self, now: Seconds, block: int) -> None:
        """Tell when and where what is applied next happens, for `oldest_under_margin`."""
        self._index.stamp = self._stamp = (now, block)

    def oldest_under_margin(self) -> tuple[Seconds, int] | None:
        """Give the noted time and block at which the first of those under margin fell below."""
        # A dict keeps the order of insertion, and a verdict that stays is not inserted again.
        return next(iter(self._index.under.values()), None)

    def longest_under_margin(self, limit: int) -> list[tuple[AccountId, tuple[Seconds, int]]]:
        """Name who fell under margin first, with the noted time and block, as `oldest_under_margin` does."""
        first = islice(self._index.under.items(), limit)
        return [(self._book.id_at(row), stamp) for row, stamp in first]

    def still_under_margin(self, account: AccountId) -> bool:
        """Judge one account exactly, from nothing but the book."""
        row = self._book.row(account)
        if row is None:
            return False
        equity, required = self._book.slack(row, self._now)
        return equity < required

    def worst(self, limit: int) -> list[AccountId]:
        """Name accounts under margin, the largest shortfall first, then by number."""
        rows = self.under_margin_rows()
        if limit < 1 or not len(rows):
            return []
        slack = self._index.value(rows, self._now).slack
        if limit < len(rows):
            edge = np.partition(slack, limit - 1)[limit - 1]
            kept = slack <= edge
            rows, slack = rows[kept], slack[kept]
        ids = [self._book.id_at(row) for row in rows.tolist()]
        ranked = sorted(zip(slack.tolist(), ids, strict=True))
        return [account for _, account in ranked[:limit]]

    def survey(self, *, edges: Sequence[Ppm], limit: int) -> ExposureSurvey:
        """Begin to look at how much stands within each distance of liquidation (in ppm)."""
        return ExposureSurvey(self._book, self._index, edges=edges, limit=limit)

    def _set_rules(self, market: Market, now: Seconds) -> bool:
        index = self._index
        flips = index.flips
        self._now = Seconds(max(self._now, now, market.funding_time))
        self._book.set_market(market)
        index.recentre_market(market, self._now)
        index.reach_time(self._now)
        return index.flips != flips


class UnderMargin(Mapping[AccountId, MarginState]):
    """The accounts under margin now; a look-up judges the account in full, at the latest marks."""

    def __init__(self, watch: AccountWatch, book: AccountBook, under: Mapping[int, object]) -> None:
        self._watch = watch
        self._book = book
        self._under = under

    def __getitem__(self, account: AccountId) -> MarginState:
        if self._book.row(account) not in self._under:
            raise KeyError(account)
        return self._book.state(account, self._watch.now)

    def __contains__(self, account: object) -> bool:
        return isinstance(account, int) and self._book.row(AccountId(account)) in self._under

    def __iter__(self) -> Iterator[AccountId]:
        return (self._book.id_at(row) for row in self._under)

    def __len__(self) -> int:
        return len(self._under)


def _is_price_move(known: Market, market: Market, seen: Seconds, index_cap: int) -> bool:
    """Say whether nothing moved slack but the mark, and funding within the budget set for it.

    Decided from the facts, not from what a venue says. Funding is within its budget when the
    accrual follows from what was known, the index price is under the cap, and it did not change
    long before the moment at which accounts were last judged. During a split funding stands still.
    """
    rate = market.funding_rate
    if (
        rate != known.funding_rate
        or known.mark == 0
        or known.is_splitting is not market.is_splitting
        or (market.tiers is not known.tiers and market.tiers != known.tiers)
        or (market.status is not known.status and market.is_settled != known.is_settled)
    ):
        return False
    elapsed = 0 if market.is_splitting else market.funding_time - known.funding_time
    if market.funding_numerator != known.funding_numerator + rate * known.index * elapsed:
        return False
    if rate == 0 or market.is_splitting or market.index == known.index:
        return True
    return market.index <= index_cap and seen - market.funding_time <= LAG
