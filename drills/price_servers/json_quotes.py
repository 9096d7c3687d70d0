"""A provider that tells one price per message in JSON: polled over HTTP, or pushed by WebSocket.

Both ways say the same: `GET /quotes/NVDA` answers what the socket sends to who sent
`{"subscribe":"NVDA"}`. Prices are decimal text, times are Unix milliseconds.
"""

from collections.abc import Awaitable
from typing import Any, Final

import orjson
from aiohttp import web

from drills.price_servers.door import Door
from drills.price_servers.script import ProviderQuote, ProviderScript
from drills.price_servers.sockets import Pusher, converse
from drills.price_servers.venue_ticks import VenueTicks
from monitors.prices.json_source import JsonSpec, TimeUnit
from risk.units import PriceE8, Seconds

MILLIS_PER_SECOND: Final = 1_000
KEY_HEADER: Final = "X-Api-Key"
KIND: Final = "quote"


def decimal_text(price: PriceE8) -> str:
    """Write a price in USD, exactly, with its eight decimals."""
    digits = str(abs(price)).rjust(9, "0")
    return f"{'-' if price < 0 else ''}{digits[:-8]}.{digits[-8:]}"


class JsonQuotesServer:
    """One provider, by its name in the script."""

    def __init__(
        self, provider: str, script: ProviderScript, ticks: VenueTicks, *, api_key: str
    ) -> None:
        self._provider = provider
        self._script = script
        self._ticks = ticks
        self._api_key = api_key
        self.door = Door((web.get("/quotes/{symbol}", self._get), web.get("/stream", self._stream)))

    @property
    def url(self) -> str:
        """Give the address without a path; the paths are `/quotes/SYMBOL` and `/stream`."""
        return f"http://{self.door.address}"

    def spec(self, symbol: str, *, is_socket: bool = False, poll_seconds: float = 0.05) -> JsonSpec:
        """Describe this provider's messages about `symbol` to a `JsonSource`."""
        address = self.door.address
        return JsonSpec(
            name=self._provider,
            symbol=symbol,
            url=f"ws://{address}/stream" if is_socket else f"http://{address}/quotes/{symbol}",
            price_path=("price",),
            time_path=("observed_ms",),
            time_unit=TimeUnit.MILLIS,
            order_path=("sent_ms",),
            confidence_path=("confidence",),
            publishers_path=("publishers",),
            kind_path=("type",),
            kind=KIND,
            headers={KEY_HEADER: self._api_key},
            subscribe=orjson.dumps({"subscribe": symbol}).decode() if is_socket else None,
            poll_seconds=poll_seconds,
        )

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        symbol, at = request.match_info["symbol"], self._ticks.look()
        quote = self._script.quote(self._provider, symbol, at)
        if quote is None:
            raise web.HTTPNotFound(text=f"no symbol {symbol}")
        if quote.is_silent:
            raise web.HTTPServiceUnavailable(text=f"no quote of {symbol}")
        return web.json_response(body=orjson.dumps(_message(symbol, quote, at)))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        return await converse(request, self._subscribe)

    def _check_key(self, request: web.Request) -> None:
        if request.headers.get(KEY_HEADER) != self._api_key:
            raise web.HTTPUnauthorized(text="expected a valid API key")

    async def _subscribe(self, socket: web.WebSocketResponse, text: str) -> Pusher | None:
        try:
            symbol = orjson.loads(text)["subscribe"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            symbol = None
        is_known = isinstance(symbol, str) and (
            self._script.quote(self._provider, symbol, self._ticks.look()) is not None
        )
        answer = {"type": "subscribed" if is_known else "error", "symbol": symbol}
        await socket.send_str(orjson.dumps(answer).decode())
        if not is_known:
            return None

        def push() -> Awaitable[None]:
            return self._push(socket, symbol)

        return push

    async def _push(self, socket: web.WebSocketResponse, symbol: str) -> None:
        at = None
        while True:
            at = await self.door.moment_after(at, self._ticks)
            quote = self._script.quote(self._provider, symbol, at)
            if quote is not None and not quote.is_silent:
                await socket.send_str(orjson.dumps(_message(symbol, quote, at)).decode())


def _message(symbol: str, quote: ProviderQuote, at: Seconds) -> dict[str, Any]:
    return {
        "type": KIND,
        "symbol": symbol,
        "price": decimal_text(quote.price),
        "confidence": decimal_text(quote.confidence),
        "publishers": quote.publishers,
        "session": quote.session.value,
        "observed_ms": quote.observed_at * MILLIS_PER_SECOND,
        "sent_ms": at * MILLIS_PER_SECOND,
    }
