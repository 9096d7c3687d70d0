"""Trades settled on a real exchange reach the book monitor, each once, to the atom."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from monitors.book import BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from risk.account_watch import AccountWatch
from risk.fact_windows import WindowRules
from risk.liquidity import DISTANCES, LiquidityRules
from risk.liquidity_watch import WatchRules
from risk.maker_shares import MakerRules
from risk.market_liquidity import Figure, MarketLiquidity, Reason
from risk.order_book import OrderBook
from risk.price_guard import PriceRules
from risk.sessions import Session
from risk.units import AccountId, MarketId, Ppm, Seconds, div_ceil
from runtime.clock import SystemClock
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.pool import RpcPool
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.builders import usd
from tests.venues.exchange.contracts.codec import Event
from tests.venues.exchange.contracts.harness import Chain, Exchange
from venues.exchange.abi import load_abi
from venues.exchange.events import LogDecoder
from venues.exchange.feed import ExchangeFeed, FeedSettings
from venues.exchange.fold import MarketFold
from venues.exchange.metrics import FeedMetrics
from venues.exchange.slicers import Defect, UndecodableError
from venues.port import TradeSettled

SPAN = 60
RULES = WatchRules(makers=MakerRules(window=WindowRules(span=Seconds(SPAN), slices=SPAN)))


class NoBooks:
    """Implements `monitors.book.Books`."""

    held: OrderBook | None = None

    def book(self, symbol: str) -> OrderBook | None:
        assert symbol == "TEST"
        return self.held


class Stage:
    """A book monitor at the end of a feed from a node."""

    def __init__(self, makers: list[int]) -> None:
        registry = CollectorRegistry()
        self.accounts = AccountsMonitor(
            watch=AccountWatch(),
            price_rules=PriceRules(
                max_divergence=Ppm(100_000), warm_up_updates=1, future_tolerance=Seconds(5)
            ),
            metrics=AccountMetrics.create(registry),
            random=Random(1),
        )
        self.told: list[TradeSettled] = []
        self._moved = asyncio.Event()
        self.accounts.on_trade(self.told.append)
        self.monitor = BookMonitor(
            venue=self.accounts,
            books=NoBooks(),
            session_of=lambda _symbol, _now: Session.REGULAR,
            markets={"TEST": LiquidityRules(effective_notional=usd(1_000))},
            makers=[AccountId(maker) for maker in makers],
            metrics=BookLiquidityMetrics.create(registry, symbols=["TEST"], distances=DISTANCES),
            rules=RULES,
        )
        self.accounts.on_clock(self._moved.set)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                self._moved.clear()
                await self._moved.wait()

    async def sampled(self, now: int) -> MarketLiquidity:
        """Wait until the market was sampled at that time of the venue's clock, or later."""

        def is_there() -> bool:
            known = self.monitor.liquidity("TEST")
            return known is not None and known.sampled_at >= now

        await self.until(is_there)
        known = self.monitor.liquidity("TEST")
        assert known is not None
        return known


