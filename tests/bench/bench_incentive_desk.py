"""What a second of the incentive desk costs: a hundred markets on a weekend that is short of liquidity.

python -m tests.bench.bench_incentive_desk
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median, quantiles
from typing import Final

from prometheus_client import CollectorRegistry

from monitors.incentives.desk import IncentiveDesk
from monitors.incentives.desk_metrics import DeskMetrics
from monitors.incentives.terms import DeskRules, IncentiveSenses, MarketTerms
from risk.guard_rails import Limits, Parameter
from risk.market_liquidity import MarketLiquidity
from risk.units import MarketId, Ppm, Seconds
from tests.monitors.incentives.stage import (
    INCENTIVES,
    LIMITS,
    NUMBER,
    REACTION,
    SYMBOL,
    TIMELINE,
    Stage,
    Venue,
    at,
    market_budget,
    sample,
)

MARKETS: Final = 100
ROUNDS: Final = 60
SYMBOLS: Final = tuple(f"M{number}" for number in range(MARKETS))


class Thin:
    """Books that are short on both sides."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def liquidity(self, _symbol: str) -> MarketLiquidity | None:
        """Give a sample of now."""
        return sample(self._venue.now, bid=50_000, ask=50_000, skew=1_000)

    def why_unknown(self, _symbol: str) -> str | None:
        """Nothing is unknown."""
        return None


class Everywhere:
    """The same limits in each market."""

    def limits(self, _market: MarketId) -> Mapping[Parameter, Limits] | None:
        """Give them."""
        return LIMITS


def desk_of(venue: Venue) -> IncentiveDesk:
    """Put a desk over a hundred markets."""
    stage = Stage(venue.now, venue=venue)
    own = INCENTIVES.markets[SYMBOL]
    return IncentiveDesk(
        IncentiveSenses(
            venue=venue, liquidity=Thin(venue), spending=stage.count, limits=Everywhere()
        ),
        terms={
            symbol: MarketTerms(
                incentives=replace(own, symbol=symbol),
                controller=INCENTIVES.rules[SYMBOL],
                budget=market_budget(),
                timeline=TIMELINE,
            )
            for symbol in SYMBOLS
        },
        rules=DeskRules(
            event_terms=INCENTIVES.event_terms,
            events=(),
            total_budget=INCENTIVES.weekly_budget,
            pace_tolerance=Ppm(100_000),
            reaction=REACTION,
            tolerances={Parameter.FUNDING_RATE: 2_500},
        ),
        notes=stage.notes,
        metrics=DeskMetrics.create(CollectorRegistry(), symbols=SYMBOLS),
    )


def run() -> dict[str, float]:
    """Give CPU times: the budget of all markets, and one market's judgement with a write simulated."""
    venue = Venue(at(21, 12))
    market = venue.markets[NUMBER]
    markets = {
        MarketId(number): replace(market, id=MarketId(number), symbol=symbol)
        for number, symbol in enumerate(SYMBOLS)
    }
    venue.watch.load(markets, [], venue.now)
    desk = desk_of(venue)
    shares: list[float] = []
    steps: list[float] = []
    for _ in range(ROUNDS):
        venue.now = Seconds(venue.now + 1)
        shares.append(_cpu(desk.to_step))
        todo = desk.to_step()
        assert len(todo) == MARKETS
        steps += [_cpu(lambda number=number: desk.step(number)) for number in todo]  # type: ignore[misc]
    judged = desk.judgement(NUMBER)
    assert judged is not None
    assert judged.simulated is not None
    return {
        "incentive_desk_100_budgets_cpu_ms": median(shares) * 1_000,
        "incentive_desk_market_cpu_us": median(steps) * 1_000_000,
        "incentive_desk_market_p99_cpu_us": quantiles(steps, n=100)[-1] * 1_000_000,
    }


def _cpu(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    sys.stdout.write(json.dumps({key: round(value, 3) for key, value in run().items()}) + "\n")
