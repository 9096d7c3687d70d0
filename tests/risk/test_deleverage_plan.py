"""What is sent, to whom, how much of it, in which steps; and why not the rest."""

from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.deleverage_effect import deleverage_effect
from risk.deleverage_haircut import needed_relief
from risk.deleverage_intent import deleverage_judged_on
from risk.deleverage_need import WaitReason
from risk.deleverage_rank import RankPolicy, counterparties, in_order
from risk.deleverage_rules import Pools
from risk.deleverage_values import (
    CHAIN_BATCH,
    DeleverageLimits,
    DeleveragePlan,
    DeleverageWork,
)
from risk.margin import Account, margin_state
from risk.market import make_tiers
from risk.units import AccountId, MarketId, QuoteAtoms, SizeE8
from tests.builders import (
    NOW,
    make_account_id,
    make_market,
    make_position,
    price,
    shares,
    usd,
)
from tests.risk.deleveraging import (
    bankrupt,
    crowds,
    make_book,
    make_pools,
    planned,
    still_needed,
    taken,
    three_winners,
    winner,
)
from tests.risk.strategies import BOOKS

M0 = MarketId(0)
QUEUE, PRO_RATA = RankPolicy.PROFIT_LEVERAGE, RankPolicy.PRO_RATA


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (QUEUE, [(4, shares(40)), (3, shares(50)), (2, shares(10))]),
        (PRO_RATA, [(2, shares(40)), (3, 3_333_333_333), (4, 2_666_666_667)]),
    ],
)
def test_a_long_is_closed_against_the_shorts(
    policy: RankPolicy, expected: list[tuple[int, int]]
) -> None:
    plan = planned(make_book([bankrupt(usd(1_000)), *three_winners()]), policy=policy)
    assert taken(plan) == expected
    assert sum(size for _, size in expected) == shares(100)
    assert not plan.waiting


def test_a_short_is_closed_against_the_longs() -> None:
    book = make_book([bankrupt(size=-shares(100)), *three_winners(1, price(150))])
    assert taken(planned(book)) == [(4, shares(40)), (3, shares(50)), (2, shares(10))]


def test_only_what_the_pools_cannot_carry_is_closed() -> None:
    book = make_book(
        [bankrupt(usd(1_000)), *three_winners()],
        make_market(backstop_cap=usd(8_000)),
    )
    plan = planned(book, make_pools(usd(1_000), usd(10_000)))
    assert taken(plan) == [(4, shares(40)), (3, shares(20))]


def test_who_is_carried_is_left_to_liquidation() -> None:
    book = make_book([bankrupt(usd(1_000)), *three_winners()])
    plan = planned(book, make_pools(usd(1_000), usd(10_000)))
    assert not plan.items
    assert [wait.reason for wait in plan.waiting] == [WaitReason.CARRIED]


def test_the_largest_shortfall_is_served_first_and_a_counterparty_is_shared() -> None:
    accounts = [
        bankrupt(usd(10), shares(30), number=1),
        bankrupt(usd(500), shares(45), number=9),
        *three_winners(),
    ]
    plan = planned(make_book(accounts))
    assert [(each.account.id >> 96, each.item.size) for each in plan.items] == [
        (9, shares(40)),
        (9, shares(5)),
        (1, shares(30)),
    ]
    assert [number for number, _ in taken(plan)] == [4, 3, 3]


def test_those_touched_in_this_round_come_last() -> None:
    accounts = [bankrupt(), *three_winners()]
    work = DeleverageWork(touched=[make_account_id(4), make_account_id(3)])
    for policy, last in ((QUEUE, (4, shares(40))), (PRO_RATA, (3, 2_222_222_222))):
        plan = planned(make_book(accounts), policy=policy, work=work)
        assert taken(plan)[0] == (2, shares(60))
        assert taken(plan)[1] == last
        assert sum(size for _, size in taken(plan)) == shares(100)


def both_markets(number: int, side: int, equity: int, entry: int) -> Account:
    """Hold 100 shares in each of two markets."""
    other = make_position(side * shares(100), entry=entry, market=1)
    return winner(side * shares(100), number=number, entry=entry, equity=equity, other=[other])


def test_what_one_market_relieves_is_not_asked_of_the_other() -> None:
    """1,000 USD owed, of which the pools carry 600: 80 of 200 shares end the need in both."""
    accounts = [
        both_markets(1, 1, -usd(1_000), price(200)),
        both_markets(2, -1, usd(90_000), price(250)),
    ]
    inventories = {M0: SizeE8(-shares(999)), MarketId(1): SizeE8(-shares(999))}
    book = make_book(accounts, make_market(), make_market(1))
    plan = planned(book, make_pools(usd(600), inventories=inventories))
    assert [close.size for close in plan.need.closes] == [shares(80), shares(80)]
    assert needed_relief(plan.need) == usd(400)
    assert taken(plan) == [(2, shares(80))]
    assert not plan.waiting


