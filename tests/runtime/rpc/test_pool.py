"""Several endpoints as one: fail-over and return, and never back in time."""

import asyncio
from random import Random
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from runtime.errors import OperatorError
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import Behind, ExecutionReverted, MethodMissing, RateLimited, RpcTransient
from runtime.rpc.high_water import BlockHighWater
from runtime.rpc.http import HttpLimits
from runtime.rpc.metrics import RpcMetrics
from runtime.rpc.pool import RpcPool
from tests.runtime.nodes import FakeClock, Node, error, eventually, result


def make_pool(
    *endpoints: Endpoint, clock: FakeClock | None = None, metrics: RpcMetrics | None = None
) -> RpcPool:
    return RpcPool(
        endpoints,
        random=Random(1),
        clock=clock,
        metrics=metrics,
        http_limits=HttpLimits(timeout_seconds=0.3),
    )


def fault(_: Any) -> web.Response:
    return web.Response(status=502, text="bad gateway")


def knows(block: int) -> Any:
    """Answer every question with this block number."""
    return lambda request: result(request, hex(block))


async def test_prefers_the_first_endpoint(node: Node, other_node: Node) -> None:
    async with make_pool(node.http_endpoint, other_node.http_endpoint) as pool:
        for _ in range(3):
            await pool.call("eth_chainId")
    assert (len(node.requests), len(other_node.requests)) == (3, 0)


async def test_fails_over_and_returns(node: Node, other_node: Node, clock: FakeClock) -> None:
    async with make_pool(node.http_endpoint, other_node.http_endpoint, clock=clock) as pool:
        good, node.answer = node.answer, fault
        assert await pool.call("eth_chainId") == "0x1"
        await pool.call("eth_chainId")
        assert (len(node.requests), len(other_node.requests)) == (1, 2)
        node.answer = good
        clock.seconds += 1
        await pool.call("eth_chainId")
        assert (len(node.requests), len(other_node.requests)) == (2, 2)


async def test_a_failing_endpoint_rests_longer_each_time(
    node: Node, other_node: Node, clock: FakeClock
) -> None:
    node.answer = fault
    async with make_pool(node.http_endpoint, other_node.http_endpoint, clock=clock) as pool:
        for _ in range(100):
            await pool.call("eth_chainId")
            clock.seconds += 0.2
    assert 4 <= len(node.requests) <= 7


async def test_a_black_hole_costs_one_timeout(
    node: Node, other_node: Node, clock: FakeClock
) -> None:
    async def hang(_: Any) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    node.answer = hang
    async with make_pool(node.http_endpoint, other_node.http_endpoint, clock=clock) as pool:
        for _ in range(5):
            await pool.call("eth_chainId")
    assert len(node.requests) == 1


async def test_a_rate_limited_endpoint_rests_as_long_as_it_asked(
    node: Node, other_node: Node, clock: FakeClock
) -> None:
    node.answer = lambda request: error(request, -32021, "limit, retry in 30 seconds")
    async with make_pool(node.http_endpoint, other_node.http_endpoint, clock=clock) as pool:
        for _ in range(20):
            await pool.call("eth_chainId")
            clock.seconds += 1
        assert len(node.requests) == 1
        clock.seconds += 11
        await pool.call("eth_chainId")
        assert len(node.requests) == 2


async def test_does_not_wait_out_a_limit_when_all_are_limited(node: Node, clock: FakeClock) -> None:
    node.answer = lambda request: error(request, -32021, "limit, retry in 30 seconds")
    async with make_pool(node.http_endpoint, clock=clock) as pool:
        with pytest.raises(RateLimited):
            await pool.call("eth_chainId")
        async with asyncio.timeout(1):
            with pytest.raises(RateLimited) as caught:
                await pool.call("eth_chainId")
    assert caught.value.retry_after_seconds == pytest.approx(30)


async def test_an_answer_that_says_no_is_not_asked_elsewhere(node: Node, other_node: Node) -> None:
    node.answer = lambda request: error(request, 3, "execution reverted", "0x")
    async with make_pool(node.http_endpoint, other_node.http_endpoint) as pool:
        with pytest.raises(ExecutionReverted):
            await pool.call("eth_call")
        assert pool.why_not_ready() is None
    assert other_node.requests == []


async def test_a_missing_method_is_asked_elsewhere_without_a_grudge(
    node: Node, other_node: Node
) -> None:
    node.answer = lambda request: error(request, -32601, "rpc method is not whitelisted")
    async with make_pool(node.http_endpoint, other_node.http_endpoint) as pool:
        await pool.call("eth_getLogsWithCursor")
        await pool.call("eth_getLogsWithCursor")
        assert len(node.requests) == 2
        other_node.answer = node.answer
        with pytest.raises(MethodMissing):
            await pool.call("eth_getLogsWithCursor")


async def test_when_all_fail_the_last_error_is_told(node: Node, other_node: Node) -> None:
    node.answer = other_node.answer = fault
    async with make_pool(node.http_endpoint, other_node.http_endpoint) as pool:
        with pytest.raises(RpcTransient, match="beta: eth_call: HTTP 502"):
            await pool.call("eth_call")
        assert pool.why_not_ready() == "no endpoint answers (alpha: HTTP 502; beta: HTTP 502)"


