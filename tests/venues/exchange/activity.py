"""Random life on an exchange: trades, prices, deposits, liquidations, tuned parameters.

Blocking, through the harness: run it in a thread beside a feed. Refused calls are part of life.
"""

import contextlib
from dataclasses import dataclass
from random import Random

from tests.anvil import Anvil
from tests.venues.exchange.contracts.harness import (
    FUNDING_RATE,
    INITIAL_MARGIN,
    Exchange,
    Refused,
    price,
)

MARKETS = 3
ACCOUNTS = 10


class Activity:
    """A crowd of traders with a matcher, a pricer and liquidators."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self.exchange = exchange
        self.random = Random(seed)
        self.marks = [100.0, 250.0, 40.0]
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
            self.exchange.fund(account, self.random.randint(2_000, 20_000))

    def run(self, steps: int) -> None:
        """Do something at random, `steps` times."""
        deeds = (self.trade, self.trade, self.trade, self.publish, self.publish, self.liquidate,
                 self.deposit, self.tune)  # fmt: skip
        for _ in range(steps):
            with contextlib.suppress(Refused):
                self.random.choice(deeds)()

    def trade(self) -> None:
        """Settle a trade that somebody can more or less afford."""
        taker, maker = self.random.sample(self.accounts, 2)
        market = self.random.randrange(MARKETS)
        size = round(self.random.uniform(20, 400) * self.random.choice((-1, 1)), 3)
        at = round(self.marks[market] * self.random.uniform(0.99, 1.01), 4)
        self.exchange.trade(taker, maker, size, at, market)

    def publish(self) -> None:
        """Move a price by up to a tenth."""
        market = self.random.randrange(MARKETS)
        self.marks[market] = round(self.marks[market] * self.random.uniform(0.92, 1.08), 4)
        self.exchange.publish(self.marks[market], market)

    def liquidate(self) -> None:
        """Try everybody in one market."""
        market = self.random.randrange(MARKETS)
        self.exchange.liquidate(*((account, market, 0) for account in self.accounts))

    def deposit(self) -> None:
        """Put more money in."""
        self.exchange.fund(self.random.choice(self.accounts), self.random.randint(1, 500))

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A node, its exchange, and the crowd on it."""

    anvil: Anvil
    exchange: Exchange
    activity: Activity