def test_who_was_taken_in_one_market_comes_last_in_the_next() -> None:
    other = make_position(-shares(100), entry=price(210), market=1)
    alone = winner(-1, number=3, entry=price(250), equity=usd(90_000), other=[other])
    accounts = [
        both_markets(1, 1, -usd(1_000), price(200)),
        both_markets(2, -1, usd(40_000), price(250)),
        alone,
    ]
    book = make_book(accounts, make_market(), make_market(1))
    assert taken(planned(book))[0] == (2, shares(100))
    assert taken(planned(book))[-1] == (3, shares(100))


def test_the_side_that_owes_most_comes_first() -> None:
    for long_owes, short_owes, first in ((100, 500, 9), (500, 100, 1)):
        accounts = [
            bankrupt(usd(long_owes), number=1),
            bankrupt(usd(short_owes), -shares(100), number=9),
            *three_winners(),
            winner(shares(100), number=5, entry=price(150)),
        ]
        (item,) = planned(make_book(accounts), max_items=1).items
        assert item.account.id >> 96 == first


def test_a_step_is_bounded_and_says_so() -> None:
    book = make_book([bankrupt(), *three_winners()])
    plan = planned(book, max_items=2)
    assert len(plan.items) == 2
    assert [wait.reason for wait in plan.waiting] == [WaitReason.STEP_LIMIT]
    small = planned(book, max_notional=usd(4_000))
    assert taken(small) == [(4, shares(20))]
    whole_items = planned(book, max_notional=usd(9_000))
    assert taken(whole_items) == [(4, shares(40))]
    busy = planned(book, work=DeleverageWork(batches_in_flight=1))
    assert not busy.items


def test_batches_are_no_larger_than_asked() -> None:
    book = make_book([bankrupt(), *three_winners()])
    plan = planned(book, max_items=2, max_batches=2)
    assert [len(batch) for batch in plan.batches] == [2, 1]
    with pytest.raises(ValueError, match="64"):
        DeleverageLimits(max_items=CHAIN_BATCH + 1)


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (DeleverageWork(in_flight=[make_account_id(1)]), WaitReason.IN_FLIGHT),
        (DeleverageWork(warming_up=[M0]), WaitReason.WARMING_UP),
        (
            DeleverageWork(in_flight=[make_account_id(number) for number in (2, 3, 4)]),
            WaitReason.NO_COUNTERPARTY,
        ),
    ],
)
def test_every_bankrupt_account_left_has_a_reason(work: DeleverageWork, reason: WaitReason) -> None:
    plan = planned(make_book([bankrupt(), *three_winners()]), work=work)
    assert not plan.items
    assert [wait.reason for wait in plan.waiting] == [reason]


def test_a_counterparty_gives_no_more_than_it_can_bear() -> None:
    """50 USD a share: it has 510 USD and must keep 5 a share; at 11 shares it is through."""
    poor = winner(-shares(20), number=2, equity=usd(510))
    plan = planned(make_book([bankrupt(usd(5_000)), poor]))
    ((_, size),) = taken(plan)
    (item,) = plan.items
    market = make_market()
    pair = {each.id: each for each in (item.account, item.counterparty)}
    effect = deleverage_effect([item.item], pair, {M0: market}, make_pools(), NOW)
    after = effect.accounts[item.counterparty.id]
    state = margin_state(after, {M0: market}, NOW)
    assert 0 <= state.slack < usd("0.01")
    assert size < shares(20)
    assert [wait.reason for wait in plan.waiting] == [WaitReason.NO_COUNTERPARTY]


def test_a_reason_tells_why_and_how_much_but_nobodys_name() -> None:
    book = make_book([bankrupt(usd(1_000)), *three_winners()])
    reason = planned(book).items[0].reason
    assert reason == (
        "The account owes 1000.00 USD on 100 shares and insurance fund and backstop cannot pay the "
        "shortfall: 100 must be closed, 40 of it here, against place 1 of the opposite side "
        "(score 0.08), which gives up 400.00 USD"
    )


# --- names ---------------------------------------------------------------------------------------


def test_the_same_state_has_the_same_name_and_any_change_another() -> None:
    book = make_book([bankrupt(), *three_winners()])
    (item, *_), pools = planned(book).items, make_pools()

    def name(**facts: Any) -> str:
        parts: dict[str, Any] = {
            "item": item.item,
            "account": item.account,
            "counterparty": item.counterparty,
            "markets": book.markets,
            "pools": pools,
        }
        return deleverage_judged_on(**(parts | facts))

    assert item.judged_on == name()
    moved = {M0: replace(book.markets[M0], mark=price(199))}
    others = [
        name(item=replace(item.item, size=1)),
        name(item=replace(item.item, counterparty=make_account_id(3))),
        name(account=replace(item.account, collateral=QuoteAtoms(-1))),
        name(counterparty=replace(item.counterparty, collateral=QuoteAtoms(-1))),
        name(markets=moved),
        name(pools=make_pools(1)),
        name(pools=make_pools(0, 1)),
        name(attempt=1),
    ]
    assert len({name(), *others}) == 9


