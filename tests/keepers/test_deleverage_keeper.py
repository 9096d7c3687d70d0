"""The deleverage keeper: insurance first, small steps, each seen before the next, nobody twice."""

from dataclasses import replace
from typing import Any

import pytest

from keepers.deleverage.intents import KIND
from keepers.deleverage.outcome import DeleverageCycle
from keepers.sender import Outcome, Refusal, Result, Ticket
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import DeleverageCode
from risk.deleverage_values import DeleverageLimits
from risk.margin import Account
from risk.price_guard import Doubt
from risk.units import MarketId, MarketStatus, QuoteAtoms, SizeE8, account_label
from runtime.journal import IntentRecord, State
from tests.builders import make_account_id, make_market, shares, usd
from tests.fakes import FakeSender
from tests.keepers.deleverage_rig import Rig, View
from tests.risk.deleveraging import bankrupt, three_winners, winner
from venues.port import DeleverageSettled

CYCLE, CODE = DeleverageCycle, DeleverageCode


def ruined(count: int = 1) -> View:
    """Build a book of so many bankrupt longs of 100 shares each, and three shorts in profit."""
    return View([*(bankrupt(number=10 + place) for place in range(count)), *three_winners()])


def in_second_market(account: Account) -> Account:
    positions = tuple(replace(held, market=MarketId(1)) for held in account.positions)
    return replace(account, positions=positions)


async def test_nobody_bankrupt_is_idle_and_no_feed_is_distrust() -> None:
    rig = Rig(View(three_winners()))
    assert await rig.cycle() is CYCLE.IDLE
    rig.view.distrust = "the feed lost touch"
    assert await rig.cycle() is CYCLE.DISTRUSTED
    assert rig.why == "the feed lost touch"
    assert not rig.items


async def test_who_the_pools_can_carry_is_left_to_them() -> None:
    rig = Rig(ruined())
    rig.view.insurance_fund = usd(100)
    rig.view.book.set_collateral(rig.view.backstop_account, usd(10_000))
    assert await rig.cycle() is CYCLE.CARRIED
    assert not rig.items
    rig.view.insurance_fund = QuoteAtoms(0)
    rig.view.book.set_collateral(rig.view.backstop_account, QuoteAtoms(0))
    assert await rig.cycle() is CYCLE.ACTED


async def test_a_step_is_planned_journaled_sent_and_says_why() -> None:
    rig = Rig(ruined(2), limits=DeleverageLimits(max_items=2))
    assert await rig.cycle() is CYCLE.ACTED
    ((intents, _),) = rig.sender.taken
    assert rig.items == [(10, 4, shares(40)), (10, 3, shares(50))]
    first = intents[0]
    symbol = rig.view.markets[MarketId(0)].symbol
    assert (first.kind, first.market) == (KIND, symbol)
    assert first.account == account_label(make_account_id(10))
    assert first.payload["counterparty"] == account_label(make_account_id(4))
    sentence = str(first.payload["plan"])
    assert sentence == rig.keeper.sentence
    assert f"{account_label(make_account_id(10))} owes 100.00 USD on 100 " in sentence
    assert "(2 accounts are in need): insurance fund and backstop cannot pay" in sentence
    assert "closes 90 shares (18000.00 USD) against 2 accounts by profit_leverage" in sentence
    assert rig.metric("bankrupt_accounts") == 2
    assert rig.metric("uncovered_usd") == 200


async def test_the_next_step_waits_until_the_block_of_the_last_was_applied() -> None:
    rig = Rig(ruined())
    assert await rig.cycle() is CYCLE.ACTED
    assert await rig.cycle() is CYCLE.BUSY
    rig.mined()
    assert await rig.cycle() is CYCLE.BUSY
    rig.seal()
    assert await rig.cycle() is CYCLE.ACTED
    assert rig.metric("results_total", result="deleveraged") == 1
    assert rig.metric("closed_usd_total") == 8_000
    (outcome, figures) = next(iter(rig.notes.settled.values()))
    assert outcome == "deleveraged"
    assert figures is not None
    assert figures["size_e8"] == -shares(40)


async def test_a_fund_that_recovers_ends_the_round() -> None:
    rig = Rig(ruined())
    await rig.cycle()
    rig.mined()
    rig.seal()
    assert rig.hand.touched == {make_account_id(4)}
    rig.view.insurance_fund = usd(1_000)
    rig.view.book.set_collateral(rig.view.backstop_account, usd(10_000))
    assert await rig.cycle() is CYCLE.CARRIED
    assert len(rig.items) == 1
    assert not rig.hand.touched, "the round is over"


async def test_nobody_is_touched_twice_while_others_stand_there() -> None:
    """The first counterparty was not used up, and is asked again behind the two others only."""
    rig = Rig(ruined(), limits=DeleverageLimits(max_items=1, max_notional=usd(2_000)))
    taken = []
    for _ in range(3):
        assert await rig.cycle() is CYCLE.ACTED
        rig.mined()
        rig.apply()
        rig.seal()
        taken.append(rig.items[-1][1])
    assert taken == [4, 3, 2]
    assert await rig.cycle() is CYCLE.ACTED
    assert rig.items[-1][1] == 4


