"""What one endpoint says that is not true: a head that no chain reaches, receipts that nobody can read."""

import asyncio
from collections.abc import Mapping
from random import Random

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from keepers.receipts import readable
from runtime.rpc.connection import WsSettings
from runtime.rpc.errors import BadAnswer, RpcError, RpcTransient
from runtime.rpc.http import RpcHttp
from runtime.rpc.ws import RpcWs
from tests.hostile.strategies import nested
from tests.runtime.nodes import FakeClock, Node, eventually, running_node
from tests.venues.exchange.fake_chain import FakeChain
from tests.venues.exchange.logs import ABI, ADDRESS
from tests.venues.exchange.recording_sink import RecordingSink
from venues.exchange.epoch import Epoch, FeedSettings
from venues.exchange.feed import ExchangeFeed
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.metrics import FeedMetrics, ResyncReason
from venues.exchange.slicers import UndecodableError

QUICK = FeedSettings(audit_period_seconds=0.001, stall_seconds=5.0)


class Clock(FakeClock):
    """A clock that moves a second whenever it is looked at."""

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds


def feed_of(chain: FakeChain) -> ExchangeFeed:
    return ExchangeFeed(
        chain,
        None,
        address=ADDRESS,
        abi=ABI,
        metrics=FeedMetrics.create(CollectorRegistry()),
        clock=Clock(),
        random=Random(0),
        settings=QUICK,
    )


async def test_a_head_out_of_all_reach_is_forgotten_and_the_chain_followed_again() -> None:
    chain = FakeChain(10**10)
    feed = feed_of(chain)
    lie = await Epoch(feed._parts, RecordingSink(), at_least=0)._newest()
    assert lie.number == 10**10
    chain.head = 100
    with pytest.raises(FeedInterruptedError, match="but the newest is 100") as caught:
        await Epoch(feed._parts, RecordingSink(), at_least=0)._newest()
    assert feed._prepare_next(caught.value) is ResyncReason.REORG
    assert (await Epoch(feed._parts, RecordingSink(), at_least=0)._newest()).number == 100


async def test_an_endpoint_that_lags_is_waited_for_as_ever() -> None:
    chain = FakeChain(1_000)
    feed = feed_of(chain)
    await Epoch(feed._parts, RecordingSink(), at_least=0)._newest()
    chain.head = 900
    waiting = asyncio.create_task(Epoch(feed._parts, RecordingSink(), at_least=0)._newest())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not waiting.done()
    chain.head = 1_001
    assert (await waiting).number == 1_001


def test_a_receipt_that_cannot_be_read_tells_nothing_and_ends_nobody() -> None:
    def refuse(_receipt: Mapping[str, object]) -> list[int]:
        raise UndecodableError("expected 128 bytes, found 7")

    with capture_logs() as lines:
        assert readable(refuse, {}) == []
    assert lines[0]["event"] == "receipt_unreadable"
    assert readable(lambda receipt: [len(receipt)], {"a": 1}) == [1]


HOSTILE_ANSWERS = (
    [{"id": [], "result": 1}], [[[]]], {"id": 1}, {"id": 1, "error": nested(200)}, {"error": {"message": {}}},
    {"id": 1, "error": {"code": 10**18, "message": "x" * 10**6, "data": nested(200)}}, "0x", 7, [],
)  # fmt: skip


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS, ids=range(len(HOSTILE_ANSWERS)))
async def test_over_http_whatever_is_answered_is_a_named_error(answer: object) -> None:
    async with running_node() as node:
        node.answer = lambda _request: answer  # type: ignore[assignment, return-value]
        async with RpcHttp(node.http_endpoint) as http:
            with pytest.raises(RpcError):
                await http.call("eth_chainId")
            try:
                results = await http.batch([("eth_chainId", []), ("eth_blockNumber", [])])
            except RpcError:
                return
            assert [isinstance(each, BadAnswer) for each in results] == [True, True]


async def say_first(node: Node, raw: bytes) -> None:
    for socket in node.sockets:
        await socket.send_bytes(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1_000 + b"]" * 1_000,
        b'{"method":"eth_subscription","params":{"subscription":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"id":' + b"[" * 900 + b"]" * 900 + b',"result":1}',
        b'{"id":null,"error":' + b"[" * 900 + b"]" * 900 + b"}",
        b'[1, {"method":"x","params":7}, null]',
        b"\xff\xfe",
        b"",
    ],
    ids=["lists", "subscription", "id", "error", "batch", "bytes", "nothing"],
)
async def test_over_a_websocket_it_costs_a_connection_at_most(raw: bytes) -> None:
    async with running_node() as node, RpcWs(node.ws_endpoint, random=Random(0)) as socket:
        assert await socket.call("eth_chainId") == "0x1"
        await say_first(node, raw)

        async def is_back() -> bool:
            try:
                return bool(await socket.call("eth_chainId") == "0x1")
            except RpcTransient:
                return False

        async with asyncio.timeout(20):
            while not await is_back():  # noqa: ASYNC110 - the library reconnects by itself
                await asyncio.sleep(0.01)


async def test_notifications_of_a_subscription_that_is_never_named_do_not_pile_up() -> None:
    settings = WsSettings(early_notifications=50)
    async with (
        running_node() as node,
        RpcWs(node.ws_endpoint, random=Random(0), settings=settings) as socket,
    ):

        async def flood(peer: object, call: dict[str, object]) -> None:
            if call["method"] != "eth_subscribe":
                await node.answer_call(peer, call)  # type: ignore[arg-type]
                return
            for number in range(200):
                await node.notify(f"0x{number:x}", "0x1")

        node.on_call = flood  # type: ignore[assignment]
        with pytest.raises(RpcTransient):
            await socket.subscribe(["logs"])
        await eventually(lambda: node.connections > 1)