# --- properties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", RankPolicy)
@BOOKS
@given(crowds(), st.data())
def test_a_plan_is_done_as_planned_and_never_over_corrects(
    policy: RankPolicy, case: tuple[AccountBook, Pools], data: st.DataObject
) -> None:
    book, pools = case
    plan = planned(book, pools, policy=policy, max_items=data.draw(st.sampled_from([2, 64])))
    accounts = {account.id: account for account in book.columns().accounts()}
    items = [each.item for each in plan.items]
    effect = deleverage_effect(items, accounts, book.markets, pools, NOW)
    assert effect.verdicts == tuple(each.verdict for each in plan.items)
    assert all(verdict.is_deleveraged for verdict in effect.verdicts)
    waiting = {(wait.account, wait.market) for wait in plan.waiting}
    for close in plan.need.closes:
        mine = [each.item.size for each in plan.items if each.need == close]
        assert sum(mine) <= close.size
        after = effect.accounts.get(close.account, accounts[close.account])
        is_open = still_needed(after, book, pools, close.market) > 0
        assert is_open <= ((close.account, close.market) in waiting)
        for each in plan.items:
            if each.need == close:
                assert each.item.size <= still_needed(each.account, book, pools, close.market)


@st.composite
def rich_books(draw: st.DrawFn) -> AccountBook:
    """Some bankrupt accounts of one side, and winners who can bear whatever they are asked for."""
    side = draw(st.sampled_from([1, -1]))
    ruined = [
        bankrupt(draw(st.integers(usd(1), usd(1_000))), side * size, number=number)
        for number, size in enumerate(draw(st.lists(SIZES, min_size=1, max_size=4)), start=1)
    ]
    winners = [
        winner(
            -side * size,
            number=number,
            entry=price(200 + side * draw(st.integers(1, 90))),
            equity=draw(st.integers(usd(10**7), usd(10**8))),
        )
        for number, size in enumerate(draw(st.lists(SIZES, min_size=1, max_size=9)), start=11)
    ]
    return make_book([*ruined, *winners], make_market(tiers=FLAT_TIERS))


SIZES = st.integers(shares(1), shares(1_000))
FLAT_TIERS = make_tiers([(0, 25_000)])


def got(plan: DeleveragePlan) -> dict[AccountId, int]:
    """Give how much each counterparty gives."""
    sums: dict[AccountId, int] = {}
    for each in plan.items:
        sums[each.item.counterparty] = sums.get(each.item.counterparty, 0) + each.item.size
    return sums


@pytest.mark.parametrize("policy", RankPolicy)
@BOOKS
@given(rich_books())
def test_the_line_is_as_the_policy_says_and_no_longer(
    policy: RankPolicy, book: AccountBook
) -> None:
    plan = planned(book, policy=policy, max_notional=10**18)
    (side,) = plan.need.sides
    found = counterparties(book, side.market, NOW, is_long=not side.is_long)
    line = [in_order(found, policy).at(place) for place in range(len(found))]
    whole = sum(party.size for party in line)
    total = min(side.size, whole)
    left = total
    for party in line:
        if policy is QUEUE:
            expected = Fraction(min(left, party.size))
        else:
            expected = Fraction(party.size * total, whole)
        assert abs(got(plan).get(party.account, 0) - expected) <= SLACK
        left -= min(left, party.size)
    assert total - SLACK <= sum(got(plan).values()) <= total
    assert len(plan.items) <= len(plan.need.closes) + len(got(plan))
    is_short = side.size > whole
    assert is_short is (WaitReason.NO_COUNTERPARTY in {wait.reason for wait in plan.waiting})


SLACK = shares("0.01") * 4
"""A rest of dust that rounding made needless: an atom an item on what the account owes."""


@pytest.mark.parametrize("policy", RankPolicy)
@BOOKS
@given(crowds(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_the_book(
    policy: RankPolicy, case: tuple[AccountBook, Pools], random: Random
) -> None:
    book, pools = case
    accounts = book.columns().accounts()
    random.shuffle(accounts)
    turned = make_book(accounts, *book.markets.values())
    first, second = (planned(each, pools, policy=policy) for each in (book, turned))
    assert [each.judged_on for each in first.items] == [each.judged_on for each in second.items]
    assert first.waiting == second.waiting
