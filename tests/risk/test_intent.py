"""Names of the state that a liquidation was judged on."""

from dataclasses import replace
from typing import Any

import pytest

from risk.intent import judged_on
from risk.margin import Account
from risk.units import MarketId
from tests.builders import NOW, make_account, make_market, make_position, make_terms, shares, usd

POSITIONS = (make_position(shares(10)), make_position(shares(-3), market=1))
ACCOUNT = make_account(usd(40), POSITIONS)


def name(account: Account = ACCOUNT, attempt: int = 0, **facts: Any) -> str:
    around = make_terms(make_market(), make_market(1, **facts))
    return judged_on(account, MarketId(0), around, attempt)


def test_a_name_can_be_read() -> None:
    assert name().startswith(f"{NOW}-20000000000-1000000000-0-")


def test_the_same_state_has_the_same_name_whatever_the_order_of_positions() -> None:
    assert name() == name(replace(ACCOUNT, positions=POSITIONS[::-1]))


@pytest.mark.parametrize(
    "changed",
    [
        replace(ACCOUNT, collateral=usd(39)),
        replace(ACCOUNT, positions=POSITIONS[:1]),
        replace(ACCOUNT, positions=(make_position(shares(10), slice_time=5), POSITIONS[1])),
    ],
)
def test_a_changed_account_has_another_name(changed: Account) -> None:
    assert name(changed) != name()


@pytest.mark.parametrize("facts", [{"mark": 1}, {"price_timestamp": NOW - 1}])
def test_a_price_of_another_market_of_the_account_makes_another_name(
    facts: dict[str, Any],
) -> None:
    assert name(**facts) != name()


def test_a_further_attempt_has_another_name() -> None:
    assert name(attempt=1) != name()


def test_a_position_that_is_gone_is_named_as_flat() -> None:
    around = make_terms(make_market(), make_market(1))
    flat = judged_on(make_account(), MarketId(1), around)
    assert "-0-0-" in flat
