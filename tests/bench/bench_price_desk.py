"""What a round of the whole price desk costs: a hundred markets, six sources, book and halts."""

import time
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from statistics import median
from typing import Final

from prometheus_client import CollectorRegistry

from monitors.prices.board import PriceBoard
from monitors.prices.desk import PriceDesk
from monitors.prices.desk_metrics import DeskMetrics
from monitors.prices.inputs import MarketTerms, PriceInputs
from monitors.prices.metrics import SourceMetrics
from risk.market import Market
from risk.price_report import Micros, PriceReport
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import MarketId, PriceE8, Seconds
from runtime.logging import configure_logging
from tests.bench.bench_price_round import MARKETS, ROUNDS, RULES, SOURCES, START, near
from tests.builders import make_market

SYMBOLS: Final = tuple(f"M{number}" for number in range(MARKETS))
INTERVAL: Final = 3


class Venue:
    """A hundred markets and a clock."""

    def __init__(self) -> None:
        self.distrust: str | None = None
        self.now = Seconds(START)
        self.markets: Mapping[MarketId, Market] = {
            MarketId(number): replace(
                make_market(), id=MarketId(number), symbol=symbol, index=PriceE8(200_00000000)
            )
            for number, symbol in enumerate(SYMBOLS)
        }


def run() -> dict[str, float]:
    """Give the median CPU time of a pass over all markets, after every source has spoken."""
    configure_logging(level="error")
    venue, random, registry = Venue(), Random(7), CollectorRegistry()
    board = PriceBoard(
        sources=SOURCES,
        symbols=SYMBOLS,
        metrics=SourceMetrics.create(registry, sources=SOURCES, symbols=SYMBOLS),
        venue_now=lambda: venue.now,
    )
    timeline = SessionTimeline(
        boundaries=(Boundary(start=Seconds(START - 3_600), session=Session.REGULAR),),
        end=Seconds(START + 86_400),
    )
    desk = PriceDesk(
        venue=venue,
        terms={symbol: MarketTerms(rules=RULES, timeline=timeline) for symbol in SYMBOLS},
        inputs=PriceInputs(reports=board),
        metrics=DeskMetrics.create(registry, sources=SOURCES, symbols=SYMBOLS),
    )
    times: list[float] = []
    for number in range(ROUNDS):
        venue.now = Seconds(START + number * INTERVAL)
        for symbol in SYMBOLS:
            for source in SOURCES:
                board.on_report(_report(random, source, symbol, venue.now))
        began = time.process_time()
        made = desk.fair_prices()
        times.append(time.process_time() - began)
        assert len(made) == MARKETS
    return {"price_desk_100x6_cpu_ms": median(times) * 1_000}


def _report(random: Random, source: str, symbol: str, now: Seconds) -> PriceReport:
    return PriceReport(
        source=source,
        symbol=symbol,
        price=near(random),
        confidence=PriceE8(2_000_000),
        observed_at=now,
        order=Micros(now * 10**6),
        publishers=5,
    )
