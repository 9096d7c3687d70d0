"""What the keeper remembers between cycles: who is in flight, until when."""

import pytest

from keepers.liquidation.hand import Hand
from risk.gas_model import GasModel
from risk.liquidation import LiquidationCode, judge_liquidation
from risk.liquidation_batches import make_batch
from risk.liquidation_values import PlannedBatch, PlannedItem, Skip, SkipReason
from risk.margin import margin_state
from risk.retry_book import RetryBook
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8
from tests.builders import NOW, make_account, make_market, make_position, make_terms, shares, usd
from venues.port import LiquidationSettled

TERMS = make_terms(make_market())
UNDER_MARGIN = make_account(usd(40), [make_position(shares(10))])
PAIR = (UNDER_MARGIN.id, MarketId(0))


def make_planned_batch() -> PlannedBatch:
    state = margin_state(UNDER_MARGIN, TERMS.markets, NOW)
    item = PlannedItem(
        judged_on="state-1",
        judged=UNDER_MARGIN,
        terms=TERMS,
        account=UNDER_MARGIN.id,
        market=MarketId(0),
        max_size=0,
        positions=1,
        expected_loss=QuoteAtoms(0),
        verdict=judge_liquidation(state, MarketId(0), TERMS),
    )
    return make_batch([item], GasModel())


def make_result(code: LiquidationCode) -> LiquidationSettled:
    zero = QuoteAtoms(0)
    return LiquidationSettled(
        account=UNDER_MARGIN.id,
        market=MarketId(0),
        keeper=b"\x01" * 20,
        code=code,
        size=SizeE8(0),
        value=zero,
        discount=zero,
        penalty=zero,
        shortfall=zero,
        reward=zero,
        equity=zero,
        maintenance_margin=zero,
    )


def make_hand() -> Hand:
    hand = Hand(RetryBook(), GasModel())
    hand.sent(7, make_planned_batch(), ["key"], TERMS.markets)
    return hand


def test_what_was_sent_is_in_flight() -> None:
    hand = make_hand()
    assert set(hand.work(frozenset()).in_flight) == {PAIR}
    assert hand.batches_in_flight == 1
    assert hand.accounts_in_flight == {UNDER_MARGIN.id}


def test_a_receipt_frees_the_batch_but_the_account_waits_for_the_feed() -> None:
    hand = make_hand()
    result = make_result(LiquidationCode.LIQUIDATED)
    batch = hand.mined(7, [result], gas_used=300_000, block=50, now=NOW)
    assert batch is not None
    assert batch.keys == {PAIR: "key"}
    assert hand.batches_in_flight == 0
    assert hand.accounts_in_flight == {UNDER_MARGIN.id}
    hand.seen_in_feed(result)
    assert hand.accounts_in_flight == set()


def test_a_sealed_block_frees_what_the_feed_did_not_name() -> None:
    hand = make_hand()
    hand.mined(7, [], gas_used=300_000, block=50, now=NOW)
    hand.release_up_to(49)
    assert hand.accounts_in_flight == {UNDER_MARGIN.id}
    hand.release_up_to(50)
    assert hand.accounts_in_flight == set()


def test_an_older_batch_does_not_free_an_account_that_is_on_its_way_again() -> None:
    hand = make_hand()
    result = make_result(LiquidationCode.LIQUIDATED)
    hand.mined(7, [result], gas_used=300_000, block=50, now=NOW)
    hand.seen_in_feed(result)
    hand.sent(8, make_planned_batch(), ["key-2"], TERMS.markets)
    hand.release_up_to(50)
    assert hand.accounts_in_flight == {UNDER_MARGIN.id}


def test_a_batch_that_never_was_mined_locks_nobody_out() -> None:
    hand = make_hand()
    assert hand.ended(7, now=NOW) is not None
    assert hand.accounts_in_flight == set()
    entry = hand.retries.entries[UNDER_MARGIN.id]
    assert (entry.attempts, entry.next_time) == (1, NOW + hand.retries.rules.first)


def test_a_batch_that_ran_out_of_gas_raises_the_next_limit() -> None:
    hand = make_hand()
    batch = make_planned_batch()
    before = hand.gas.bound(items=1, positions=1)
    hand.ended(7, now=NOW, gas_used=batch.gas)
    assert hand.gas.bound(items=1, positions=1) > before


@pytest.mark.parametrize("code", [LiquidationCode.BACKSTOP_FULL, LiquidationCode.EXPIRED])
def test_a_refused_or_late_item_is_another_attempt_after_the_shortest_pause(
    code: LiquidationCode,
) -> None:
    hand = make_hand()
    hand.mined(7, [make_result(code)], gas_used=100_000, block=50, now=NOW)
    entry = hand.retries.entries[UNDER_MARGIN.id]
    assert (entry.attempts, entry.next_time) == (1, NOW + hand.retries.rules.first)


def test_what_the_journal_shows_of_an_earlier_life_is_in_flight_again() -> None:
    hand = Hand(RetryBook(), GasModel())
    hand.adopt(3, {PAIR: "key"})
    assert hand.accounts_in_flight == {UNDER_MARGIN.id}
    result = make_result(LiquidationCode.LIQUIDATED)
    assert hand.mined(3, [result], gas_used=300_000, block=9, now=NOW) is not None
    hand.release_up_to(9)
    assert hand.accounts_in_flight == set()


def test_whom_a_closed_market_keeps_waiting_is_left_alone_until_a_market_changes() -> None:
    hand = make_hand()
    skips = [
        Skip(account=AccountId(1), reason=SkipReason.MARKET_CLOSED),
        Skip(account=AccountId(2), reason=SkipReason.WARMING_UP),
    ]
    halted = ("closed", None)
    assert set(hand.aside(NOW, halted)) == set()
    hand.set_aside(skips, NOW)
    assert set(hand.aside(NOW, halted)) == {1, 2}
    # A crowd in a halted market must not be looked at again and again, and hide who can be liquidated.
    assert set(hand.aside(Seconds(NOW + 1), halted)) == {1}
    assert set(hand.aside(Seconds(NOW + 29), halted)) == {1}
    assert set(hand.aside(Seconds(NOW + 29), (None, None))) == set()


def test_whom_a_closed_market_keeps_waiting_is_looked_at_again_in_the_end() -> None:
    hand = make_hand()
    hand.aside(NOW, "halted")
    hand.set_aside([Skip(account=AccountId(1), reason=SkipReason.STALE_PRICE)], NOW)
    assert set(hand.aside(Seconds(NOW + 30), "halted")) == set()
