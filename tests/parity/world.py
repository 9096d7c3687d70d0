"""A random but seeded exchange on a real node: markets, cross-margined accounts, moving prices.

Accounts trade against rich makers up to their initial margin, then prices, funding and time move:
what results is healthy, under margin, critical and bankrupt in good measure.
"""

from dataclasses import dataclass, field
from random import Random

from tests.venues.exchange.contracts.harness import FUNDING_RATE, Exchange, make_config, usd

TRADERS = 330
RULES = {"gas_per_item": 210_000, "gas_margin": 200_000}
TIER_TABLES = (
    ([0], [25_000]),
    ([0, usd(40_000)], [20_000, 45_000]),
    ([0, usd(5_000), usd(60_000)], [30_000, 50_000, 80_000]),
    ([0, usd(10_001), usd(50_003), usd(250_007)], [12_345, 33_333, 55_551, 99_999]),
    ([0, 7], [10_000, 50_001]),
)
PRICES = (23_150_000_001, 9_999_999_999, 123_456_789_012, 1_234_567, 50_000_000_000)


@dataclass(slots=True)
class World:
    """The exchange and what the random walk knows of it."""

    exchange: Exchange
    rules: dict[str, int]
    random: Random = field(default_factory=Random)
    marks: list[int] = field(default_factory=list)
    traders: list[int] = field(default_factory=list)
    makers: list[int] = field(default_factory=list)

    def publish(self, most: int = 40_000, *, without: tuple[int, ...] = ()) -> None:
        """Move every mark by up to `most` ppm, the index a little elsewhere."""
        entries = []
        for market, mark in enumerate(self.marks):
            if market in without:
                continue
            moved = max(1, mark + mark * self.random.randint(-most, most) // 10**6)
            index = max(1, moved + moved * self.random.randint(-5_000, 5_000) // 10**6)
            self.marks[market] = moved
            entries.append((market, moved, index, self.exchange.chain.now()))
        self.exchange.send("pricer", "publish", entries)

    def change_funding(self) -> None:
        """Set every funding rate anew, in either direction."""
        for market in range(len(self.marks)):
            epoch = self.exchange.view("epoch", market, 3)
            rate = self.random.randint(-3_000_000, 3_000_000)
            self.exchange.send("tuner", "set_parameter", market, FUNDING_RATE, rate, epoch)


def build_world(exchange: Exchange, rules: dict[str, int], seed: int) -> World:
    """Create markets and accounts, and let them trade."""
    world = World(exchange=exchange, rules=rules, random=Random(seed))
    for (bounds, rates), mark in zip(TIER_TABLES, PRICES, strict=True):
        _create_market(world, bounds, rates, mark)
    world.publish(0)
    world.change_funding()
    world.makers = [exchange.account(number, "owner") for number in (1, 2)]
    for maker in world.makers:
        exchange.fund(maker, 10**9)
    exchange.fund(exchange.backstop, 60_000)
    exchange.send("owner", "fund_insurance", usd(20_000))
    world.traders = [exchange.account(number) for number in range(1, TRADERS + 1)]
    trades, deposits = _wishes(world)
    for start in range(0, len(deposits), 128):
        accounts, amounts = zip(*deposits[start : start + 128], strict=True)
        exchange.send("trader", "deposit_many", list(accounts), list(amounts))
    for start in range(0, len(trades), 100):
        exchange.send("matcher", "settle_trades", trades[start : start + 100])
    return world


def _create_market(world: World, bounds: list[int], rates: list[int], mark: int) -> None:
    number = len(world.marks)
    world.exchange.send(
        "owner",
        "create_market",
        make_config(
            symbol=f"STOCK{number}",
            initial_margin=max(rates[0] * 2, 40_000),
            tier_bounds=bounds,
            tier_rates=rates,
            expiry=60,
            taker_fee=350,
            maker_fee=-120,
            min_position_notional=usd(25),
            slice_threshold=usd(15_000),
            penalty=5_000 + 777 * number,
            spread_max=world.random.choice([4_001, 10_000, 25_000]),
            backstop_cap=usd(60_000 if number == 1 else 10**7),
        ),
    )
    world.marks.append(mark)
    world.exchange.limit(FUNDING_RATE, number)


def _wishes(world: World) -> tuple[list[tuple[int, ...]], list[tuple[int, int]]]:
    """Draw each trader's positions, and cash just above what they need."""
    random = world.random
    trades: list[tuple[int, ...]] = []
    deposits: list[tuple[int, int]] = []
    for trader in world.traders:
        needed = 0
        for market in random.sample(range(len(PRICES)), random.choice([1, 1, 2, 3, 5])):
            dollars = usd(random.choice([40, 900, 7_000, 20_000, 70_000])) + random.randrange(10**7)
            size = dollars * 10**10 // world.marks[market]
            side = random.choice([1, -1])
            bounds, rates = TIER_TABLES[market]
            reached = [rate for bound, rate in zip(bounds, rates, strict=True) if bound <= dollars]
            rate = max(reached[-1], rates[0] * 2, 40_000)
            needed += dollars * (rate + 400) // 10**6 + 10
            maker = world.makers[side > 0]  # one only buys, the other only sells: no dust
            trades.append((trader, maker, market, side * size, world.marks[market]))
        deposits.append((trader, needed * random.randint(1_001, 1_300) // 1_000))
    return trades, deposits
