"""Terms and figures that cannot be are refused in one sentence."""

import pytest

from risk.corporate_rules import CorporateRules
from risk.corporate_values import ActionKind, Handling, Ratio
from risk.units import Ppm, PriceE8, Seconds
from tests.risk.corporate_world import (
    DAY,
    TWO_TO_ONE,
    make_action,
)


@pytest.mark.parametrize(
    ("kind", "facts", "sentence"),
    [
        (ActionKind.SPLIT, {"ratio": None}, "a split with ratio, found none"),
        (ActionKind.CASH_DIVIDEND, {"amount": None}, "a cash_dividend with amount, found none"),
        (ActionKind.CASH_DIVIDEND, {"amount": PriceE8(0)}, "an amount above 0, found 0"),
        (ActionKind.CASH_MERGER, {"amount": None}, "a cash_merger with amount, found none"),
        (ActionKind.SYMBOL_CHANGE, {"new_symbol": None}, "a symbol_change with new_symbol"),
        (ActionKind.SYMBOL_CHANGE, {"new_symbol": "AAPL"}, "other than AAPL, found the same"),
        (ActionKind.STOCK_MERGER, {"handling": Handling.CONVERT}, "with ratio and new_symbol"),
        (ActionKind.SPIN_OFF, {"handling": Handling.CONVERT}, "a spin_off with amount"),
        (ActionKind.SPLIT, {"ratio": Ratio(numerator=1, denominator=1)}, "found 1:1"),
    ],
)
def test_terms_that_a_kind_cannot_have(
    kind: ActionKind, facts: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        make_action(kind, **facts)


@pytest.mark.parametrize(("new", "old"), [(0, 1), (4, 2), (10**6 + 1, 1), (1, -2)])
def test_a_ratio_is_reduced_and_within_what_the_exchange_takes(new: int, old: int) -> None:
    with pytest.raises(ValueError, match="expected a reduced ratio"):
        Ratio(numerator=new, denominator=old)
    assert TWO_TO_ONE.inverse == Ratio(numerator=1, denominator=2)


@pytest.mark.parametrize(
    "facts",
    [
        {"least_sources": 1},
        {"warm_up": 0},
        {"chunk": 1_025},
        {"tolerance": Ppm(0)},
        {"halt_lead": Seconds(30)},
        {"arm_lead": Seconds(3 * DAY)},
    ],
)
def test_rules_that_cannot_stand_together(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^expected"):
        CorporateRules(**facts)  # type: ignore[arg-type]
