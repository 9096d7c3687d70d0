"""One WebSocket through the faulty network: calls to the node, answers and notifications back."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import aiohttp
import orjson
from aiohttp import WSMsgType, web

from tests.faults.lagging import answer_as_of, as_of, is_known_by
from tests.faults.script import SENDS, Fault, Rule, Script

SOCKET_FAULTS: Final = frozenset(
    {Fault.DELAY, Fault.DROP, Fault.REORDER, Fault.DUPLICATE, Fault.TRUNCATE, Fault.STALL}
    | {Fault.FORGET, Fault.ALREADY_KNOWN, Fault.NONCE_TOO_LOW, Fault.UNDERPRICED, Fault.SILENT_SEND}
)
NOTE: Final = "notification"
_WORDS: Final = {
    Fault.ALREADY_KNOWN: "already known",
    Fault.NONCE_TOO_LOW: "nonce too low",
    Fault.UNDERPRICED: "replacement transaction underpriced",
}


class Owner(Protocol):
    """What a socket needs of its proxy."""

    script: Script
    lag_blocks: int
    done: Any
    websocket_url: str
    session: aiohttp.ClientSession | None

    async def old_head(self) -> int:
        """Give the block that this endpoint takes for the newest."""


class Pump:
    """A keeper's socket and the node's, and what happens between them."""

    def __init__(self, owner: Owner, request: web.Request) -> None:
        self._owner = owner
        self._request = request
        self._near = web.WebSocketResponse(max_msg_size=64 << 20)
        self._calls: dict[Any, dict[str, Any]] = {}
        self._fate: dict[Any, Rule] = {}
        """What becomes of the answer to a call, by the call's id."""
        self._forgotten: set[str] = set()
        self._later: list[bytes] = []
        self._is_stalled = False

    def abort(self) -> None:
        """Break the connection as a dying server does: without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def run(self) -> web.StreamResponse:
        """Carry messages until one side is gone."""
        session = self._owner.session
        assert session is not None
        await self._near.prepare(self._request)
        with suppress(ConnectionError, aiohttp.ClientError):
            async with session.ws_connect(self._owner.websocket_url, max_msg_size=64 << 20) as far:
                down = asyncio.create_task(self._down(far))
                try:
                    async for message in self._near:
                        if message.type is WSMsgType.TEXT:
                            await self._up(far, orjson.loads(message.data))
                finally:
                    down.cancel()
        return self._near

    async def _up(self, far: aiohttp.ClientWebSocketResponse, call: dict[str, Any]) -> None:
        owner = self._owner
        rule = owner.script.strike("ws", call["method"], SOCKET_FAULTS)
        if rule is not None:
            owner.done[rule.fault] += 1
            if rule.fault is Fault.STALL:
                self._is_stalled = True
            if rule.fault is Fault.UNDERPRICED:
                await self._near.send_bytes(refusal(call, rule.fault))
                return
            self._fate[call["id"]] = rule
            if rule.fault in _WORDS:
                call = {**call, "method": "eth_sendRawTransaction"}
        if owner.lag_blocks and call["method"] not in SENDS:
            call = as_of(call, await owner.old_head())
        self._calls[call["id"]] = call
        await far.send_str(orjson.dumps(call).decode())

    async def _down(self, far: aiohttp.ClientWebSocketResponse) -> None:
        with suppress(ConnectionError):
            async for message in far:
                decoded = orjson.loads(message.data)
                is_note = "method" in decoded
                text = await (self._note(decoded) if is_note else self._answer(decoded))
                if text is not None and not self._is_stalled:
                    await self._near.send_bytes(text)
                    for later in self._later:
                        await self._near.send_bytes(later)
                    self._later.clear()
        await self._near.close()

    async def _note(self, note: dict[str, Any]) -> bytes | None:
        if note["params"]["subscription"] in self._forgotten:
            return None
        if self._owner.lag_blocks and not is_known_by(note, await self._owner.old_head()):
            # It would come later; for the keeper, a stream that is behind is a stream with gaps.
            self._owner.done["lag"] += 1
            return None
        rule = self._owner.script.strike("ws", NOTE, SOCKET_FAULTS)
        if rule is None:
            return orjson.dumps(note)
        self._owner.done[rule.fault] += 1
        return await self._struck(orjson.dumps(note), rule)

    async def _answer(self, answer: Mapping[str, Any]) -> bytes | None:
        call = self._calls.pop(answer.get("id"), {})
        rule = self._fate.pop(answer.get("id"), None)
        if self._owner.lag_blocks:
            answer = answer_as_of(call, dict(answer), await self._owner.old_head())
        if rule is None:
            return orjson.dumps(answer)
        if rule.fault is Fault.FORGET and call.get("method") == "eth_subscribe":
            self._forgotten.add(str(answer.get("result")))
            return orjson.dumps(answer)
        if rule.fault in _WORDS:
            return refusal(call, rule.fault)
        if rule.fault is Fault.SILENT_SEND:
            return None
        return await self._struck(orjson.dumps(answer), rule)

    async def _struck(self, text: bytes, rule: Rule) -> bytes | None:
        match rule.fault:
            case Fault.DELAY:
                await asyncio.sleep(rule.seconds)
            case Fault.DROP:
                return None
            case Fault.REORDER:
                self._later.append(text)
                return None
            case Fault.DUPLICATE:
                await self._near.send_bytes(text)
            case Fault.TRUNCATE:
                return text[: len(text) // 2]
            case Fault.STALL:
                self._is_stalled = True
            case _:
                pass
        return text


def refusal(call: Mapping[str, Any], fault: Fault) -> bytes:
    """Answer a transaction as a node does that will not have it."""
    error = {"code": -32000, "message": _WORDS[fault]}
    return orjson.dumps({"jsonrpc": "2.0", "id": call["id"], "error": error})
