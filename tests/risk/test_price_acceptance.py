"""What the exchange makes of a published price; parity with the contract is in tests/parity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.price_acceptance import accept_price, price_code
from risk.price_publication import FairPrice, PriceCode
from risk.price_support import Rung
from risk.units import MarketId, MarketStatus, PriceE8, Seconds
from tests.builders import NOW, make_market, price


def told(mark: int, *, index: int | None = None, at: int = NOW) -> FairPrice:
    return FairPrice(
        market=MarketId(0),
        mark=PriceE8(mark),
        index=PriceE8(mark if index is None else index),
        timestamp=Seconds(at),
        rung=Rung.FULL,
    )


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (told(price(200)), PriceCode.ACCEPTED),
        (told(0), PriceCode.ZERO_PRICE),
        (told(price(200), index=10**15 + 1), PriceCode.ZERO_PRICE),
        (told(price(200), at=NOW + 1), PriceCode.FUTURE),
        (told(price(200), at=NOW - 11), PriceCode.BACKWARDS),
        (told(price(200), at=NOW - 10), PriceCode.ACCEPTED),
    ],
)
def test_each_price_is_answered_by_the_first_check_that_fails(
    offer: FairPrice, code: PriceCode
) -> None:
    market = make_market(price_timestamp=NOW - 10, updated_at=NOW - 5, min_interval=5)
    assert price_code(market, offer, NOW) is code


def test_age_and_pace_are_on_the_boundary() -> None:
    old = make_market(price_timestamp=NOW - 200, updated_at=NOW - 200)
    assert price_code(old, told(price(200), at=NOW - 60), NOW) is PriceCode.ACCEPTED
    assert price_code(old, told(price(200), at=NOW - 61), NOW) is PriceCode.EXPIRED
    paced = make_market(min_interval=6, updated_at=NOW - 5)
    assert price_code(paced, told(price(200)), NOW) is PriceCode.TOO_SOON
    assert price_code(None, told(price(200)), NOW) is PriceCode.UNKNOWN_MARKET
    settled = make_market(status=MarketStatus.SETTLED)
    assert price_code(settled, told(price(200)), NOW) is PriceCode.MARKET_CLOSED


@given(st.integers(1, 10**15), st.integers(-5, 5), st.integers(0, 500))
def test_a_mark_moves_by_the_clamp_at_most_and_funding_runs_on_the_old_index(
    mark: int, rate: int, seconds: int
) -> None:
    market = make_market(funding_rate=rate, funding_time=NOW - seconds)
    after = accept_price(market, told(mark), NOW)
    step = market.mark * market.clamp // 10**6
    assert abs(after.mark - market.mark) <= step
    assert after.mark == mark or abs(after.mark - market.mark) == step
    assert after.funding_numerator == rate * market.index * seconds
    assert after.funding_index(NOW) == market.funding_index(NOW)


def test_a_band_holds_the_mark_but_not_the_index() -> None:
    market = make_market(band_low=price(200), band_high=price("200.1"))
    after = accept_price(market, told(price(201)), NOW)
    assert (after.mark, after.index) == (price("200.1"), price(201))
