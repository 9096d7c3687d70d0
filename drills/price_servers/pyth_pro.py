"""One host of Pyth Pro (Lazer) on loopback: subscribe, then an update whenever venue time moved.

Off hours a price is carried forward in every update, and `feedUpdateTimestamp` says how old it is.
The channel's rate is not kept: the venue's clock paces a rehearsal. Run three for three hosts.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from drills.price_servers.door import Door
from drills.price_servers.script import ProviderScript
from drills.price_servers.sockets import Pusher, converse
from drills.price_servers.venue_ticks import VenueTicks
from monitors.prices.pyth_pro import MICROS_PER_SECOND, SESSIONS
from risk.sessions import Session
from risk.units import Seconds

EXPONENT: Final = -8
WORDS: Final[Mapping[Session, str]] = {session: word for word, session in SESSIONS.items()}
CLOSED: Final = "closed"
"""The one word for holidays, halts and weekends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subscription:
    """What one client wants on one socket."""

    number: int
    feed_ids: tuple[int, ...]
    properties: frozenset[str]


class PythProServer:
    """One host; it says what the script says for `provider`."""

    def __init__(
        self,
        script: ProviderScript,
        ticks: VenueTicks,
        *,
        feeds: Mapping[int, str],
        api_key: str,
        provider: str = "pyth_pro",
    ) -> None:
        """Serve `feeds`: the symbol of our market by Pyth Pro's feed number."""
        self._script = script
        self._ticks = ticks
        self._feeds = feeds
        self._authorization = f"Bearer {api_key}"
        self._provider = provider
        self.door = Door((web.get("/v1/stream", self._stream),))

    @property
    def url(self) -> str:
        """Give the WebSocket URL that a client is configured with."""
        return f"ws://{self.door.address}/v1/stream"

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != self._authorization:
            raise web.HTTPUnauthorized(text="expected a valid API key")
        return await converse(request, self._subscribe)

    async def _subscribe(self, socket: web.WebSocketResponse, text: str) -> Pusher | None:
        try:
            message = orjson.loads(text)
            subscription = _Subscription(
                number=message["subscriptionId"],
                feed_ids=tuple(message["priceFeedIds"]),
                properties=frozenset(message["properties"]),
            )
            is_lenient = message.get("ignoreInvalidFeeds", False)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            await _send(socket, {"type": "error", "error": f"expected a subscription: {error}"})
            return None
        unknown = [each for each in subscription.feed_ids if each not in self._feeds]
        if unknown and not is_lenient:
            await _send(
                socket,
                {
                    "type": "subscriptionError",
                    "subscriptionId": subscription.number,
                    "error": f"unknown feeds: {unknown}",
                },
            )
            return None
        await _send(socket, self._welcome(subscription, unknown))

        def push() -> Awaitable[None]:
            return self._push(socket, subscription)

        return push

    def _welcome(self, subscription: _Subscription, unknown: list[int]) -> dict[str, Any]:
        if not unknown:
            return {"type": "subscribed", "subscriptionId": subscription.number}
        return {
            "type": "subscribedWithInvalidFeedIdsIgnored",
            "subscriptionId": subscription.number,
            "subscribedFeedIds": [each for each in subscription.feed_ids if each in self._feeds],
            "ignoredInvalidFeedIds": {"unknownIds": unknown},
        }

    async def _push(self, socket: web.WebSocketResponse, subscription: _Subscription) -> None:
        at = None
        while True:
            at = await self.door.moment_after(at, self._ticks)
            entries = [
                entry
                for feed_id in subscription.feed_ids
                if (entry := self._entry(feed_id, subscription.properties, at)) is not None
            ]
            # With nothing to say a host goes on saying so: the connection lives, prices grow old.
            parsed = {"timestampUs": str(at * MICROS_PER_SECOND), "priceFeeds": entries}
            await _send(
                socket,
                {
                    "type": "streamUpdated",
                    "subscriptionId": subscription.number,
                    "parsed": parsed,
                },
            )

    def _entry(self, feed_id: int, wanted: frozenset[str], at: Seconds) -> dict[str, Any] | None:
        """Give one feed as asked; one that is silent has no price, as with too few publishers."""
        symbol = self._feeds.get(feed_id)
        quote = None if symbol is None else self._script.quote(self._provider, symbol, at)
        if quote is None:
            return None
        told = {
            "exponent": EXPONENT,
            "publisherCount": 0 if quote.is_silent else quote.publishers,
            "marketSession": WORDS.get(quote.session, CLOSED),
        }
        if not quote.is_silent:
            told |= {
                "price": str(quote.price),
                "confidence": quote.confidence,
                "feedUpdateTimestamp": quote.observed_at * MICROS_PER_SECOND,
            }
        return {"priceFeedId": feed_id} | {key: told[key] for key in told if key in wanted}


async def _send(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    await socket.send_str(orjson.dumps(message).decode())
