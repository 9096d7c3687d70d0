"""When an account is due, and how long it waited."""

from drills.waits import Verdict, Wait, Waits, judge
from risk.market import Market
from risk.units import MarketStatus
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

ACCOUNT = make_account_id()
RULES = make_rules()


def verdict(*, loss: int, slice_time: int = 0, now: int = NOW, **facts: object) -> Verdict:
    """Judge a long of 100 shares bought at 200 USD with `loss` USD less than its margin of 500."""
    market: Market = make_market(mark=price(200), **facts)
    account = make_account(
        usd(500 - loss), [make_position(shares(100), entry=price(200), slice_time=slice_time)]
    )
    return judge(account, make_markets(market), RULES, now)


def test_an_account_exactly_at_its_maintenance_margin_is_not_due() -> None:
    assert verdict(loss=0) == Verdict(is_liquidatable=False, is_due=False, is_cooling=False)


def test_an_account_below_its_maintenance_margin_is_due() -> None:
    assert verdict(loss=1) == Verdict(is_liquidatable=True, is_due=True, is_cooling=False)


def test_a_position_that_cools_down_is_not_due_until_the_second_it_ends() -> None:
    assert verdict(loss=1, slice_time=NOW - 29) == Verdict(
        is_liquidatable=True, is_due=False, is_cooling=True
    )
    assert verdict(loss=1, slice_time=NOW - 30).is_due


def test_a_critical_account_is_due_although_it_was_sliced_just_now() -> None:
    assert verdict(loss=251, slice_time=NOW).is_due
    assert not verdict(loss=250, slice_time=NOW).is_due


def test_a_halted_market_or_a_stale_price_makes_nobody_due() -> None:
    assert not verdict(loss=1, status=MarketStatus.HALTED).is_due
    assert not verdict(loss=1, price_timestamp=NOW - 61).is_due
    assert verdict(loss=1, price_timestamp=NOW - 60).is_due


def test_a_wait_ends_with_the_liquidation_and_begins_anew_if_the_account_is_still_due() -> None:
    waits = Waits()
    waits.on_judged(ACCOUNT, 10, is_due=True)
    waits.on_judged(ACCOUNT, 11, is_due=True)
    waits.on_liquidated(ACCOUNT, 14)
    waits.on_judged(ACCOUNT, 14, is_due=True)
    assert waits.over == [Wait(account=ACCOUNT, first_block=10, last_block=14, is_liquidated=True)]
    assert waits.due_since == {ACCOUNT: 14}


def test_a_wait_ends_when_the_account_is_healthy_again_and_counts_as_not_liquidated() -> None:
    waits = Waits()
    waits.on_judged(ACCOUNT, 10, is_due=True)
    waits.on_judged(ACCOUNT, 13, is_due=False)
    assert waits.over == [Wait(account=ACCOUNT, first_block=10, last_block=13, is_liquidated=False)]


def test_a_liquidation_in_the_block_of_its_price_waited_for_zero_blocks() -> None:
    waits = Waits()
    waits.on_liquidated(ACCOUNT, 5)
    assert [wait.blocks for wait in waits.over] == [0]


def test_a_wait_that_lasts_is_counted_up_to_now() -> None:
    waits = Waits()
    waits.on_judged(ACCOUNT, 10, is_due=True)
    assert [wait.blocks for wait in waits.all_until(99)] == [89]
