"""Two sights of a market, and what must have happened in between."""

from dataclasses import replace

import pytest

from risk.corporate_gap import rebase_between
from risk.corporate_prices import Rebase
from risk.corporate_values import Ratio
from risk.market import Market
from risk.split_suspicion import KNOWN_RATIOS
from risk.units import PriceE8, Seconds
from tests.builders import make_market, price

BEFORE = replace(make_market(), mark=PriceE8(20_013_370_017), index=PriceE8(20_000_000_003))


def rebased(by: Rebase) -> Market:
    return replace(BEFORE, mark=by.price(BEFORE.mark), index=by.price(BEFORE.index))


@pytest.mark.parametrize("ratio", KNOWN_RATIOS, ids=str)
def test_a_split_is_told_by_mark_and_index_together(ratio: Ratio) -> None:
    by = Rebase(ratio=ratio)
    assert rebase_between(BEFORE, rebased(by)) == by


def test_a_dividend_takes_the_same_off_both() -> None:
    by = Rebase(amount=price(3))
    assert rebase_between(BEFORE, rebased(by)) == by


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        replace(
            rebased(Rebase(amount=price(3))), price_timestamp=Seconds(BEFORE.price_timestamp + 1)
        ),
        replace(rebased(Rebase(amount=price(3))), updated_at=Seconds(BEFORE.updated_at + 1)),
        replace(BEFORE, mark=PriceE8(BEFORE.mark - 5)),
        replace(BEFORE, mark=PriceE8(BEFORE.mark + 5), index=PriceE8(BEFORE.index + 5)),
        replace(BEFORE, mark=PriceE8(BEFORE.mark // 10)),
    ],
)
def test_what_a_price_or_nothing_explains_is_no_action(after: Market) -> None:
    assert rebase_between(BEFORE, after) is None


def test_a_market_without_a_price_tells_nothing() -> None:
    before = replace(BEFORE, mark=PriceE8(0), index=PriceE8(0))
    assert rebase_between(before, BEFORE) is None
