"""Where prices come from: one list for each kind of source, and what all kinds have in common."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config.schema.fields import (
    Address,
    FilePath,
    HttpUrl,
    Name,
    PositiveInt,
    Seconds,
    Section,
    Usd,
    WebSocketUrl,
    WholeSeconds,
)
from config.schema.markets import Symbol

FeedId = Annotated[str, Field(pattern=r"^(0x)?[0-9a-fA-F]{64}$")]
Weight = Annotated[int, Field(gt=0, le=1_000)]


def _check_url(value: str) -> str:
    if value.partition("://")[0] not in {"http", "https", "ws", "wss"}:
        raise ValueError("a URL of http or https to poll, of ws or wss to listen to")
    return value


class Source(Section):
    """What every source has."""

    name: Name
    """Short name in logs, metrics and the journal."""

    provider: Name | None = None
    """Who stands behind the prices. Sources of one provider count once in the quorum. Left out: the source's own name."""

    weight: Weight = 1
    """Weight in the median."""

    max_age_seconds: WholeSeconds = 10
    """Oldest observation that still counts, on the venue's clock."""

    future_tolerance_seconds: Annotated[int, Field(ge=0, le=3_600)] = 1
    """How far an observation may lie ahead of the venue's clock as far as we know it."""

    max_confidence_ppm: PositiveInt = Field(default=20_000, le=1_000_000)
    """Widest half-width that a price may come with, in ppm of it."""

    max_unchanged_seconds: WholeSeconds = 120
    """Longest time that a price may stand still in the regular session; then it counts as frozen."""

    min_publishers: PositiveInt = Field(default=1, le=1_000)
    """Fewest contributors, where the source tells how many."""

    tells_session: bool = False
    """Whether its word on the market's session is a second calendar: where the two differ an alert is raised and the stricter holds. Only for a source that knows all sessions."""

    @property
    def provider_name(self) -> str:
        """Give who stands behind the source."""
        return self.provider or self.name

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the markets that it prices."""
        raise NotImplementedError


class PythHermesSource(Source):
    """Pyth's Hermes, over HTTP."""

    url: HttpUrl = "https://pyth.dourolabs.app/hermes"
    """Base URL, up to and without `/v2`."""

    key_file: FilePath
    """File whose first line is the API key; readable by the keeper's user only (mode 600)."""

    feeds: dict[Symbol, FeedId] = Field(min_length=1)
    """Feed of each market, by symbol."""

    stream: bool = True
    """Listen to the stream instead of polling, which is limited to a request a second."""

    poll_seconds: Seconds = 2.0
    """Pause between polls."""

    timeout_seconds: Seconds = 10.0
    """Longest silence."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the markets that it prices."""
        return tuple(self.feeds)


class PythProSource(Source):
    """Pyth Pro, over WebSocket."""

    urls: Annotated[tuple[WebSocketUrl, ...], Field(min_length=1, max_length=8, strict=False)] = (
        "wss://pyth-lazer-0.dourolabs.app/v1/stream",
        "wss://pyth-lazer-1.dourolabs.app/v1/stream",
        "wss://pyth-lazer-2.dourolabs.app/v1/stream",
    )
    """All of its hosts: each may fail alone, so all are listened to."""

    key_file: FilePath
    """File whose first line is the API key; mode 600."""

    feeds: dict[Symbol, PositiveInt] = Field(min_length=1)
    """Feed number of each market, by symbol."""

    channel: str = "fixed_rate@200ms"
    """How often it sends."""

    timeout_seconds: Seconds = 10.0
    """Longest silence of a host."""

    tells_session: bool = True
    """Pyth Pro knows all sessions of US equities."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the markets that it prices."""
        return tuple(self.feeds)


class JsonSource(Source):
    """Any provider that tells a price in JSON."""

    symbol: Symbol
    """The market."""

    url: Annotated[str, AfterValidator(_check_url)]
    """Polled over HTTP, listened to over WebSocket. `{key}` in it is replaced by the key."""

    price_path: str
    """Where the price stands in a message: keys and list indices with dots, such as `data.0.last`."""

    time_path: str
    """Where the time of the observation stands."""

    time_unit: Literal["s", "ms", "us", "ns", "iso"]
    """How that time is written."""

    order_path: str | None = None
    """Where the time of the message stands; left out: the observation's orders messages."""

    confidence_path: str | None = None
    """Where the half-width of its interval stands."""

    publishers_path: str | None = None
    """Where the number of contributors stands."""

    kind_path: str | None = None
    """Where messages tell their kind; those of another than `kind` are passed over."""

    kind: str = ""
    """The kind of messages that hold prices."""

    price_exponent: int = Field(default=0, ge=-36, le=36)
    """Power of ten that prices are multiplied with; -18 for 1e18 fixed point."""

    key_file: FilePath | None = None
    """File whose first line is the key; mode 600."""

    key_header: str | None = None
    """Header that carries the key, such as `X-API-Key`."""

    key_prefix: str = ""
    """What stands before the key in that header, such as `Bearer `."""

    subscribe: str | None = None
    """Text to send once a WebSocket is open. `{key}` in it is replaced by the key."""

    poll_seconds: Seconds = 2.0
    """Pause between polls."""

    timeout_seconds: Seconds = 10.0
    """Longest silence."""

    @model_validator(mode="after")
    def _check_together(self) -> "JsonSource":
        wants_key = (
            self.key_header is not None or "{key}" in self.url or "{key}" in (self.subscribe or "")
        )
        if wants_key != (self.key_file is not None):
            raise ValueError(
                "must have `key_file` together with a place for the key (`key_header`, or `{key}`"
                " in `url` or `subscribe`): set both or neither"
            )
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the market that it prices."""
        return (self.symbol,)


class ChainlinkAggregatorSource(Source):
    """A Chainlink push feed on the venue's own chain."""

    symbol: Symbol
    """The market."""

    address: Address
    """The feed's proxy."""

    lowest_usd: Usd = Decimal(0)
    """The aggregator's minAnswer: at it the true price is unknown. 0 where it has none."""

    highest_usd: Usd = Decimal(0)
    """The aggregator's maxAnswer; 0 where it has none."""

    poll_seconds: Seconds = 2.0
    """Pause between polls."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the market that it prices."""
        return (self.symbol,)


class ChainlinkStreamsSource(Source):
    """Chainlink Data Streams, report schemas v8 and v11."""

    rest_url: HttpUrl = "https://api.dataengine.chain.link"
    """Base URL of its REST API."""

    ws_url: WebSocketUrl = "wss://ws.dataengine.chain.link"
    """Base URL of its WebSocket."""

    key_file: FilePath
    """File whose first line is the API key (a UUID); mode 600."""

    secret_file: FilePath
    """File whose first line is the API secret; mode 600."""

    feeds: dict[Symbol, FeedId] = Field(min_length=1)
    """Feed of each market, by symbol."""

    timeout_seconds: Seconds = 10.0
    """Longest silence."""

    sessions: Annotated[
        tuple[Literal["regular", "pre", "post", "overnight"], ...],
        Field(min_length=1, strict=False),
    ] = ("regular", "pre", "post", "overnight")
    """Sessions whose market these streams price. A name has one stream for regular hours, one for extended hours and one for the night, and each repeats its old price in the others' hours: make three sources of one provider."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the markets that it prices."""
        return tuple(self.feeds)
