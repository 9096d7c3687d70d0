"""One market: tiers, staleness, funding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.market import Tier, make_tiers
from risk.units import MarketStatus, Seconds
from tests.builders import DEFAULT_TIERS, NOW, make_market, price, usd
from tests.risk.strategies import tier_tables


def test_tier_deductions_follow_the_bounds() -> None:
    assert [tier.deduction for tier in DEFAULT_TIERS] == [0, usd(3_750), usd(23_750), usd(223_750)]


@pytest.mark.parametrize(
    ("notional", "margin"),
    [
        (0, 0),
        (1, 1),
        (usd(100_000), usd(2_500)),
        (usd(250_000) - 1, usd(6_250)),
        (usd(250_000), usd(6_250)),
        (usd(250_000) + 1, usd(6_250) + 1),
        (usd(1_000_000), usd(36_250)),
        (usd(6_000_000), usd(376_250)),
    ],
)
def test_maintenance_margin_by_tier(notional: int, margin: int) -> None:
    assert make_market().maintenance_margin(notional) == margin


@given(tier_tables(), st.integers(0, usd(5_000_000)))
def test_maintenance_margin_never_falls_as_notional_grows(
    tiers: tuple[Tier, ...], notional: int
) -> None:
    market = make_market(tiers=tiers)
    step = market.maintenance_margin(notional + 1) - market.maintenance_margin(notional)
    assert 0 <= step <= 2


@given(tier_tables(), st.integers(1, usd(5_000_000)), st.integers(1, usd(5_000_000)))
def test_two_halves_never_need_more_margin_than_the_whole(
    tiers: tuple[Tier, ...], one: int, other: int
) -> None:
    market = make_market(tiers=tiers)
    parts = market.maintenance_margin(one) + market.maintenance_margin(other)
    assert parts <= market.maintenance_margin(one + other) + 5


@pytest.mark.parametrize(
    "table",
    [
        [(1, 25_000)],
        [(0, 0)],
        [(0, 25_000), (0, 30_000)],
        [(0, 25_000), (10, 25_000)],
        [(0, 25_000), (10, 30_000), (5, 40_000)],
    ],
)
def test_tiers_that_do_not_rise_are_refused(table: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make_tiers(table)


def test_initial_margin_is_at_least_maintenance_margin() -> None:
    market = make_market()
    assert market.required_to_open(usd(1_000)) == usd(50)
    assert market.required_to_open(usd(20_000_000)) == market.maintenance_margin(usd(20_000_000))


@pytest.mark.parametrize(("age", "is_stale"), [(0, False), (60, False), (61, True)])
def test_a_price_is_stale_once_older_than_its_expiry(age: int, *, is_stale: bool) -> None:
    assert make_market(price_timestamp=NOW - age).is_stale(NOW) is is_stale


def test_a_market_without_a_price_or_in_a_split_is_stale() -> None:
    assert make_market(mark=0).is_stale(NOW)
    assert make_market(is_splitting=True).is_stale(NOW)


def test_a_settled_market_is_never_stale_and_needs_no_margin() -> None:
    market = make_market(status=MarketStatus.SETTLED, price_timestamp=0)
    assert not market.is_stale(NOW)
    assert market.maintenance_margin(usd(1_000)) == 0
    assert market.required_to_open(usd(1_000)) == 0


@pytest.mark.parametrize(
    ("status", "may"),
    [
        (MarketStatus.OPEN, True),
        (MarketStatus.LIMIT, True),
        (MarketStatus.REDUCE_ONLY, True),
        (MarketStatus.HALTED, False),
        (MarketStatus.SETTLED, False),
    ],
)
def test_liquidation_needs_a_market_that_is_not_halted(status: MarketStatus, *, may: bool) -> None:
    assert make_market(status=status).may_liquidate is may


def test_nothing_is_liquidated_during_a_split() -> None:
    assert not make_market(is_splitting=True).may_liquidate


def test_funding_runs_on_the_index_price() -> None:
    market = make_market(index=price(100), funding_rate=1_000, funding_time=NOW)
    assert market.funding_index(NOW) == 0
    assert market.funding_index(NOW + 3_600) == 10**8


def test_the_funding_index_rounds_down() -> None:
    assert make_market(funding_numerator=-1).funding_index(NOW) == -1
    assert make_market(funding_numerator=1).funding_index(NOW) == 0


def test_funding_stands_still_during_a_split() -> None:
    market = make_market(is_splitting=True, funding_rate=1_000, funding_time=NOW)
    assert market.funding_index(Seconds(NOW + 3_600)) == 0
