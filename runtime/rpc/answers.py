"""From what an endpoint sent to a result or a named error.

Providers agree on little: the same refusal comes as an HTTP status, a code or a sentence. So an
error is told by code *and* words, the narrow kinds first.
"""

import re
import reprlib
from collections.abc import Sequence
from typing import Any, Final

import orjson

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

_EXECUTION_ERROR: Final = 3
_TOO_MANY_REQUESTS: Final = 429
_SERVER_FAULT: Final = 500
_RATE_CODES: Final = {-32021, -32022, -32005, 429}
_RANGE_CODES: Final = {-32019, -32020}
_METHOD_CODE: Final = -32601
LONGEST_PAUSE_SECONDS: Final = 300.0
"""However long an endpoint asks us to stay away: it is tried again then."""
LONGEST_MESSAGE: Final = 1_000
"""Characters of an endpoint's own words; what is longer is no sentence."""

_SECONDS: Final = re.compile(
    r"(?:retry|try again)[^0-9]{0,20}([0-9]+(?:\.[0-9]+)?)\s*(ms|s\b|sec)", re.IGNORECASE
)
_RANGE: Final = re.compile(
    r"response (?:is )?too large|response size exceed|query returned more than|block ?range"
    r"|out ?of ?range|range .{0,40}(?:exceed|too large|limit)|too many (?:logs|results)",
    re.IGNORECASE,
)
_RATE: Final = re.compile(
    r"rate.?limit|traffic limit|compute unit limit|rabbit hole|too many requests"
    r"|limit exceeded|exceeded .{0,30}(?:capacity|quota)|retry in \d",
    re.IGNORECASE,
)
_WHITELIST: Final = re.compile(
    r"not (?:whitelisted|allowed|permitted)|unauthori[sz]ed method", re.IGNORECASE
)
_METHOD: Final = re.compile(
    r"method .{0,60}(?:not found|not supported|does not exist|not available)"
    r"|(?:unsupported|unknown) method|method not found",
    re.IGNORECASE,
)
_REVERT: Final = re.compile(r"revert", re.IGNORECASE)
_TRANSIENT: Final = re.compile(
    r"deadline exceeded|timed? ?out|timeout|temporar|try again|unavailable|bad gateway"
    r"|header not found|unknown block|connection (?:refused|reset)|overload",
    re.IGNORECASE,
)


def loads(body: bytes, *, endpoint: str, method: str, status: int = 200) -> Any:  # noqa: ANN401
    """Decode a body; HTML and other non-JSON is a BadAnswer that says what was found."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if status == _TOO_MANY_REQUESTS:
            text = body[:500].decode(errors="replace")
            raise rate_limited(text, endpoint=endpoint, method=method) from error
        found = _describe(body)
        raise BadAnswer(
            f"expected JSON, found {found} (HTTP {status})", endpoint=endpoint, method=method
        ) from error


def _describe(body: bytes) -> str:
    head = body[:200].lstrip().lower()
    if not head:
        return "an empty body"
    if head.startswith(b"<"):
        return "an HTML page"
    return f"{len(body)} bytes of something else"


def result_of(
    answer: Any,  # noqa: ANN401
    *,
    request_id: int,
    endpoint: str,
    method: str,
    status: int = 200,
) -> Any:  # noqa: ANN401
    """Take the result out of one answer, or raise the error that it carries."""
    if not isinstance(answer, dict):
        raise BadAnswer(
            f"expected a JSON-RPC object, found {type(answer).__name__} (HTTP {status})",
            endpoint=endpoint,
            method=method,
        )
    if "error" in answer and answer["error"] is not None:
        raise error_of(answer["error"], endpoint=endpoint, method=method, status=status)
    if answer.get("id") != request_id:
        raise BadAnswer(
            f"expected the answer to id {request_id}, found id {reprlib.repr(answer.get('id'))}"
            f" (HTTP {status})",
            endpoint=endpoint,
            method=method,
        )
    if "result" not in answer:
        raise BadAnswer(
            "expected a result or an error, found neither", endpoint=endpoint, method=method
        )
    return answer["result"]


def batch_results(
    answers: Any,  # noqa: ANN401
    methods: Sequence[str],
    *,
    first_id: int,
    endpoint: str,
    status: int = 200,
) -> list[Any | RpcError]:
    """Give each call's result or RpcError in the order of `methods`; raises RpcError for a refused batch."""
    if not isinstance(answers, list):
        if isinstance(answers, dict) and answers.get("error") is not None:
            raise error_of(answers["error"], endpoint=endpoint, method="batch", status=status)
        raise BadAnswer(
            f"expected a list of answers, found {type(answers).__name__} (HTTP {status})",
            endpoint=endpoint,
            method="batch",
        )
    # Only numbers: an id may be anything, also what no table can be keyed by.
    by_id = {
        item["id"]: item
        for item in answers
        if isinstance(item, dict) and isinstance(item.get("id"), int)
    }
    return [
        _result_or_error(by_id.get(request_id), request_id, endpoint, method)
        for request_id, method in enumerate(methods, start=first_id)
    ]


