"""Any provider that tells one price per message in JSON, described by a small spec.

Over HTTP it is polled, over WebSocket it is listened to. Numbers are read as the text that they
were sent as (Python's own JSON reader can, orjson cannot), so a price never passes through float.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, Final

import aiohttp

from monitors.prices.decimals import (
    price_from_decimal,
    read_decimal,
    read_integer,
    read_time,
    width_from_decimal,
)
from monitors.prices.http import get_body, load_json, not_json
from monitors.prices.port import ReportSink, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected
from monitors.prices.websocket import listen
from risk.price_report import Micros, PriceReport
from risk.units import PriceE8, Seconds, div_floor
from runtime.clock import Clock
from runtime.supervise import sleep_unless

JsonPath = tuple[str | int, ...]
"""Keys of objects and indices of lists, from the outside in."""

MICROS_PER_SECOND: Final = 10**6
SHORTEST_SECRET: Final = 8
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TimeUnit(StrEnum):
    """How a provider writes its time; a fraction of the unit is read too."""

    SECONDS = "s"
    MILLIS = "ms"
    MICROS = "us"
    NANOS = "ns"
    ISO = "iso"
    """Text such as 2026-11-20T14:30:00.25Z; a time without zone is refused."""


EXPONENTS: Final[Mapping[TimeUnit, int]] = {
    TimeUnit.SECONDS: 6,
    TimeUnit.MILLIS: 3,
    TimeUnit.MICROS: 0,
    TimeUnit.NANOS: -3,
}
"""Power of ten from the unit to microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSpec:
    """One source of one market's price, in JSON; times in seconds."""

    name: str
    symbol: str
    url: str = field(repr=False)
    """http(s) is polled, ws(s) is listened to; hidden because many providers put a key in it."""
    price_path: JsonPath
    time_path: JsonPath
    """Where the time stands at which the underlying was last seen at this price."""
    time_unit: TimeUnit
    order_path: JsonPath | None = None
    """Where the time of the message stands, in the same unit; None: `time_path` orders."""
    confidence_path: JsonPath | None = None
    publishers_path: JsonPath | None = None
    price_exponent: int = 0
    """The price and its confidence are multiplied by ten to this; -18 for 1e18 fixed point."""
    kind_path: JsonPath | None = None
    """Where messages tell their kind; those of another kind than `kind` are passed over."""
    kind: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    subscribe: str | None = field(default=None, repr=False)
    """What to send once the WebSocket is open."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts to cut from every fault, beside the values of `headers`."""
    poll_seconds: float = 2.0
    timeout_seconds: float = 10.0
    """For one answer, and for the silence between two messages."""

    def __post_init__(self) -> None:
        if self.url.partition("://")[0] not in {"http", "https", "ws", "wss"}:
            raise ValueError("expected a URL of http, https, ws or wss, found another scheme")

    @property
    def is_socket(self) -> bool:
        """Say whether the source is listened to instead of polled."""
        return self.url.startswith("ws")


def parse_json(payload: bytes, spec: JsonSpec) -> list[PriceReport]:
    """Read one message: one report, or none when it is of another kind; else WrongShapeError."""
    message = _load(payload)
    if spec.kind_path is not None and _find(message, spec.kind_path) != spec.kind:
        return []
    observed = _micros(_needed(message, spec.time_path, "time"), spec.time_unit)
    order = observed
    if spec.order_path is not None:
        order = _micros(_needed(message, spec.order_path, "order"), spec.time_unit)
    width = None if spec.confidence_path is None else _find(message, spec.confidence_path)
    publishers = None if spec.publishers_path is None else _find(message, spec.publishers_path)
    return [
        PriceReport(
            source=spec.name,
            symbol=spec.symbol,
            price=price_from_decimal(
                _needed(message, spec.price_path, "price"), exponent=spec.price_exponent
            ),
            confidence=PriceE8(0)
            if width is None
            else width_from_decimal(width, exponent=spec.price_exponent),
            observed_at=Seconds(div_floor(observed, MICROS_PER_SECOND)),
            order=Micros(order),
            publishers=None if publishers is None else read_integer(publishers, "publishers"),
        )
    ]


