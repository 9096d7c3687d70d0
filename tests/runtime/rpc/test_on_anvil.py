"""The transports against a real node: what it says, and how it behaves while it waits."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from eth_account import Account

from runtime.backoff import Backoff
from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import ExecutionReverted, MethodMissing, RangeError, RpcTransient
from runtime.rpc.pool import RpcPool
from runtime.rpc.submissions import SubmissionStatus
from runtime.rpc.submit import RawSubmitter
from runtime.rpc.subscription import Gap, GapReason, Subscription
from tests.anvil import Anvil, free_port, running_anvil
from tests.runtime.nodes import eventually

KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
)
"""The first keys of the mnemonic that every development chain uses."""
GWEI = 10**9
REVERTS_WITH_NO = (
    "0x7f08c379a000000000000000000000000000000000000000000000000000000000"
    "600052" + "6020600452" + "6002602452" + "61" + "6e6f" + "60f01b604452" + "60646000fd"
)
"""Init code that reverts with Error("no")."""


@dataclass(slots=True, kw_only=True)
class Wallet:
    """One key that counts its own nonces."""

    key: str
    nonce: int = 0
    last: bytes = field(default=b"")

    def sign(self, **facts: Any) -> bytes:
        transaction = {
            "to": "0x" + "22" * 20,
            "value": 0,
            "nonce": self.nonce,
            "gas": 21_000,
            "maxFeePerGas": 3 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "chainId": 31_337,
            "data": b"",
            "type": 2,
        } | facts
        return bytes(Account.from_key(self.key).sign_transaction(transaction).raw_transaction)


def endpoint_of(anvil: Anvil) -> Endpoint:
    return Endpoint(name="anvil", http_url=anvil.http_url, ws_url=anvil.websocket_url)


@contextlib.asynccontextmanager
async def working(anvil: Anvil) -> AsyncIterator[tuple[RpcPool, RawSubmitter]]:
    settings = WsSettings(backoff=Backoff(first_seconds=0.02, most_seconds=0.1))
    async with RpcPool([endpoint_of(anvil)], random=Random(1), ws_settings=settings) as pool:
        await pool.probe(expected_chain_id=31_337)
        submitter = RawSubmitter(pool)
        stop = asyncio.Event()
        task = asyncio.create_task(submitter.run(stop))
        await submitter.wait_connected(5)
        try:
            yield pool, submitter
        finally:
            stop.set()
            await task


async def next_number(heads: Subscription) -> int:
    head = await asyncio.wait_for(anext(heads), 2)
    assert not isinstance(head, Gap)
    return int(head["number"], 16)


async def wallet_of(pool: RpcPool, number: int) -> Wallet:
    address = Account.from_key(KEYS[number]).address
    count = await pool.call("eth_getTransactionCount", [address, "pending"])
    return Wallet(key=KEYS[number], nonce=int(count, 16))


async def test_the_probe_tells_sync_from_realtime_on_both_transports(anvil: Anvil) -> None:
    async with working(anvil) as (pool, _):
        found = pool.capabilities["anvil"]
    assert found.chain_id == 31_337
    assert found.http == {"eth_sendRawTransactionSync"}
    assert found.ws == {"eth_sendRawTransactionSync", "eth_subscribe"}


async def test_errors_of_a_real_node_have_names(anvil: Anvil) -> None:
    async with working(anvil) as (pool, _):
        with pytest.raises(ExecutionReverted) as caught:
            await pool.call("eth_call", [{"data": REVERTS_WITH_NO}, "latest"])
        assert caught.value.reason == "no"
        with pytest.raises(MethodMissing):
            await pool.call("eth_getLogsWithCursor", [{}])
        with pytest.raises(RangeError):
            await pool.call("eth_call", [{"to": "0x" + "22" * 20}, "0x99999999"])


async def test_a_mixed_batch_of_a_real_node(anvil: Anvil) -> None:
    async with working(anvil) as (pool, _):
        results = await pool.batch(
            [
                ("eth_chainId", []),
                ("eth_call", [{"data": REVERTS_WITH_NO}, "latest"]),
                ("eth_noSuchMethod", []),
            ]
        )
    assert results[0] == "0x7a69"
    assert [type(item) for item in results[1:]] == [ExecutionReverted, MethodMissing]


async def test_a_transaction_comes_back_as_its_receipt(anvil: Anvil) -> None:
    async with working(anvil) as (pool, submitter):
        wallet = await wallet_of(pool, 0)
        reply = await submitter.submit(wallet.sign())
    assert reply.status is SubmissionStatus.MINED
    assert reply.receipt is not None
    assert reply.receipt["transactionHash"] == reply.tx_hash
    assert reply.receipt["status"] == "0x1"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"nonce": 0}, SubmissionStatus.NONCE_TOO_LOW),
        ({"value": 10**30}, SubmissionStatus.INSUFFICIENT_FUNDS),
        ({"gas": 20_000}, SubmissionStatus.GAS_TOO_LOW),
        ({"gas": 10**12}, SubmissionStatus.REJECTED),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 1}, SubmissionStatus.FEE_TOO_LOW),
        ({"chainId": 1}, SubmissionStatus.REJECTED),
    ],
)
async def test_the_refusals_of_a_real_node_are_understood(
    anvil: Anvil, facts: dict[str, Any], status: SubmissionStatus
) -> None:
    async with working(anvil) as (pool, submitter):
        wallet = await wallet_of(pool, 1)
        if not wallet.nonce:
            await submitter.submit(wallet.sign())
            wallet.nonce += 1
        reply = await submitter.submit(wallet.sign(**facts))
    assert reply.status is status, reply.reason


async def test_what_waits_in_a_real_pool_is_known_and_must_be_outbid(slow_anvil: Anvil) -> None:
    async with working(slow_anvil) as (pool, _):
        submitter = RawSubmitter(pool, wait_for_receipt=False)
        wallet = await wallet_of(pool, 0)
        ahead = wallet.nonce + 1  # stays in the pool whatever is mined meanwhile
        raw = wallet.sign(nonce=ahead)
        assert (await submitter.submit(raw)).status is SubmissionStatus.ACCEPTED
        again = await submitter.submit(raw)
        assert again.status is SubmissionStatus.ACCEPTED_ALREADY_KNOWN
        cheap = await submitter.submit(wallet.sign(nonce=ahead, value=1))
        assert cheap.status is SubmissionStatus.UNDERPRICED_REPLACEMENT
        rich = {"maxFeePerGas": 9 * GWEI, "maxPriorityFeePerGas": 2 * GWEI}
        better = await submitter.submit(wallet.sign(nonce=ahead, value=1, **rich))
        assert better.status is SubmissionStatus.ACCEPTED


async def test_a_waiting_sync_call_delays_nothing_else_on_its_websocket(slow_anvil: Anvil) -> None:
    async with working(slow_anvil) as (pool, submitter):
        wallet = await wallet_of(pool, 1)
        socket = submitter._sockets[0]
        first = submitter.start(wallet.sign())
        started = time.monotonic()
        await socket.call("eth_chainId")
        assert time.monotonic() - started < 0.3
        second = submitter.start(wallet.sign(nonce=wallet.nonce + 1))
        replies = await asyncio.gather(first, second)
    assert {reply.status for reply in replies} == {SubmissionStatus.MINED}
    assert len({reply.receipt["blockNumber"] for reply in replies if reply.receipt}) <= 2


async def test_waiting_for_a_real_receipt_costs_no_processor(slow_anvil: Anvil) -> None:
    async with working(slow_anvil) as (pool, submitter):
        wallet = await wallet_of(pool, 2)
        await submitter.submit(wallet.sign())  # ends with a block, so the next one waits a second
        raw = wallet.sign(nonce=wallet.nonce + 1)
        cpu, wall = time.process_time(), time.monotonic()
        await submitter.submit(raw)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    assert wall > 0.5
    assert cpu < 0.1 * wall


async def test_heads_of_a_real_node_arrive_in_order(anvil: Anvil) -> None:
    async with working(anvil) as (pool, submitter):
        assert pool.feed is not None
        heads = await pool.feed.subscribe(["newHeads"])
        wallet = await wallet_of(pool, 3)
        for number in range(5):
            await submitter.submit(wallet.sign(nonce=wallet.nonce + number))
        numbers = [await next_number(heads) for _ in range(5)]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


async def test_a_node_that_is_killed_and_started_again_is_found_again() -> None:
    port = free_port()
    with contextlib.ExitStack() as first:
        anvil = first.enter_context(running_anvil(port=port))
        async with working(anvil) as (pool, submitter):
            feed = pool.feed
            assert feed is not None
            heads = await feed.subscribe(["newHeads"])
            first.close()
            await eventually(lambda: not feed.connected and not submitter.connected)
            with pytest.raises(RpcTransient):
                await pool.call("eth_chainId")
            with running_anvil(port=port):
                await eventually(lambda: feed.connected and submitter.connected, 5)
                wallet = await wallet_of(pool, 0)
                reply = await submitter.submit(wallet.sign())
                assert reply.status is SubmissionStatus.MINED
                gap = await asyncio.wait_for(anext(heads), 2)
                assert gap == Gap(reason=GapReason.RECONNECTED)
                assert await next_number(heads) == 1
