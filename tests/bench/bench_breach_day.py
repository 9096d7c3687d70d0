"""Five hundred markets that breach: all at once, and within one minute of a day.

Real nodes with 10 ms blocks, real exchanges, real keepers as processes of their own. The exchange takes
128 markets, so 500 are four exchanges of 125 on one chain, each with a keeper (and its keys and journal).

- *flood*: one exchange; the pricer breaches all 125 markets in one or two blocks, as the fall of a whole
  market does. From the block of a market's breach to the block of its halt: the first, the median and
  the last one.
- *day*: four exchanges, a day on a compressed venue clock (`tests/scenarios/breach_day.py`), every market
  at a random moment of one minute. Checked apart from the keeper: every status on chain, one halt of
  each market, the journal against the chain. `/healthz` and `/status` are asked all the time; how long
  the answers took is told. Four keepers, the node and its clock share this machine's cores, and where
  the clock leaps each block is a new second for the machines, which a real clock never does.
"""

import json
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from drills.block_notes import BlockNotes
from risk.units import MarketStatus
from tests.bench.bench_breaker_reaction import START
from tests.bench.chain_rig import say
from tests.scenarios.breach_day import (
    EXPIRY_SECONDS,
    MORNING,
    PAGES,
    DayPlan,
    DayReport,
    play_day,
    watching,
)
from tests.scenarios.breach_evidence import disagreements, evidence, status_writes
from tests.scenarios.breach_stage import (
    BREACHED,
    HALT_SECONDS,
    PER_PUBLICATION,
    READY_SECONDS,
    BreachStage,
    House,
    breach_stage,
    wait_mined,
)
from tests.scenarios.keeper import wait_until

MARKETS: Final = 125
HOUSES: Final = 4
PLAN: Final = DayPlan(quiet_pace=9_000, minute_pace=6)
FOLDER: Final = Path(__file__).parents[2] / "build" / "bench" / "breach_day"


def run() -> dict[str, float]:
    """Measure; name → number, the unit in the name. AssertionError if a write was lost."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    return _flood() | _day()


def _flood() -> dict[str, float]:
    folder = FOLDER / "flood"
    folder.mkdir(parents=True)
    with breach_stage(folder, houses=[MARKETS], start=START) as stage:
        (house,) = stage.houses
        house.keeper.start()
        wait_until(house.is_ready, "the keeper is ready", READY_SECONDS)
        wait_until(house.has_bands, "every market has a band", READY_SECONDS)
        with watching(house) as watched:
            sent = house.publish(
                dict.fromkeys(range(MARKETS), BREACHED), timestamp=stage.clock.now()
            )
            wait_mined(stage.rpc, sent)
            wait_until(house.is_halted, "all are halted", HALT_SECONDS)
        house.keeper.terminate()
        breaches = {market: sent[market // PER_PUBLICATION] for market in range(MARKETS)}
        blocks, times = _spans(stage, house, breaches)
    slowest = max(max(watched.answers[page], default=0.0) for page in PAGES)
    return {
        "breaker_flood_125_first_blocks": float(min(blocks)),
        "breaker_flood_125_p50_blocks": float(median(blocks)),
        "breaker_flood_125_last_blocks": float(max(blocks)),
        "breaker_flood_125_last_ms": float(max(times)),
        "breaker_flood_125_slowest_answer_ms": slowest * 1_000,
        "breaker_flood_125_missed_answers": float(watched.missed),
    }


def _day() -> dict[str, float]:
    folder = FOLDER / "day"
    folder.mkdir(parents=True)
    began = time.monotonic()
    houses = [MARKETS] * HOUSES
    with breach_stage(folder, houses=houses, start=MORNING, expiry_seconds=EXPIRY_SECONDS) as stage:
        say(f"breach_day: {sum(houses)} markets listed in {time.monotonic() - began:.1f} s")
        listed = time.monotonic() - began
        report = play_day(stage, PLAN)
        blocks: list[int] = []
        times: list[int] = []
        for house, breaches, statuses in zip(
            stage.houses, report.breaches, report.statuses, strict=True
        ):
            assert set(statuses) == {MarketStatus.HALTED}, "expected every market to be halted"
            _check(stage, house)
            more_blocks, more_times = _spans(stage, house, breaches)
            blocks += more_blocks
            times += more_times
    return {
        "breach_day_markets": float(len(times)),
        "breach_day_listing_seconds": listed,
        "breach_day_total_seconds": time.monotonic() - began,
        "breach_day_halt_p50_blocks": float(median(blocks)),
        "breach_day_halt_p50_ms": float(median(times)),
        "breach_day_halt_p90_ms": quantiles(times, n=10, method="inclusive")[8],
        "breach_day_halt_worst_ms": float(max(times)),
        **_answers(report),
    }


def _check(stage: BreachStage, house: House) -> None:
    """Let chain and journal tell whether a write was lost or done twice."""
    writes = status_writes(house)
    halts = Counter(write.market for write in writes if write.status is MarketStatus.HALTED)
    assert halts == dict.fromkeys(range(MARKETS), 1), "expected one halt of each market"
    different = disagreements(house, writes)
    assert not different, f"expected one story, found {len(different)} others: {different[:3]}"
    story = evidence(house, stage.node.http_url)
    for lane, nonces in story.lane_to_nonces.items():
        assert story.is_each_nonce_mined_once(lane, len(nonces)), f"a nonce of {lane} is open"


def _spans(
    stage: BreachStage, house: House, breaches: dict[int, str]
) -> tuple[list[int], list[int]]:
    """Give blocks and milliseconds from each market's breach to its halt."""
    notes = BlockNotes(stage.node.block_notes)
    notes.read_new()
    halted = {
        write.market: write.block
        for write in status_writes(house)
        if write.status is MarketStatus.HALTED
    }
    block_of = {name: stage.block_of(name) for name in set(breaches.values())}
    spans = [(block_of[name], halted[market]) for market, name in breaches.items()]
    blocks = [last - first for first, last in spans]
    return blocks, [notes.milliseconds(first, last) for first, last in spans]


def _answers(report: DayReport) -> dict[str, float]:
    figures = {"breach_day_missed_answers": float(sum(each.missed for each in report.watched))}
    for page in PAGES:
        times = [seconds * 1_000 for each in report.watched for seconds in each.answers[page]]
        name = f"breach_day_{page.removeprefix('/')}"
        figures |= {
            f"{name}_answers": float(len(times)),
            f"{name}_p50_ms": median(times),
            f"{name}_worst_ms": max(times),
        }
    return figures


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
