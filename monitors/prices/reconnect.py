"""The loop that all sources share: connect, serve until it breaks, tell the fault, wait, again.

Delays grow with jitter while a connection does not hold, and start anew after one that held. A
stream that the provider closes cleanly after about a day is its custom, not an outage.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

import aiohttp
import structlog

from monitors.prices.port import FaultKind, ReportSink, SourceFault, WrongShapeError
from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.supervise import sleep_unless

log: structlog.stdlib.BoundLogger = structlog.get_logger("prices")

HIDDEN: Final = "[redacted]"
MOST_DETAIL: Final = 300
"""Characters of a fault's detail: part of it may come from outside."""
LONGEST_PAUSE_SECONDS: Final = 3600.0
"""However long a source asks us to stay away."""

_DIGITS: Final = re.compile(r"[0-9]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectRules:
    """When to connect again, in seconds."""

    backoff: Backoff = field(default_factory=Backoff)
    steady_seconds: float = 60.0
    """A connection that held so long ends the growth of the delays."""
    renewal_seconds: float = 23 * 3600.0
    """A clean close after so long is planned: connect again at once, and no fault."""
    rate_limit_seconds: float = 60.0
    """The pause after a refusal for too many requests, where the source names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Hands reports and faults of one source to the sink, without the source's secrets."""

    name: str
    sink: ReportSink
    secrets: tuple[str, ...] = field(default=(), repr=False)
    about: str = ""
    """Begins each detail: which part of the source, where it has several."""

    def tell(self, kind: FaultKind, detail: str) -> None:
        """Tell a fault, without secrets; the sink counts and logs it."""
        text = self.clean(f"{self.about}{detail}")
        # Cut after cleaning: half a key would not be recognised.
        self.sink.on_fault(self.name, kind, text[:MOST_DETAIL])

    def clean(self, text: str) -> str:
        """Cut the secrets out of a text: a provider may echo a key."""
        for secret in filter(None, self.secrets):
            text = text.replace(secret, HIDDEN)
        return text


async def keep_connected(
    courier: Courier,
    connect_once: Callable[[], Awaitable[None]],
    *,
    stop: asyncio.Event,
    rules: ReconnectRules,
    clock: Clock,
    random: Random,
) -> None:
    """Run `connect_once` again and again until `stop`, which also cancels it.

    It serves one connection and ends by raising `SourceFault` (or an error of the network), or by
    returning, which means that the provider closed the stream cleanly.
    """
    delays = rules.backoff.delays(random)
    while not stop.is_set():
        started = clock.monotonic()
        fault = await _one_connection(connect_once, stop, rules)
        lived = clock.monotonic() - started
        if fault is None:
            return
        if lived >= rules.steady_seconds:
            delays = rules.backoff.delays(random)
        if fault.kind is FaultKind.STREAM_CLOSED and lived >= rules.renewal_seconds:
            log.info("price_stream_renewed", source=courier.name)
            continue
        courier.tell(fault.kind, fault.detail)
        delay = next(delays, rules.backoff.most_seconds)
        await sleep_unless(stop, max(delay, fault.retry_after_seconds))


async def run_until(stop: asyncio.Event, work: Callable[[], Awaitable[None]]) -> bool:
    """Run `work` to its end, or cancel it when `stop` is set; tell whether it came to its end."""
    task = asyncio.ensure_future(work())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = task.done()
        stopped.cancel()
        task.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
    if ended:
        await task
    return ended


async def _one_connection(
    connect_once: Callable[[], Awaitable[None]], stop: asyncio.Event, rules: ReconnectRules
) -> SourceFault | None:
    """Serve one connection; give why it ended, or None when `stop` ended it."""
    try:
        if not await run_until(stop, connect_once) or stop.is_set():
            return None
    except SourceFault as fault:
        return fault
    except WrongShapeError as error:
        return SourceFault(error.kind, str(error))
    except aiohttp.WSServerHandshakeError as error:
        retry_after = None if error.headers is None else error.headers.get("Retry-After")
        return refusal(error.status, retry_after, rules.rate_limit_seconds)
    except TimeoutError:
        return SourceFault(FaultKind.SILENT, "expected an answer in time, but nothing came")
    except (aiohttp.ClientError, OSError) as error:
        # The text of these errors may hold the URL, and the URL a key.
        return SourceFault(
            FaultKind.UNREACHABLE, f"expected a connection, found {type(error).__name__}"
        )
    return SourceFault(FaultKind.STREAM_CLOSED, "expected the stream to go on, but it was closed")


def refusal(status: int, retry_after: str | None, rate_limit_seconds: float) -> SourceFault:
    """Say what an HTTP status other than 200 means; `retry_after` is the header's text."""
    if status in {401, 403}:
        return SourceFault(
            FaultKind.REJECTED_KEY,
            f"expected the key to be accepted, found HTTP {status}: check the configured key",
            retry_after_seconds=rate_limit_seconds,
        )
    if status == 429:
        # The header may also be a date, which nobody sends here, or nonsense.
        told = retry_after if retry_after is not None and _DIGITS.fullmatch(retry_after) else "0"
        asked = min(float(told), LONGEST_PAUSE_SECONDS)
        return SourceFault(
            FaultKind.RATE_LIMITED,
            "expected to be within the source's rate limit, found HTTP 429: ask less often",
            retry_after_seconds=max(asked, rate_limit_seconds),
        )
    if status == 404:
        return SourceFault(
            FaultKind.UNKNOWN_FEED,
            "expected the feeds to be known, found HTTP 404: check the feed ids and the URL",
        )
    return SourceFault(FaultKind.REFUSED, f"expected HTTP 200, found {status}")
