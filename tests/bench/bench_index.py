"""What a price costs: a quiet tick, a gap, a rescan of everybody, and the memory of it all.

Everything goes through `AccountWatch.set_market`, the path a real price takes. A tick is timed in
rounds over all markets, and the median round counts; the prices move by a few atoms, and the run
fails if that judged anyone. All else is the processor's time: what others do on the machine does
not count. The rescan is the fastest plain numpy pass we could write, its columns ready in the order
of accounts. After the gaps every holder is judged by the clear exact judge, and the run fails
unless the watch found exactly the same accounts. Memory is what a fresh process grew by, the
population freed, divided by the positions it watches.
"""

import gc
import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.account_watch import AccountWatch
from risk.columns import AccountColumns
from risk.market import Market
from risk.units import NOTIONAL_SCALE, PPM_SCALE, MarketId, PriceE8
from tests.bench.population import NOW, Population, make_population

MANY: Final = 1_000_000
FEW: Final = 10_000
MARKETS: Final = 100

_ROUNDS: Final = 300
_GAPS: Final = 7
_ROOT: Final = Path(__file__).parents[2]


def run() -> dict[str, float]:
    """Measure everything; name → number, the unit in the name."""
    few, _ = _loaded(make_population(FEW, MARKETS))
    population = make_population(MANY, MARKETS)
    many, build_seconds = _loaded(population)
    figures = {
        "index_build_1m_seconds": build_seconds,
        "quiet_tick_10k_us": quiet_tick_us(few),
        "quiet_tick_1m_us": quiet_tick_us(many),
    }
    figures |= account_figures(many)
    figures["rescan_1m_us"] = rescan_us(population)
    figures["rescan_over_tick_ratio"] = figures["rescan_1m_us"] / figures["quiet_tick_1m_us"]
    del population
    figures |= gap_figures(many)
    figures["walking_tick_after_gap_1m_us"] = walking_tick_us(many)
    figures |= memory_figures()
    return figures


def quiet_tick_us(watch: AccountWatch) -> float:
    """Time a tick that moves a price by a few atoms: the median of rounds over all markets."""
    ticks = [
        [
            replace(market, mark=PriceE8(market.mark + step), index=PriceE8(market.index + step))
            for market in watch.book.markets.values()
        ]
        for step in (1, 0, -1, 0)
    ]
    judged = watch.judged_count
    rounds: list[float] = []
    for number in range(_ROUNDS):
        markets = ticks[number % len(ticks)]
        start = time.perf_counter_ns()
        for market in markets:
            watch.set_market(market, NOW)
        rounds.append((time.perf_counter_ns() - start) / len(markets) / 1_000)
    if watch.judged_count != judged:
        raise RuntimeError("expected quiet ticks, but accounts were judged")
    return statistics.median(rounds)


