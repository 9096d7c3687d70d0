"""Our quiet tick against what a peer does on every price: driftpy judges each user again.

driftpy runs in a virtual environment of its own (`.venv-peers`, from `requirements-peers.lock`) on
the same population. How the two models differ, and what is done about it:

- driftpy keeps prices to 1e-6 USD and sizes to 1e-9; ours convert exactly (prices are whole cents).
- Its markets have no notional tiers. The rate is 2.5 %, our first tier's; accounts with a position
  above our second tier's bound are left out of the comparison of results.
- It rounds requirements down where we round up: accounts whose slack is within `DUST` atoms of zero
  are left out too.
- It discounts deposits and profits, nets funding and lists orders; all of that is set to nothing.

After a gap of ±20 % in ten markets both must name the same accounts, or the run fails.
The times are not the same work, and that is the point: after a price, driftpy can only ask everyone
again, while the index compares the price with two numbers.
"""

import hashlib
import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from risk.account_watch import AccountWatch
from risk.units import PriceE8
from tests.bench.bench_index import quiet_tick_us
from tests.bench.population import NOW, Population, make_population

ACCOUNTS: Final = 10_000
SOME: Final = 1_000
DUST: Final = 1_000
"""Atoms, a thousandth of a dollar."""

_ROOT: Final = Path(__file__).parents[2]
_VENV: Final = _ROOT / ".venv-peers"
_LOCK: Final = _ROOT / "requirements-peers.lock"
_GAPPED: Final = 10
_PASSES: Final = 3
_PRICE_SCALE: Final = 100  # 1e-8 USD to 1e-6 USD
_SIZE_SCALE: Final = 10  # 1e-8 share to 1e-9


def run() -> dict[str, float]:
    """Measure both; name → number, the unit in the name."""
    population = make_population(ACCOUNTS)
    watch = AccountWatch()
    watch.load(population.markets, population.pages, NOW)
    tick = quiet_tick_us(watch)
    marks = [market.mark for market in population.markets.values()]
    gapped = [
        mark * (4 if number % 2 else 6) // 5 if number < _GAPPED else mark
        for number, mark in enumerate(marks)
    ]
    answer = _ask_driftpy(population, marks, gapped)
    for market, mark in zip(population.markets.values(), gapped, strict=True):
        watch.set_market(replace(market, mark=PriceE8(mark)), NOW)
    compared = _compare(watch, answer["liquidatable"])
    seconds = {int(count): float(each) for count, each in answer["seconds"].items()}
    return {
        "driftpy_pass_1k_ms": seconds[SOME] * 1_000,
        "driftpy_pass_10k_ms": seconds[ACCOUNTS] * 1_000,
        "driftpy_per_user_us": seconds[ACCOUNTS] / ACCOUNTS * 1e6,
        "driftpy_over_tick_ratio": seconds[ACCOUNTS] * 1e6 / tick,
        "driftpy_compared_accounts": float(compared),
    }


def prepare() -> Path:
    """Make the peers' environment if it is not there; give its interpreter."""
    python = _VENV / "bin" / "python"
    done = _VENV / ".installed"
    if not done.exists() or done.read_text(encoding="ascii") != _fingerprint():
        venv.create(_VENV, with_pip=True, clear=True)
        (_VENV / ".gitignore").write_text("*\n", encoding="ascii")
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", _LOCK],
            check=True,
            stdout=sys.stderr,
        )
        done.write_text(_fingerprint(), encoding="ascii")
    return python


def _fingerprint() -> str:
    return hashlib.sha256(_LOCK.read_bytes()).hexdigest()


def _ask_driftpy(
    population: Population, marks: Sequence[int], after: Sequence[int]
) -> dict[str, Any]:
    accounts = [account for page in population.pages for account in page.accounts()]
    told = {
        "marks": [mark // _PRICE_SCALE for mark in marks],
        "marks_after": [mark // _PRICE_SCALE for mark in after],
        "counts": [SOME, ACCOUNTS],
        "passes": _PASSES,
        "accounts": [
            {
                "collateral": account.collateral,
                "positions": [
                    [held.market, held.size * _SIZE_SCALE, held.quote] for held in account.positions
                ],
            }
            for account in accounts
        ],
    }
    child = subprocess.run(
        [prepare(), Path(__file__).with_name("peer_driftpy.py")],
        input=json.dumps(told),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    answer: dict[str, Any] = json.loads(child.stdout)
    return answer


def _compare(watch: AccountWatch, liquidatable: list[int]) -> int:
    """Give how many accounts were compared; RuntimeError if one is judged differently."""
    theirs = set(liquidatable)
    compared = 0
    for row in range(len(watch.book)):
        account = watch.book.id_at(row)
        state = watch.book.state(account, watch.now)
        bounds = [watch.book.markets[held.position.market].tiers[1] for held in state.positions]
        has_tiers = any(
            held.notional >= bound.lower_bound
            for held, bound in zip(state.positions, bounds, strict=True)
        )
        if has_tiers or abs(state.slack) < DUST:
            continue
        compared += 1
        if (account in watch.under_margin) != (row in theirs):
            raise RuntimeError(f"expected one verdict on account {row}, slack {state.slack}")
    if not theirs:
        raise RuntimeError("expected the gap to put somebody under margin")
    return compared


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
