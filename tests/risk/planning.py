"""Short ways to make a plan in tests, and to look at it."""

from typing import Any

from risk.liquidation import LiquidationCode, LiquidationTerms
from risk.liquidation_plan import plan_liquidations
from risk.liquidation_values import (
    Candidate,
    LiquidationPlan,
    PlanLimits,
    SkipReason,
    WorkInHand,
)
from risk.margin import Account, margin_state
from risk.retry_book import RetryBook, circumstances
from risk.units import AccountId, Seconds
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_position,
    make_terms,
    shares,
    usd,
)

FULL = LiquidationCode.BACKSTOP_FULL


def candidates_of(around: LiquidationTerms, *held: Account) -> list[Candidate]:
    return [
        Candidate(account=each, state=margin_state(each, around.markets, around.now))
        for each in held
    ]


def planned(
    *held: Account,
    around: LiquidationTerms | None = None,
    limits: PlanLimits | None = None,
    **work: Any,
) -> LiquidationPlan:
    around = around or make_terms()
    return plan_liquidations(
        candidates_of(around, *held), around, limits=limits or PlanLimits(), work=WorkInHand(**work)
    )


def trader_under_margin(number: int = 1, equity: int = usd(40), size: int = shares(10)) -> Account:
    return make_account(equity, [make_position(size)], number=number)


def who(plan: LiquidationPlan) -> list[AccountId]:
    return [item.account for item in plan.items]


def numbers(*accounts: int) -> list[AccountId]:
    return [make_account_id(number) for number in accounts]


def reasons(plan: LiquidationPlan) -> dict[AccountId, SkipReason]:
    return {skip.account: skip.reason for skip in plan.skips}


def failed_book(*held: Account, times: int = 1, at: int = NOW - 100) -> RetryBook:
    book = RetryBook()
    markets = make_terms().markets
    for _ in range(times):
        results = [(each.id, FULL, circumstances(each, markets)) for each in held]
        book = book.noted(results, Seconds(at))
    return book


def crowd(count: int) -> list[Account]:
    return [trader_under_margin(number) for number in range(1, count + 1)]
