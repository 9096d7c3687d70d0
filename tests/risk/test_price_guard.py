"""A price is acted on only when nothing speaks against it."""

from dataclasses import replace

import pytest

from risk.price_guard import Doubt, PriceRules, doubt_about, updates_needed
from risk.units import MarketStatus, Ppm, PriceE8, Seconds
from tests.builders import make_market

RULES = PriceRules(max_divergence=Ppm(50_000), warm_up_updates=3, future_tolerance=Seconds(2))
MARKET = make_market(mark=200_00000000, index=200_00000000, price_timestamp=1_000, updated_at=1_000)
NOW = Seconds(1_000)


def after_update(**facts: object) -> object:
    return replace(MARKET, price_timestamp=Seconds(1_001), updated_at=Seconds(1_001), **facts)


@pytest.mark.parametrize(
    ("facts", "needed", "doubt"),
    [
        ({}, 0, None),
        ({}, 1, Doubt.WARMING_UP),
        ({"status": MarketStatus.HALTED}, 0, Doubt.CLOSED),
        ({"is_splitting": True}, 0, Doubt.CLOSED),
        ({"mark": PriceE8(0)}, 0, Doubt.UNPRICED),
        ({"index": PriceE8(0)}, 0, Doubt.UNPRICED),
        ({"price_timestamp": Seconds(1_000 - MARKET.expiry)}, 0, None),
        ({"price_timestamp": Seconds(999 - MARKET.expiry)}, 0, Doubt.STALE),
        ({"price_timestamp": Seconds(1_002)}, 0, None),
        ({"price_timestamp": Seconds(1_003)}, 0, Doubt.FUTURE_DATED),
        ({"mark": PriceE8(210_00000000)}, 0, None),
        ({"mark": PriceE8(210_00000001)}, 0, Doubt.DIVERGED),
        ({"mark": PriceE8(190_00000000)}, 0, None),
        ({"mark": PriceE8(189_99999999)}, 0, Doubt.DIVERGED),
        ({"status": MarketStatus.SETTLED, "price_timestamp": Seconds(1)}, 3, None),
    ],
)
def test_gives_the_first_reason_not_to_act(
    facts: dict[str, object], needed: int, doubt: Doubt | None
) -> None:
    market = replace(MARKET, **facts)
    assert doubt_about(market, needed=needed, now=NOW, rules=RULES) is doubt


def test_wants_one_live_update_of_a_market_it_sees_for_the_first_time() -> None:
    assert updates_needed(None, MARKET, 0, RULES) == 1


def test_counts_down_with_each_fresh_update_only() -> None:
    assert updates_needed(MARKET, after_update(), 3, RULES) == 2
    assert updates_needed(MARKET, replace(MARKET, open_interest=5), 3, RULES) == 3
    assert updates_needed(MARKET, after_update(), 0, RULES) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"status": MarketStatus.HALTED}, {}, id="a halt was lifted"),
        pytest.param({"is_splitting": True}, {}, id="a split was carried through"),
        pytest.param(
            {"price_timestamp": Seconds(1_000 - MARKET.expiry)}, {}, id="prices were out for long"
        ),
        pytest.param({}, {"mark": PriceE8(205_00000000)}, id="the mark jumped past the clamp"),
    ],
)
def test_starts_the_warm_up_anew(before: dict[str, object], after: dict[str, object]) -> None:
    assert updates_needed(replace(MARKET, **before), after_update(**after), 0, RULES) == 3


def test_takes_a_step_within_the_clamp_as_it_comes() -> None:
    assert updates_needed(MARKET, after_update(mark=PriceE8(201_00000000)), 0, RULES) == 0
