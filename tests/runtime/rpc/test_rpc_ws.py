"""The WebSocket against endpoints that reorder, overtake, die and fall silent."""

import asyncio
import time
from random import Random
from typing import Any

import orjson
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from runtime.backoff import Backoff
from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import ExecutionReverted, MethodMissing, RateLimited, RpcTransient
from runtime.rpc.metrics import RpcMetrics
from runtime.rpc.subscription import Gap, GapReason, Subscription
from runtime.rpc.ws import RpcWs
from tests.anvil import free_port
from tests.runtime.nodes import Node, error, eventually, notification, result

QUICK = WsSettings(
    connect_seconds=1.0,
    call_seconds=1.0,
    keepalive_seconds=0.1,
    idle_seconds=0.2,
    backoff=Backoff(first_seconds=0.01, most_seconds=0.05),
)
CALM = WsSettings(connect_seconds=1.0, call_seconds=1.0, backoff=QUICK.backoff)
RECONNECTED = Gap(reason=GapReason.RECONNECTED)


def open_socket(
    *endpoints: Endpoint, settings: WsSettings = CALM, metrics: RpcMetrics | None = None
) -> RpcWs:
    return RpcWs(*endpoints, random=Random(1), settings=settings, metrics=metrics)


async def send(socket: web.WebSocketResponse, body: Any) -> None:
    await socket.send_str(orjson.dumps(body).decode())


async def take(subscription: Subscription, count: int) -> list[Any]:
    return [await asyncio.wait_for(anext(subscription), 2) for _ in range(count)]


