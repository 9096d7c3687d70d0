"""Chainlink's push feed on chain: `latestRoundData()` of an AggregatorV3, polled.

`updatedAt` is when the answer was last written, a deviation or a heartbeat ago: it is
`observed_at` and orders the reports. An aggregator never answers outside of its configured
bounds, so a report carries them, and the judge refuses a price that lies at one. What is finer
than 1e-8 USD is rounded down. `answeredInRound` is deprecated, and round numbers order nothing
that the time does not order already; neither is read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final, NoReturn

from monitors.prices.chainlink_words import WORD, signed_at, unsigned_at
from monitors.prices.decimals import price_from_mantissa, read_time
from monitors.prices.port import FaultKind, ReportSink, SourceFault, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected
from risk.price_report import Micros, PriceReport
from risk.units import PriceE8, Seconds
from runtime.clock import Clock
from runtime.rpc.errors import ExecutionReverted, RateLimited, RpcError
from runtime.supervise import sleep_unless

EthCall = Callable[[bytes, bytes], Awaitable[bytes]]
"""Calls a contract (its address, the calldata) at the newest block and gives what it returned.

Raises what `runtime.rpc.errors` names; an address without code returns nothing.
"""

DECIMALS: Final = bytes.fromhex("313ce567")
"""Selector of `decimals()`."""
LATEST_ROUND_DATA: Final = bytes.fromhex("feaf968c")
"""Selector of `latestRoundData()`."""
MICROS_PER_SECOND: Final = 10**6

# latestRoundData() -> (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt,
#                       uint80 answeredInRound)
_ROUND_BYTES: Final = 5 * WORD
_ANSWER: Final = 1 * WORD
_UPDATED_AT: Final = 3 * WORD


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatorSettings:
    """One aggregator and the market that it prices; times in seconds.

    Raises ValueError for an address that is none, or bounds that leave nothing between them.
    """

    name: str
    symbol: str
    address: bytes
    """The feed's proxy: it stays when Chainlink replaces the aggregator behind it."""
    poll_seconds: float = 2.0
    lowest: PriceE8 = PriceE8(0)
    """The aggregator's minAnswer, rounded down to 1e-8 USD; 0 where it has none."""
    highest: PriceE8 = PriceE8(0)
    """The aggregator's maxAnswer, rounded down to 1e-8 USD; 0 where it has none."""

    def __post_init__(self) -> None:
        if len(self.address) != 20:
            raise ValueError(
                f"expected an aggregator's address of 20 bytes, found {len(self.address)}"
            )
        if self.lowest < 0 or self.highest < 0 or 0 < self.highest <= self.lowest:
            raise ValueError(
                f"expected bounds of at least 0 that rise, found {self.lowest} and {self.highest}"
            )


def parse_decimals(raw: bytes) -> int:
    """Read what `decimals()` returned; raises WrongShapeError."""
    if len(raw) != WORD:
        raise WrongShapeError(f"expected decimals() to return {WORD} bytes, found {len(raw)}")
    return unsigned_at(raw, 0, 8, "decimals")


def parse_round(raw: bytes, settings: AggregatorSettings, *, decimals: int) -> PriceReport:
    """Read what `latestRoundData()` returned.

    Raises WrongShapeError, also for a round that is not complete: its answer has no time yet.
    """
    if len(raw) != _ROUND_BYTES:
        raise WrongShapeError(
            f"expected latestRoundData() to return {_ROUND_BYTES} bytes, found {len(raw)}"
        )
    updated = read_time(unsigned_at(raw, _UPDATED_AT, 256, "updatedAt"), "updatedAt")
    if updated == 0:
        raise WrongShapeError("expected a complete round, found updatedAt to be 0")
    return PriceReport(
        source=settings.name,
        symbol=settings.symbol,
        price=price_from_mantissa(signed_at(raw, _ANSWER, 256, "answer"), -decimals, "answer"),
        observed_at=Seconds(updated),
        order=Micros(updated * MICROS_PER_SECOND),
        lowest=settings.lowest,
        highest=settings.highest,
    )


class ChainlinkAggregator:
    """A `PriceSource` that polls one aggregator."""

    def __init__(
        self,
        settings: AggregatorSettings,
        eth_call: EthCall,
        *,
        clock: Clock,
        random: Random,
        rules: ReconnectRules | None = None,
    ) -> None:
        self._settings = settings
        self._eth_call = eth_call
        self._clock = clock
        self._random = random
        self._rules = rules or ReconnectRules()
        self._decimals: int | None = None

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._settings.name

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Give a report at each poll until `stop`, also while the round stays the same."""

        async def serve() -> None:
            while not stop.is_set():
                sink.on_report(await self._read())
                await sleep_unless(stop, self._settings.poll_seconds)

        await keep_connected(
            Courier(name=self.name, sink=sink),
            serve,
            stop=stop,
            rules=self._rules,
            clock=self._clock,
            random=self._random,
        )

    async def _read(self) -> PriceReport:
        if self._decimals is None:
            # A feed's decimals never change: every consumer has them compiled in.
            self._decimals = parse_decimals(await self._call(DECIMALS, "decimals()"))
        raw = await self._call(LATEST_ROUND_DATA, "latestRoundData()")
        return parse_round(raw, self._settings, decimals=self._decimals)

    async def _call(self, selector: bytes, what: str) -> bytes:
        address = self._settings.address
        try:
            raw = await self._eth_call(address, selector)
        except RpcError as error:
            self._refuse(error, what)
        if not raw:
            raise SourceFault(
                FaultKind.UNKNOWN_FEED,
                f"expected an aggregator at 0x{address.hex()}, found no code that answers {what}:"
                " check the address and the chain",
            )
        return raw

    def _refuse(self, error: RpcError, what: str) -> NoReturn:
        """Say what an RPC error means; without its text, in which a node may write anything."""
        found = f"expected an answer to {what}, found {type(error).__name__}"
        if error.endpoint:
            found += f" from {error.endpoint}"
        if isinstance(error, RateLimited):
            raise SourceFault(
                FaultKind.RATE_LIMITED,
                f"{found}: poll less often",
                retry_after_seconds=error.retry_after_seconds or self._rules.rate_limit_seconds,
            ) from error
        if isinstance(error, ExecutionReverted):
            # As a feed does that never had a round.
            raise SourceFault(FaultKind.REFUSED, found) from error
        raise SourceFault(FaultKind.UNREACHABLE, found) from error
