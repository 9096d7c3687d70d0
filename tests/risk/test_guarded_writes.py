"""Writes within the owner's limits, on the boundaries; parity with the contract is in tests/parity."""

from dataclasses import replace

import pytest

from risk.corporate_effects import (
    as_rescaled,
    begin_split,
    covered_loss,
    pay_dividend,
    settle_market,
)
from risk.corporate_values import Ratio
from risk.exchange_reverts import Revert
from risk.guard_rails import Limits, Parameter
from risk.guarded_writes import (
    WriteGuard,
    restrict_status,
    write_band,
    write_parameter,
    write_status,
)
from risk.market import Market
from risk.units import MarketStatus, PriceE8, Seconds
from tests.builders import NOW, make_account, make_market, make_position, price, shares, usd

GUARD = WriteGuard(
    epoch=4,
    expected_epoch=4,
    limits=Limits(minimum=-100, maximum=60_000, largest_step=10_000, cool_down=Seconds(10)),
    last_write=Seconds(NOW - 10),
    now=NOW,
)
SOON = replace(GUARD, last_write=Seconds(NOW - 9))


def reason(after: Market | Revert) -> Revert:
    assert isinstance(after, Revert)
    return after


@pytest.mark.parametrize(
    ("parameter", "value", "why"),
    [
        (Parameter.INITIAL_MARGIN, 24_999, Revert.STEP_TOO_LARGE),
        (Parameter.INITIAL_MARGIN, 60_001, Revert.OUTSIDE_LIMITS),
        (Parameter.MAKER_FEE, -101, Revert.OUTSIDE_LIMITS),
        (Parameter.TAKER_FEE, 99, Revert.FEES_BELOW_ZERO),
        (Parameter.BAND, 1, Revert.UNKNOWN_PARAMETER),
        (0, 1, Revert.UNKNOWN_PARAMETER),
    ],
)
def test_a_parameter_stays_within_its_limits(parameter: int, value: int, why: Revert) -> None:
    assert reason(write_parameter(make_market(), parameter, value, GUARD)) is why


def test_a_step_as_large_as_allowed_is_taken_and_one_more_is_not() -> None:
    after = write_parameter(make_market(), Parameter.INITIAL_MARGIN, 60_000, GUARD)
    assert isinstance(after, Market)
    assert after.initial_margin == 60_000
    smaller = replace(
        GUARD, limits=Limits(minimum=0, maximum=10**6, largest_step=9_999, cool_down=Seconds(0))
    )
    assert reason(write_parameter(make_market(), 1, 60_000, smaller)) is Revert.STEP_TOO_LARGE


def test_a_write_waits_for_the_cool_down_and_for_the_last_epoch() -> None:
    assert reason(write_parameter(make_market(), 3, 400, SOON)) is Revert.COOLING_DOWN
    stale = replace(SOON, expected_epoch=3)
    assert reason(write_parameter(make_market(), 3, 400, stale)) is Revert.STALE_EPOCH
    assert isinstance(write_parameter(make_market(), 3, 400, GUARD), Market)


def test_a_funding_rate_begins_only_after_the_old_one_was_accrued() -> None:
    market = make_market(funding_rate=7, funding_time=NOW - 100)
    after = write_parameter(market, Parameter.FUNDING_RATE, 50, GUARD)
    assert isinstance(after, Market)
    assert after.funding_numerator == 7 * market.index * 100
    assert (after.funding_rate, after.funding_time) == (50, NOW)


def test_without_limits_nothing_is_written() -> None:
    none = Limits(minimum=0, maximum=0, largest_step=0, cool_down=Seconds(0))
    for limits in (None, none, replace(none, minimum=2, maximum=1)):
        bare = replace(GUARD, limits=limits)
        assert reason(write_status(make_market(), 1, bare)) is Revert.NO_LIMITS
        assert reason(write_band(make_market(), PriceE8(0), PriceE8(0), bare)) is Revert.NO_LIMITS


