"""Random steps of a random history: what users, keepers, guardians and bad luck do to an exchange.

Most steps make sense, some are nonsense on purpose: a refusal must have the same words on both sides.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from risk.units import AccountId
from tests.parity.memory_actions import dividend, split, tidy_up
from tests.parity.memory_ground import RULES, TRADERS, MemoryWalk, list_markets
from tests.parity.memory_keepers import (
    band,
    deleverages,
    limits,
    liquidations,
    market_rules,
    parameter,
    reopen,
    status,
)
from tests.parity.memory_people import (
    crash,
    deposit,
    deposit_everybody,
    fund_insurance,
    pay_in,
    prices,
    take_from_pools,
    take_out,
    time_passes,
    trade,
)
from tests.parity.memory_twin import make_twin
from tests.venues.exchange.contracts.harness import Exchange, make_rules, usd
from venues.memory.draft import Draft
from venues.memory.requests import (
    SetWithdrawals,
    WithdrawBackstop,
)


def build_walk(real: Exchange, seed: int) -> MemoryWalk:
    """List markets; everything after that goes to both exchanges, from the first deposit on."""
    random = Random(seed)
    list_markets(real, random)
    walk = MemoryWalk(make_twin(real, make_rules(**RULES)), random)
    walk.traders = [AccountId(real.account(number)) for number in range(1, TRADERS + 1)]
    deposit(walk, AccountId(real.backstop), usd(20_000))
    fund_insurance(walk)
    deposit_everybody(walk)
    for _ in range(60):
        trade(walk)
    return walk


def rescue(walk: MemoryWalk) -> None:
    """Refill what crashes have emptied, so that the history goes on."""
    deposit(walk, walk.twin.memory.state.backstop, usd(walk.random.choice([900, 9_000, 90_000])))
    fund_insurance(walk)
    deposit_everybody(walk)
    reopen(walk)


def disaster(walk: MemoryWalk) -> None:
    """Let prices crash over rich pools or poor ones, and keepers work it off."""
    reopen(walk)
    backstop = walk.twin.memory.state.backstop
    if walk.random.random() < 0.5:
        deposit(walk, backstop, usd(250_000))
    else:
        state = walk.twin.memory.state
        margin = Draft(state, caller=b"", now=walk.twin.now(), base_fee_wei=0).value(backstop)
        amount = max(1, min(margin.collateral, margin.equity - margin.initial_margin))
        to = walk.twin.real.chain.actors["owner"]
        request = WithdrawBackstop(amount=amount)
        walk.twin.play("owner", request, "withdraw_backstop", to, amount)
    for turn in (crash, liquidations, liquidations, deleverages, crash, liquidations, deleverages):
        turn(walk)


def withdrawals(walk: MemoryWalk) -> None:
    walk.twin.play("guardian", SetWithdrawals(is_open=False), "close_withdrawals")
    take_out(walk)
    walk.twin.play("stranger", SetWithdrawals(is_open=True), "open_withdrawals")
    walk.twin.play("owner", SetWithdrawals(is_open=True), "open_withdrawals")


STEPS: Final[dict[Callable[[MemoryWalk], None], int]] = {
    trade: 40,
    pay_in: 4,
    take_out: 6,
    fund_insurance: 2,
    rescue: 6,
    take_from_pools: 2,
    prices: 14,
    crash: 3,
    disaster: 5,
    time_passes: 10,
    liquidations: 30,
    deleverages: 10,
    parameter: 7,
    band: 6,
    status: 5,
    reopen: 5,
    withdrawals: 1,
    limits: 2,
    market_rules: 2,
    dividend: 4,
    split: 2,
    tidy_up: 2,
}


def play_step(walk: MemoryWalk) -> None:
    """Draw one step and play it."""
    (step,) = walk.random.choices(list(STEPS), weights=list(STEPS.values()))
    step(walk)
