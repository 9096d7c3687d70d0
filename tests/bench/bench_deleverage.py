"""What a deleverage plan costs with 100,000 accounts in one market, and what a round takes from whom.

    python -m tests.bench.bench_deleverage

The population is seeded: 50,000 pairs of a long and a short of the same size, so that sizes sum to
zero; log-normal worth (median 3,000 USD), log-uniform leverage from 1 to 20, cross margin with a
second market for three in ten, its entry prices scattered by 5 %. Longs opened near 200 USD, shorts
at prices scattered by 8 % around it, what they had lost until then paid in. Then the mark gaps down
by 6 %. Insurance fund and backstop are all but used up, 100 USD each: who they can carry is left to
them. Shares pro rata are of 1,000 USD at least. A round plans, applies and plans again, 256 items a
step, until nobody is in need. Times are the processor's.
"""

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import AccountColumns, PositionColumns
from risk.deleverage_effect import fill_both
from risk.deleverage_haircut import Haircut, haircut, needed_relief
from risk.deleverage_need import bankrupt_rows, deleverage_need
from risk.deleverage_plan import plan_deleverage, plan_needs
from risk.deleverage_queue import queue
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import DeleverageVerdict, Pools
from risk.deleverage_values import DeleverageLimits, DeleverageWork
from risk.liquidation import BackstopState
from risk.margin import Account
from risk.market import Market
from risk.units import AccountId, MarketId, PriceE8, QuoteAtoms
from tests.bench.population import NOW, make_population
from tests.builders import make_position

PAIRS: Final = 50_000
SEED: Final = 20_251_010

