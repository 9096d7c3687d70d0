"""How large and how fast: a crowd in memory, quiet blocks, trades, and a crash worked off by the real keepers.

    python -m drills.memory.measure [--accounts 1620000] [--markets 10] [--fall-ppm 80000] [--json FILE]

Times are the processor's, memory is the process's peak. What the drill itself does is the same everywhere.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from drills.memory.crowd import STARTED_AT, CrowdPlan, fallen, make_crowd, maker_of
from drills.memory.desk import Fair
from drills.memory.duties import open_deleverages, open_liquidations, open_prices
from drills.memory.settings import StageSettings
from drills.memory.stage import ROLE_TO_ADDRESS, MemoryStage, StepInput, StepReport
from risk.liquidation import LiquidationCode
from risk.trade_rules import Trade
from risk.units import AccountId, MarketId, Ppm, SizeE8
from runtime.logging import configure_logging
from venues.exchange.readings import Role
from venues.memory.draft import RevertedError
from venues.memory.requests import SettleTrades

QUIET_BLOCKS: Final = 2_000
TRADES: Final = 20_000
MOST_BLOCKS: Final = 20_000
_MEBIBYTE: Final = 1_024
"""Of what the system reports, which is kibibytes."""


def measure(plan: CrowdPlan, fall: Ppm) -> dict[str, float]:
    """Give every figure, its unit in its name."""
    figures: dict[str, float] = {"accounts": plan.accounts}
    began = time.process_time()
    state = make_crowd(plan)
    figures["crowd_cpu_seconds"] = time.process_time() - began
    figures["exchange_peak_mib"] = _peak_mib()
    began = time.process_time()
    stage = _stage(MemoryStage(state, now=STARTED_AT, settings=_settings()))
    figures["stage_cpu_seconds"] = time.process_time() - began
    figures["positions"] = stage.monitor.watch.book.position_count
    figures["stage_peak_mib"] = _peak_mib()
    figures["trades_per_cpu_second"] = _trades_per_second(stage, plan.seed)
    asyncio.run(_play(stage, fall, figures))
    figures["peak_mib"] = _peak_mib()
    return {name: round(value, 3) for name, value in figures.items()}


def _settings() -> StageSettings:
    usual = StageSettings()
    plan = replace(usual.liquidation.plan, max_batches=16)
    return replace(usual, liquidation=replace(usual.liquidation, plan=plan))


def _stage(stage: MemoryStage) -> MemoryStage:
    open_prices(stage)
    open_liquidations(stage)
    open_deleverages(stage)
    return stage


def _trades_per_second(stage: MemoryStage, seed: int) -> float:
    """Settle random small trades with the makers, undone by nothing, refused ones left out."""
    rng = np.random.default_rng(seed)
    exchange, book = stage.exchange, stage.exchange.state.book
    count = len(exchange.state.markets)
    first = count + 1
    rows = rng.integers(first, len(book), TRADES).tolist()
    sides = rng.integers(0, 2, TRADES).tolist()
    kinds = rng.integers(0, count, TRADES).tolist()
    settled = 0
    began = time.process_time()
    for row, side, kind in zip(rows, sides, kinds, strict=True):
        market = exchange.state.markets[MarketId(kind)]
        trade = Trade(
            taker=book.id_at(row),
            maker=maker_of(market.id),
            market=market.id,
            size=SizeE8((10**8) * (1 if side else -1)),
            price=market.mark,
        )
        try:
            exchange.execute(
                SettleTrades(trades=(trade,)),
                caller=ROLE_TO_ADDRESS[Role.MATCHER],
                now=stage.chain.now,
            )
        except RevertedError:
            continue
        settled += 1
    assert settled > 0, "expected some trades to be settled"
    return TRADES / (time.process_time() - began)


async def _play(stage: MemoryStage, fall: Ppm, figures: dict[str, float]) -> None:
    # The trades went past the feed: whoever follows starts from what they left.
    stage.monitor.on_snapshot(stage.chain.snapshot())
    began = time.process_time()
    for _ in range(QUIET_BLOCKS):
        await stage.step(_world(stage, Ppm(0)))
    figures["quiet_blocks_per_cpu_second"] = QUIET_BLOCKS / (time.process_time() - began)
    money = stage.exchange.money()
    world, codes = _world(stage, fall), Counter[LiquidationCode]()
    began, blocks, most_under = time.process_time(), 0, 0
    largest, touched = 0.0, set[AccountId]()
    while blocks < MOST_BLOCKS:
        started = time.process_time()
        report = await stage.step(world)
        largest = max(largest, time.process_time() - started)
        blocks += 1
        codes.update(each.code for each in report.liquidations)
        touched.update(each.account for each in report.liquidations)
        most_under = max(most_under, report.under_margin)
        if report.under_margin == 0 and _is_there(report, world):
            break
    seconds = time.process_time() - began
    assert stage.exchange.money() == money, "expected a crash to make and lose no money"
    liquidated = codes[LiquidationCode.LIQUIDATED]
    figures |= {
        "crash_blocks": blocks,
        "crash_cpu_seconds": seconds,
        "crash_liquidations": liquidated,
        "crash_accounts": len(touched),
        "crash_most_under_margin": most_under,
        "crash_slowest_block_cpu_seconds": largest,
        "liquidation_cpu_ms": seconds * 1_000 / max(1, liquidated),
        "still_under_margin": stage.monitor.under_margin_count(),
    }


def _world(stage: MemoryStage, fall: Ppm) -> StepInput:
    found = {}
    for market in stage.exchange.state.markets.values():
        price = fallen(market, fall)
        found[market.id] = Fair(mark=price, index=price)
    return StepInput(fair=found)


def _is_there(report: StepReport, world: StepInput) -> bool:
    """Say whether every market has reached the price to which it falls."""
    return all(report.marks[market] == fair.mark for market, fair in world.fair.items())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEBIBYTE


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print or write what was found."""
    parser = argparse.ArgumentParser(prog="python -m drills.memory.measure", description=__doc__)
    parser.add_argument("--accounts", type=int, default=CrowdPlan().accounts)
    parser.add_argument("--markets", type=int, default=CrowdPlan().markets)
    parser.add_argument("--fall-ppm", type=int, default=73_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", default="-", help="a file, or - for standard output")
    chosen = parser.parse_args(argv)
    configure_logging(level="CRITICAL")
    plan = CrowdPlan(accounts=chosen.accounts, markets=chosen.markets, seed=chosen.seed)
    text = json.dumps(measure(plan, Ppm(chosen.fall_ppm)), indent=2) + "\n"
    if chosen.json == "-":
        sys.stdout.write(text)
    else:
        Path(chosen.json).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