async def test_what_the_exchange_refuses_waits_a_while_and_is_tried_as_another_attempt() -> None:
    rig = Rig(ruined())
    await rig.cycle()
    rig.mined(CODE.BAD_COUNTERPARTY)
    rig.seal()
    assert await rig.cycle() is CYCLE.WAITING
    assert await rig.cycle(4) is CYCLE.WAITING
    assert await rig.cycle(1) is CYCLE.ACTED
    first, second = (intents[0].key for intents, _ in rig.sender.taken)
    assert first != second
    assert rig.metric("results_total", result="bad_counterparty") == 1


async def test_a_transaction_that_never_came_is_tried_again_and_one_out_of_gas_gets_more() -> None:
    rig = Rig(ruined())
    await rig.cycle()
    gas = rig.venue.asked[-1][1]
    (intents, _) = rig.sender.taken[0]
    rig.keeper.on_outcome(
        Outcome(
            lane="deleverager",
            nonce=0,
            transaction_hash="0x0",
            intent_keys=(intents[0].key,),
            result=Result.REVERTED,
            receipt={"gasUsed": hex(gas), "logs": []},
            reason="out of gas",
        )
    )
    assert rig.notes.settled[intents[0].key][0] == "not_mined"
    assert await rig.cycle(5) is CYCLE.ACTED
    assert rig.venue.asked[-1][1] > gas


async def test_results_that_do_not_fit_the_items_are_not_believed() -> None:
    rig = Rig(ruined())
    await rig.cycle()
    rig.sender.tell(0, Result.MINED)
    assert rig.metric("results_total", result="unseen") == 1
    assert [outcome for outcome, _ in rig.notes.settled.values()] == ["unseen"]


async def test_a_step_shrinks_to_the_gas_that_is_allowed() -> None:
    rig = Rig(ruined(), limits=DeleverageLimits(max_items=8), max_gas=600_000)
    await rig.cycle()
    ((items, gas),) = rig.venue.asked
    assert len(items) == 1
    assert gas <= 600_000
    wide = Rig(ruined(), limits=DeleverageLimits(max_items=8))
    await wide.cycle()
    assert len(wide.venue.asked[0][0]) == 3


@pytest.mark.parametrize("doubt", [Doubt.WARMING_UP, Doubt.DIVERGED, Doubt.FUTURE_DATED])
async def test_a_doubtful_price_stops_it(doubt: Doubt) -> None:
    rig = Rig(ruined())
    rig.view.doubts[MarketId(0)] = doubt
    assert await rig.cycle() is CYCLE.WAITING
    assert "warming_up" in rig.why
    assert rig.metric("waiting_positions", reason="warming_up") == 1


async def test_a_halted_market_and_a_stale_price_stop_it() -> None:
    halted = View([bankrupt(), *three_winners()], make_market(status=MarketStatus.HALTED))
    rig = Rig(halted)
    assert await rig.cycle() is CYCLE.WAITING
    assert "market_closed" in rig.why
    rig = Rig(ruined())
    assert await rig.cycle(61) is CYCLE.WAITING
    assert "stale_price" in rig.why
    assert not rig.items


async def test_what_a_liquidation_is_about_to_change_is_left_alone_on_either_side() -> None:
    rig = Rig(ruined(2))
    rig.liquidations.accounts_in_flight = {make_account_id(10), make_account_id(4)}
    assert await rig.cycle() is CYCLE.ACTED
    assert rig.items == [(11, 3, shares(50))]


async def test_those_who_must_wait_do_not_hide_the_others() -> None:
    """One account is judged in a cycle; the first two stand in a halted market."""
    first, second = make_market(0, status=MarketStatus.HALTED), make_market(1)
    stuck = [bankrupt(usd(900 - place), number=20 + place) for place in range(2)]
    loser, gainer = bankrupt(number=30), winner(-shares(200), number=3)
    crowd = [*stuck, in_second_market(loser), in_second_market(gainer)]
    rig = Rig(View(crowd, first, second), most_judged=1)
    outcomes = [await rig.cycle() for _ in range(3)]
    assert outcomes == [CYCLE.WAITING, CYCLE.WAITING, CYCLE.ACTED]
    assert rig.items == [(30, 3, shares(100))]


def theirs(size: int) -> DeleverageSettled:
    """Build a result of another keeper, or another life: account 10 against account 4."""
    return DeleverageSettled(
        account=make_account_id(10),
        market=MarketId(0),
        counterparty=make_account_id(4),
        code=CODE.DELEVERAGED,
        size=SizeE8(-shares(size)),
        cash=QuoteAtoms(0),
    )


