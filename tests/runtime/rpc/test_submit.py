"""Raw transactions out: written at once, answered by status, safe in every doubt."""

import array
import asyncio
import contextlib
import fcntl
import termios
import time
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import orjson
import pytest
from aiohttp import web

from runtime.backoff import Backoff
from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import RateLimited, RpcTransient
from runtime.rpc.pool import RpcPool
from runtime.rpc.probe import Capabilities
from runtime.rpc.submissions import SubmissionStatus
from runtime.rpc.submit import RawSubmitter
from tests.runtime.nodes import Node, error, eventually, result

RAW = bytes.fromhex("02f8")
HASH = "0x" + "ab" * 32
RECEIPT = {"transactionHash": HASH, "blockHash": None, "blockNumber": "0x1", "status": "0x1"}
SETTINGS = WsSettings(connect_seconds=1, backoff=Backoff(first_seconds=0.01, most_seconds=0.05))
SYNC = "eth_sendRawTransactionSync"
REALTIME = "realtime_sendRawTransaction"


@contextlib.asynccontextmanager
async def submitting(
    *endpoints: Endpoint, offers: frozenset[str] = frozenset({SYNC}), **options: Any
) -> AsyncIterator[RawSubmitter]:
    async with RpcPool(endpoints, random=Random(1), ws_settings=SETTINGS) as pool:
        pool.capabilities = {
            item.name: Capabilities(endpoint=item.name, chain_id=1, http=offers, ws=offers)
            for item in endpoints
        }
        submitter = RawSubmitter(pool, **options)
        stop = asyncio.Event()
        task = asyncio.create_task(submitter.run(stop))
        await submitter.wait_connected(1)
        try:
            yield submitter
        finally:
            stop.set()
            await task


