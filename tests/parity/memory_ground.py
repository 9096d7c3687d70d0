"""The ground of a random history: markets, the twin exchanges, and the dice.

Accounts are thin, funds poor and prices wild, so that every code and every reason is met.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from risk.units import AccountId, MarketId
from tests.parity.memory_twin import Twin
from tests.venues.exchange.contracts.harness import Exchange, make_config, usd

RULES: Final = {"gas_per_item": 210_000, "gas_margin": 200_000}
TRADERS: Final = 36
MARKS: Final = (23_150_000_001, 9_999_999_999, 1_234_567, 50_000_000_000)
TIERS: Final = (
    ([0], [25_000]),
    ([0, usd(5_000), usd(60_000)], [30_000, 50_000, 80_000]),
    ([0, 7], [10_000, 50_001]),
    ([0, usd(10_001), usd(50_003), usd(250_007)], [12_345, 33_333, 55_551, 99_999]),
)


@dataclass(slots=True)
class MemoryWalk:
    """The twin exchanges and the dice."""

    twin: Twin
    random: Random
    traders: list[AccountId] = field(default_factory=list)

    def market(self) -> MarketId:
        """Draw a market; now and then one that does not exist."""
        count = len(self.twin.memory.state.markets)
        return MarketId(count if self.random.random() < 0.01 else self.random.randrange(count))

    def mark(self, market: MarketId) -> int:
        held = self.twin.memory.state.markets.get(market)
        return MARKS[0] if held is None else held.mark

    def epoch(self, market: MarketId, role: int) -> int:
        """Give a duty's epoch, now and then an old one."""
        told = int(self.twin.real.view("epoch", market, role))
        return told if self.random.random() < 0.95 else told + 1


def list_markets(real: Exchange, random: Random) -> None:
    """List markets with their first prices and limits, on the real exchange alone."""
    for number, (bounds, rates) in enumerate(TIERS):
        config = make_config(
            symbol=f"STOCK{number}",
            initial_margin=max(rates[0] * 2, 60_000),
            tier_bounds=bounds,
            tier_rates=rates,
            clamp=random.choice([80_000, 300_000]),
            min_interval=1 if number == 1 else 0,
            expiry=90,
            taker_fee=350,
            maker_fee=-120,
            min_position_notional=usd(10),
            slice_threshold=usd(4_000),
            penalty=3_000 + 777 * number,
            spread_max=random.choice([4_001, 25_000]),
            open_interest_cap=usd(2_000_000),
            backstop_cap=usd(2_500 if number == 1 else 200_000),
        )
        real.send("owner", "create_market", config)
        for parameter in range(1, 10):
            real.limit(parameter, number, largest_step=2 * 10**15, cool_down=parameter % 3)
    now = real.chain.now()
    real.send("pricer", "publish", [(n, mark, mark + 7, now) for n, mark in enumerate(MARKS)])
