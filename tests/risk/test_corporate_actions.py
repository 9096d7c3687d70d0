"""A corporate action's life from what is heard to what is written, and what doubt does to it."""

from dataclasses import replace

import pytest

from risk.corporate_agreement import SILENT, Accord
from risk.corporate_state import (
    Stage,
)
from risk.corporate_values import ActionKind, CorporateAction, Ratio
from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
)
from risk.units import AccountId, MarketStatus
from tests.builders import NOW, price
from tests.risk.corporate_lives import (
    DIVIDEND,
    MERGER,
    RENAMING,
    SPLIT,
    halted,
    verified,
)
from tests.risk.corporate_world import (
    CONVERTED_MERGER,
    DAY,
    EFFECTIVE,
    PAID_SPIN_OFF,
    RULES,
    World,
    agreed,
    doubted,
    make_action,
    word,
)


def test_an_agreed_split_is_armed_a_day_ahead_and_halts_a_quarter_of_an_hour_ahead() -> None:
    world = World(agreement=agreed(SPLIT))
    seen: dict[Stage, int] = {}
    for moment in range(NOW, EFFECTIVE, 300):
        decision = world.at(moment).turn()
        seen.setdefault(decision.stage, moment)
        assert (decision.status is MarketStatus.HALTED) == (decision.stage is Stage.HALTED)
        assert decision.may_liquidate == (decision.stage is not Stage.HALTED)
    assert seen == {
        Stage.CONFIRMED: NOW,
        Stage.ARMED: EFFECTIVE - DAY,
        Stage.HALTED: EFFECTIVE - RULES.halt_lead,
    }
    assert world.written == []


@pytest.mark.parametrize(
    ("action", "lead"),
    [
        pytest.param(SPLIT, 900, id="a split"),
        pytest.param(DIVIDEND, 60, id="a dividend"),
        pytest.param(
            make_action(ActionKind.CASH_DIVIDEND, is_special=True), 900, id="a special dividend"
        ),
        pytest.param(MERGER, 900, id="a merger"),
    ],
)
def test_each_kind_halts_its_own_time_ahead(action: CorporateAction, lead: int) -> None:
    world = World(agreement=agreed(action)).at(EFFECTIVE - lead - 1)
    world.until(Stage.ARMED)
    assert world.turn().stage is Stage.ARMED
    assert world.turn(1).stage is Stage.HALTED


def test_a_split_is_written_from_begin_to_end_and_trading_returns_by_verification() -> None:
    world = halted()
    stages = [world.state.stage]
    for _ in range(40):
        world.now += 1
        if world.state.stage in {Stage.APPLIED, Stage.FIRST_PRICE, Stage.VERIFIED}:
            world.price_comes("101")
        decision = world.turn()
        assert decision.may_liquidate == (decision.stage is Stage.RESUMED)
        if decision.stage is not stages[-1]:
            stages.append(decision.stage)
    assert stages == [
        Stage.HALTED,
        Stage.APPLIED,
        Stage.FIRST_PRICE,
        Stage.VERIFIED,
        Stage.RESUMED,
    ]
    assert world.written == [
        BeginSplit(numerator=2, denominator=1, expected_epoch=7),
        ContinueSplit(count=RULES.chunk),
        ContinueSplit(count=RULES.chunk),
    ]
    assert world.market.status is MarketStatus.OPEN


@pytest.mark.parametrize(
    ("action", "first", "new_price"),
    [
        pytest.param(
            SPLIT, BeginSplit(numerator=2, denominator=1, expected_epoch=7), "100", id="2:1"
        ),
        pytest.param(
            make_action(ratio=Ratio(numerator=1, denominator=10)),
            BeginSplit(numerator=1, denominator=10, expected_epoch=7),
            "2000",
            id="1:10",
        ),
        pytest.param(
            DIVIDEND, PayDividend(amount=price(1), expected_epoch=7), "199", id="dividend"
        ),
        pytest.param(
            PAID_SPIN_OFF, PayDividend(amount=price(12), expected_epoch=7), "188", id="spin-off"
        ),
    ],
)
def test_what_is_written_first_and_what_the_first_price_may_be(
    action: CorporateAction, first: object, new_price: str
) -> None:
    world = verified(action, new_price)
    assert world.written[0] == first
    for _ in range(RULES.warm_up):
        assert world.state.stage is Stage.VERIFIED
        world.now += 1
        world.price_comes(new_price)
        world.turn()
    assert world.state.stage is Stage.RESUMED


