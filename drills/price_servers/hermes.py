"""Pyth's Hermes, version 2, on loopback: the latest prices, and a stream of server-sent events.

Prices are told with the exponent -8, so that nothing of a script's price is lost. Two parts of the
real answer are only shaped: `binary` holds no signed update (only the keeper's own judgement is
rehearsed, no chain checks Pyth's signatures), and `ema_price` is the price itself.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from drills.price_servers.door import Door
from drills.price_servers.script import ProviderQuote, ProviderScript
from drills.price_servers.venue_ticks import VenueTicks
from monitors.prices.pyth_hermes import HermesFeed, feeds_by_id
from risk.units import Seconds

EXPONENT: Final = -8
MAGIC: Final = b"PNAU"
"""With which every real update begins."""
ENCODERS: Final = {"hex": bytes.hex, "base64": lambda data: base64.b64encode(data).decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What one request wants."""

    feeds: tuple[tuple[str, HermesFeed], ...]
    """Each with its id in lower case, in the order of the request."""
    encoding: str
    is_parsed: bool


class HermesServer:
    """One Hermes; it says what the script says for `provider`."""

    def __init__(
        self,
        script: ProviderScript,
        ticks: VenueTicks,
        *,
        feeds: Iterable[HermesFeed],
        api_key: str,
        provider: str = "hermes",
    ) -> None:
        self._script = script
        self._ticks = ticks
        self._feeds = feeds_by_id(tuple(feeds))
        self._authorization = f"Bearer {api_key}"
        self._provider = provider
        self.door = Door(
            (
                web.get("/hermes/v2/updates/price/latest", self._latest),
                web.get("/hermes/v2/updates/price/stream", self._stream),
            )
        )

    @property
    def url(self) -> str:
        """Give what a client is configured with: up to and without `/v2`."""
        return f"http://{self.door.address}/hermes"

    async def _latest(self, request: web.Request) -> web.StreamResponse:
        asked = self._read(request)
        return web.json_response(body=orjson.dumps(self._answer(asked, self._ticks.look())))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        asked = self._read(request)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        at = None
        while True:
            at = await self.door.moment_after(at, self._ticks)
            answer = self._answer(asked, at)
            if answer.get("parsed") != []:
                await stream.write(b"data:" + orjson.dumps(answer) + b"\n\n")

    def _read(self, request: web.Request) -> _Asked:
        """Read a request as Hermes does; raises the HTTP error that it answers with."""
        if request.headers.get("Authorization") != self._authorization:
            raise web.HTTPUnauthorized(text="expected a valid API key")
        ids = [text.lower().removeprefix("0x") for text in request.query.getall("ids[]", [])]
        encoding = request.query.get("encoding", "hex")
        if not ids or encoding not in ENCODERS:
            raise web.HTTPBadRequest(text="expected ids[] and an encoding of hex or base64")
        unknown = [each for each in ids if each not in self._feeds]
        if unknown and not _is_true(request.query, "ignore_invalid_price_ids", default=False):
            raise web.HTTPNotFound(text=f"Price ids not found: {', '.join(unknown)}")
        return _Asked(
            feeds=tuple((each, self._feeds[each]) for each in ids if each in self._feeds),
            encoding=encoding,
            is_parsed=_is_true(request.query, "parsed", default=True),
        )

    def _answer(self, asked: _Asked, at: Seconds) -> dict[str, object]:
        entries = [
            _entry(feed_id, quote, at)
            for feed_id, feed in asked.feeds
            if (quote := self._quote(feed, at)) is not None
        ]
        data = [ENCODERS[asked.encoding](MAGIC)]
        answer: dict[str, object] = {"binary": {"encoding": asked.encoding, "data": data}}
        return answer | {"parsed": entries} if asked.is_parsed else answer

    def _quote(self, feed: HermesFeed, at: Seconds) -> ProviderQuote | None:
        """Give what to say of a feed; one that is about one session speaks only in it."""
        quote = self._script.quote(self._provider, feed.symbol, at)
        if quote is None or quote.is_silent or feed.session not in {None, quote.session}:
            return None
        return quote


def _is_true(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    return query.get(name, str(default)).lower() == "true"


def _entry(feed_id: str, quote: ProviderQuote, at: Seconds) -> dict[str, object]:
    price = {
        "price": str(quote.price),
        "conf": str(quote.confidence),
        "expo": EXPONENT,
        "publish_time": quote.observed_at,
    }
    metadata = {"slot": at, "proof_available_time": at, "prev_publish_time": quote.observed_at}
    return {"id": feed_id, "price": price, "ema_price": price, "metadata": metadata}