async def test_state_from_below_the_high_water_mark_is_refused(
    node: Node, other_node: Node
) -> None:
    registry = CollectorRegistry()
    metrics = RpcMetrics.create(registry, ["alpha", "beta"])
    endpoints = (node.http_endpoint, other_node.http_endpoint)
    async with make_pool(*endpoints, metrics=metrics) as pool:
        node.answer, other_node.answer = knows(100), knows(101)
        await pool.call_fresh("eth_call", [], block_of=lambda answer: int(answer, 16))
        node.answer = knows(99)
        answer = await pool.call_fresh("eth_call", [], block_of=lambda answer: int(answer, 16))
        assert answer == hex(101)
        other_node.answer = knows(99)
        with pytest.raises(Behind, match="expected block 101 or later, found 99"):
            await pool.call_fresh("eth_call", [], block_of=lambda answer: int(answer, 16))
        assert pool.high_water.highest == 101
    name = "bellkeeper_rpc_high_water_refusals_total"
    refused = [
        registry.get_sample_value(name, {"endpoint": item}) or 0 for item in ("alpha", "beta")
    ]
    assert refused[0] >= 1
    assert sum(refused) == 3


async def test_a_call_at_least_at_a_block_skips_an_endpoint_that_has_not_seen_it(
    node: Node, other_node: Node
) -> None:
    node.answer, other_node.answer = knows(99), knows(100)
    async with make_pool(node.http_endpoint, other_node.http_endpoint) as pool:
        assert await pool.call_at_least(100, "eth_getLogs", []) == hex(100)
        asked = [item["method"] for item in node.requests]
        assert asked == ["eth_blockNumber"]
        with pytest.raises(Behind):
            await pool.call_at_least(101, "eth_getLogs", [])


async def test_a_head_known_once_is_not_asked_for_again(node: Node) -> None:
    node.answer = knows(100)
    async with make_pool(node.http_endpoint) as pool:
        for _ in range(3):
            await pool.call_at_least(100, "eth_getLogs", [])
    assert [item["method"] for item in node.requests].count("eth_blockNumber") == 1


async def test_a_head_from_behind_is_refused(node: Node) -> None:
    async with make_pool(node.http_endpoint) as pool:
        assert pool.accept_head(7, endpoint="alpha")
        assert pool.accept_head(7, endpoint="alpha")
        assert not pool.accept_head(6, endpoint="alpha")


def test_the_mark_goes_back_only_when_told() -> None:
    mark = BlockHighWater()
    assert mark.accept(10)
    assert not mark.accept(9)
    mark.reset(5)
    assert mark.accept(6)


async def test_batches_fail_over_as_a_whole(node: Node, other_node: Node) -> None:
    node.answer = fault
    other_node.answer = lambda batch: [result(item, "0x2") for item in batch]
    async with make_pool(node.http_endpoint, other_node.http_endpoint) as pool:
        assert await pool.batch([("eth_call", []), ("eth_call", [])]) == ["0x2", "0x2"]


async def test_an_endpoint_with_only_a_websocket_serves_calls(node: Node) -> None:
    async with make_pool(node.ws_endpoint) as pool:
        await eventually(lambda: node.connections == 2)
        assert await pool.call("eth_chainId") == "0x1"
        with pytest.raises(MethodMissing, match="no batches"):
            await pool.batch([("eth_call", [])])


async def test_the_feed_is_part_of_being_ready(node: Node) -> None:
    async with make_pool(node.endpoint) as pool:
        assert pool.feed is not None
        assert pool.why_not_ready() is None
        await node.stop()
        await eventually(lambda: pool.why_not_ready() is not None)
        assert pool.why_not_ready() == "the WebSocket to alpha is not connected"


async def test_the_probe_learns_what_each_endpoint_offers(node: Node, other_node: Node) -> None:
    def offer(request: Any) -> dict[str, Any]:
        match request["method"]:
            case "eth_chainId":
                return result(request, hex(6343))
            case "realtime_sendRawTransaction":
                return error(request, -32602, "failed to decode transaction")
            case _:
                return error(request, -32601, "rpc method is not whitelisted")

    def offer_nothing_but_complain(request: Any) -> dict[str, Any]:
        if request["method"] == "eth_chainId":
            return result(request, hex(6343))
        return error(request, -32602, "data did not match any variant")

    node.answer, other_node.answer = offer, offer_nothing_but_complain
    async with make_pool(node.endpoint, other_node.http_endpoint) as pool:
        found = await pool.probe(expected_chain_id=6343)
        assert found["alpha"].http == {"realtime_sendRawTransaction"}
        assert "eth_subscribe" in found["alpha"].ws
        assert found["beta"].http == found["beta"].ws == frozenset()
        with pytest.raises(OperatorError, match="expected chain 4326 from endpoint 'alpha', found"):
            await pool.probe(expected_chain_id=4326)


async def test_a_probe_that_an_endpoint_missed_is_incomplete_and_forgets_nothing(
    node: Node,
) -> None:
    async with make_pool(node.http_endpoint) as pool:
        good, node.answer = node.answer, fault
        assert not (await pool.probe())["alpha"].is_complete
        node.answer = good
        assert (await pool.probe(expected_chain_id=1))["alpha"].is_complete
        node.answer = fault
        assert (await pool.probe())["alpha"].chain_id == 1


async def test_the_status_names_endpoints_and_never_their_urls(node: Node) -> None:
    async with make_pool(node.endpoint) as pool:
        await pool.call("eth_chainId")
        text = str(pool.status())
    assert "alpha" in text
    assert "127.0.0.1" not in text