_USD: Final = 10**6
_OPENED_AT: Final = 200 * 10**8
_GAPPED_TO: Final = 188 * 10**8
_MARKET: Final = MarketId(0)
_MOST_JUDGED: Final = 256
_ITEMS: Final = 16
_LIMITS: Final = DeleverageLimits(
    max_batches=4, max_notional=QuoteAtoms(10**15), smallest_share=QuoteAtoms(1_000 * _USD)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did."""

    steps: int
    items: int
    haircut: Haircut


def run() -> dict[str, float]:
    """Measure both policies; name → number, the unit in the name."""
    book, pools = make_book()
    began = time.process_time()
    need = deleverage_need(book, pools, NOW)
    figures = {
        "deleverage_need_100k_ms": (time.process_time() - began) * 1_000,
        "deleverage_accounts_in_need": float(len(need.closes)),
        "deleverage_shortfall_usd": need.shortfall / _USD,
    }
    began = time.process_time()
    queue(book, _MARKET, NOW)
    figures["deleverage_queue_100k_ms"] = (time.process_time() - began) * 1_000
    figures["deleverage_step_100k_ms"] = time_step(book, pools) * 1_000
    for policy in RankPolicy:
        book, pools = make_book()
        began = time.process_time()
        plan_deleverage(book, pools, NOW, policy=policy, limits=_LIMITS, work=DeleverageWork())
        name = f"deleverage_{policy}"
        figures[f"{name}_plan_100k_ms"] = (time.process_time() - began) * 1_000
        done = play_round(book, pools, policy)
        figures[f"{name}_steps"] = float(done.steps)
        figures[f"{name}_items"] = float(done.items)
        figures[f"{name}_counterparties"] = float(done.haircut.counterparty_count)
        figures[f"{name}_given_up_usd"] = done.haircut.given_up / _USD
        figures[f"{name}_haircut_over_covered_ppm"] = float(done.haircut.over_covered or 0)
        figures[f"{name}_haircut_over_need_ppm"] = float(done.haircut.over_need or 0)
        figures[f"{name}_closed_profit_over_covered_ppm"] = float(
            done.haircut.closed_profit_over_covered or 0
        )
        figures[f"{name}_closed_usd"] = done.haircut.closed_notional / _USD
    return figures


def time_step(book: AccountBook, pools: Pools) -> float:
    """Give the seconds of one step as the keeper makes it: what holds up the others of its process.

    The keeper looks at who is under margin only; here at everybody, which is more.
    """
    began = time.process_time()
    rows = np.arange(len(book), dtype=np.int64)
    worst = bankrupt_rows(book, book.markets, rows, NOW)[:_MOST_JUDGED]
    need = deleverage_need(book, pools, NOW, candidates=[book.id_at(row) for _, row in worst])
    plan_needs(
        need,
        book,
        pools,
        NOW,
        policy=RankPolicy.PROFIT_LEVERAGE,
        limits=DeleverageLimits(max_items=_ITEMS),
        work=DeleverageWork(),
    )
    return time.process_time() - began


def play_round(book: AccountBook, pools: Pools, policy: RankPolicy) -> Round:
    """Plan and apply until nothing is planned; fail if anybody is still in need."""
    needed = needed_relief(deleverage_need(book, pools, NOW))
    before: dict[AccountId, Account] = {}
    verdicts: list[DeleverageVerdict] = []
    touched: set[AccountId] = set()
    steps = 0
    while True:
        work = DeleverageWork(touched=touched)
        plan = plan_deleverage(book, pools, NOW, policy=policy, limits=_LIMITS, work=work)
        if not plan.items:
            break
        steps += 1
        for planned in plan.items:
            for account in (planned.item.account, planned.item.counterparty):
                before.setdefault(account, book.account(account))
            verdicts.append(planned.verdict)
            touched.add(planned.item.counterparty)
            apply(book, planned.verdict)
    if plan.need.closes:
        raise RuntimeError(f"expected no need after a round, found {len(plan.need.closes)}")
    return Round(
        steps=steps,
        items=len(verdicts),
        haircut=haircut(verdicts, before, book.markets, NOW, needed=needed),
    )


def apply(book: AccountBook, verdict: DeleverageVerdict) -> None:
    """Put an item's fills into the book, as the chain's events would."""
    item = verdict.item
    pair = book.account(item.account), book.account(item.counterparty)
    lost, taken, _ = fill_both(verdict, *pair, book.markets[item.market], NOW)
    for account in (lost, taken):
        held = account.position(item.market) or make_position(0, quote=0)
        book.set_position(
            account.id,
            item.market,
            held.size,
            held.quote,
            held.funding,
            held.slice_time,
            account.collateral,
        )


def make_book() -> tuple[AccountBook, Pools]:
    """Make the population, its mark gapped, and the pools."""
    rng = np.random.default_rng(SEED)
    markets = make_population(1, 2).markets
    first = replace(
        markets[_MARKET],
        mark=PriceE8(_GAPPED_TO),
        index=PriceE8(_GAPPED_TO),
        backstop_cap=QuoteAtoms(10**15),
    )
    book = AccountBook({**markets, _MARKET: first})
    book.load([_page(rng, markets[MarketId(1)])])
    backstop = BackstopState(
        account=AccountId(1 << 96),
        equity=QuoteAtoms(100 * _USD),
        initial_margin=QuoteAtoms(0),
        inventories={},
    )
    return book, Pools(insurance_fund=QuoteAtoms(100 * _USD), backstop=backstop)


def _page(rng: np.random.Generator, second: Market) -> AccountColumns:
    count = 2 * PAIRS
    worth = np.repeat(rng.lognormal(np.log(3_000), 1.2, PAIRS), 2) * _USD
    side = np.tile(np.array([1, -1]), PAIRS)
    size = (worth * 1e10 / _OPENED_AT).astype(np.int64) * side
    scatter = np.where(side > 0, rng.normal(0, 0.01, count), rng.normal(0, 0.08, count))
    quote = -(size * (_OPENED_AT * (1 + scatter) / 1e10)).astype(np.int64)
    collateral = worth / np.exp(rng.uniform(0, np.log(20), count))
    collateral += np.maximum(0, -(size * (_OPENED_AT / 1e10) + quote))
    has_second = rng.random(count) < 0.3
    position_count = 1 + has_second.astype(np.int64)
    other = (worth * 0.3 * 1e10 / second.mark).astype(np.int64) * rng.choice([-1, 1], count)
    starts = np.cumsum(position_count) - position_count
    total = int(position_count.sum())
    columns = {name: np.zeros(total, dtype=np.int64) for name in ("market", "size", "quote")}
    columns["size"][starts], columns["quote"][starts] = size, quote
    seconds = starts[has_second] + 1
    columns["market"][seconds] = second.id
    columns["size"][seconds] = other[has_second]
    cost = other * (second.mark / 1e10) * (1 + rng.normal(0, 0.05, count))
    columns["quote"][seconds] = -cost.astype(np.int64)[has_second]
    return AccountColumns(
        ids=tuple(AccountId((7 + number) << 96) for number in range(count)),
        collateral=(collateral + 0.3 * worth * has_second * 0.1).astype(np.int64),
        position_count=position_count,
        positions=PositionColumns(
            market=columns["market"],
            size=columns["size"],
            quote=columns["quote"],
            funding=np.zeros(total, dtype=np.int64),
            slice_time=np.zeros(total, dtype=np.int64),
        ),
    )


if __name__ == "__main__":
    for key, figure in run().items():
        print(f"{key:56} {figure:,.1f}")