def test_a_stricter_status_does_not_wait_and_a_softer_one_does() -> None:
    assert isinstance(write_status(make_market(), 2, SOON), Market)
    reduced = make_market(status=MarketStatus.REDUCE_ONLY)
    assert reason(write_status(reduced, 0, SOON)) is Revert.COOLING_DOWN
    assert isinstance(write_status(reduced, 0, GUARD), Market)
    assert reason(write_status(reduced, 4, GUARD)) is Revert.OUTSIDE_LIMITS


def test_the_guardian_only_makes_it_stricter_and_never_settles() -> None:
    halted = make_market(status=MarketStatus.HALTED)
    assert reason(restrict_status(halted, 3)) is Revert.NOT_STRICTER
    assert reason(restrict_status(make_market(), 4)) is Revert.NOT_STRICTER
    after = restrict_status(make_market(), 3)
    assert isinstance(after, Market)
    assert after.status is MarketStatus.HALTED


def test_a_band_holds_the_mark_within_its_widths_and_steps() -> None:
    market = make_market()
    assert isinstance(write_band(market, price(190), price(210), GUARD), Market)
    assert reason(write_band(market, price(201), price(210), GUARD)) is Revert.MARK_OUTSIDE_BAND
    assert reason(write_band(market, price(187), price(210), GUARD)) is Revert.OUTSIDE_LIMITS
    banded = make_market(band_low=price(190), band_high=price(210))
    # One percent of the old edge, and not a unit more.
    assert isinstance(write_band(banded, PriceE8(price("191.9")), price(210), GUARD), Market)
    far = PriceE8(price("191.9") + 1)
    assert reason(write_band(banded, far, price(210), GUARD)) is Revert.STEP_TOO_LARGE
    lifted = write_band(banded, PriceE8(0), PriceE8(0), GUARD)
    assert isinstance(lifted, Market)
    assert lifted.band_high == 0


def test_a_dividend_moves_no_equity_and_stays_inside_the_band() -> None:
    market = make_market(band_low=price(199), band_high=price(210))
    after = pay_dividend(market, price(1), GUARD)
    assert isinstance(after, Market)
    assert after.mark == price(199)
    # Longs receive a dollar a share: 10^12 units of 1e-12 USD.
    assert after.funding_index(NOW) == -(10**12)
    below = pay_dividend(market, price(1) + 1, GUARD)
    assert reason(below) is Revert.MARK_OUTSIDE_BAND


def test_a_split_and_a_settlement_need_a_halt() -> None:
    halted = make_market(status=MarketStatus.HALTED)
    wide = replace(
        GUARD, limits=Limits(minimum=1, maximum=10**9, largest_step=0, cool_down=Seconds(0))
    )
    assert reason(begin_split(make_market(), 2, 1, wide)) is Revert.NOT_HALTED
    assert reason(begin_split(halted, 0, 1, wide)) is Revert.BAD_RATIO
    begun = begin_split(halted, 2, 1, wide)
    assert isinstance(begun, Market)
    assert begun.is_splitting
    assert as_rescaled(begun, Ratio(numerator=2, denominator=1)).mark == price(100)
    assert reason(settle_market(make_market(), price(200), wide)) is Revert.NOT_HALTED
    assert reason(settle_market(halted, price(220) + 1, wide)) is Revert.OUTSIDE_LIMITS
    assert isinstance(settle_market(halted, price(220), wide), Market)


def test_the_fund_covers_only_who_holds_nothing_any_more() -> None:
    assert covered_loss(make_account(usd(-5)), usd(3)) == usd(3)
    assert covered_loss(make_account(usd(-5)), usd(9)) == usd(5)
    assert covered_loss(make_account(usd(5)), usd(9)) == 0
    assert covered_loss(make_account(usd(-5), [make_position(shares(1))]), usd(9)) == 0
