"""A week of a keeper's work on the venue's clock, played as fast as it goes; what it costs that does not end.

The real monitor, price keeper and liquidation keeper work on the exchange in memory, block by block, and
write the real journal in a file, which is pruned every hour of that clock. Prices wander around where they
began; once a day they fall and come back. After every hour memory, descriptors, tasks and the journal's
file are looked at: what rises over the later half of the week would rise for ever.
"""

import asyncio
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from drills.memory.crowd import STARTED_AT, CrowdPlan, make_crowd
from drills.memory.desk import Fair
from drills.memory.duties import open_liquidations, open_prices
from drills.memory.settings import StageSettings
from drills.memory.stage import MemoryStage, StepInput
from keepers.price.keeper import KIND as PUBLISH
from risk.units import PPM_SCALE, MarketId, PriceE8, div_floor
from tests.endurance.file_journal import FileJournal
from tests.endurance.process import descriptors, peak_memory_bytes, resident_bytes, rise
from venues.memory.blocks import ChainPace

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
PRICE_RETENTION: Final = DAY
"""Shorter than a keeper's three days, so that most of the week is at its bound."""
RETENTION: Final = 3 * DAY
MOST_RISE_RATIO: Final = 0.05
"""Of what was held in the middle of the run; a leak of a kilobyte a block would be far above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekPlan:
    """How much to play."""

    days: float = 7.0
    block_seconds: int = 10
    accounts: int = 2_000
    markets: int = 6
    seed: int = 1


@dataclass(slots=True, kw_only=True)
class Samples:
    """One figure of each kind for each hour."""

    memory_bytes: list[float]
    descriptors: list[float]
    tasks: list[float]
    journal_bytes: list[float]

    def take(self, journal: Path) -> None:
        """Look once."""
        gc.collect()
        self.memory_bytes.append(resident_bytes())
        self.descriptors.append(descriptors())
        self.tasks.append(len(asyncio.all_tasks()))
        files = journal.parent.glob(f"{journal.name}*")
        self.journal_bytes.append(sum(file.stat().st_size for file in files))


class Prices:
    """Wandering prices, in ppm of where they began; deterministic."""

    def __init__(self, stage: MemoryStage, seed: int) -> None:
        self._random = Random(seed)
        self._began = {market.id: market.mark for market in stage.exchange.state.markets.values()}
        self._offsets = dict.fromkeys(self._began, 0)

    def at(self, second: int) -> Mapping[MarketId, Fair]:
        """Give every market's fair price: a step to somewhere, a pull back, and the fall of each day."""
        # From 12:00 to 13:00 down by up to 9 %, and back by 15:00.
        noon = second % DAY - 12 * HOUR
        fall = 0 if not 0 <= noon < 3 * HOUR else 90_000 * min(noon, (3 * HOUR - noon) // 2) // HOUR
        found = {}
        for market, began in self._began.items():
            offset = self._offsets[market]
            self._offsets[market] = offset + self._random.randint(-300, 300) - offset // 200
            price = PriceE8(
                div_floor(began * (PPM_SCALE + self._offsets[market] - fall), PPM_SCALE)
            )
            found[market] = Fair(mark=price, index=price)
        return found


async def play_week(
    folder: Path, plan: WeekPlan, say: Callable[[str], None]
) -> Mapping[str, object]:
    """Play it; give what was seen, with `is_steady` as the verdict."""
    settings = StageSettings(pace=ChainPace(block_milliseconds=plan.block_seconds * 1_000))
    crowd = CrowdPlan(accounts=plan.accounts, markets=plan.markets, seed=plan.seed)
    stage = MemoryStage(make_crowd(crowd), now=STARTED_AT, settings=settings)
    path = folder / "week.sqlite"
    book = FileJournal(path, stage.clock)
    # A stage keeps all keys in memory for ever; here the file is what remembers.
    stage.journal = cast("Any", book)
    open_prices(stage)
    open_liquidations(stage)
    prices = Prices(stage, plan.seed)
    samples = Samples(memory_bytes=[], descriptors=[], tasks=[], journal_bytes=[])
    liquidated, blocks = 0, int(plan.days * DAY) // plan.block_seconds
    for block in range(blocks):
        second = block * plan.block_seconds
        report = await stage.step(StepInput(fair=prices.at(second)))
        liquidated += len(report.liquidations)
        if second % HOUR == 0:
            _prune(book, stage.clock.now())
            samples.take(path)
        if second % DAY == 0:
            say(f"day {second // DAY}: {samples.memory_bytes[-1] / 1e6:.0f} MB resident")
    book.journal.close()
    return _verdict(samples, blocks=blocks, liquidated=liquidated, plan=plan)


def _prune(book: FileJournal, now: float) -> None:
    for kind, keep in ((PUBLISH, PRICE_RETENTION), (None, RETENTION)):
        while book.journal.prune(now - keep, kind=kind):
            pass
    book.journal.maintain()


def _verdict(
    samples: Samples, *, blocks: int, liquidated: int, plan: WeekPlan
) -> Mapping[str, object]:
    rises = {
        name: (rise(values), values[len(values) // 2])
        for name, values in (
            ("memory_bytes", samples.memory_bytes),
            ("descriptors", samples.descriptors),
            ("tasks", samples.tasks),
            ("journal_bytes", samples.journal_bytes),
        )
    }
    return {
        "days": plan.days,
        "blocks": blocks,
        "accounts": plan.accounts,
        "liquidations": liquidated,
        "peak_memory_bytes": peak_memory_bytes(),
        **{
            name: {"middle": round(middle), "rise_over_later_half": round(risen)}
            for name, (risen, middle) in rises.items()
        },
        "is_steady": all(risen <= MOST_RISE_RATIO * middle for risen, middle in rises.values()),
    }
