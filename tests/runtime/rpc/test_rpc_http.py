"""JSON-RPC over HTTP against endpoints that misbehave."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import (
    BadAnswer,
    ExecutionReverted,
    NotWhitelisted,
    RangeError,
    RateLimited,
    RpcError,
    RpcTransient,
)
from runtime.rpc.http import HttpLimits, RpcHttp
from runtime.rpc.metrics import RpcMetrics
from tests.anvil import free_port
from tests.runtime.nodes import Node, error, result

HTML = "<!DOCTYPE html><html><title>Just a moment...</title>Enable JavaScript and cookies</html>"


def page(status: int) -> Callable[[Any], web.Response]:
    return lambda _: web.Response(status=status, text=HTML, content_type="text/html")


def said(status: int, code: int, message: str) -> Callable[[Any], web.Response]:
    return lambda request: web.json_response(error(request, code, message), status=status)


async def test_returns_the_result_and_keeps_the_connection(node: Node) -> None:
    async with RpcHttp(node.http_endpoint) as rpc:
        assert await rpc.call("eth_chainId") == "0x1"
        assert await rpc.call("eth_call", [{"to": "0x0"}, "latest"]) == "0x1"
    assert [item["params"] for item in node.requests] == [[], [{"to": "0x0"}, "latest"]]


@pytest.mark.parametrize("status", [200, 403])
async def test_a_page_of_html_is_a_bad_answer(node: Node, status: int) -> None:
    node.answer = page(status)
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(
            BadAnswer, match=rf"expected JSON, found an HTML page \(HTTP {status}\)"
        ):
            await rpc.call("eth_call")


async def test_a_redirect_is_not_followed(node: Node, other_node: Node) -> None:
    location = {"Location": str(other_node.http_endpoint.http_url)}
    node.answer = lambda _: web.Response(status=307, headers=location)
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(BadAnswer, match=r"found an empty body \(HTTP 307\)"):
            await rpc.call("eth_sendRawTransaction", ["0x00"])
    assert other_node.requests == []


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_fault_is_transient(node: Node, status: int) -> None:
    node.answer = page(status)
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(RpcTransient, match=f"HTTP {status}"):
            await rpc.call("eth_call")


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (said(429, -32021, "over network traffic limit, retry in 3 seconds"), 3.0),
        (said(429, -32022, "over compute unit limit, retry in 4 seconds"), 4.0),
        (said(200, -32022, "over compute unit limit, retry in 5 seconds"), 5.0),
        (lambda _: web.Response(status=429, text="Too many requests, retry in 6 seconds"), 6.0),
        (lambda _: web.Response(status=429, text="", headers={"Retry-After": "7"}), 7.0),
        (page(429), None),
    ],
)
async def test_a_429_tells_how_long_and_holds_the_bucket(
    node: Node, answer: Callable[[Any], web.Response], seconds: float | None
) -> None:
    node.answer = answer
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(RateLimited) as caught:
            await rpc.call("eth_call")
        assert caught.value.retry_after_seconds == seconds
        assert rpc.bucket.wait_seconds() == pytest.approx(seconds or 1.0, abs=0.2)


async def test_a_method_that_is_not_whitelisted_is_no_transient_error(node: Node) -> None:
    node.answer = said(403, -32601, "rpc method is not whitelisted")
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(NotWhitelisted):
            await rpc.call("txpool_content")


async def test_a_revert_is_an_answer(node: Node) -> None:
    node.answer = lambda request: error(request, 3, "execution reverted", "0x19abf40e")
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(ExecutionReverted) as caught:
            await rpc.call("eth_call")
    assert caught.value.selector.hex() == "19abf40e"


async def test_the_answer_to_another_question_is_refused(node: Node) -> None:
    node.answer = lambda request: result(request, "0x1") | {"id": 99}
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(BadAnswer, match="found id 99"):
            await rpc.call("eth_call")


async def test_a_server_that_stops_answering_times_out(node: Node) -> None:
    async def hang(_: Any) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    node.answer = hang
    async with RpcHttp(node.http_endpoint) as rpc:
        started = time.monotonic()
        with pytest.raises(RpcTransient, match=r"within 0\.05 s"):
            await rpc.call("eth_call", timeout_seconds=0.05)
        assert time.monotonic() - started < 1


async def test_a_lost_connection_is_not_tried_again(node: Node) -> None:
    node.answer = lambda _: node.cut()
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(RpcTransient):
            await rpc.call("eth_sendRawTransaction", ["0x00"])
    assert len(node.requests) == 1


async def test_nobody_there_is_transient_and_the_url_stays_unsaid() -> None:
    url = f"http://127.0.0.1:{free_port()}/v2/planted-key"
    async with RpcHttp(Endpoint(name="alpha", http_url=url)) as rpc:
        with pytest.raises(RpcTransient, match="alpha: eth_call: connection failed") as caught:
            await rpc.call("eth_call")
    assert "planted-key" not in repr(caught.value) + str(caught.value) + repr(
        Endpoint(name="alpha", http_url=url)
    )
    assert caught.value.__cause__ is None


async def test_an_answer_beyond_the_limit_is_cut_off(node: Node) -> None:
    node.answer = lambda request: result(request, "0x" + "00" * 10_000)
    async with RpcHttp(node.http_endpoint, limits=HttpLimits(answer_bytes=10_000)) as rpc:
        with pytest.raises(RangeError, match="at most 10000 bytes"):
            await rpc.call("eth_getLogs")


async def test_a_null_block_hash_passes_through(node: Node) -> None:
    receipt: dict[str, Any] = {
        "blockHash": None,
        "blockNumber": "0x10",
        "status": "0x1",
        "logs": [],
    }
    node.answer = lambda request: result(request, receipt)
    async with RpcHttp(node.http_endpoint) as rpc:
        assert await rpc.call("eth_getTransactionReceipt", ["0x00"]) == receipt


async def test_a_batch_gives_each_call_its_own_result_or_error(node: Node) -> None:
    def answer(batch: Any) -> list[Any]:
        answers = [
            result(batch[0], "0xa"),
            error(batch[1], 3, "execution reverted", "0x"),
            error(batch[2], -32021, "over network traffic limit, retry in 2 seconds"),
        ]
        return answers[::-1]  # out of order, and the fourth is missing

    node.answer = answer
    async with RpcHttp(node.http_endpoint) as rpc:
        results = await rpc.batch([("eth_call", []) for _ in range(4)])
        assert rpc.bucket.wait_seconds() > 1
    assert results[0] == "0xa"
    assert [type(item) for item in results[1:]] == [ExecutionReverted, RateLimited, BadAnswer]


async def test_a_batch_refused_as_a_whole_is_raised(node: Node) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32021, "message": "retry in 2 seconds"},
    }
    node.answer = lambda _: body
    async with RpcHttp(node.http_endpoint) as rpc:
        with pytest.raises(RateLimited):
            await rpc.batch([("eth_call", []), ("eth_call", [])])


async def test_an_empty_batch_asks_nothing(node: Node) -> None:
    async with RpcHttp(node.http_endpoint) as rpc:
        assert await rpc.batch([]) == []
    assert node.requests == []


async def test_calls_keep_to_the_rate(node: Node) -> None:
    endpoint = replace(node.http_endpoint, http_per_second=50.0)
    async with RpcHttp(endpoint) as rpc:
        started = time.monotonic()
        await asyncio.gather(*(rpc.call("eth_chainId") for _ in range(6)))
        assert time.monotonic() - started >= 0.095


async def test_waiting_for_an_answer_costs_no_processor(node: Node) -> None:
    async def slow(request: Any) -> dict[str, Any]:
        await asyncio.sleep(0.5)
        return result(request, "0x1")

    node.answer = slow
    async with RpcHttp(node.http_endpoint) as rpc:
        await rpc.call("eth_chainId")
        cpu, wall = time.process_time(), time.monotonic()
        await rpc.call("eth_chainId")
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    assert cpu < 0.1 * wall


async def test_calls_are_counted_by_name_method_and_outcome(node: Node) -> None:
    registry = CollectorRegistry()
    metrics = RpcMetrics.create(registry, ["alpha"])
    async with RpcHttp(node.http_endpoint, metrics=metrics) as rpc:
        await rpc.call("eth_call")
        node.answer = page(403)
        with pytest.raises(RpcError):
            await rpc.call("eth_call")
    labels = {"endpoint": "alpha", "method": "eth_call"}
    for outcome in ("answered", "bad_answer"):
        name = "bellkeeper_rpc_requests_total"
        assert registry.get_sample_value(name, labels | {"outcome": outcome}) == 1
