"""One WebSocket to a provider, read until it closes or falls silent."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
import orjson

from monitors.prices.http import MOST_ANSWER_BYTES
from monitors.prices.port import FaultKind, SourceFault

CONNECT_SECONDS: Final = 10.0
"""For the whole way to an open socket: name, TCP, TLS, handshake."""


async def listen(
    session: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str],
    subscribe: str | None,
    silence_seconds: float,
    on_payload: Callable[[bytes], None],
) -> None:
    """Connect, send `subscribe` if there is one, hand on each message; return at a clean close.

    Raises `SourceFault`, TimeoutError after `silence_seconds` without a message, and what aiohttp
    raises when it cannot connect.
    """
    socket = await _connect(session, url, headers, silence_seconds)
    try:
        if subscribe is not None:
            await socket.send_str(subscribe)
        while True:
            message = await socket.receive()
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                on_payload(message.data)
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise SourceFault(
                    FaultKind.UNREACHABLE, "expected a WebSocket message, found a broken frame"
                )
            else:
                _judge_close(socket.close_code)
                return
    finally:
        await socket.close()


async def _connect(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], silence_seconds: float
) -> aiohttp.ClientWebSocketResponse[bool]:
    try:
        # The session's own total would let a handshake hang for minutes.
        async with asyncio.timeout(CONNECT_SECONDS):
            return await session.ws_connect(
                url,
                headers=dict(headers),
                timeout=aiohttp.ClientWSTimeout(ws_receive=silence_seconds, ws_close=0.5),
                max_msg_size=MOST_ANSWER_BYTES,
                decode_text=False,
            )
    except TimeoutError as error:
        raise SourceFault(
            FaultKind.UNREACHABLE, f"expected a connection within {CONNECT_SECONDS} s, found none"
        ) from error


def _judge_close(code: int | None) -> None:
    """Raise `SourceFault` unless a socket was closed properly."""
    if code == 1008:
        # 1008 is "policy violation": how servers refuse a key once the socket is open.
        raise SourceFault(
            FaultKind.REJECTED_KEY, "expected the key to be accepted, found close code 1008"
        )
    if code in {None, 1006}:
        raise SourceFault(FaultKind.UNREACHABLE, "expected a close frame, found a cut connection")


def as_text(message: object) -> str:
    """Write a message as the JSON text to send."""
    return orjson.dumps(message).decode()