def says(node: Node, answer: Any) -> None:
    """Let a node answer sends over both transports with what `answer` makes of the call."""
    node.answer = answer

    async def on_call(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        await socket.send_str(orjson.dumps(answer(call)).decode())

    node.on_call = on_call


def sends(node: Node) -> list[dict[str, Any]]:
    return [call for call in (*node.calls, *node.requests) if "send" in call["method"]]


@pytest.mark.parametrize(
    ("offers", "method"),
    [
        (frozenset({SYNC, REALTIME}), REALTIME),
        (frozenset({SYNC}), SYNC),
        (frozenset[str](), "eth_sendRawTransaction"),
    ],
)
async def test_uses_the_best_method_the_endpoint_offers(
    node: Node, offers: frozenset[str], method: str
) -> None:
    answer = HASH if method == "eth_sendRawTransaction" else RECEIPT
    says(node, lambda call: result(call, answer))
    async with submitting(node.endpoint, offers=offers) as submitter:
        reply = await submitter.submit(RAW)
    assert [(call["method"], call["params"]) for call in sends(node)] == [(method, ["0x02f8"])]
    mined = method != "eth_sendRawTransaction"
    assert reply.status is (SubmissionStatus.MINED if mined else SubmissionStatus.ACCEPTED)
    assert reply.tx_hash == HASH
    assert reply.receipt == (RECEIPT if mined else None)
    assert reply.endpoint == "alpha"


def unread_bytes(node: Node) -> int:
    """How much the kernel holds for the endpoint's newest connection, which is the sender's."""
    request = node.sockets[-1]._req
    assert request is not None
    assert request.transport is not None
    buffer = array.array("i", [0])
    fcntl.ioctl(request.transport.get_extra_info("socket").fileno(), termios.FIONREAD, buffer)
    return buffer[0]


async def test_the_bytes_are_with_the_other_side_before_start_returns(node: Node) -> None:
    says(node, lambda call: result(call, RECEIPT))
    async with submitting(node.endpoint) as submitter:
        await eventually(lambda: unread_bytes(node) == 0)
        future = submitter.start(RAW)
        # The loop has not run since: only the kernel can have carried the bytes.
        assert unread_bytes(node) > 0
        assert 0 <= time.monotonic() - future.written_at < 0.1
        assert future.endpoint == "alpha"
        reply = await future
    assert reply.written_at == future.written_at <= reply.answered_at


async def test_without_a_websocket_sends_over_http(node: Node) -> None:
    says(node, lambda call: result(call, RECEIPT))
    async with submitting(node.http_endpoint) as submitter:
        assert (await submitter.submit(RAW)).status is SubmissionStatus.MINED
    assert len(node.requests) == 1


async def test_a_receipt_that_is_late_leaves_the_hash_of_the_data(node: Node) -> None:
    says(node, lambda call: error(call, 4, "added to the mempool but wasn't processed", HASH))
    async with submitting(node.endpoint) as submitter:
        reply = await submitter.submit(RAW)
    assert reply.status is SubmissionStatus.NOT_MINED_YET
    assert reply.tx_hash == HASH
    assert "wasn't processed" in reply.reason


async def test_the_callers_hash_wins(node: Node) -> None:
    says(node, lambda call: error(call, -32000, "realtime transaction expired"))
    async with submitting(node.endpoint, offers=frozenset({REALTIME})) as submitter:
        reply = await submitter.submit(RAW, tx_hash="0x01")
    assert (reply.status, reply.tx_hash) == (SubmissionStatus.NOT_MINED_YET, "0x01")


async def test_another_transactions_receipt_is_no_answer(node: Node) -> None:
    says(node, lambda call: result(call, RECEIPT))
    async with submitting(node.endpoint) as submitter:
        other = await submitter.submit(RAW, tx_hash="0x01")
        own = await submitter.submit(RAW, tx_hash=HASH.upper().replace("0X", "0x"))
    assert (other.status, other.receipt) == (SubmissionStatus.UNKNOWN, None)
    assert "another transaction's" in other.reason
    assert (own.status, own.receipt) == (SubmissionStatus.MINED, RECEIPT)


async def test_a_refusal_is_not_tried_elsewhere(node: Node, other_node: Node) -> None:
    says(node, lambda call: error(call, -32000, "nonce too low"))
    async with submitting(node.endpoint, other_node.endpoint) as submitter:
        reply = await submitter.submit(RAW)
    assert reply.status is SubmissionStatus.NONCE_TOO_LOW
    assert len(sends(node)) == 1
    assert sends(other_node) == []


async def test_a_connection_lost_after_the_write_sends_the_same_bytes_elsewhere(
    node: Node, other_node: Node
) -> None:
    says(other_node, lambda call: result(call, RECEIPT))
    async with submitting(node.ws_endpoint, other_node.ws_endpoint) as submitter:
        await eventually(lambda: other_node.connections >= 1)
        node.silent = True
        future = submitter.start(RAW)
        await asyncio.sleep(0.02)
        node.drop()
        reply = await future
    assert (reply.status, reply.endpoint) == (SubmissionStatus.MINED, "beta")
    assert sends(other_node)[0]["params"] == ["0x02f8"]


async def test_after_a_doubt_no_refusal_elsewhere_is_believed(node: Node, other_node: Node) -> None:
    says(other_node, lambda call: error(call, -32000, "insufficient funds"))
    async with submitting(node.ws_endpoint, other_node.ws_endpoint) as submitter:
        await eventually(lambda: other_node.connections >= 1)
        node.silent = True
        future = submitter.start(RAW)
        await asyncio.sleep(0.02)
        node.drop()
        assert (await future).status is SubmissionStatus.UNKNOWN


async def test_silence_counts_as_sent(node: Node) -> None:
    async with submitting(node.endpoint, reply_seconds=0.05) as submitter:
        node.silent = True
        reply = await submitter.submit(RAW, tx_hash=HASH)
    assert reply.status is SubmissionStatus.UNKNOWN
    assert reply.reason == "expected an answer within 0.05 s, found none"


async def test_a_rate_limit_is_carried_to_the_next_endpoint(node: Node, other_node: Node) -> None:
    says(node, lambda call: error(call, -32022, "over compute unit limit, retry in 9 seconds"))
    says(other_node, lambda call: result(call, RECEIPT))
    async with submitting(node.ws_endpoint, other_node.ws_endpoint) as submitter:
        await eventually(lambda: other_node.connections >= 1)
        assert (await submitter.submit(RAW)).endpoint == "beta"
        assert (await submitter.submit(RAW)).endpoint == "beta"
    assert len(sends(node)) == 1


async def test_a_method_that_is_taken_away_falls_back_to_the_plain_one(node: Node) -> None:
    def answer(call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == SYNC:
            return error(call, -32601, "rpc method is not whitelisted")
        return result(call, HASH)

    says(node, answer)
    async with submitting(node.endpoint) as submitter:
        assert (await submitter.submit(RAW)).status is SubmissionStatus.ACCEPTED
        assert (await submitter.submit(RAW)).status is SubmissionStatus.ACCEPTED
    assert [call["method"] for call in sends(node)].count(SYNC) == 1


async def test_with_nobody_there_nothing_was_written_and_the_caller_knows(node: Node) -> None:
    async with submitting(node.ws_endpoint) as submitter:
        await node.stop()
        await eventually(lambda: not submitter.connected)
        with pytest.raises(RpcTransient, match="no channel is open"):
            submitter.start(RAW)


async def test_connections_share_the_load_of_a_limit_per_connection(node: Node) -> None:
    says(node, lambda call: result(call, RECEIPT))
    limited = Endpoint(name="alpha", ws_url=node.ws_endpoint.ws_url, ws_per_second=5.0, ws_burst=1)
    async with submitting(limited, connections=3) as submitter:
        await eventually(lambda: all(socket.connected for socket in submitter._sockets))
        futures = [submitter.start(RAW) for _ in range(3)]
        with pytest.raises(RateLimited) as caught:
            submitter.start(RAW)
        assert caught.value.retry_after_seconds == pytest.approx(0.2, abs=0.05)
        assert (await submitter.submit(RAW)).status is SubmissionStatus.MINED
        await asyncio.gather(*futures)


async def test_waiting_for_a_receipt_is_a_choice(node: Node) -> None:
    says(node, lambda call: result(call, HASH))
    async with submitting(node.endpoint, wait_for_receipt=False) as submitter:
        assert (await submitter.submit(RAW)).status is SubmissionStatus.ACCEPTED
    assert sends(node)[0]["method"] == "eth_sendRawTransaction"
