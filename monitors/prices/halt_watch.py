"""Watch the underlying's trading halts: poll the exchange's page, at most once a minute.

A page that cannot be had leaves the last one standing: a halt is not over because we cannot see.
How old the knowledge is can be asked, and whoever judges prices must ask.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import aiohttp
import structlog

from monitors.prices.http import get_body
from monitors.prices.port import ReportSink, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected
from monitors.prices.trading_halts import HaltPageError, TradingHalt, halted_symbols, parse_halts
from risk.units import Seconds
from runtime.clock import Clock
from runtime.supervise import sleep_unless

SHORTEST_POLL_SECONDS: Final = 60.0
"""What the exchange allows."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltSettings:
    """Where the halts are told, and of which symbols; times in seconds.

    Raises ValueError for polls more often than the exchange allows.
    """

    name: str
    url: str
    underlying_to_symbol: Mapping[str, str]
    """The exchange's symbol of each underlying, to the symbol of our market."""
    poll_seconds: float = SHORTEST_POLL_SECONDS
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.poll_seconds < SHORTEST_POLL_SECONDS:
            raise ValueError(
                f"expected polls of the halts at least {SHORTEST_POLL_SECONDS:.0f} seconds apart,"
                f" found {self.poll_seconds:g}: the exchange blocks who asks more often"
            )


class HaltWatch:
    """The halts of our underlyings, as last told."""

    def __init__(
        self,
        settings: HaltSettings,
        session: aiohttp.ClientSession,
        *,
        clock: Clock,
        random: Random,
        rules: ReconnectRules | None = None,
    ) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._random = random
        self._rules = rules or ReconnectRules()
        self._halts: tuple[TradingHalt, ...] = ()
        self._read_at: float | None = None

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._settings.name

    def halted(self, now: Seconds) -> dict[str, TradingHalt]:
        """Give the halts that are on at `now` (the venue's clock), by symbol of our market."""
        symbols = self._settings.underlying_to_symbol
        return {symbols[name]: halt for name, halt in halted_symbols(self._halts, now).items()}

    def age_seconds(self) -> float | None:
        """Say how long ago the halts were read; None when they never were."""
        return None if self._read_at is None else self._clock.monotonic() - self._read_at

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Poll until `stop`, telling faults to the sink; it gives no reports."""
        await keep_connected(
            Courier(name=self.name, sink=sink),
            lambda: self._poll(stop),
            stop=stop,
            rules=self._rules,
            clock=self._clock,
            random=self._random,
        )

    async def _poll(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            page = await get_body(
                self._session,
                self._settings.url,
                headers={},
                timeout_seconds=self._settings.timeout_seconds,
                rate_limit_seconds=self._rules.rate_limit_seconds,
            )
            self._take(page)
            await sleep_unless(stop, self._settings.poll_seconds)

    def _take(self, page: bytes) -> None:
        try:
            halts = parse_halts(page)
        except HaltPageError as error:
            raise WrongShapeError(str(error)) from error
        ours = tuple(halt for halt in halts if halt.symbol in self._settings.underlying_to_symbol)
        for halt in ours:
            if halt not in self._halts:
                log.warning(
                    "trading_halt_told",
                    underlying=halt.symbol,
                    reason=halt.reason,
                    halted_at=halt.halted_at,
                    resumes_at=halt.resumes_at,
                )
        self._halts = ours
        self._read_at = self._clock.monotonic()
