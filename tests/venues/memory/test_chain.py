"""Blocks in memory: what is included when, and what the feed and the receipts tell."""

import pytest

from risk.units import MarketStatus, Seconds
from tests.builders import NOW, price, shares, usd
from tests.venues.exchange.recording_sink import RecordingSink
from tests.venues.memory.world import ADDRESS, LONG, MARKET, OWNER, USER, make_exchange, trade
from venues.exchange.readings import Role
from venues.memory.blocks import ChainPace
from venues.memory.chain import MemoryChain
from venues.memory.gas import CallGas, GasPrices
from venues.memory.requests import (
    DepositMany,
    FundInsurance,
    MemoryCall,
    SetStatus,
    SettleTrades,
    Withdraw,
)
from venues.memory.venue import MemoryVenue

FLAT = GasPrices(
    liquidation=CallGas(base=100),
    trade=CallGas(base=100),
    deposit=CallGas(base=100),
    other=CallGas(base=100),
)
PAY = FundInsurance(amount=usd(1))


def make_chain(*, gas_limit: int = 250, milliseconds: int = 400) -> MemoryChain:
    pace = ChainPace(block_milliseconds=milliseconds, gas_limit=gas_limit, gas_prices=FLAT)
    return MemoryChain(make_exchange(), started_at=NOW, pace=pace)


def test_a_call_lands_after_its_delay_and_time_goes_by_in_milliseconds() -> None:
    chain = make_chain()
    chain.submit(PAY, caller=OWNER, gas=100, delay_blocks=3)
    blocks = [chain.mine() for _ in range(3)]
    assert [len(block.ended) for block in blocks] == [0, 0, 1]
    assert [block.ref.timestamp - NOW for block in blocks] == [0, 0, 1]
    assert blocks[2].ended[0].is_carried_out


def test_a_full_block_leaves_the_rest_to_the_next_and_keeps_the_order_of_a_caller() -> None:
    chain = make_chain()
    large = chain.submit(PAY, caller=OWNER, gas=240)
    first = chain.submit(PAY, caller=USER, gas=200)
    behind = chain.submit(PAY, caller=USER, gas=100)
    other = chain.submit(PAY, caller=b"\x55" * 20, gas=100)
    block = chain.mine()
    assert [each.call for each in block.ended] == [large, other]
    assert (block.gas_used, block.waiting) == (200, 2)
    assert [each.call for each in chain.mine().ended] == [first, behind]


def test_gas_that_others_take_is_not_ours() -> None:
    chain = make_chain()
    chain.gas_taken = 200
    chain.submit(PAY, caller=OWNER, gas=100)
    assert chain.mine().ended == ()
    chain.gas_taken = 150
    assert len(chain.mine().ended) == 1


def test_a_call_that_waits_too_long_expires_without_a_receipt() -> None:
    chain = make_chain(milliseconds=2_000)
    chain.gas_taken = 250
    chain.submit(PAY, caller=OWNER, gas=100, expires_at=Seconds(NOW + 2))
    assert chain.mine().ended == ()
    (ended,) = chain.mine().ended
    assert ended.receipt is None
    assert ended.reason == f"expired at {NOW + 2}, and was in no block by then"


def test_a_call_without_gas_enough_changes_nothing_and_pays_for_it() -> None:
    chain = make_chain()
    fund = chain.exchange.state.funds
    chain.submit(PAY, caller=OWNER, gas=99)
    block = chain.mine()
    (ended,) = block.ended
    assert ended.receipt is not None
    assert (ended.receipt["status"], ended.receipt["gasUsed"]) == ("0x0", hex(99))
    assert "out of gas: needs 100, may use 99" in ended.reason
    assert (chain.exchange.state.funds, block.gas_used, block.changes) == (fund, 99, ())


def test_a_reverted_call_has_the_exchanges_own_words() -> None:
    chain = make_chain()
    chain.submit(Withdraw(subaccount=1, amount=usd(10_000)), caller=USER, gas=100)
    (ended,) = chain.mine().ended
    assert (ended.reason, ended.is_carried_out) == ("more than the collateral", False)


def test_a_follower_is_told_what_happened_and_ends_up_with_the_same_book() -> None:
    chain, sink = make_chain(gas_limit=1_000), RecordingSink()
    chain.follow(sink)
    batch = SettleTrades(trades=(trade(shares(-3), price(200)),))
    chain.submit(batch, caller=ADDRESS[Role.MATCHER], gas=100)
    chain.submit(DepositMany(accounts=(LONG,), amounts=(usd(7),)), caller=USER, gas=100)
    block = chain.mine()
    assert [each.log_index for each in block.changes] == list(range(len(block.changes)))
    assert sink.sealed == [block.ref]
    book = chain.exchange.state.book
    assert sink.accounts() == sorted(
        (book.account(book.id_at(row)) for row in range(len(book))), key=lambda each: each.id
    )
    assert sink.account(LONG).positions[0].size == shares(7)
    assert (sink.markets, sink.funds) == (
        dict(chain.exchange.state.markets),
        chain.exchange.state.funds,
    )


async def test_the_venue_reads_receipts_epochs_and_refusals() -> None:
    chain = make_chain()
    venue = MemoryVenue(chain)
    breaker = ADDRESS[Role.BREAKER]
    call = venue.status_call(MARKET, MarketStatus.LIMIT, epoch=0, gas=100)
    assert isinstance(call, MemoryCall)
    assert await venue.refusal(call, sender=breaker, block=0) is None
    assert await venue.refusal(call, sender=OWNER, block=0) == "wrong role"
    chain.submit(call.request, caller=breaker, gas=call.gas)
    (ended,) = chain.mine().ended
    assert ended.receipt is not None
    (change,) = venue.control_changes(ended.receipt)
    assert (change.status, change.epoch, change.block) == (MarketStatus.LIMIT, 1, 1)
    assert venue.parameter_changes(ended.receipt) == []
    assert await venue.breaker_epochs([MARKET]) == {MARKET: 1}
    stale = SetStatus(market=MARKET, status=2, expected_epoch=0)
    chain.submit(stale, caller=breaker, gas=100)
    (ended,) = chain.mine().ended
    assert ended.reason == "stale epoch"


def test_a_receipt_of_another_chain_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="a receipt of the chain in memory"):
        MemoryVenue(make_chain()).settled_items({"status": "0x1"})
