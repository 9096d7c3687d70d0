"""How trading returns after a corporate action, and how it does not."""

from dataclasses import replace

import pytest

from risk.corporate_state import (
    Stage,
)
from risk.units import SizeE8
from tests.risk.corporate_lives import (
    DIVIDEND,
    applied,
    halted,
    verified,
)
from tests.risk.corporate_world import (
    DAY,
    EFFECTIVE,
    RULES,
    word,
)


@pytest.mark.parametrize(
    ("dollars", "stage", "is_alarm"),
    [
        pytest.param("100", Stage.FIRST_PRICE, False, id="as expected"),
        pytest.param("90", Stage.FIRST_PRICE, False, id="at the tolerance, below"),
        pytest.param("110", Stage.FIRST_PRICE, False, id="at the tolerance, above"),
        pytest.param("89.99", Stage.APPLIED, True, id="beyond it"),
        pytest.param("110.01", Stage.APPLIED, True, id="beyond it, above"),
        pytest.param("200", Stage.APPLIED, False, id="the old close repeated"),
        pytest.param("50", Stage.APPLIED, True, id="split twice"),
    ],
)
def test_the_first_price(dollars: str, stage: Stage, *, is_alarm: bool) -> None:
    world = applied()
    world.now += 60
    world.price_comes(dollars)
    decision = world.turn()
    assert (decision.stage, decision.is_alarm) == (stage, is_alarm)
    assert not decision.may_liquidate


@pytest.mark.parametrize("at", [-3_600, -30, 0, 61])
def test_a_price_from_before_the_split_was_through_or_dated_ahead_is_no_first_price(
    at: int,
) -> None:
    world = halted().at(EFFECTIVE + 60)
    world.until(Stage.APPLIED)
    applied_at = world.now
    world.now += 60
    world.price_comes("100", at=applied_at + at)
    assert world.turn().stage is Stage.APPLIED
    world.price_comes("100", at=applied_at + 1)
    assert world.turn().stage is Stage.FIRST_PRICE


def test_a_first_price_that_never_comes_calls_somebody_after_a_long_weekend() -> None:
    world = applied()
    assert not world.turn(RULES.first_price_wait).is_alarm
    assert world.turn(1).is_alarm


def test_sums_that_changed_keep_the_market_halted_until_an_operator_speaks() -> None:
    world = applied()
    number, account = next(iter(world.accounts.items()))
    (held,) = account.positions
    lost = replace(held, size=SizeE8(held.size - 10**6))
    world.accounts[number] = replace(account, positions=(lost,))
    world.now += 60
    world.price_comes("100")
    world.until(Stage.FIRST_PRICE)
    world.turn()
    decision = world.turn(DAY)
    assert (decision.stage, decision.is_alarm) == (Stage.FIRST_PRICE, True)
    assert "the notional went from 2800.00" in decision.why
    world.resume = word(world.state.since - 1)
    assert world.turn().stage is Stage.FIRST_PRICE  # spoken before: about something else
    world.resume = word(world.now)
    decision = world.turn()
    assert (decision.stage, decision.may_liquidate) == (Stage.RESUMED, True)


def test_a_dividend_that_longs_did_not_get_is_noticed() -> None:
    world = applied(DIVIDEND)
    world.market = replace(world.market, funding_numerator=0)
    world.now += 60
    world.price_comes("199")
    world.until(Stage.FIRST_PRICE)
    world.turn()
    decision = world.turn()
    assert (decision.stage, decision.is_alarm) == (Stage.FIRST_PRICE, True)
    assert "longs were paid 0 units" in decision.why


def test_a_price_that_goes_astray_begins_the_warm_up_anew() -> None:
    world = verified()
    for dollars in ("100", "101", "150", "100", "101"):
        world.now += 1
        world.price_comes(dollars)
        decision = world.turn()
        assert decision.stage is Stage.VERIFIED
        assert decision.is_alarm == (dollars == "150")
        world.turn()  # the same price again counts for nothing
    world.now += 1
    world.price_comes("99")
    assert world.turn().stage is Stage.RESUMED