@pytest.fixture(scope="module")
def node() -> Iterator[tuple[Anvil, Exchange]]:
    """Give a node with an exchange that lists one market with fees and a rebate."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        exchange.create_market(taker_fee=350, maker_fee=-120, expiry=10**6, min_position_notional=1)
        yield anvil, exchange


@contextlib.asynccontextmanager
async def followed(
    anvil: Anvil, exchange: Exchange, stage: Stage, *, has_socket: bool = True
) -> AsyncIterator[Stage]:
    """Run a feed into a stage, from a new snapshot on."""
    stop, snapshot = asyncio.Event(), asyncio.Event()
    stage.accounts.on_replaced(snapshot.set)
    endpoint = Endpoint(
        name="node", http_url=anvil.http_url, ws_url=anvil.websocket_url if has_socket else None
    )
    async with RpcPool([endpoint], random=Random(1)) as pool:
        feed = ExchangeFeed(
            pool,
            pool.feed,
            address=bytes.fromhex(exchange.address[2:]),
            abi=load_abi(),
            metrics=FeedMetrics.create(CollectorRegistry()),
            clock=SystemClock(),
            random=Random(2),
            high_water=pool.high_water,
            settings=FeedSettings(audit_period_seconds=0.05, stall_seconds=60.0),
        )
        task = asyncio.create_task(feed.run(stage.accounts, stop))
        try:
            async with asyncio.timeout(30):
                await snapshot.wait()
            yield stage
        finally:
            stop.set()
            await task


def trade_at_random(exchange: Exchange, people: list[int], random: Random) -> list[Event]:
    """Settle batches of trades of odd sizes at odd prices; give their events as receipts tell them."""
    events: list[Event] = []
    for _ in range(6):
        batch = []
        for _ in range(random.randint(1, 5)):
            taker, maker = random.sample(people, 2)
            size = random.choice((-1, 1)) * random.randint(10**8, 3 * 10**9)
            batch.append((taker, maker, 0, size, random.randint(99 * 10**8, 101 * 10**8)))
        events += exchange.send("matcher", "settle_trades", batch).all("TradeSettled")
    return events


@pytest.mark.parametrize("has_socket", [True, False], ids=["by subscription", "by polling"])
async def test_the_shares_of_makers_are_what_the_receipts_say(
    node: tuple[Anvil, Exchange], *, has_socket: bool
) -> None:
    anvil, exchange = node
    # Two subaccounts of one owner among them, who now and then meet each other.
    people = [
        exchange.account(1, "trader"),
        exchange.account(2, "trader"),
        exchange.account(1, "liquidator"),
        exchange.account(1, "stranger"),
    ]
    for person in people:
        exchange.fund(person, 1_000_000)
    chain = exchange.chain
    makers = people[2:]
    async with followed(anvil, exchange, Stage(makers), has_socket=has_socket) as stage:
        await asyncio.to_thread(chain.advance, 20)
        events = await asyncio.to_thread(trade_at_random, exchange, people, Random(3))
        await asyncio.to_thread(chain.advance, SPAN - 20)
        known = await stage.sampled(chain.now())
        # The harness decodes receipts by other code than the feed's.
        assert [_fields(each) for each in stage.told] == [event.fields for event in events]
        volumes = [-(-abs(each["size"]) * each["price"] // 10**10) for each in events]
        by_owner: dict[int, int] = {}
        for event, volume in zip(events, volumes, strict=True):
            if event["taker"] >> 96 != event["maker"] >> 96:
                owner = event["maker"] >> 96
                by_owner[owner] = by_owner.get(owner, 0) + volume
        found = known.shares
        assert found is not None
        assert found.trades == len(events)
        assert found.volume == sum(volumes)
        assert found.maker_volume == sum(by_owner.values()) < found.volume
        assert found.makers == len(by_owner) == 3
        assert found.largest_share == div_ceil(
            max(by_owner.values()) * 10**6, sum(by_owner.values())
        )
        assert found.taker_fees == sum(event["taker_fee"] for event in events) > 0
        assert found.rebates == -sum(event["maker_fee"] for event in events) > 0
        assert found.maker_fees == 0
        net = sum(exchange.position(maker)["size"] for maker in makers)
        interest = exchange.market(0)["open_interest"]
        expected = div_ceil(abs(net) * 10**6, interest)
        assert known.skew == (-expected if net > 0 else expected)
        assert known.skew != 0
        # A span later all of it has left.
        await asyncio.to_thread(chain.advance, SPAN + 1)
        later = await stage.sampled(chain.now())
        assert later.shares is not None
        assert (later.shares.trades, later.shares.volume, later.shares.makers) == (0, 0, 0)


async def test_the_pools_take_what_trades_are_told_to_have_paid(
    node: tuple[Anvil, Exchange],
) -> None:
    anvil, exchange = node
    people = [exchange.account(5, "trader"), exchange.account(5, "stranger")]
    for person in people:
        exchange.fund(person, 1_000_000)
    before = exchange.funds()["fee_pool"]
    async with followed(anvil, exchange, Stage([])) as stage:
        await asyncio.to_thread(exchange.chain.advance, 30)
        await asyncio.to_thread(trade_at_random, exchange, people, Random(4))
        await asyncio.to_thread(exchange.chain.advance, SPAN - 30)
        known = await stage.sampled(exchange.chain.now())
    gained = exchange.funds()["fee_pool"] - before
    assert known.shares is not None
    assert gained == known.shares.taker_fees - known.shares.rebates > 0


async def test_a_feed_that_begins_anew_counts_no_trade_twice_and_none_it_may_have_missed(
    node: tuple[Anvil, Exchange],
) -> None:
    anvil, exchange = node
    chain, stage = exchange.chain, Stage([])
    people = [exchange.account(6, "trader"), exchange.account(6, "stranger")]
    for person in people:
        exchange.fund(person, 1_000_000)
    async with followed(anvil, exchange, stage):
        await asyncio.to_thread(chain.advance, SPAN)
        early = await asyncio.to_thread(trade_at_random, exchange, people, Random(5))
        await asyncio.to_thread(chain.advance, 1)
        first = (await stage.sampled(chain.now())).shares
    assert first is not None
    assert first.trades == len(early)
    missed = await asyncio.to_thread(trade_at_random, exchange, people, Random(6))
    async with followed(anvil, exchange, stage):
        await asyncio.to_thread(chain.advance, 30)
        watched_short = await stage.sampled(chain.now())
        assert watched_short.unknown[Figure.TRADES] is Reason.SHORT_WATCH
        late = await asyncio.to_thread(trade_at_random, exchange, people, Random(7))
        await asyncio.to_thread(chain.advance, 30)
        second = (await stage.sampled(chain.now())).shares
    assert second is not None
    assert second.trades == len(late)
    assert len(stage.told) == len(early) + len(late)
    assert missed


def test_refuses_a_trade_in_a_market_that_nobody_created() -> None:
    abi = load_abi()
    word = "00" * 32
    log = {
        "topics": [f"0x{abi.event('TradeSettled').topic.hex()}", "0x" + "00" * 31 + "07"],
        "data": "0x" + word * 6,
    }
    recipe, values = LogDecoder(abi, MarketFold()).decode(log)
    with pytest.raises(UndecodableError, match="known market, found market 7") as refused:
        recipe.build(values)
    assert refused.value.defect is Defect.UNKNOWN_MARKET


def _fields(trade: TradeSettled) -> dict[str, int]:
    assert trade.market == MarketId(0)
    return {name: getattr(trade, name) for name in TradeSettled.__dataclass_fields__}