def account_figures(watch: AccountWatch) -> dict[str, float]:
    """Time one exact verdict, and one account's change with all it moves in the index."""
    rows = range(0, len(watch.book), len(watch.book) // 10_000)
    accounts = [watch.book.account(account) for account in watch.book.accounts_at(rows)]
    start = time.process_time_ns()
    for row in rows:
        watch.book.slack(row, NOW)
    judged = time.process_time_ns()
    for account in accounts:
        watch.set_collateral(account.id, account.collateral)
    changed = time.process_time_ns()
    return {
        "exact_judge_us": (judged - start) / len(rows) / 1_000,
        "account_change_1m_us": (changed - judged) / len(rows) / 1_000,
    }


def walking_tick_us(watch: AccountWatch) -> float:
    """Time ticks of a random walk, a basis point each, with all they cross: the mean.

    After a gap, when thousands of accounts are under margin and as many stand close to it.
    """
    rng = np.random.default_rng(3)
    marks = {number: market.mark for number, market in watch.book.markets.items()}
    before = dict(watch.book.markets)
    ticks: list[Market] = []
    for step in rng.normal(0, 1e-4, (50, len(marks))):
        for number, change in zip(marks, step.tolist(), strict=True):
            marks[number] = PriceE8(int(marks[number] * (1 + change)))
            ticks.append(replace(before[number], mark=marks[number]))
    start = time.process_time_ns()
    for market in ticks:
        watch.set_market(market, NOW)
    elapsed = time.process_time_ns() - start
    for market in before.values():
        watch.set_market(market, NOW)
    return elapsed / len(ticks) / 1_000


def rescan_us(population: Population) -> float:
    """Time a plain vectorised pass over every account, its columns ready in order: the best."""
    scan = _Rescan(population)
    times: list[float] = []
    for _ in range(5):
        start = time.process_time_ns()
        scan.slack()
        times.append((time.process_time_ns() - start) / 1_000)
    return min(times)


def gap_figures(watch: AccountWatch) -> dict[str, float]:
    """Time a gap of −20 % in one market after another, and check each against brute force."""
    per_crossed: list[float] = []
    whole: list[float] = []
    for number in range(_GAPS):
        market = watch.book.markets[MarketId(number)]
        judged = watch.judged_count
        gc.collect()
        start = time.process_time_ns()
        watch.set_market(replace(market, mark=PriceE8(market.mark * 4 // 5)), NOW)
        elapsed = (time.process_time_ns() - start) / 1_000
        whole.append(elapsed)
        per_crossed.append(elapsed / (watch.judged_count - judged))
    _check_against_brute_force(watch)
    return {
        "gap_per_crossed_us": statistics.median(per_crossed),
        "gap_1m_ms": statistics.median(whole) / 1_000,
        "gap_accounts_under_margin": float(len(watch.under_margin)),
    }


def memory_figures(accounts: int = MANY) -> dict[str, float]:
    """Measure in a fresh process what watching takes, per position."""
    code = f"from tests.bench.bench_index import print_memory; print_memory({accounts})"
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT, check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(child.stdout)
    return figures


def print_memory(accounts: int) -> None:
    """Load a population, free it, and print what is left, as JSON; in a process of its own."""
    make_population(1_000, MARKETS)
    before = _resident_bytes()
    population = make_population(accounts, MARKETS)
    watch, _ = _loaded(population)
    positions = population.position_count
    del population
    gc.collect()
    grown = _resident_bytes() - before
    if watch.book.position_count != positions:
        raise RuntimeError("expected every position to be held")
    sys.stdout.write(json.dumps({"memory_per_position_bytes": grown / positions}))


def _loaded(population: Population) -> tuple[AccountWatch, float]:
    watch = AccountWatch()
    start = time.process_time()
    watch.load(population.markets, population.pages, NOW)
    return watch, time.process_time() - start


def _check_against_brute_force(watch: AccountWatch) -> None:
    """Judge everyone who holds a gapped market exactly; the others are as healthy as before."""
    book = watch.book
    held = book.slots.market[: book.slots.count]
    rows = np.unique(book.slots.owner[: book.slots.count][(held >= 0) & (held < _GAPS)])
    states = (book.state(book.id_at(row), watch.now) for row in rows.tolist())
    expected = {state.account for state in states if state.is_liquidatable}
    if set(watch.under_margin) != expected or not expected:
        raise RuntimeError(
            f"expected {len(expected)} accounts under margin, found {len(watch.under_margin)}"
        )


class _Rescan:
    """The whole population as flat float columns in the order of accounts."""

    def __init__(self, population: Population) -> None:
        pages = population.pages
        markets = population.markets
        self.marks = np.array([float(market.mark) for market in markets.values()]) / NOTIONAL_SCALE
        self.market = np.concatenate([page.positions.market for page in pages])
        self.size = np.concatenate([page.positions.size for page in pages]).astype(np.float64)
        self.quote = np.concatenate([page.positions.quote for page in pages]).astype(np.float64)
        self.collateral = np.concatenate([page.collateral for page in pages]).astype(np.float64)
        self.starts = _starts(pages)
        self.tiers = next(iter(markets.values())).tiers

    def slack(self) -> NDArray[np.float64]:
        """Give every account's equity less its maintenance margin."""
        value = self.size * self.marks[self.market]
        notional = np.abs(value)
        required = notional * (self.tiers[0].rate / PPM_SCALE)
        for tier in self.tiers[1:]:
            np.maximum(required, notional * (tier.rate / PPM_SCALE) - tier.deduction, out=required)
        value += self.quote
        value -= required
        slack: NDArray[np.float64] = self.collateral + np.add.reduceat(value, self.starts)
        return slack


def _starts(pages: list[AccountColumns]) -> NDArray[np.int64]:
    counts = np.concatenate([page.position_count for page in pages])
    starts: NDArray[np.int64] = np.cumsum(counts) - counts
    return starts


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
