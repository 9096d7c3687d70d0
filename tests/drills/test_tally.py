"""Counting from events."""

from drills.chain_events import ChainEvent
from drills.tally import Tally
from risk.margin import Position
from risk.units import Seconds
from tests.builders import NOW, make_position, shares

KEEPER = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"


def event(name: str, **values: object) -> ChainEvent:
    return ChainEvent(name=name, values=values, block=7, timestamp=NOW, transaction="0x01")


def liquidation(code: int = 0, **values: object) -> ChainEvent:
    facts = {"keeper": KEEPER, "code": code, "penalty": 50, "shortfall": 0, "reward": 8}
    return event("LiquidationResult", **{**facts, **values})


def test_what_is_left_tells_the_kind_of_a_liquidation() -> None:
    tally = Tally()
    left: list[Position | None] = [
        None,
        make_position(shares(1)),
        make_position(shares(1), slice_time=NOW),
        make_position(shares(1), slice_time=Seconds(NOW - 40)),
    ]
    for position in left:
        tally.count(liquidation(), position)
    assert (tally.full, tally.partial, tally.sliced, tally.liquidations) == (1, 2, 1, 4)


def test_a_refused_item_is_counted_by_its_reason_and_moves_nothing() -> None:
    tally = Tally()
    tally.count(liquidation(code=1), None)
    tally.count(liquidation(code=5), None)
    assert tally.refused == {"not_liquidatable": 1, "cooling_down": 1}
    assert (tally.liquidations, tally.reward_sum, tally.insurance_fund) == (0, 0, 0)


def test_the_insurance_fund_is_payments_and_penalties_less_rewards_and_its_shortfalls() -> None:
    tally = Tally()
    tally.count(event("InsuranceFunded", payer=KEEPER, amount=1_000), None)
    tally.count(liquidation(penalty=50, reward=8), None)
    tally.count(liquidation(penalty=0, reward=8, shortfall=300), None)
    tally.count(event("CollateralChanged", account=1, collateral=0, delta=-100, reason=4), None)
    assert tally.insurance_fund == 1_000 + 50 - 8 - 8 - 200
    assert tally.with_shortfall == 1


def test_rewards_are_kept_by_keeper_whatever_the_case_of_the_address() -> None:
    tally = Tally()
    tally.count(liquidation(), None)
    tally.count(liquidation(keeper=KEEPER.lower()), None)
    tally.count(event("RewardsClaimed", keeper=KEEPER, amount=5), None)
    assert tally.rewards == {KEEPER.lower(): 16}
    assert tally.claimed == {KEEPER.lower(): 5}


def test_a_deposit_of_the_backstop_is_no_shortfall_paid() -> None:
    tally = Tally()
    tally.count(event("CollateralChanged", account=1, collateral=9, delta=9, reason=1), None)
    assert tally.paid_by_backstop == 0
