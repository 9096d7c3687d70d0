"""The owner's limits: every watched market at first, then in turn; a failed reading leaves what stands."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from monitors.incentives.limits_watch import MARKETS_PER_PERIOD, LimitsWatch
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.units import MarketId, Seconds
from runtime.rpc.errors import RpcTransient
from tests.builders import make_market, make_markets

MANY = MARKETS_PER_PERIOD + 4


class Chain:
    """Limits that move with each reading, and a venue whose markets a test lists."""

    def __init__(self) -> None:
        self.markets: Mapping[MarketId, Market] = {}
        self.read: list[MarketId] = []
        self.fails = False

    async def limits(self, market: MarketId) -> Mapping[Parameter, Limits]:
        if self.fails:
            raise RpcTransient("down")
        self.read.append(market)
        limits = Limits(minimum=0, maximum=len(self.read), largest_step=1, cool_down=Seconds(1))
        return {Parameter.MAKER_FEE: limits}

    def list(self, count: int) -> None:
        self.markets = make_markets(*(make_market(each) for each in range(count)))


async def run_until(
    chain: Chain, symbols: Sequence[str], holds: Callable[[LimitsWatch], bool]
) -> LimitsWatch:
    """Run a watch, looking after each reading whether something holds."""
    reading = asyncio.Event()
    watch = LimitsWatch(
        chain.limits, chain, symbols=tuple(symbols), period_seconds=0.001, wake=reading.set
    )
    stop = asyncio.Event()
    task = asyncio.create_task(watch.run(stop))
    async with asyncio.timeout(10):
        while not holds(watch):
            reading.clear()
            await reading.wait()
    stop.set()
    await task
    return watch


async def test_reads_every_watched_market_at_first_and_no_other() -> None:
    chain = Chain()
    chain.list(3)
    watch = await run_until(
        chain, ["AAPL", "STOCK2"], lambda watch: watch.limits(MarketId(2)) is not None
    )
    assert set(chain.read) == {0, 2}
    assert watch.limits(MarketId(1)) is None


async def test_renews_what_it_read_in_turn() -> None:
    chain = Chain()
    chain.list(MANY)
    symbols = [market.symbol for market in chain.markets.values()]
    await run_until(chain, symbols, lambda _: len(chain.read) >= MANY + 2 * MARKETS_PER_PERIOD)
    again = chain.read[MANY : MANY + 2 * MARKETS_PER_PERIOD]
    assert set(again) == set(range(MANY))


async def test_what_cannot_be_renewed_stands() -> None:
    chain = Chain()
    chain.list(1)
    readings = 0

    def two_more_failed(watch: LimitsWatch) -> bool:
        nonlocal readings
        chain.fails = watch.limits(MarketId(0)) is not None
        readings += chain.fails
        return readings == 3

    watch = await run_until(chain, ["AAPL"], two_more_failed)
    known = watch.limits(MarketId(0))
    assert known is not None
    assert known[Parameter.MAKER_FEE].maximum == 1