async def test_its_own_work_is_nobody_elses() -> None:
    rig = Rig(ruined(), standby=10)
    await rig.cycle()
    assert await rig.cycle(10) is CYCLE.ACTED
    rig.keeper.on_settled(theirs(40))
    rig.mined()
    rig.apply()
    rig.seal()
    assert await rig.cycle() is CYCLE.ACTED


async def test_a_second_keeper_leaves_it_to_the_first_and_takes_over() -> None:
    rig = Rig(ruined(), standby=10)
    assert await rig.cycle() is CYCLE.STANDBY
    assert await rig.cycle(9) is CYCLE.STANDBY
    rig.keeper.on_settled(theirs(1))
    assert await rig.cycle(9) is CYCLE.STANDBY
    assert await rig.cycle(1) is CYCLE.ACTED
    # Whom the other has touched comes last for this one too.
    assert rig.items == [(10, 3, shares(50))]


def earlier(**facts: Any) -> IntentRecord:
    """Build an intent that an earlier life signed."""
    return IntentRecord(
        key=f"{KIND}|TEST|{account_label(make_account_id(10))}|x",
        kind=KIND,
        market="TEST",
        account=account_label(make_account_id(10)),
        judged_on="x",
        expires_at=0,
        payload={"place": 0, "counterparty": account_label(make_account_id(4))},
        state=State.SENT,
        reason="",
        transaction_id=facts.get("transaction_id", 7),
        outcome=None,
        outcome_detail=None,
        planned_at=0.0,
        updated_at=0.0,
        settled_at=None,
    )


def told(record: IntentRecord, result: Result, *results: DeleverageSettled) -> Outcome:
    receipt = {"blockNumber": "0x64", "gasUsed": "0x1", "results": list(results)}
    return Outcome(
        lane="deleverager",
        nonce=0,
        transaction_hash="0x0",
        intent_keys=(record.key,),
        result=result,
        receipt=receipt if result is Result.MINED else None,
        reason="",
    )


async def test_what_an_earlier_life_sent_is_waited_for() -> None:
    record = earlier()
    rig = Rig(ruined(), open_intents=[record])
    assert await rig.cycle() is CYCLE.BUSY
    rig.keeper.on_outcome(told(record, Result.MINED, theirs(40)))
    assert rig.notes.settled[record.key][0] == "deleveraged"
    assert await rig.cycle() is CYCLE.ACTED
    assert rig.items[0][1] == 3, "the one whom the earlier life took comes last"


async def test_an_earlier_life_that_ended_before_it_wrote_results_blocks_nobody() -> None:
    record = earlier()
    rig = Rig(ruined(), open_intents=[record])
    rig.keeper.on_outcome(told(record, Result.FINAL))
    assert await rig.cycle() is CYCLE.ACTED
    assert rig.metric("results_total", result="unseen") == 1
    # What was never signed is on no way at all.
    rig = Rig(ruined(), open_intents=[earlier(transaction_id=None)])
    assert await rig.cycle() is CYCLE.ACTED


class DryRun(FakeSender):
    """Takes everything and sends nothing."""

    async def submit(self, *arguments: Any, **facts: Any) -> Ticket:
        ticket = await super().submit(*arguments, **facts)
        return replace(ticket, nonce=None, transaction_hash=None)


async def test_a_dry_run_leaves_what_it_would_have_sent_alone_for_a_while() -> None:
    rig = Rig(ruined(), sender=DryRun())
    assert await rig.cycle() is CYCLE.ACTED
    assert await rig.cycle() is CYCLE.WAITING
    assert len(rig.items) == 1
    # Nothing has changed by then: the journal knows the intent, and the next is another attempt.
    assert await rig.cycle(30) is CYCLE.WAITING
    assert await rig.cycle() is CYCLE.ACTED


async def test_a_full_lane_refuses_and_nothing_counts_as_sent() -> None:
    rig = Rig(ruined())
    rig.sender.refusal = Refusal.LANE_FULL
    assert await rig.cycle() is CYCLE.WAITING
    assert not rig.hand.is_waiting
    rig.sender.refusal = None
    assert await rig.cycle() is CYCLE.ACTED


async def test_what_the_journal_knows_becomes_another_attempt() -> None:
    rig = Rig(ruined())
    await rig.cycle()
    again = Rig(ruined())
    again.sender.known = set(rig.sender.known)
    assert await again.cycle() is CYCLE.WAITING
    assert await again.cycle() is CYCLE.ACTED


async def test_pro_rata_takes_from_everybody_at_once() -> None:
    limits = DeleverageLimits(max_items=8, smallest_share=QuoteAtoms(0))
    rig = Rig(ruined(), policy=RankPolicy.PRO_RATA, limits=limits)
    await rig.cycle()
    assert [party for _, party, _ in rig.items] == [2, 3, 4]
    assert [size for _, _, size in rig.items] == [shares(40), 3_333_333_333, 2_666_666_667]