def test_a_merger_for_shares_rescales_and_follows_the_acquirer() -> None:
    world = halted(CONVERTED_MERGER)
    world.until(Stage.APPLIED)
    assert world.written[0] == BeginSplit(numerator=3, denominator=7, expected_epoch=7)
    world.now += 5
    world.price_comes("466")
    assert "until the sources follow BUYER" in world.turn().why
    world.followed = "BUYER"
    assert world.turn().stage is Stage.FIRST_PRICE


def test_a_change_of_symbol_writes_nothing_and_waits_for_the_sources() -> None:
    world = halted(RENAMING)
    world.turn()
    assert "until the sources follow PEAR" in world.turn().why
    world.followed = "PEAR"
    world.until(Stage.APPLIED)
    assert world.written == []


def test_a_settled_market_is_emptied_covered_and_closed() -> None:
    world = halted(MERGER)
    world.indebted, world.fund = (AccountId(9),), 10
    decision = world.until(Stage.CLOSED)
    accounts = tuple(world.accounts)
    assert world.written == [
        SettleMarket(price=price(205), expected_epoch=7),
        CloseSettled(accounts=accounts),
        CoverLosses(accounts=(AccountId(9),)),
    ]
    assert not decision.may_liquidate
    assert world.market.status is MarketStatus.SETTLED


@pytest.mark.parametrize(
    "kind", [ActionKind.DELISTING, ActionKind.STOCK_MERGER, ActionKind.SPIN_OFF]
)
def test_a_market_without_a_price_of_its_own_ends_at_the_mark(kind: ActionKind) -> None:
    world = halted(make_action(kind))
    world.until(Stage.CLOSED)
    assert world.written[0] == SettleMarket(price=world.market.mark, expected_epoch=7)


def test_debts_beyond_the_insurance_fund_are_an_alarm_and_no_loop() -> None:
    world = halted(MERGER)
    world.indebted = (AccountId(9),)
    decision = world.until(Stage.APPLIED)
    assert decision.is_alarm
    assert decision.why == "1 accounts still owe and the insurance fund holds 0.00 USD"


def test_many_accounts_are_closed_128_at_a_time() -> None:
    world = halted(MERGER)
    (some, *_) = world.accounts.values()
    world.accounts = {AccountId(n): replace(some, id=AccountId(n)) for n in range(300)}
    world.until(Stage.CLOSED)
    closed = [len(each.accounts) for each in world.written if isinstance(each, CloseSettled)]
    assert closed == [128, 128, 44]


def test_what_is_not_agreed_on_is_never_armed_and_a_rebasing_one_is_held_at_its_moment() -> None:
    world = World(agreement=doubted(SPLIT))
    for moment in range(NOW, EFFECTIVE - RULES.halt_lead, 3_600):
        decision = world.at(moment).turn()
        assert (decision.stage, decision.status) == (Stage.ANNOUNCED, MarketStatus.OPEN)
        assert decision.is_alarm == (moment >= EFFECTIVE - RULES.notice)
    decision = world.at(EFFECTIVE - RULES.halt_lead).turn()
    assert (decision.stage, decision.status) == (Stage.ANNOUNCED, MarketStatus.HALTED)
    assert not decision.may_liquidate
    assert world.at(EFFECTIVE + 30 * DAY).turn().status is MarketStatus.HALTED


@pytest.mark.parametrize(
    ("action", "is_held"),
    [
        pytest.param(SPLIT, True, id="split"),
        pytest.param(DIVIDEND, False, id="dividend"),
        pytest.param(make_action(ActionKind.CASH_DIVIDEND, is_special=True), True, id="special"),
        pytest.param(make_action(ActionKind.SPIN_OFF), True, id="spin-off"),
        pytest.param(make_action(ActionKind.STOCK_MERGER), True, id="merger for shares"),
        pytest.param(MERGER, False, id="cash merger"),
        pytest.param(RENAMING, False, id="symbol change"),
    ],
)
def test_only_what_makes_the_price_false_is_held(action: CorporateAction, *, is_held: bool) -> None:
    world = World(agreement=doubted(action)).at(EFFECTIVE)
    assert (world.turn().status is MarketStatus.HALTED) == is_held