def _result_or_error(
    answer: Any,  # noqa: ANN401
    request_id: int,
    endpoint: str,
    method: str,
) -> Any | RpcError:  # noqa: ANN401
    if answer is None:
        return BadAnswer(
            f"expected an answer to id {request_id} of the batch, found none",
            endpoint=endpoint,
            method=method,
        )
    try:
        return result_of(answer, request_id=request_id, endpoint=endpoint, method=method)
    except RpcError as error:
        return error


def error_of(
    error: Any,  # noqa: ANN401
    *,
    endpoint: str,
    method: str,
    status: int = 200,
) -> RpcError:
    """Name the error that an answer carries."""
    if not isinstance(error, dict):
        error = {"message": error}
    code = error.get("code") if isinstance(error.get("code"), int) else None
    message = _words(error.get("message"))
    data = error.get("data")
    if code == _EXECUTION_ERROR or (_REVERT.search(message) and code != _METHOD_CODE):
        return ExecutionReverted(code, message, data, endpoint=endpoint, method=method)
    if isinstance(data, str) and data.startswith("Reverted"):
        return ExecutionReverted(code, message, data, endpoint=endpoint, method=method)
    if _WHITELIST.search(message):
        return NotWhitelisted(code, message, data, endpoint=endpoint, method=method)
    if code == _METHOD_CODE or _METHOD.search(message):
        return MethodMissing(code, message, data, endpoint=endpoint, method=method)
    if code in _RANGE_CODES or _RANGE.search(message):
        return RangeError(code, message, data, endpoint=endpoint, method=method)
    if status == _TOO_MANY_REQUESTS or code in _RATE_CODES or _RATE.search(message):
        return rate_limited(message, code=code, endpoint=endpoint, method=method)
    if status >= _SERVER_FAULT or _TRANSIENT.search(message):
        return RpcTransient(message, code=code, data=data, endpoint=endpoint, method=method)
    return RpcError(code, message, data, endpoint=endpoint, method=method)


def _words(message: Any) -> str:  # noqa: ANN401
    """Give an endpoint's words as one line of bounded length, also where they are no text."""
    if not message:
        return "no message"
    # Printing what is nested a thousand deep would end the process: `reprlib` stops before.
    text = message[:LONGEST_MESSAGE] if isinstance(message, str) else reprlib.repr(message)
    return " ".join(text.split()) or "no message"


def rate_limited(
    message: str,
    *,
    endpoint: str,
    method: str,
    code: int | None = None,
    retry_after_seconds: float | None = None,
) -> RateLimited:
    """Make a RateLimited, with the seconds that the message asks for, at most `LONGEST_PAUSE_SECONDS`."""
    if retry_after_seconds is None and (found := _SECONDS.search(message)):
        scale = 0.001 if found[2].lower() == "ms" else 1.0
        retry_after_seconds = float(found[1]) * scale
    if retry_after_seconds is not None:
        retry_after_seconds = min(retry_after_seconds, LONGEST_PAUSE_SECONDS)
    return RateLimited(
        message,
        code=code,
        endpoint=endpoint,
        method=method,
        retry_after_seconds=retry_after_seconds,
    )
