"""A chain reader that asks only so often, so that whoever shares the servers never waits for it."""

from collections.abc import Sequence
from typing import Any

from runtime.clock import Clock
from runtime.rpc.rate_limit import TokenBucket
from venues.exchange.chain import ChainReader


class PacedReader:
    """`ChainReader` at a bounded rate."""

    def __init__(self, reader: ChainReader, *, per_second: float, burst: int, clock: Clock) -> None:
        self._reader = reader
        self._bucket = TokenBucket(rate_per_second=per_second, burst=burst, clock=clock)

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - JSON
        """Call when it is our turn."""
        await self._bucket.take()
        return await self._reader.call(method, params)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Call several when it is our turn."""
        await self._bucket.take(len(calls))
        return await self._reader.batch(calls)
