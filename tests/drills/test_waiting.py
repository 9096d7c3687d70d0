"""Who is due and for how long, over columns: the same as judging each account by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import cast

from drills.drill.waiting import FEW, DueAccounts
from drills.waits import judge
from monitors.accounts import AccountsMonitor
from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.liquidation import LiquidationRules
from risk.margin import Account, MarginState
from risk.market import Market
from risk.units import AccountId, MarketId, MarketStatus, QuoteAtoms, Seconds
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_markets,
    make_position,
    make_rules,
    price,
    shares,
    usd,
)
from venues.port import BlockRef

BACKSTOP = make_account_id(1)
OPEN, HALTED, STALE = (
    make_market(0),
    make_market(1, status=MarketStatus.HALTED),
    make_market(2, price_timestamp=Seconds(NOW - 600)),
)


@dataclass
class Monitor:
    """What is asked of the accounts' monitor."""

    accounts: Sequence[Account]
    markets: dict[MarketId, Market] = field(
        default_factory=lambda: make_markets(OPEN, HALTED, STALE)
    )
    rules: LiquidationRules = field(default_factory=make_rules)
    insurance_fund: QuoteAtoms = QuoteAtoms(0)
    backstop_account: AccountId = BACKSTOP

    def __post_init__(self) -> None:
        self.watch = AccountWatch()
        self.watch.load(self.markets, [columns_of(self.accounts)], NOW)

    def state(self, account: AccountId) -> MarginState:
        return self.watch.book.state(account, NOW)


def make_due(monitor: Monitor) -> DueAccounts:
    return DueAccounts(cast("AccountsMonitor", monitor))


def block(number: int) -> BlockRef:
    return BlockRef(number=number, hash=f"{number:#066x}", timestamp=Seconds(NOW + number))


def backstop(dollars: int) -> Account:
    return make_account(usd(dollars), number=1)


def poor(number: int, *markets: int, slice_time: int = 0, dollars: int = 1) -> Account:
    """Make an account of a hundred shares in each market that has `dollars` left of what it owes margin on."""
    held = [
        make_position(shares(100), entry=price(200), market=each, slice_time=slice_time)
        for each in markets
    ]
    return make_account(usd(dollars), held, number=number)


def test_columns_find_whom_the_judge_finds() -> None:
    random = Random(4)
    accounts = [
        poor(
            number,
            *sorted(random.sample(range(3), random.randint(1, 2))),
            slice_time=random.choice((0, 0, NOW - 10, NOW - 40)),
            dollars=random.choice((1, 240, 260, 499, 5_000)),
        )
        for number in range(2, 400)
    ]
    monitor = Monitor([backstop(0), *accounts])
    wanted = {
        each.id for each in accounts if judge(each, monitor.markets, monitor.rules, NOW).is_due
    }
    assert FEW < len(wanted) < len(accounts) // 2
    due = make_due(monitor)
    due.after_block(replace(block(1), timestamp=NOW), [])
    assert {monitor.watch.book.id_at(row) for row in due._waiting.tolist()} == wanted
    assert due.count == len(wanted)


def test_whom_only_the_backstop_keeps_waits_for_money() -> None:
    for dollars, carried in ((1_000_000, 2), (0, 0)):
        due = make_due(Monitor([backstop(dollars), poor(7, 0), poor(8, 0), poor(9, 1)]))
        due.after_block(block(1), [])
        due.after_block(block(6), [])
        assert due.count == 2
        assert due.longest(block(6)) == (5, 5)
        assert due.carried(Seconds(NOW + 6)) == (carried, 5 if carried else None)


def test_a_wait_ends_with_the_liquidation() -> None:
    monitor = Monitor([backstop(1_000_000), poor(7, 0)])
    due = make_due(monitor)
    due.after_block(block(1), [])
    assert due.after_block(block(4), [make_account_id(7)]) == [(3, 3)]
    # Still due: a new wait begins in that block.
    assert due.longest(block(4)) == (0, 0)
