"""Accounts that failed before: behind the others, never starved, never dropped."""

from dataclasses import replace

import pytest

from risk.gas_model import GasModel
from risk.liquidation import LiquidationCode
from risk.liquidation_plan import retries_after_plan
from risk.liquidation_values import (
    PlanLimits,
    Skip,
    SkipReason,
    WorkInHand,
)
from risk.retry_book import circumstances
from risk.units import Seconds
from tests.builders import (
    NOW,
    make_market,
    make_terms,
    usd,
)
from tests.risk.planning import (
    FULL,
    candidates_of,
    crowd,
    failed_book,
    numbers,
    planned,
    reasons,
    trader_under_margin,
    who,
)


def test_an_account_backs_off_after_a_failure() -> None:
    account = trader_under_margin()
    plan = planned(account, retries=failed_book(account, at=NOW))
    assert plan.skips == (
        Skip(account=account.id, reason=SkipReason.BACKING_OFF, until=Seconds(NOW + 1)),
    )


def test_a_retry_that_is_due_comes_behind_the_others_in_its_batch() -> None:
    others, again = crowd(2), trader_under_margin(9, -usd(50))
    plan = planned(*others, again, retries=failed_book(again, at=NOW - 1))
    assert who(plan) == numbers(1, 2, 9)


def test_one_place_in_every_batch_is_for_the_retry_due_longest() -> None:
    again = [trader_under_margin(number, -usd(50)) for number in (8, 9)]
    plan = planned(
        *crowd(4),
        *again,
        limits=PlanLimits(max_items=3, max_batches=1),
        retries=failed_book(*again, at=NOW - 5),
    )
    assert who(plan) == numbers(1, 2, 8)


def test_where_gas_is_the_bound_the_last_place_is_the_last_that_fits() -> None:
    again = trader_under_margin(9, -usd(50))
    limits = PlanLimits(max_gas=GasModel().bound(items=3, positions=3), max_batches=1)
    plan = planned(*crowd(4), again, limits=limits, retries=failed_book(again, at=NOW - 5))
    assert who(plan) == numbers(1, 2, 9)


def test_an_overdue_retry_goes_first_but_only_one_of_a_batch() -> None:
    again = [trader_under_margin(number, -usd(50)) for number in (8, 9)]
    limits = PlanLimits(max_items=3, max_batches=1)
    plan = planned(*crowd(4), *again, limits=limits, retries=failed_book(*again))
    assert who(plan) == numbers(8, 1, 2)


@pytest.mark.parametrize(("at", "first"), [(NOW - 5, 1), (NOW - 100, 9)])
def test_with_room_for_one_an_overdue_retry_still_gets_its_turn(at: int, first: int) -> None:
    again = trader_under_margin(9)
    plan = planned(
        *crowd(2),
        again,
        limits=PlanLimits(max_items=1, max_batches=1),
        retries=failed_book(again, at=at),
    )
    assert who(plan) == numbers(first)


def test_a_changed_account_starts_afresh() -> None:
    account = trader_under_margin()
    book = failed_book(account, at=NOW)
    changed = replace(account, collateral=usd(39))
    assert who(planned(changed, retries=book)) == [account.id]


def test_a_failing_account_is_tried_for_ever_while_a_crowd_is_waiting() -> None:
    """Two hundred seconds, one batch of three each, a crowd that never ends: nobody starves."""
    stuck = trader_under_margin(99, usd(45))
    tries, book = 0, failed_book(stuck, at=NOW)
    for second in range(200):
        now = Seconds(NOW + second)
        around = make_terms(make_market(price_timestamp=now, updated_at=now), now=now)
        plan = planned(
            *crowd(6),
            stuck,
            around=around,
            limits=PlanLimits(max_items=3, max_batches=1),
            retries=book,
        )
        if stuck.id in who(plan):
            tries += 1
            seen = circumstances(stuck, around.markets)
            book = book.noted([(stuck.id, LiquidationCode.NOT_LIQUIDATABLE, seen)], now)
        assert len([item for item in plan.items if item.account != stuck.id]) >= 2
    assert 0 < tries < 20


def test_accounts_that_fail_again_and_again_are_reported() -> None:
    account = trader_under_margin()
    assert planned(account, retries=failed_book(account, times=2)).stuck == ()
    (entry,) = planned(account, retries=failed_book(account, times=3)).stuck
    assert (entry.account, entry.failures, entry.last_code) == (account.id, 3, FULL)


def test_our_own_refusals_are_spaced_like_the_chain_s() -> None:
    around = make_terms(make_market(backstop_cap=0))
    account = trader_under_margin()
    given_candidates = candidates_of(around, account)
    work = WorkInHand()
    plan = planned(account, around=around)
    book = retries_after_plan(work, plan, given_candidates, around)
    assert book.entries[account.id].next_time == NOW + 1
    again = planned(account, around=around, retries=book)
    assert reasons(again) == {account.id: SkipReason.BACKING_OFF}
