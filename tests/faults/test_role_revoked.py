"""A role is taken away while a transaction that needs it is under way.

Liquidation needs no role, so this is the sender alone, with a key that holds the pricer's: what was
sent is mined and refused, the journal says so, no nonce is lost, and the lane goes on.
"""

import asyncio
from pathlib import Path

import coincurve
import pytest
from prometheus_client import CollectorRegistry

from keepers.sender import (
    FeeBook,
    FeeRules,
    Lane,
    LaneSettings,
    LocalSigner,
    Outcome,
    SenderMetrics,
    SigningPolicy,
    Tools,
)
from keepers.sender.chain import RpcChain
from runtime.clock import SystemClock
from runtime.journal import Intent, Journal, State
from tests.faults.keys import DevKey
from tests.faults.stage import Stage, running_stage
from tests.keepers.sender.rig import GWEI, QUICK, running_submitter
from tests.venues.exchange.contracts.harness import ROLES, price
from venues.port import Call

pytestmark = pytest.mark.timeout(120)
KEY = DevKey.of("pricer")
LANE = "pricer"


def publish_call(stage: Stage, mark: int) -> Call:
    entry = (0, price(mark), price(mark), stage.exchange.chain.now())
    data = bytes.fromhex(stage.exchange.abi.call_data("publish", [entry])[2:])
    return Call(to=bytes.fromhex(stage.exchange.address[2:]), data=data, gas=500_000)


def intent(number: int) -> Intent:
    return Intent(
        kind="publish",
        market="TEST",
        account="",
        judged_on=str(number),
        expires_at=2**40,
        payload={"reason": "a price"},
    )


def make_lane(stage: Stage, chain: RpcChain, journal: Journal) -> Lane:
    clock = SystemClock()
    call = publish_call(stage, 100)
    policy = SigningPolicy(
        chain_id=31337,
        allowed=SigningPolicy.calls(call.to, [call.data[:4]]),
        max_fee=150 * GWEI,
        max_gas=1_000_000,
    )
    tools = Tools(
        chain=chain,
        signer=LocalSigner(coincurve.PrivateKey(KEY.secret), policy),
        journal=journal,
        clock=clock,
        policy=QUICK,
        fees=FeeBook(FeeRules(floor=2 * GWEI, cap=QUICK.fee_cap, tip=0)),
        metrics=SenderMetrics.create(CollectorRegistry(), lanes=[LANE]).of(LANE),
        cancel_gas=60_000,
    )
    return Lane(LANE, tools, LaneSettings())


async def until_ended(lane: Lane, outcomes: list[Outcome], count: int) -> None:
    async with asyncio.timeout(30):
        while len(outcomes) < count:
            await lane.run_once()
            await asyncio.sleep(0.01)


async def test_what_was_under_way_is_refused_and_the_lane_goes_on(tmp_path: Path) -> None:
    with (
        running_stage(tmp_path, 1) as stage,
        Journal.open(tmp_path / "journal.sqlite", SystemClock()) as journal,
    ):
        stage.rpc.call("anvil_setBalance", KEY.address, hex(10**20))
        stage.exchange.send("owner", "grant", KEY.address, ROLES["pricer"])
        async with running_submitter(stage.anvil) as chain:
            lane = make_lane(stage, chain, journal)
            outcomes: list[Outcome] = []
            lane.subscribe(outcomes.append)
            await lane.start()
            revoke = {
                "from": stage.exchange.chain.actors["owner"],
                "to": stage.exchange.address,
                "data": stage.exchange.abi.call_data("revoke", KEY.address),
                "gas": hex(10**6),
                "maxFeePerGas": hex(100 * GWEI),
                "maxPriorityFeePerGas": hex(50 * GWEI),
            }
            with stage.blocks.stopped():
                ticket = await lane.submit([intent(1)], publish_call(stage, 99), expires_at=2**40)
                assert ticket.transaction_hash is not None
                await lane._care.drain()
                # It pays more, so it comes first in the block.
                stage.rpc.call("eth_sendTransaction", revoke)
            await until_ended(lane, outcomes, 2)
            assert [each.result.value for each in outcomes] == ["reverted", "final"]
            record = journal.transaction(ticket.transaction_hash)
            assert record is not None
            assert (record.state, record.status) == (State.FAILED, 0)
            (told,) = journal.intents()
            assert (told.state, told.outcome) == (State.FAILED, "reverted")
            assert stage.mark == 100
            assert lane.why_halted == ""

            stage.exchange.send("owner", "grant", KEY.address, ROLES["pricer"])
            await lane.submit([intent(2)], publish_call(stage, 98), expires_at=2**40)
            await until_ended(lane, outcomes, 4)
            assert [each.result.value for each in outcomes[2:]] == ["mined", "final"]
            assert stage.mark == 98
            assert lane.next_nonce == 2
