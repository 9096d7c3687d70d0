"""Our judge of deleveraging and the contract, on the same random books: equal to the atom.

Random items, good and bad, are predicted with everything they change; then whole plans are sent, of
which the contract must refuse nothing, until the need is gone. `PARITY_SEEDS="1 2 3"` walks other
worlds than the usual one.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from risk.deleverage_need import WaitReason, deleverage_need
from risk.deleverage_plan import plan_deleverage
from risk.deleverage_rank import RankPolicy
from risk.deleverage_values import DeleverageLimits, DeleverageWork
from risk.margin import margin_state
from risk.units import AccountId, QuoteAtoms
from tests.anvil import JsonRpc, running_anvil
from tests.parity.deleverage_stage import (
    CODE,
    MOVES,
    Stage,
    account_book,
    answer,
    build_stage,
    pools,
    random_items,
    send_and_compare,
    willing,
)

SEEDS = tuple(int(seed) for seed in os.environ.get("PARITY_SEEDS", "20").split())


@pytest.fixture(params=SEEDS)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Give a node of its own with bankrupt accounts to come."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        yield build_stage(rpc, request.param)


def test_random_items_are_answered_as_predicted(stage: Stage) -> None:
    chain = stage.exchange.chain
    for moves in ((-60_000, 40_000, -50_000), (-60_000, 50_000, 90_000), (-90_000, 90_000, 0)):
        chain.advance(31)
        stage.publish(moves)
        for _ in range(3):
            send_and_compare(stage, random_items(stage, 64))
    stage.exchange.halt(2)
    send_and_compare(stage, random_items(stage, 64))
    chain.advance(4_000)
    send_and_compare(stage, random_items(stage, 64))
    assert set(stage.seen) == set(CODE)
    assert stage.seen[CODE.DELEVERAGED] >= 15


@pytest.mark.parametrize("policy", RankPolicy)
def test_nothing_planned_is_refused_and_the_need_ends(stage: Stage, policy: RankPolicy) -> None:
    stage.exchange.chain.advance(31)
    stage.publish(MOVES)
    touched: set[AccountId] = set()
    first_need, plan = 0, None
    limits = DeleverageLimits(max_items=7, smallest_share=QuoteAtoms(10**6))
    for _ in range(60):
        book = stage.book()
        plan = plan_deleverage(
            account_book(book),
            pools(book),
            book.now,
            policy=policy,
            limits=limits,
            work=DeleverageWork(touched=touched),
        )
        first_need = first_need or len(plan.need.closes)
        if not plan.items:
            break
        touched |= {item.item.counterparty for item in plan.items}
        send_and_compare(stage, [item.item for item in plan.items])
    assert plan is not None
    assert first_need >= 5
    assert set(stage.seen) == {CODE.DELEVERAGED}
    for wait in plan.waiting:
        assert wait.reason in {WaitReason.CARRIED, WaitReason.NO_COUNTERPARTY}
    for close in plan.need.closes:
        assert not willing(stage, close)


def test_the_need_is_what_the_contract_says_is_needed(stage: Stage) -> None:
    stage.exchange.chain.advance(31)
    stage.publish(MOVES)
    book = stage.book()
    need = deleverage_need(account_book(book), pools(book), book.now)
    asked = {(close.account, close.market) for close in need.closes}
    seen: Counter[bool] = Counter()
    for account in book.accounts.values():
        state = margin_state(account, book.markets, book.now)
        if not state.is_bankrupt or account.id == book.backstop:
            continue
        for held in account.positions:
            is_needed = (account.id, held.market) in asked
            # Asked for itself as counterparty, an account in need gets no further than there.
            code = answer(stage, account.id, held.market)
            assert code is (CODE.BAD_COUNTERPARTY if is_needed else CODE.NOT_NEEDED)
            seen[is_needed] += 1
    assert seen[True] >= 5
    assert seen[False] >= 2


def test_one_unit_less_than_planned_leaves_an_account_in_need(stage: Stage) -> None:
    stage.exchange.chain.advance(31)
    stage.publish(MOVES)
    book = stage.book()
    plan = plan_deleverage(
        account_book(book),
        pools(book),
        book.now,
        policy=RankPolicy.PROFIT_LEVERAGE,
        limits=DeleverageLimits(),
        work=DeleverageWork(),
    )
    unfinished = {(wait.account, wait.market) for wait in plan.waiting}
    closes = Counter(close.account for close in plan.need.closes)
    cut_short = 0
    for close in plan.need.closes:
        items = [each.item for each in plan.items if each.need == close]
        is_done = (close.account, close.market) not in unfinished and closes[close.account] == 1
        if not is_done or close.size == abs(close.held) or items[-1].size == 1:
            continue
        snapshot = stage.exchange.chain.snapshot()
        last = items.pop()
        items += [replace(last, size=last.size - 1)]
        send_and_compare(stage, items)
        assert answer(stage, close.account, close.market) is CODE.BAD_COUNTERPARTY
        send_and_compare(stage, [replace(last, size=1)])
        assert answer(stage, close.account, close.market) is CODE.NOT_NEEDED
        stage.exchange.chain.restore(snapshot)
        cut_short += 1
    assert cut_short >= 2
    assert set(stage.seen) == {CODE.DELEVERAGED}
