"""What a whole round of prices costs: a hundred markets, six sources each, weekday and weekend."""

import time
from random import Random
from statistics import median
from typing import Final

from risk.discovery_bound import BoundRules
from risk.internal_price import ImpactPrices
from risk.mark_price import BookPrices, MarkRules
from risk.price_quorum import QuorumRules
from risk.price_report import Micros, PriceReport
from risk.price_round import RoundInputs, RoundRules, RoundState, SourceTerms, price_round
from risk.price_support import SupportRules
from risk.sessions import Session
from risk.source_validity import SourceRules
from risk.units import Ppm, PriceE8, Seconds

MARKETS: Final = 100
SOURCES: Final = tuple(f"source_{number}" for number in range(6))
ROUNDS: Final = 60
START: Final = 1_800_000_000
INTERVAL: Final = 3
SPREAD_PPM: Final = 2_000
MIDDLE: Final = 200_00000000

RULES: Final = RoundRules(
    sources={
        name: SourceTerms(provider=name, weight=1, rules=SourceRules(max_age=Seconds(10)))
        for name in SOURCES
    },
    quorum=QuorumRules(wanted=3, minimum=2, max_deviation=Ppm(25_000)),
    mark=MarkRules(bound=BoundRules(bound=Ppm(50_000))),
    support=SupportRules(
        wanted=3,
        minimum=2,
        reduce_only_after=Seconds(30),
        silent_after=Seconds(120),
        recovery_rounds=3,
    ),
)


def run() -> dict[str, float]:
    """Give the median CPU time of a round, with a new price of every source in every round."""
    return {
        "price_round_100x6_cpu_ms": _milliseconds(Session.REGULAR),
        "price_round_100x6_weekend_cpu_ms": _milliseconds(Session.WEEKEND),
    }


def _milliseconds(session: Session) -> float:
    random = Random(5)
    states = [RoundState() for _ in range(MARKETS)]
    times: list[float] = []
    for number in range(ROUNDS):
        now = START + number * INTERVAL
        # The first round gives every market a price to start from.
        kind = Session.REGULAR if number == 0 else session
        rounds = [_inputs(random, now, kind) for _ in range(MARKETS)]
        began = time.process_time()
        made = [
            price_round(state, inputs, now=Seconds(now), rules=RULES)
            for state, inputs in zip(states, rounds, strict=True)
        ]
        times.append(time.process_time() - began)
        states = [state for state, _ in made]
        assert all(outcome.result is not None for _, outcome in made)
    return median(times) * 1_000


def near(random: Random) -> PriceE8:
    """Draw a price within a fifth of a percent of 200 USD."""
    return PriceE8(MIDDLE + MIDDLE * random.randint(-SPREAD_PPM, SPREAD_PPM) // 10**6)


def _inputs(random: Random, now: int, session: Session) -> RoundInputs:
    bid, ask = sorted((near(random), near(random)))
    return RoundInputs(
        reports=[
            PriceReport(
                source=name,
                symbol="TEST",
                price=near(random),
                confidence=PriceE8(2_000_000),
                observed_at=Seconds(now),
                order=Micros(now * 10**6),
                publishers=5,
            )
            for name in SOURCES
        ],
        session=session,
        book=BookPrices(
            impact=ImpactPrices(bid=bid, ask=ask), best_bid=bid, best_ask=ask, last_trade=bid
        ),
    )