async def test_answers_out_of_order_reach_their_callers(node: Node) -> None:
    held: list[dict[str, Any]] = []

    async def hold(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        held.append(call)
        if len(held) == 3:
            for late in reversed(held):
                await send(socket, result(late, late["params"][0]))

    node.on_call = hold
    async with open_socket(node.ws_endpoint) as ws:
        answers = await asyncio.gather(*(ws.call("eth_call", [number]) for number in range(3)))
    assert answers == [0, 1, 2]


async def test_errors_come_by_name(node: Node) -> None:
    async def refuse(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        await send(socket, error(call, *call["params"]))

    node.on_call = refuse
    async with open_socket(node.ws_endpoint) as ws:
        with pytest.raises(ExecutionReverted):
            await ws.call("eth_call", [3, "execution reverted", "0x"])
        with pytest.raises(MethodMissing):
            await ws.call("eth_call", [-32601, "rpc method is not whitelisted"])
        with pytest.raises(RateLimited):
            await ws.call("eth_call", [-32021, "over network traffic limit, retry in 9 seconds"])
        assert ws.bucket.wait_seconds() > 8


async def test_notifications_reach_their_subscription(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        first = await ws.subscribe(["newHeads"])
        second = await ws.subscribe(["logs", {"fromBlock": "pending"}])
        assert node.calls[1]["params"] == ["logs", {"fromBlock": "pending"}]
        await node.notify("0xsub2", {"blockHash": None, "logIndex": "0x0"})
        await node.notify("0xsub1", {"number": "0x10"})
        assert await take(first, 1) == [{"number": "0x10"}]
        assert await take(second, 1) == [{"blockHash": None, "logIndex": "0x0"}]


async def test_notifications_that_overtake_the_reply_are_kept_in_order(node: Node) -> None:
    async def overtake(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        for number in range(3):
            await socket.send_bytes(notification("0xs", number))
        await send(socket, result(call, "0xs"))
        await socket.send_bytes(notification("0xs", 3))

    node.on_call = overtake
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"])
        assert await take(subscription, 4) == [0, 1, 2, 3]


async def test_too_many_early_notifications_leave_a_gap(node: Node) -> None:
    async def flood(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        for number in range(5):
            await socket.send_bytes(notification("0xs", number))
        await send(socket, result(call, "0xs"))

    node.on_call = flood
    settings = WsSettings(early_notifications=2)
    async with open_socket(node.ws_endpoint, settings=settings) as ws:
        subscription = await ws.subscribe(["newHeads"])
        gap = Gap(reason=GapReason.OVERFLOW, dropped=3)
        assert await take(subscription, 3) == [0, 1, gap]


async def test_a_callback_is_called_in_the_reader(node: Node) -> None:
    seen: list[tuple[Any, float]] = []
    async with open_socket(node.ws_endpoint) as ws:
        await ws.subscribe(
            ["newHeads"], on_message=lambda item: seen.append((item, ws.received_at))
        )
        await node.notify("0xsub1", 1)
        await eventually(lambda: seen)
    assert seen[0][0] == 1
    assert 0 <= time.monotonic() - seen[0][1] < 3


async def test_a_slow_consumer_gets_a_gap_and_delays_nobody(node: Node) -> None:
    registry = CollectorRegistry()
    metrics = RpcMetrics.create(registry, ["alpha"])
    async with open_socket(node.ws_endpoint, metrics=metrics) as ws:
        subscription = await ws.subscribe(["newHeads"], capacity=10)
        for number in range(100):
            await node.notify("0xsub1", number)
        assert await ws.call("eth_chainId") == "0x1"
        assert subscription.gapped
        items = await take(subscription, subscription.waiting)
    gap = items[0]
    assert isinstance(gap, Gap)
    assert items[1:] == list(range(gap.dropped, 100))
    name = "bellkeeper_rpc_dropped_notifications_total"
    assert registry.get_sample_value(name, {"endpoint": "alpha"}) == gap.dropped


async def test_a_consumer_may_call_through_the_socket_it_reads_from(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"], capacity=2)
        for number in range(50):
            await node.notify("0xsub1", number)
        answers = []
        async for _ in subscription:
            answers.append(await ws.call("eth_chainId"))
            if not subscription.waiting:
                break
    assert set(answers) == {"0x1"}


async def test_a_callback_may_start_a_call(node: Node) -> None:
    started: list[asyncio.Future[Any]] = []
    async with open_socket(node.ws_endpoint) as ws:
        await ws.subscribe(
            ["newHeads"], on_message=lambda _: started.append(ws.start("eth_chainId", b"[]"))
        )
        await node.notify("0xsub1", 1)
        await eventually(lambda: started)
        assert await started[0] == "0x1"


async def test_a_server_that_dies_fails_the_calls_and_comes_back_with_a_gap(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"])
        await node.notify("0xsub1", "before")
        await eventually(lambda: subscription.waiting)
        node.silent = True
        call = asyncio.create_task(ws.call("eth_call"))
        await asyncio.sleep(0.02)
        node.drop()
        with pytest.raises(RpcTransient, match="no answer"):
            await call
        assert not subscription.live
        node.silent = False
        await eventually(lambda: subscription.live and ws.connected)
        await node.notify(f"0xsub{len(node.calls)}", "after")
        assert await take(subscription, 3) == ["before", RECONNECTED, "after"]
    assert node.connections == 2


async def test_what_overtakes_the_reply_of_a_resubscription_comes_after_the_gap(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"])

        async def overtake(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
            await socket.send_bytes(notification("0xnew", "early"))
            await send(socket, result(call, "0xnew"))

        node.on_call = overtake
        node.drop()
        assert await take(subscription, 2) == [RECONNECTED, "early"]


async def test_a_call_without_a_connection_fails_at_once(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        await node.stop()
        await eventually(lambda: not ws.connected)
        with pytest.raises(RpcTransient, match="not connected"):
            await ws.call("eth_chainId")
        await node.start()
        await ws.wait_connected(2)
        assert await ws.call("eth_chainId") == "0x1"


async def test_a_server_that_falls_silent_is_noticed_and_left(node: Node) -> None:
    async with open_socket(node.ws_endpoint, settings=QUICK) as ws:
        node.silent = True
        started = time.monotonic()
        with pytest.raises(RpcTransient, match="heard nothing"):
            await ws.call("eth_call", timeout_seconds=5)
        assert time.monotonic() - started < 2
        node.silent = False
        await ws.wait_connected(2)
        assert node.connections >= 2


async def test_a_half_dead_server_that_only_notifies_is_noticed(node: Node) -> None:
    async with open_socket(node.ws_endpoint, settings=QUICK) as ws:
        await ws.subscribe(["newHeads"])
        node.silent = True

        async def chatter() -> None:
            while node.connections == 1:
                await node.notify("0xsub1", 1)
                await asyncio.sleep(0.02)

        await asyncio.wait_for(chatter(), 3)


async def test_an_idle_connection_is_kept_alive_with_a_real_call(node: Node) -> None:
    async with open_socket(node.ws_endpoint, settings=QUICK) as ws:
        await asyncio.sleep(0.5)
        assert ws.connected
    assert node.connections == 1
    assert {call["method"] for call in node.calls} == {"eth_chainId"}
    assert 2 <= len(node.calls) <= 5


async def test_a_call_that_times_out_leaves_the_connection_and_its_late_answer_alone(
    node: Node,
) -> None:
    async def slow(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        if call["method"] == "eth_call":
            await asyncio.sleep(0.1)
        await send(socket, result(call, "0x1"))

    node.on_call = slow
    async with open_socket(node.ws_endpoint) as ws:
        with pytest.raises(RpcTransient, match=r"within 0\.02 s"):
            await ws.call("eth_call", timeout_seconds=0.02)
        assert await ws.call("eth_chainId") == "0x1"
    assert node.connections == 1


async def test_a_subscription_nobody_waits_for_any_more_is_undone(node: Node) -> None:
    async def slow(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        if call["method"] == "eth_subscribe":
            await asyncio.sleep(0.1)
        await send(socket, result(call, "0xlate"))

    node.on_call = slow
    settings = WsSettings(call_seconds=0.02)
    async with open_socket(node.ws_endpoint, settings=settings) as ws:
        with pytest.raises(RpcTransient):
            await ws.subscribe(["newHeads"])
        await eventually(lambda: node.calls[-1]["method"] == "eth_unsubscribe")
        assert node.calls[-1]["params"] == ["0xlate"]


async def test_an_unsubscribed_stream_ends_and_stays_ended(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"])
        await ws.unsubscribe(subscription)
        await node.notify("0xsub1", 1)
        assert [item async for item in subscription] == []
        node.drop()
        await eventually(lambda: node.connections == 2 and ws.connected)
        assert [call["method"] for call in node.calls].count("eth_subscribe") == 1


async def test_a_stream_unsubscribed_while_it_is_reopened_stays_ended(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"])

        async def slow(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
            if call["method"] == "eth_subscribe":
                await asyncio.sleep(0.3)
            await send(socket, result(call, "0xlate"))

        node.on_call = slow
        node.drop()
        # Not the connection: before it asks to be reopened there is nothing to end.
        await eventually(lambda: [c["method"] for c in node.calls].count("eth_subscribe") == 2)
        await ws.unsubscribe(subscription)
        await eventually(lambda: node.calls[-1]["method"] == "eth_unsubscribe")
        assert not subscription.live


async def test_a_refused_handshake_is_tried_again(node: Node) -> None:
    path = "/nothing-here"
    lost = Endpoint(name="alpha", ws_url=f"ws://127.0.0.1:{node.port}{path}")
    async with open_socket(lost, Endpoint(name="beta", ws_url=node.ws_endpoint.ws_url)) as ws:
        assert ws.name == "beta"


async def test_garbage_ends_the_connection_not_the_program(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        await node.sockets[0].send_str("<html>")
        await eventually(lambda: node.connections == 2 and ws.connected)
        assert await ws.call("eth_chainId") == "0x1"


async def test_a_message_of_megabytes_comes_through(node: Node) -> None:
    async with open_socket(node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["miniBlocks"])
        await node.notify("0xsub1", "0" * (5 << 20))
        (item,) = await take(subscription, 1)
    assert len(item) == 5 << 20


async def test_a_bug_in_a_callback_is_not_swallowed(node: Node) -> None:
    def bug(_: Any) -> None:
        raise KeyError("bug")

    ws = open_socket(node.ws_endpoint)
    stop = asyncio.Event()
    task = asyncio.create_task(ws.run(stop))
    await ws.wait_connected(1)
    await ws.subscribe(["newHeads"], on_message=bug)
    await node.notify("0xsub1", 1)
    with pytest.raises(KeyError, match="bug"):
        await asyncio.wait_for(task, 1)
    with pytest.raises(RuntimeError, match="reader of this WebSocket died"):
        await ws.call("eth_chainId")


async def test_the_next_endpoint_takes_over(node: Node, other_node: Node) -> None:
    async with open_socket(node.ws_endpoint, other_node.ws_endpoint) as ws:
        subscription = await ws.subscribe(["newHeads"])
        assert ws.name == "alpha"
        await node.stop()
        await eventually(lambda: ws.connected and ws.name == "beta")
        assert await take(subscription, 1) == [RECONNECTED]
        await other_node.notify("0xsub1", "from beta")
        assert await take(subscription, 1) == ["from beta"]


async def test_an_endpoint_that_answers_badly_can_be_left(node: Node, other_node: Node) -> None:
    async with open_socket(node.ws_endpoint, other_node.ws_endpoint) as ws:
        ws.leave("behind the high-water mark")
        await eventually(lambda: ws.connected and ws.name == "beta")
    assert node.connections == other_node.connections == 1


async def test_nobody_there_is_told_on_entering() -> None:
    endpoint = Endpoint(name="alpha", ws_url=f"ws://127.0.0.1:{free_port()}/planted-key")
    settings = WsSettings(connect_seconds=0.1, backoff=QUICK.backoff)
    with pytest.raises(RpcTransient, match="expected a connection") as caught:
        async with open_socket(endpoint, settings=settings):
            pass
    assert "planted-key" not in str(caught.value)


async def test_waiting_for_an_answer_costs_no_processor(node: Node) -> None:
    async def slow(socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        await asyncio.sleep(0.5)
        await send(socket, result(call, "0x1"))

    node.on_call = slow
    async with open_socket(node.ws_endpoint) as ws:
        cpu, wall = time.process_time(), time.monotonic()
        await ws.call("realtime_sendRawTransaction", ["0x00"])
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    assert cpu < 0.1 * wall


async def test_a_connection_keeps_to_its_rate(node: Node) -> None:
    endpoint = Endpoint(name="alpha", ws_url=node.ws_endpoint.ws_url, ws_per_second=50, ws_burst=1)
    async with open_socket(endpoint) as ws:
        started = time.monotonic()
        await asyncio.gather(*(ws.call("eth_chainId") for _ in range(6)))
        assert time.monotonic() - started >= 0.095
