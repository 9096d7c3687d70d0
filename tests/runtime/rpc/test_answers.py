"""What endpoints say, and under which name we know it."""

import pytest

from runtime.errors import TransientError
from runtime.rpc.answers import error_of, loads, result_of
from runtime.rpc.errors import (
    BadAnswer,
    ExecutionReverted,
    MethodMissing,
    NotWhitelisted,
    RangeError,
    RateLimited,
    RpcError,
    RpcTransient,
)
from runtime.rpc.reverts import revert_data, revert_reason

ERROR_NO = (
    "0x08c379a0"
    "0000000000000000000000000000000000000000000000000000000000000020"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "6e6f000000000000000000000000000000000000000000000000000000000000"
)
PANIC_OVERFLOW = "0x4e487b71" + "11".zfill(64)


def named(code: int | None, message: str, *, status: int = 200, data: object = None) -> RpcError:
    return error_of(
        {"code": code, "message": message, "data": data},
        endpoint="alpha",
        method="eth_call",
        status=status,
    )


@pytest.mark.parametrize(
    ("code", "message", "status", "kind"),
    [
        (-32021, "over network traffic limit, retry in 3 seconds", 429, RateLimited),
        (-32022, "over compute unit limit, retry in 12 seconds", 429, RateLimited),
        (-32000, "rabbit hole is full. Please try again later", 200, RateLimited),
        (-32005, "daily request count exceeded, request rate limited", 200, RateLimited),
        (-32005, "query returned more than 10000 results", 200, RangeError),
        (-32019, "block out of range", 200, RangeError),
        (-32020, "response too large", 200, RangeError),
        (-32602, "BlockOutOfRangeError: block height is 33 but requested was 99", 200, RangeError),
        (-32601, "rpc method is not whitelisted", 403, NotWhitelisted),
        (-32601, "Method not found", 200, MethodMissing),
        (-32601, "the method realtime_x does not exist/is not available", 200, MethodMissing),
        (3, "execution reverted: no", 200, ExecutionReverted),
        (-32000, "execution reverted", 200, ExecutionReverted),
        (-32015, "VM execution error.", 200, RpcError),
        (
            -32000,
            "permanent error forwarding request context deadline exceeded",
            200,
            RpcTransient,
        ),
        (-32000, "header not found", 200, RpcTransient),
        (-32603, "Internal error", 502, RpcTransient),
        (-32602, "invalid argument 0: hex string without 0x prefix", 200, RpcError),
    ],
)
def test_errors_are_known_by_code_and_words(
    code: int, message: str, status: int, kind: type[RpcError]
) -> None:
    assert type(named(code, message, status=status)) is kind


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("over network traffic limit, retry in 3 seconds", 3.0),
        ("rate limit: try again in 250ms", 0.25),
        ("Too many requests, retry after 1.5s", 1.5),
        ("rabbit hole is full. Please try again later", None),
    ],
)
def test_a_rate_limit_tells_how_long_to_wait(message: str, seconds: float | None) -> None:
    error = named(-32021, message)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


def test_what_may_pass_by_itself_is_transient() -> None:
    for error in (RpcTransient("x"), RateLimited("x"), BadAnswer("x")):
        assert isinstance(error, TransientError)
    for refusal in (RpcError(1, "x"), MethodMissing(1, "x"), RangeError(1, "x")):
        assert not isinstance(refusal, TransientError)


def test_html_is_told_from_json() -> None:
    with pytest.raises(BadAnswer, match=r"alpha: eth_call: expected JSON, found an HTML page"):
        loads(b"<!DOCTYPE html><html>", endpoint="alpha", method="eth_call", status=403)


def test_an_empty_body_is_no_answer() -> None:
    with pytest.raises(BadAnswer, match="an empty body"):
        loads(b"", endpoint="alpha", method="eth_call")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([1], "expected a JSON-RPC object, found list"),
        ({"id": 8, "result": 1}, "expected the answer to id 7, found id 8"),
        ({"id": 7}, "found neither"),
    ],
)
def test_what_is_no_answer_to_our_question_is_refused(answer: object, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        result_of(answer, request_id=7, endpoint="alpha", method="eth_call")


def test_a_null_result_is_an_answer() -> None:
    answer = {"id": 7, "result": None, "error": None}
    assert result_of(answer, request_id=7, endpoint="a", method="eth_getTransactionReceipt") is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ERROR_NO, "execution reverted: no"),
        ({"data": ERROR_NO}, "execution reverted"),
        ({"originalError": 1, "data": {"data": ERROR_NO}}, "execution reverted"),
        (f"Reverted {ERROR_NO}", "VM execution error."),
        (None, f"Reverted {ERROR_NO}"),
    ],
)
def test_revert_data_is_found_wherever_a_node_puts_it(data: object, message: str) -> None:
    error = named(-32000, message, data=data)
    assert isinstance(error, ExecutionReverted)
    assert error.data == bytes.fromhex(ERROR_NO[2:])
    assert error.reason == "no"


def test_a_panic_is_put_into_words() -> None:
    error = named(3, "execution reverted: panic: overflow (0x11)", data=PANIC_OVERFLOW)
    assert isinstance(error, ExecutionReverted)
    assert error.reason == "panic 0x11: arithmetic underflow or overflow"


def test_a_custom_error_keeps_its_selector() -> None:
    error = named(3, "execution reverted", data="0x19abf40e" + "00" * 32)
    assert isinstance(error, ExecutionReverted)
    assert error.selector == bytes.fromhex("19abf40e")
    assert error.reason is None


def test_a_revert_without_data_has_none() -> None:
    assert revert_data("0x", "execution reverted") == b""
    assert revert_data(None, "execution reverted") == b""
    assert revert_reason(b"") is None


def test_broken_revert_data_breaks_nothing() -> None:
    assert revert_reason(bytes.fromhex("08c379a0") + b"\x01" * 70) is not None
    assert revert_reason(bytes.fromhex("08c379a0")) is None
    assert revert_data("0xabc", "reverted") == b""
