"""Random life on an exchange: trades, prices, deposits, liquidations, tuned parameters.

Blocking, through the harness: run it in a thread beside a feed. Refused calls are part of life.
"""

import contextlib
from dataclasses import dataclass
from random import Random

from tests.anvil import Anvil
from tests.venues.exchange.contracts.harness import (
    DIVIDEND,
    FUNDING_RATE,
    INITIAL_MARGIN,
    SPLIT,
    Exchange,
    Refused,
    make_rules,
    price,
)
from venues.port import Call

MARKETS = 3
ACCOUNTS = 10
STARTS = (100.0, 250.0, 40.0)


class Activity:
    """A crowd of traders with a matcher, a pricer and liquidators."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self.exchange = exchange
        self.random = Random(seed)
        self.marks = list(STARTS)
        self.accounts = [exchange.account(number) for number in range(1, ACCOUNTS + 1)]

    def set_up(self) -> None:
        """List the markets and give everyone money."""
        for mark in self.marks:
            market = self.exchange.create_market(mark, expiry=10**6, taker_fee=500)
            self.exchange.limit(INITIAL_MARGIN, market)
            self.exchange.limit(FUNDING_RATE, market)
        self.exchange.fund(self.exchange.backstop, 1_000_000)
        self.exchange.send("owner", "fund_insurance", 10**12)
        for account in self.accounts:
            self.exchange.fund(account, self.random.randint(1_000, 4_000))

    def run(self, steps: int) -> None:
        """Do something at random, `steps` times."""
        deeds = (self.trade, self.trade, self.trade, self.publish, self.publish, self.liquidate,
                 self.deposit, self.tune, self.wait)  # fmt: skip
        for _ in range(steps):
            with contextlib.suppress(Refused):
                self.random.choice(deeds)()

    def trade(self) -> None:
        """Settle a trade that somebody can more or less afford."""
        taker, maker = self.random.sample(self.accounts, 2)
        market = self.random.randrange(MARKETS)
        worth = self.random.uniform(1_000, 15_000) * self.random.choice((-1, 1))
        size = round(worth / self.marks[market], 3)
        at = round(self.marks[market] * self.random.uniform(0.99, 1.01), 4)
        self.exchange.trade(taker, maker, size, at, market)

    def publish(self) -> None:
        """Move a price to somewhere within a sixth of where it started."""
        market = self.random.randrange(MARKETS)
        self.marks[market] = round(STARTS[market] * self.random.uniform(0.85, 1.15), 4)
        self.exchange.publish(self.marks[market], market)

    def liquidate(self) -> None:
        """Try everybody in one market."""
        market = self.random.randrange(MARKETS)
        self.exchange.liquidate(*((account, market, 0) for account in self.accounts))

    def deposit(self) -> None:
        """Put more money in."""
        self.exchange.fund(self.random.choice(self.accounts), self.random.randint(1, 500))

    def wait(self) -> None:
        """Let funding accrue."""
        self.exchange.chain.advance(self.random.randint(1, 600))

    def tune(self) -> None:
        """Change the funding rate, or the initial margin."""
        market = self.random.randrange(MARKETS)
        epoch = self.exchange.view("epoch", market, 3)
        parameter, value = self.random.choice(
            ((FUNDING_RATE, self.random.randint(-50_000, 50_000)), (INITIAL_MARGIN, 120_000))
        )
        self.exchange.send("tuner", "set_parameter", market, parameter, value, epoch)

    def band(self, market: int) -> None:
        """Draw a band around the mark."""
        self.exchange.limit(6, market, minimum=0, maximum=10**6)
        mark = self.marks[market]
        epoch = self.exchange.view("epoch", market, 2)
        edges = price(round(mark * 0.8, 4)), price(round(mark * 1.2, 4))
        self.exchange.send("breaker", "set_band", market, *edges, epoch)

    def corporate_actions(self) -> None:
        """Pay a dividend, split a market, settle another, list a new one and change its rules."""
        exchange = self.exchange
        exchange.limit(DIVIDEND, 0)
        exchange.limit(SPLIT, 0)
        exchange.send("corporate", "dividend", 0, price(1), exchange.view("epoch", 0, 4))
        exchange.halt(0)
        exchange.send("corporate", "begin_split", 0, 3, 1, exchange.view("epoch", 0, 4))
        while exchange.market(0)["is_splitting"]:
            exchange.send("corporate", "continue_split", 0, 4)
        exchange.halt(2)
        last = exchange.market(2)["mark"]
        exchange.send("corporate", "settle_market", 2, last, exchange.view("epoch", 2, 4))
        exchange.send("owner", "close_settled", 2, self.accounts)
        market = exchange.create_market(
            55, tier_bounds=[0, 10**10], tier_rates=[20_000, 40_000], initial_margin=50_000
        )
        exchange.send("owner", "set_price_rules", market, 20_000, 1, 90)
        exchange.send("owner", "set_market_rules", market, 10**6, 10**9, 5_000, 4_000, 10**12)
        exchange.send("owner", "set_liquidation_rules", make_rules(reward=2_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A node, its exchange, and the crowd on it."""

    anvil: Anvil
    exchange: Exchange
    activity: Activity

    def send(self, actor: str, call: Call) -> dict[str, object]:
        """Send a call as an actor and give the receipt."""
        chain = self.exchange.chain
        return chain.transact(
            {
                "from": chain.actors[actor],
                "to": f"0x{call.to.hex()}",
                "data": f"0x{call.data.hex()}",
            }
        )