def _load(payload: bytes) -> object:
    # First the reader that limits nesting: the one that keeps numbers exact does not, and a page
    # of brackets would end the process.
    load_json(payload)
    try:
        found: object = json.loads(payload, parse_float=str, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise not_json(payload) from error
    return found


def _refuse_constant(text: str) -> None:
    raise ValueError(f"expected JSON, found {text}")


def _find(message: object, path: JsonPath) -> Any:  # noqa: ANN401 - JSON
    """Follow a path; None where it leads nowhere."""
    found = message
    for step in path:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, list) and -len(found) <= step < len(found):
            found = found[step]
        else:
            return None
    return found


def _needed(message: object, path: JsonPath, what: str) -> object:
    found = _find(message, path)
    if found is None:
        where = ".".join(map(str, path))
        raise WrongShapeError(f"expected the {what} at {where!r}, found nothing there")
    return found


def _micros(value: object, unit: TimeUnit) -> int:
    """Read a time as Unix microseconds, rounded down: a price is never made younger."""
    if unit is TimeUnit.ISO:
        return _iso_micros(value)
    mantissa, exponent = read_decimal(value, "time")
    shift = exponent + EXPONENTS[unit]
    if abs(shift) > 100:
        raise WrongShapeError(f"expected a time of usual size, found exponent {exponent}")
    micros = mantissa * 10**shift if shift >= 0 else div_floor(mantissa, 10**-shift)
    return read_time(micros, f"the time in {unit.value}", per_second=MICROS_PER_SECOND)


def _iso_micros(value: object) -> int:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year < 1971:
        raise WrongShapeError("expected an ISO 8601 time with its zone, found another")
    return (moment - EPOCH) // timedelta(microseconds=1)


def _secrets(spec: JsonSpec) -> tuple[str, ...]:
    """Give what must not be told: long words of header values, such as KEY of `Bearer KEY`."""
    words = [word for value in spec.headers.values() for word in value.split()]
    return (*spec.secrets, *(word for word in words if len(word) >= SHORTEST_SECRET))


class JsonSource:
    """A `PriceSource` made from a spec."""

    def __init__(
        self,
        spec: JsonSpec,
        session: aiohttp.ClientSession,
        *,
        clock: Clock,
        random: Random,
        rules: ReconnectRules | None = None,
    ) -> None:
        self._spec = spec
        self._session = session
        self._clock = clock
        self._random = random
        self._rules = rules or ReconnectRules()

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._spec.name

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Give reports until `stop`."""
        spec = self._spec
        courier = Courier(name=spec.name, sink=sink, secrets=_secrets(spec))

        async def serve() -> None:
            if spec.is_socket:
                await self._listen(courier)
            else:
                await self._poll(courier, stop)

        await keep_connected(
            courier,
            serve,
            stop=stop,
            rules=self._rules,
            clock=self._clock,
            random=self._random,
        )

    async def _listen(self, courier: Courier) -> None:
        def take(payload: bytes) -> None:
            try:
                self._take(payload, courier)
            except WrongShapeError as error:
                courier.tell(error.kind, str(error))

        await listen(
            self._session,
            self._spec.url,
            headers=self._spec.headers,
            subscribe=self._spec.subscribe,
            silence_seconds=self._spec.timeout_seconds,
            on_payload=take,
        )

    async def _poll(self, courier: Courier, stop: asyncio.Event) -> None:
        while not stop.is_set():
            payload = await get_body(
                self._session,
                self._spec.url,
                headers=self._spec.headers,
                timeout_seconds=self._spec.timeout_seconds,
                rate_limit_seconds=self._rules.rate_limit_seconds,
            )
            self._take(payload, courier)
            await sleep_unless(stop, self._spec.poll_seconds)

    def _take(self, payload: bytes, courier: Courier) -> None:
        for report in parse_json(payload, self._spec):
            courier.sink.on_report(report)
