"""Reading from a provider: one HTTP answer, one stream of server-sent events, JSON with care."""

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import orjson

from monitors.prices.port import NotJsonError, WrongShapeError
from monitors.prices.reconnect import refusal

MOST_ANSWER_BYTES: Final = 8 << 20
MOST_SHOWN: Final = 200
"""Characters of a provider's own words in a sentence."""
_SHORT: Final = reprlib.Repr()


async def get_body(
    session: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float,
    rate_limit_seconds: float,
) -> bytes:
    """GET `url` and give the body of a 200; everything else raises `SourceFault`."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    # A redirect would carry the key to a host that nobody configured.
    async with session.get(url, headers=headers, timeout=timeout, allow_redirects=False) as answer:
        check_status(answer, rate_limit_seconds)
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > MOST_ANSWER_BYTES:
                raise WrongShapeError(f"expected at most {MOST_ANSWER_BYTES} bytes, found more")
    return bytes(body)


def check_status(answer: aiohttp.ClientResponse, rate_limit_seconds: float) -> None:
    """Raise `SourceFault` unless the answer is a 200."""
    if answer.status != 200:
        raise refusal(answer.status, answer.headers.get("Retry-After"), rate_limit_seconds)


def load_json(payload: bytes) -> Any:  # noqa: ANN401 - JSON
    """Decode JSON; `NotJsonError` says that it is none, and what it looks like."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise not_json(payload) from error


def not_json(payload: bytes) -> NotJsonError:
    """Say that a payload is no JSON, and whether it is a web page."""
    found = "a web page" if payload.lstrip()[:1] == b"<" else f"{len(payload)} other bytes"
    return NotJsonError(f"expected JSON, found {found}")


def member(value: object, key: str, kind: type[Any], what: str) -> Any:  # noqa: ANN401 - JSON
    """Give `value[key]`, which must be there and of `kind`; `what` names `value` in errors."""
    if not isinstance(value, dict):
        raise WrongShapeError(f"expected {what} to be an object, found a {type(value).__name__}")
    found = value.get(key)
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise WrongShapeError(
            f"expected {what} to hold {key!r} as {kind.__name__}, found a {type(found).__name__}"
        )
    return found


def shown(value: object) -> str:
    """Write what a provider said into a sentence: one short line, however large or deep it is."""
    text = value[:MOST_SHOWN] if isinstance(value, str) else _SHORT.repr(value)
    return " ".join(text.split())


class EventReader:
    """Cuts a stream of server-sent events into the texts of their `data` lines."""

    def __init__(self, *, most_bytes: int = MOST_ANSWER_BYTES) -> None:
        self._most_bytes = most_bytes
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; give the data of every event that they complete."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = [event for line in lines if (event := self._line(line.removesuffix(b"\r")))]
        if self._size + len(self._rest) > self._most_bytes:
            raise WrongShapeError(f"expected events below {self._most_bytes} bytes, found a larger")
        return events

    def _line(self, line: bytes) -> bytes | None:
        if line.startswith(b"data:"):
            data = line[5:].removeprefix(b" ")
            self._data.append(data)
            self._size += len(data)
        if line or not self._data:
            return None
        event = b"\n".join(self._data)
        self._data = []
        self._size = 0
        return event
