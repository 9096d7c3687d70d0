"""From settings to price sources: each kind with its keys, each feed with its market."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

import aiohttp

from config.schema.fields import PRICE_UNITS_PER_USD, address_bytes, exact_units
from config.schema.price_sources import (
    ChainlinkAggregatorSource,
    ChainlinkStreamsSource,
    JsonSource,
    PythHermesSource,
    PythProSource,
)
from config.settings import Prices
from keepers.secret_files import read_secret
from monitors.prices.chainlink_aggregator import AggregatorSettings, ChainlinkAggregator, EthCall
from monitors.prices.chainlink_reports import StreamFeed
from monitors.prices.chainlink_streams import ChainlinkStreams, StreamsSettings
from monitors.prices.json_source import JsonPath, JsonSpec, TimeUnit
from monitors.prices.json_source import JsonSource as JsonPriceSource
from monitors.prices.port import PriceSource
from monitors.prices.pyth_hermes import HermesFeed, HermesSettings, PythHermes
from monitors.prices.pyth_pro import ProSettings, PythPro
from monitors.prices.reconnect import ReconnectRules
from risk.sessions import Session
from risk.units import PriceE8
from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.errors import OperatorError

KEY_PLACE: Final = "{key}"

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceParts:
    """What sources are made with."""

    session: aiohttp.ClientSession
    eth_call: EthCall
    clock: Clock
    random: Random


def reconnect_rules(prices: Prices) -> ReconnectRules:
    """Say when a source that fails is tried again."""
    most = prices.reconnect_most_seconds
    return ReconnectRules(backoff=Backoff(first_seconds=min(0.5, most), most_seconds=most))


def open_sources(prices: Prices, parts: SourceParts) -> list[PriceSource]:
    """Make every configured source; raises OperatorError with one sentence. Nothing is dialled yet."""
    rules = reconnect_rules(prices)
    return [
        *(_hermes(source, parts, rules) for source in prices.pyth_hermes),
        *(_pro(source, parts, rules) for source in prices.pyth_pro),
        *(_json(source, parts, rules) for source in prices.json_sources),
        *(_aggregator(source, parts, rules) for source in prices.chainlink_aggregators),
        *(_streams(source, parts, rules) for source in prices.chainlink_streams),
    ]


def _hermes(source: PythHermesSource, parts: SourceParts, rules: ReconnectRules) -> PriceSource:
    settings = HermesSettings(
        name=source.name,
        base_url=source.url.rstrip("/"),
        feeds=tuple(
            HermesFeed(feed_id=feed, symbol=symbol) for symbol, feed in source.feeds.items()
        ),
        api_key=read_secret(source.key_file, f"key file of {source.name}"),
        is_streaming=source.stream,
        poll_seconds=source.poll_seconds,
        timeout_seconds=source.timeout_seconds,
    )
    return PythHermes(settings, parts.session, clock=parts.clock, random=parts.random, rules=rules)


def _pro(source: PythProSource, parts: SourceParts, rules: ReconnectRules) -> PriceSource:
    settings = ProSettings(
        name=source.name,
        hosts=source.urls,
        feeds={number: symbol for symbol, number in source.feeds.items()},
        api_key=read_secret(source.key_file, f"key file of {source.name}"),
        channel=source.channel,
        silence_seconds=source.timeout_seconds,
    )
    return PythPro(settings, parts.session, clock=parts.clock, random=parts.random, rules=rules)


def _json(source: JsonSource, parts: SourceParts, rules: ReconnectRules) -> PriceSource:
    key = ""
    if source.key_file is not None:
        key = read_secret(source.key_file, f"key file of {source.name}")
    headers = {}
    if source.key_header is not None:
        headers[source.key_header] = f"{source.key_prefix}{key}"
    subscribe = source.subscribe
    spec = JsonSpec(
        name=source.name,
        symbol=source.symbol,
        url=source.url.replace(KEY_PLACE, key),
        price_path=json_path(source.price_path),
        time_path=json_path(source.time_path),
        time_unit=TimeUnit(source.time_unit),
        order_path=_optional(source.order_path, json_path),
        confidence_path=_optional(source.confidence_path, json_path),
        publishers_path=_optional(source.publishers_path, json_path),
        kind_path=_optional(source.kind_path, json_path),
        kind=source.kind,
        price_exponent=source.price_exponent,
        headers=headers,
        subscribe=None if subscribe is None else subscribe.replace(KEY_PLACE, key),
        secrets=(key,) if key else (),
        poll_seconds=source.poll_seconds,
        timeout_seconds=source.timeout_seconds,
    )
    return JsonPriceSource(spec, parts.session, clock=parts.clock, random=parts.random, rules=rules)


def _aggregator(
    source: ChainlinkAggregatorSource, parts: SourceParts, rules: ReconnectRules
) -> PriceSource:
    settings = _checked(
        source.name,
        lambda: AggregatorSettings(
            name=source.name,
            symbol=source.symbol,
            address=address_bytes(source.address),
            poll_seconds=source.poll_seconds,
            lowest=PriceE8(exact_units(source.lowest_usd, PRICE_UNITS_PER_USD)),
            highest=PriceE8(exact_units(source.highest_usd, PRICE_UNITS_PER_USD)),
        ),
    )
    return ChainlinkAggregator(
        settings, parts.eth_call, clock=parts.clock, random=parts.random, rules=rules
    )


def _streams(
    source: ChainlinkStreamsSource, parts: SourceParts, rules: ReconnectRules
) -> PriceSource:
    sessions = frozenset(Session(session) for session in source.sessions)
    settings = _checked(
        source.name,
        lambda: StreamsSettings(
            name=source.name,
            feeds=tuple(
                StreamFeed(feed_id=feed, symbol=symbol, sessions=sessions)
                for symbol, feed in source.feeds.items()
            ),
            api_key=read_secret(source.key_file, f"key file of {source.name}"),
            api_secret=read_secret(source.secret_file, f"secret file of {source.name}"),
            rest_url=source.rest_url.rstrip("/"),
            socket_url=source.ws_url.rstrip("/"),
            silence_seconds=source.timeout_seconds,
            timeout_seconds=source.timeout_seconds,
        ),
    )
    return ChainlinkStreams(
        settings, parts.session, clock=parts.clock, random=parts.random, rules=rules
    )


def json_path(text: str) -> JsonPath:
    """Read a path such as `data.0.last`; a part of digits is an index of a list."""
    parts: Sequence[str] = text.split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _optional(text: str | None, read: Callable[[str], JsonPath]) -> JsonPath | None:
    return None if text is None else read(text)


def _checked(name: str, make: Callable[[], _Made]) -> _Made:
    """Turn what a source's own settings refuse into a sentence for the operator."""
    try:
        return make()
    except ValueError as error:
        raise OperatorError(f"the price source {name}: {error}") from error
