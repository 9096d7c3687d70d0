"""What a revert says, wherever a node puts it.

Nodes give revert data as a hex string in `error.data` (geth, reth, anvil), nested under another
`data` (proxies), or inside a text such as `Reverted 0x08c379a0…` (parity's heirs). `Error(string)`
and `Panic(uint256)` are decoded here; a custom error stays a selector for its venue to name.
"""

import re
from typing import Any, Final

_ERROR_STRING: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")
_WORD: Final = 32
_HEX: Final = re.compile(r"0x([0-9a-fA-F]*)")
_DEEPEST: Final = 4
_PANICS: Final = {
    0x00: "generic panic",
    0x01: "assertion failed",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "value outside an enumeration",
    0x22: "wrongly encoded storage bytes",
    0x31: "pop from an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory",
    0x51: "call of an uninitialised function",
}


def revert_data(raw: Any, message: str) -> bytes:  # noqa: ANN401 - nodes put anything there
    """Find the returned bytes in an error's data or its message; empty if there are none."""
    for _ in range(_DEEPEST):
        if not isinstance(raw, dict):
            break
        raw = raw.get("data", raw.get("result", raw.get("output")))
    for text in (raw, message):
        if isinstance(text, str) and (found := _HEX.search(text)):
            digits = found[1]
            # An odd number of digits is a panic's code in prose, not data.
            if len(digits) % 2 == 0:
                return bytes.fromhex(digits)
    return b""


def revert_reason(data: bytes) -> str | None:
    """Say in words what revert data means; None for a custom error or no data."""
    selector, body = data[:4], data[4:]
    if selector == _ERROR_STRING and len(body) >= 2 * _WORD:
        length = int.from_bytes(body[_WORD : 2 * _WORD])
        return body[2 * _WORD : 2 * _WORD + length].decode(errors="replace")
    if selector == _PANIC and len(body) >= _WORD:
        code = int.from_bytes(body[:_WORD])
        return f"panic 0x{code:02x}: {_PANICS.get(code, 'unknown')}"
    return None
