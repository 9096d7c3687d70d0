"""What the live what-if costs: copying the book where it lives, valuing the copy elsewhere.

    python -m tests.bench.bench_stress

100,000 accounts with 200,000 positions in 20 markets (the common population), 50 shocks that move every
market. CPU is the process's, for all of it. Then the same look goes on in its thread while an event loop
does nothing but ask how late it is woken: that is what a liquidation would have waited; and once more with
no look, which is what the machine itself makes of it.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from risk.account_book import AccountBook
from risk.book_copy import BookCopy
from risk.stress import NOBODY, Shock
from risk.stress_look import StressMoment, look_at
from risk.units import QuoteAtoms
from tests.bench.population import NOW, make_population

ACCOUNTS: Final = 100_000
MARKETS: Final = 20
SHOCKS: Final = 50
_TICK_SECONDS: Final = 0.001
_STILL_SECONDS: Final = 1.0


def run() -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    population = make_population(ACCOUNTS, MARKETS)
    book = AccountBook(population.markets)
    book.load(population.pages)
    moment = StressMoment(
        markets=population.markets, insurance_fund=QuoteAtoms(10**12), backstop=NOBODY, now=NOW
    )
    shocks = [
        Shock(name=f"all_{number}", moves=dict.fromkeys(population.markets, _move(number)))
        for number in range(SHOCKS)
    ]
    pieces: list[float] = []
    began = time.process_time()
    copy = _copied(book, pieces)
    found = look_at(copy, moment, shocks, (), lambda: False)
    cpu = time.process_time() - began
    assert found is not None
    grid_began = time.process_time()
    look_at(copy, moment, (), (-300_000, -50_000, 50_000, 300_000), lambda: False)
    grid = time.process_time() - grid_began
    late, still = asyncio.run(_lateness(book, moment, shocks))
    return {
        "stress_100k_50_shocks_cpu_s": cpu,
        "stress_100k_80_single_moves_cpu_s": grid,
        "stress_copy_piece_most_ms": max(pieces) * 1_000,
        "stress_loop_late_p50_ms": statistics.median(late) * 1_000,
        "stress_loop_late_p99_ms": statistics.quantiles(late, n=100)[98] * 1_000,
        "stress_loop_late_most_ms": max(late) * 1_000,
        "stress_loop_still_p99_ms": statistics.quantiles(still, n=100)[98] * 1_000,
        "stress_loop_still_most_ms": max(still) * 1_000,
        "stress_accounts_in_worst": float(
            max(each.toll.liquidatable_accounts for each in found.outcomes.values())
        ),
    }


def _move(number: int) -> int:
    step = 10_000 * (1 + number // 2)
    return step if number % 2 else -step


def _copied(book: AccountBook, pieces: list[float]) -> BookCopy:
    copy, is_left = BookCopy(book), True
    while is_left:
        began = time.perf_counter()
        is_left = copy.advance()
        pieces.append(time.perf_counter() - began)
    return copy


async def _lateness(
    book: AccountBook, moment: StressMoment, shocks: Sequence[Shock]
) -> tuple[list[float], list[float]]:
    """Give how late a loop is woken while a look goes on in a thread, and while none does."""
    copy = _copied(book, [])
    looking = asyncio.create_task(
        asyncio.to_thread(look_at, copy, moment, shocks, (), lambda: False)
    )
    late = await _woken(looking.done)
    await looking
    stop_at = time.monotonic() + _STILL_SECONDS
    return late, await _woken(lambda: time.monotonic() > stop_at)


async def _woken(is_over: Callable[[], bool]) -> list[float]:
    late: list[float] = []
    while not is_over():
        asked = time.monotonic() + _TICK_SECONDS
        await asyncio.sleep(_TICK_SECONDS)
        late.append(max(0.0, time.monotonic() - asked))
    return late


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
