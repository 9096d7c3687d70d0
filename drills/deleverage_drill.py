"""A day like 10 October 2025, deleveraged in memory under both policies: what it costs, and whom.

The code is the keeper's: the same need, plan, effect and haircut. A step plans, the fills are put into the
book as the chain's events would, and the next step plans anew, until nobody is in need. What no chain
answers here: gas, blocks, prices that move meanwhile. Times are the processor's, without the journal.
"""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from drills.deleverage_crowd import MARKET, NOW, make_crowd
from risk.account_book import AccountBook
from risk.deleverage_effect import fill_both
from risk.deleverage_haircut import Haircut, haircut, needed_relief
from risk.deleverage_need import Need, bankrupt_rows, deleverage_need
from risk.deleverage_plan import plan_needs
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import DeleverageVerdict, Pools
from risk.deleverage_values import DeleverageLimits, DeleverageWork
from risk.margin import Account, margin_state
from risk.units import (
    PPM_SCALE,
    AccountId,
    FundingE12,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    notional,
)

MOST_JUDGED: Final = 256
"""As the keeper's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSize:
    """How much one step of the drill may do: batches of the exchange's largest size."""

    batches: int
    notional: QuoteAtoms

    @property
    def limits(self) -> DeleverageLimits:
        """Give them as the planner takes them."""
        return DeleverageLimits(max_batches=self.batches, max_notional=self.notional)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one policy did, and what a plan took."""

    policy: RankPolicy
    accounts_in_need: int
    owed: QuoteAtoms
    steps: int
    items: int
    plan_seconds: tuple[float, ...]
    haircut: Haircut
    most_items_of_one: int
    """Times that the counterparty taken most often was taken."""
    largest_part_ppm: int
    """Largest part of its equity that one counterparty gave up."""
    tenth_share_ppm: int
    """Part of all that was closed that the largest tenth of those touched closed."""
    overclosed: int
    """Size closed beyond the need, in 1e-8 share."""
    still_in_need: int

    @property
    def median_plan_seconds(self) -> float:
        """Give the plan time that half of the steps kept under."""
        return sorted(self.plan_seconds)[len(self.plan_seconds) >> 1]


def play(policy: RankPolicy, accounts: int, seed: int, size: StepSize) -> Played:
    """Deleverage a fresh crowd until nobody is in need."""
    book, pools = make_crowd(accounts, seed)
    first = deleverage_need(book, pools, NOW)
    before: dict[AccountId, Account] = {}
    verdicts: list[DeleverageVerdict] = []
    touched: set[AccountId] = set()
    seconds: list[float] = []
    while True:
        began = time.process_time()
        need = _need(book, pools)
        plan = plan_needs(
            need,
            book,
            pools,
            NOW,
            policy=policy,
            limits=size.limits,
            work=DeleverageWork(touched=touched),
        )
        took = time.process_time() - began
        if not plan.items:
            break
        seconds.append(took)
        for planned in plan.items:
            for account in (planned.item.account, planned.item.counterparty):
                before.setdefault(account, book.account(account))
            verdicts.append(planned.verdict)
            touched.add(planned.item.counterparty)
            apply(book, planned.verdict)
    return _played(policy, first, need, verdicts, before, book, seconds)


def apply(book: AccountBook, verdict: DeleverageVerdict) -> None:
    """Put an item's fills into the book, as the chain's events would."""
    item, market = verdict.item, book.markets[verdict.item.market]
    pair = book.account(item.account), book.account(item.counterparty)
    lost, taken, _ = fill_both(verdict, *pair, market, NOW)
    for account in (lost, taken):
        held = account.position(item.market)
        book.set_position(
            account.id,
            item.market,
            SizeE8(0) if held is None else held.size,
            QuoteAtoms(0) if held is None else held.quote,
            FundingE12(0) if held is None else held.funding,
            Seconds(0) if held is None else held.slice_time,
            account.collateral,
        )


def _need(book: AccountBook, pools: Pools) -> Need:
    """Judge those who owe most, as the keeper does in one cycle; all of them are under margin."""
    rows = book.slots.owner[book.slots.in_market(MARKET)].astype("int64")
    found = bankrupt_rows(book, book.markets, rows, NOW)[:MOST_JUDGED]
    return deleverage_need(book, pools, NOW, candidates=[book.id_at(row) for _, row in found])


def _played(
    policy: RankPolicy,
    first: Need,
    last: Need,
    verdicts: list[DeleverageVerdict],
    before: dict[AccountId, Account],
    book: AccountBook,
    seconds: list[float],
) -> Played:
    closed: Counter[AccountId] = Counter()
    given: Counter[AccountId] = Counter()
    own: Counter[AccountId] = Counter()
    times: Counter[AccountId] = Counter()
    for verdict in verdicts:
        closed[verdict.item.counterparty] += abs(verdict.size)
        given[verdict.item.counterparty] += verdict.relief
        own[verdict.item.account] += abs(verdict.size)
        times[verdict.item.counterparty] += 1
    needed = {close.account: close.size for close in first.closes}
    equities = {
        account: margin_state(before[account], book.markets, NOW).equity for account in given
    }
    largest = sorted(closed.values(), reverse=True)
    tenth = largest[: div_ceil(len(largest), 10)]
    return Played(
        policy=policy,
        accounts_in_need=len(needed),
        owed=first.shortfall,
        steps=len(seconds),
        items=len(verdicts),
        plan_seconds=tuple(seconds),
        haircut=haircut(verdicts, before, book.markets, NOW, needed=needed_relief(first)),
        most_items_of_one=max(times.values(), default=0),
        largest_part_ppm=max(
            (div_ceil(given[each] * PPM_SCALE, equities[each]) for each in given), default=0
        ),
        tenth_share_ppm=div_ceil(sum(tenth) * PPM_SCALE, max(1, sum(largest))),
        overclosed=sum(max(0, own[each] - needed.get(each, 0)) for each in own),
        still_in_need=len(last.closes),
    )


def side_notional(book: AccountBook) -> QuoteAtoms:
    """Give what the longs hold together at the mark."""
    sizes = book.slots.size[book.slots.in_market(MARKET)].tolist()
    longs = SizeE8(sum(size for size in sizes if size > 0))
    return notional(longs, book.markets[MARKET].mark)
