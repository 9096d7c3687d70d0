"""From the block that holds a breach to the block that holds the halt, on a chain with 10 ms blocks.

A real node, a real exchange with 64 markets, the real breaker keeper as a process of its own with its
journal on this disk, and a pricer that writes one breach at a time while all other prices go on
breathing. Blocks are counted on the chain; milliseconds are the block producer's, which notes when each
block was there. Two facts are timed, one market for each repetition:

- *integrity*: the pricer writes an index 4 % below the mark; `mark_index_divergence` has a ladder that
  halts after 0 seconds (`tests/scenarios/breach_stage.py`), and the machines of a market are stepped
  whenever it is told anew. One write: HALTED.
- *market-wide*: the pricer writes a fall of 7.2 %, level 1 of a group of the shipped rules' numbers.
  The group is judged when its index market moves, and all that follow it with it: HALTED.

At best a halt is in the next block: what block N holds is only known when block N is there.
"""

import itertools
import json
import random
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from drills.block_notes import BlockNotes
from drills.weekend import ZONE
from risk.units import MarketStatus
from tests.bench.chain_rig import say
from tests.scenarios.breach_evidence import status_writes
from tests.scenarios.breach_stage import (
    BREACHED,
    HALT_SECONDS,
    MARK,
    READY_SECONDS,
    RULES,
    BreachStage,
    House,
    breach_stage,
    wait_mined,
)
from tests.scenarios.keeper import wait_until
from tests.venues.exchange.contracts.harness import price

WARM_UP: Final = 4
REPETITIONS: Final = 30
MARKETS: Final = WARM_UP + 2 * REPETITIONS
START: Final = int(datetime(2026, 11, 20, 10, 30, tzinfo=ZONE).timestamp())
"""A Friday morning in New York: the regular session, far from the close."""
FOLDER: Final = Path(__file__).parents[2] / "build" / "bench" / "breaker_reaction"
FALLEN: Final = price("92.8")

_PAUSES: Final = (0.11, 0.17)
"""Seconds between two breaches: their phase to the blocks varies."""
_BREATH_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One repetition: the market and the pricer's transaction."""

    market: int
    transaction: str


def run() -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with breach_stage(FOLDER, houses=[MARKETS], start=START, rules=_rules()) as stage:
        (house,) = stage.houses
        house.keeper.start()
        wait_until(house.is_ready, "the keeper is ready", READY_SECONDS)
        wait_until(house.has_bands, "every market has a band", READY_SECONDS)
        say(f"breaker_reaction: {MARKETS} markets have their bands")
        breaches = _breach_one_by_one(stage, house)
        wait_until(house.is_halted, "all are halted", HALT_SECONDS)
        house.keeper.terminate()
        return _figures(stage, breaches, _first_blocks(house))


def _rules() -> str:
    """Give the second half of the markets a group each, whose index is the market itself."""
    groups, follows = [], []
    for number in range(WARM_UP + REPETITIONS, MARKETS):
        symbol = f"H0M{number:03}"
        groups.append(
            f'{{ name = "g{number}", index = "{symbol}", cut_off_seconds = 2_100, warm_up = 5, '
            "levels = [{ fall_ppm = 70_000, halt_seconds = 900 }] }"
        )
        follows.append(f'{{ market = "{symbol}", groups = ["g{number}"] }}')
    return RULES.replace(
        "groups = []", f"groups = [{', '.join(groups)}]\nfollows = [{', '.join(follows)}]"
    )


def _breach_one_by_one(stage: BreachStage, house: House) -> list[Breach]:
    rng = random.Random(11)
    quiet = dict.fromkeys(range(MARKETS), MARK)
    breaches: list[Breach] = []
    breathed_at = time.monotonic()
    for market in range(MARKETS):
        now = stage.clock.now()
        quiet.pop(market)
        if time.monotonic() - breathed_at > _BREATH_SECONDS:
            breathed_at = time.monotonic()
            house.publish(quiet, timestamp=now)
        if market < WARM_UP + REPETITIONS:
            sent = house.publish({market: BREACHED}, timestamp=now)
        else:
            sent = house.publish({market: FALLEN}, marks={market: FALLEN}, timestamp=now)
        breaches.append(Breach(market=market, transaction=sent[0]))
        time.sleep(rng.uniform(*_PAUSES))
    wait_mined(stage.rpc, [each.transaction for each in breaches])
    return breaches


def _first_blocks(house: House) -> Mapping[int, Mapping[MarketStatus, int]]:
    """Give in which block each market first got which status, as the chain's logs tell."""
    found: defaultdict[int, dict[MarketStatus, int]] = defaultdict(dict)
    for write in status_writes(house):
        found[write.market].setdefault(write.status, write.block)
    return found


def _figures(
    stage: BreachStage,
    breaches: Sequence[Breach],
    written: Mapping[int, Mapping[MarketStatus, int]],
) -> dict[str, float]:
    notes = BlockNotes(stage.node.block_notes)
    there = [note.at for note in notes.read_new()]
    gaps = [(after - before) * 1_000 for before, after in itertools.pairwise(there)]
    figures = {"breaker_reaction_block_p50_ms": median(gaps)}
    integrity = breaches[WARM_UP : WARM_UP + REPETITIONS]
    market_wide = breaches[WARM_UP + REPETITIONS :]
    for name, which, status in (
        ("breaker_reaction", integrity, MarketStatus.HALTED),
        ("breaker_reaction_market_wide", market_wide, MarketStatus.HALTED),
    ):
        spans = [(stage.block_of(each.transaction), written[each.market][status]) for each in which]
        blocks = [last - first for first, last in spans]
        times = [notes.milliseconds(first, last) for first, last in spans]
        figures |= _spread(name, "blocks", blocks) | _spread(name, "ms", times)
        figures[f"{name}_repetitions"] = float(len(spans))
    return figures


def _spread(name: str, unit: str, values: Sequence[int]) -> dict[str, float]:
    return {
        f"{name}_p50_{unit}": float(median(values)),
        f"{name}_p90_{unit}": quantiles(values, n=10, method="inclusive")[8],
        f"{name}_worst_{unit}": float(max(values)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