def test_a_disagreement_is_an_alarm_at_once() -> None:
    other = make_action(ratio=Ratio(numerator=3, denominator=1))
    world = World(agreement=doubted(SPLIT, other, accord=Accord.DISAGREED))
    decision = world.turn()
    assert decision.is_alarm
    assert decision.stage is Stage.ANNOUNCED


def test_a_hold_ends_by_an_operator_and_not_by_sources_that_fall_silent() -> None:
    world = World(agreement=doubted(SPLIT)).at(EFFECTIVE)
    world.turn()
    world.agreement = SILENT
    assert world.turn(DAY).status is MarketStatus.HALTED
    world.resume = word(EFFECTIVE - 1)  # spoken before the hold, about something else
    assert world.turn().status is MarketStatus.HALTED
    world.resume = word(world.now)
    assert world.turn().status is MarketStatus.OPEN
    world.agreement = doubted(SPLIT)
    assert world.turn().status is MarketStatus.OPEN  # and it is not held again against his word


def test_an_agreement_that_comes_too_late_needs_an_operator() -> None:
    world = World(agreement=doubted(SPLIT)).at(EFFECTIVE + 5)
    world.turn()
    world.agreement = agreed(SPLIT)
    decision = world.until(Stage.CONFIRMED)
    decision = world.turn()
    assert decision.is_alarm
    assert "too late" in decision.why
    world.agreement = agreed(SPLIT, approved_at=EFFECTIVE - 1)
    assert world.turn().stage is Stage.CONFIRMED
    world.agreement = agreed(SPLIT, approved_at=EFFECTIVE + 6)
    assert world.turn().stage is Stage.ARMED
    assert world.turn().stage is Stage.HALTED


@pytest.mark.parametrize("stage", [Stage.CONFIRMED, Stage.ARMED])
def test_a_source_that_changes_its_mind_disarms(stage: Stage) -> None:
    world = World(agreement=agreed(SPLIT)).at(EFFECTIVE - DAY)
    world.until(stage)
    world.agreement = doubted(SPLIT, accord=Accord.DISAGREED)
    decision = world.turn()
    assert (decision.stage, decision.is_alarm) == (Stage.ANNOUNCED, True)


def test_terms_that_change_before_the_halt_are_taken_over_with_an_alarm() -> None:
    world = World(agreement=agreed(SPLIT)).at(EFFECTIVE - DAY)
    world.until(Stage.ARMED)
    other = make_action(ratio=Ratio(numerator=3, denominator=1))
    world.agreement = agreed(other)
    decision = world.turn()
    assert (decision.stage, decision.is_alarm, world.state.action) == (Stage.CONFIRMED, True, other)


def test_a_doubt_in_the_halt_stays_halted_until_an_operator_speaks() -> None:
    world = halted()
    other = make_action(ratio=Ratio(numerator=3, denominator=1))
    world.agreement = agreed(other)
    for _ in range(5):
        decision = world.turn(60)
        assert (decision.stage, decision.is_alarm) == (Stage.HALTED, True)
    assert world.written == []
    world.agreement = agreed(other, approved_at=world.now)
    decision = world.turn()
    assert (decision.stage, decision.status) == (Stage.CONFIRMED, MarketStatus.HALTED)
    world.until(Stage.APPLIED)
    assert world.written[0] == BeginSplit(numerator=3, denominator=1, expected_epoch=7)


def test_a_market_that_is_busy_arms_nothing_else() -> None:
    world = World(agreement=agreed(SPLIT), taken_by="AAPL cash_dividend").at(EFFECTIVE - 600)
    world.turn()
    decision = world.turn()
    assert decision.stage is Stage.CONFIRMED
    assert decision.why == "waits, for the market is busy with AAPL cash_dividend"


def test_what_the_exchange_would_refuse_is_an_alarm_a_day_ahead_and_is_not_written() -> None:
    world = World(agreement=agreed(SPLIT), refusal="no limits").at(EFFECTIVE - DAY)
    world.until(Stage.ARMED)
    assert world.turn().is_alarm
    world.at(EFFECTIVE).price_comes("200", at=EFFECTIVE - 1)
    world.until(Stage.HALTED)
    for _ in range(4):
        world.turn()
    decision = world.turn()
    assert decision.is_alarm
    assert decision.why == "the exchange would refuse the write: no limits"
    assert world.written == []
