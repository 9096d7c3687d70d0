"""Who must say what before anything is done about a corporate action."""

from typing import Any

import pytest

from risk.corporate_agreement import Accord, Report, agree, groups_of, is_about
from risk.corporate_values import ActionKind, CorporateAction, Ratio
from risk.units import Seconds
from tests.builders import NOW, price
from tests.risk.corporate_world import (
    DAY,
    EFFECTIVE,
    RULES,
    make_action,
    make_approval,
    make_report,
)

SPLIT = make_action()
DIVIDEND = make_action(ActionKind.CASH_DIVIDEND)
THREE: dict[str, Any] = {"ratio": Ratio(numerator=3, denominator=1)}
THREE_TO_ONE = make_action(ActionKind.SPLIT, **THREE)


def test_two_sources_that_agree_are_enough() -> None:
    agreement = agree([make_report("polygon", SPLIT), make_report("alpaca", SPLIT)], (), RULES)
    assert (agreement.accord, agreement.action) == (Accord.AGREED, SPLIT)
    assert agreement.why == "alpaca and polygon agree on AAPL split 2027-01-20 2:1"


def test_one_source_is_not_however_often_it_speaks() -> None:
    reports = [make_report("alpaca", SPLIT, NOW + n) for n in range(5)]
    agreement = agree(reports, (), RULES)
    assert (agreement.accord, agreement.action) == (Accord.SINGLE, None)
    assert agreement.why == (
        "only alpaca tells AAPL split 2027-01-20 2:1: it takes 2 sources, or an operator"
    )


@pytest.mark.parametrize(
    ("one", "facts", "words"),
    [
        pytest.param(SPLIT, THREE, "ratio 2:1 and 3:1", id="ratio"),
        pytest.param(
            SPLIT, {"ex_date": "2027-01-21"}, "ex-date 2027-01-20 and 2027-01-21", id="day"
        ),
        pytest.param(SPLIT, {"effective": Seconds(EFFECTIVE + 60)}, "moment", id="moment"),
        pytest.param(
            DIVIDEND, {"amount": price("1.01")}, "amount 1.00 USD and 1.01 USD", id="amount"
        ),
        pytest.param(
            make_action(ActionKind.SYMBOL_CHANGE),
            {"new_symbol": "PLUM"},
            "new symbol PEAR and PLUM",
            id="symbol",
        ),
    ],
)
def test_a_difference_is_named_and_arms_nothing(
    one: CorporateAction, facts: dict[str, Any], words: str
) -> None:
    other = make_action(one.kind, **facts)
    reports = [make_report("alpaca", one), make_report("polygon", other)]
    agreement = agree(reports, (), RULES)
    assert (agreement.accord, agreement.action) == (Accord.DISAGREED, None)
    assert words in agreement.why
    assert agreement.why.startswith("alpaca and polygon differ about AAPL's")


def test_two_that_agree_do_not_outvote_a_third() -> None:
    reports = [make_report(name, SPLIT) for name in ("alpaca", "polygon")]
    reports.append(make_report("pyth", THREE_TO_ONE))
    assert agree(reports, (), RULES).accord is Accord.DISAGREED


def test_a_source_is_held_to_its_last_word() -> None:
    reports = [
        make_report("alpaca", THREE_TO_ONE, NOW),
        make_report("alpaca", SPLIT, NOW + 60),
        make_report("polygon", SPLIT, NOW),
    ]
    assert agree(reports, (), RULES).action == SPLIT
    both_at_once = [*reports, make_report("alpaca", THREE_TO_ONE, NOW + 60)]
    assert agree(both_at_once, (), RULES).accord is Accord.DISAGREED


def test_an_operator_overrules_all_with_name_and_reason_and_the_last_word_holds() -> None:
    reports = [make_report("alpaca", SPLIT), make_report("polygon", THREE_TO_ONE)]
    first, last = make_approval(THREE_TO_ONE, NOW), make_approval(SPLIT, NOW + 1)
    agreement = agree(reports, [last, first], RULES)
    assert (agreement.accord, agreement.action) == (Accord.APPROVED, SPLIT)
    assert agreement.approved_at == NOW + 1
    assert agreement.why == "night-desk approved AAPL split 2027-01-20 2:1: read the filing"


def test_a_source_that_knows_no_new_symbol_does_not_contradict_one_that_does() -> None:
    plain = make_action(ActionKind.STOCK_MERGER)
    named = make_action(ActionKind.STOCK_MERGER, new_symbol="BUYER")
    agreement = agree([make_report("alpaca", plain), make_report("polygon", named)], (), RULES)
    assert agreement.action == named


def test_silence() -> None:
    assert agree((), (), RULES).accord is Accord.SILENT


@pytest.mark.parametrize(
    ("action", "days", "groups"),
    [
        pytest.param(SPLIT, 10, 1, id="a split, ten days apart: one that is told differently"),
        pytest.param(SPLIT, 11, 2, id="a split, eleven days apart: two"),
        pytest.param(DIVIDEND, 3, 1, id="a dividend, three days apart: one"),
        pytest.param(DIVIDEND, 7, 2, id="a dividend, a week apart: two"),
    ],
)
def test_what_is_about_the_same_action(action: CorporateAction, days: int, groups: int) -> None:
    later = make_action(
        action.kind, ex_date="2027-02-01", effective=Seconds(EFFECTIVE + days * DAY)
    )
    reports = [make_report("polygon", later), make_report("alpaca", action)]
    found = groups_of(reports, RULES)
    assert len(found) == groups
    assert found[0][0].source == "alpaca"
    assert is_about(make_approval(later), found[0], RULES) == (groups == 1)


def test_other_markets_kinds_and_special_dividends_are_other_actions() -> None:
    reports: list[Report] = [
        make_report("alpaca", SPLIT),
        make_report("alpaca", make_action(symbol="NVDA")),
        make_report("alpaca", DIVIDEND),
        make_report("alpaca", make_action(ActionKind.CASH_DIVIDEND, is_special=True)),
    ]
    assert [len(group) for group in groups_of(reports, RULES)] == [1, 1, 1, 1]
