"""How an endpoint lies that is some blocks behind: it answers as the chain was, and calls that the head."""

from typing import Any, Final

Call = dict[str, Any]

_TAGGED: Final = {
    "eth_call": 1,
    "eth_getBalance": 1,
    "eth_getBlockByNumber": 0,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
}
"""Where a method names its block."""


def as_of(call: Call, head: int) -> Call:
    """Ask of the old head whatever was asked of the latest block."""
    place = _TAGGED.get(call.get("method", ""))
    params = list(call.get("params") or [])
    if place is None or place >= len(params) or params[place] not in ("latest", "pending"):
        return call
    params[place] = hex(head)
    return {**call, "params": params}


def answer_as_of(call: Call, answer: Call, head: int) -> Call:
    """Leave out of an answer what an endpoint at the old head cannot know."""
    method, result = call.get("method"), answer.get("result")
    if method == "eth_blockNumber":
        return {**answer, "result": hex(head)}
    is_unknown = (
        method in ("eth_getTransactionReceipt", "eth_getTransactionByHash")
        and isinstance(result, dict)
        and _number(result.get("blockNumber")) > head
    ) or (
        method == "eth_getBlockByNumber"
        and isinstance(result, dict)
        and _number(result.get("number")) > head
    )
    if is_unknown:
        return {**answer, "result": None}
    if method == "eth_getLogs" and isinstance(result, list):
        kept = [log for log in result if _number(log.get("blockNumber")) <= head]
        return {**answer, "result": kept}
    return answer


def is_known_by(notification: Call, head: int) -> bool:
    """Say whether an endpoint at the old head would have sent a notification."""
    result = notification.get("params", {}).get("result", {})
    return _number(result.get("number") or result.get("blockNumber")) <= head


def _number(value: object) -> int:
    return int(value, 16) if isinstance(value, str) else 0
