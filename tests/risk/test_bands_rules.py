"""Each band is as wide as its rule says. Rules: section 2 of the mechanics reference, by source."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.band_rules import (
    DynamicRules,
    LimitRules,
    LuldBand,
    LuldTier,
    MeanKind,
    PauseRules,
    PriceBand,
    PriceBracket,
    ReferenceRules,
    Rulebook,
    StaticBand,
)
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import price
from tests.risk.banding import CME, LULD

ONE, TWO = LuldTier.ONE, LuldTier.TWO


def luld_band(
    close: str, *, tier: LuldTier = ONE, to_close: int | None = 20_000, leverage: int = 10**6
) -> PriceBand:
    band = LULD.band
    assert isinstance(band, LuldBand)
    return band.around(
        price(close),
        band.bracket(tier, price(close)),
        leverage=Ppm(leverage),
        seconds_to_close=None if to_close is None else Seconds(to_close),
    )


@pytest.mark.parametrize(
    ("close", "tier", "to_close", "leverage", "low", "high"),
    [
        # The plan's percentages by previous close (luldplan.com, exam guides).
        pytest.param("100", ONE, 20_000, 10**6, "95", "105", id="tier 1 above 3 USD: 5 %"),
        pytest.param("100", TWO, 20_000, 10**6, "90", "110", id="tier 2 above 3 USD: 10 %"),
        pytest.param("3.01", ONE, 20_000, 10**6, "2.8595", "3.1605", id="just above 3 USD"),
        pytest.param("3", ONE, 20_000, 10**6, "2.4", "3.6", id="tier 1 at 3 USD: 20 %"),
        pytest.param("3", TWO, 20_000, 10**6, "2.4", "3.6", id="tier 2 at 3 USD: 20 %"),
        pytest.param("0.75", ONE, 20_000, 10**6, "0.6", "0.9", id="at 0.75 USD: 20 %"),
        pytest.param("0.74", ONE, 20_000, 10**6, "0.59", "0.89", id="below: 0.15 USD is less"),
        pytest.param("0.10", TWO, 20_000, 10**6, "0.025", "0.175", id="below: 75 % is less"),
        # Amendment 18 (83 FR 66464): doubling in the last 25 minutes only, not for Tier 2 above 3 USD.
        pytest.param("100", ONE, 1_500, 10**6, "90", "110", id="tier 1 doubled at 15:35"),
        pytest.param("100", ONE, 1_501, 10**6, "95", "105", id="tier 1 a second before"),
        pytest.param("100", TWO, 1_500, 10**6, "90", "110", id="tier 2 above 3 USD not doubled"),
        pytest.param("2", TWO, 60, 10**6, "1.2", "2.8", id="tier 2 up to 3 USD doubled"),
        pytest.param("0.74", ONE, 60, 10**6, "0.44", "1.04", id="the absolute width doubled"),
        pytest.param("100", ONE, 23_400, 10**6, "95", "105", id="no doubling at the open"),
        pytest.param("100", ONE, None, 10**6, "95", "105", id="no close known"),
        # Leveraged products: percentage times ratio (recalled; a setting of the rulebook).
        pytest.param("100", TWO, 20_000, 3 * 10**6, "70", "130", id="three times long"),
        pytest.param("100", TWO, 20_000, -2 * 10**6, "80", "120", id="twice inverse"),
    ],
)
def test_a_luld_band_is_as_wide_as_the_plan_says(
    close: str, tier: LuldTier, to_close: int | None, leverage: int, low: str, high: str
) -> None:
    band = luld_band(close, tier=tier, to_close=to_close, leverage=leverage)
    assert (band.low, band.high) == (price(low), price(high))


def test_the_percentage_is_of_the_reference_and_its_size_of_the_previous_close() -> None:
    band = LULD.band
    assert isinstance(band, LuldBand)
    bracket = band.bracket(ONE, price("3.01"))
    drawn = band.around(price(2), bracket, leverage=Ppm(10**6), seconds_to_close=None)
    assert (drawn.low, drawn.high) == (price("1.9"), price("2.1"))


def test_a_band_wider_than_the_price_stays_above_zero() -> None:
    doubled = luld_band("0.10", to_close=60)
    assert (doubled.low, doubled.high) == (1, price("0.25"))


def test_the_hard_limit_outside_us_hours_is_seven_percent_of_the_settlement() -> None:
    # cmegroup.com: 17:00-8:30 and 15:00-16:00 CT, both ways.
    assert isinstance(CME.band, StaticBand)
    band = CME.band.around(price(5_000))
    assert (band.low, band.high) == (price(4_650), price(5_350))
    assert CME.sessions == {Session.PRE, Session.POST, Session.OVERNIGHT}
    assert CME.limit.pause_after is None


@given(
    st.integers(1, 10**15),
    st.integers(1, 10**15),
    st.sampled_from(LuldTier),
    st.integers(-5 * 10**6, 5 * 10**6).filter(bool),
    st.integers(0, 30_000) | st.none(),
)
def test_a_band_always_holds_its_reference_and_is_rounded_inward(
    reference: int, close: int, tier: LuldTier, leverage: int, to_close: int | None
) -> None:
    band = LULD.band
    assert isinstance(band, LuldBand)
    bracket = band.bracket(tier, PriceE8(close))
    drawn = band.around(
        PriceE8(reference),
        bracket,
        leverage=Ppm(leverage),
        seconds_to_close=None if to_close is None else Seconds(to_close),
    )
    assert drawn.holds(drawn.reference)
    widest = reference * bracket.width * abs(leverage) * 2
    assert (drawn.high - reference) * 10**12 <= widest
    static = StaticBand(down=Ppm(70_000), up=Ppm(70_000)).around(PriceE8(close))
    assert static.holds(PriceE8(close))
    assert (static.high - close) * 10**6 <= close * 70_000
    assert (close - static.low) * 10**6 <= close * 70_000


@pytest.mark.parametrize(
    ("low", "reference", "high"), [(0, 1, 2), (2, 1, 3), (1, 3, 2), (-1, 1, 2)]
)
def test_a_band_without_its_reference_cannot_be(low: int, reference: int, high: int) -> None:
    with pytest.raises(ValueError, match="0 < low <= reference <= high"):
        PriceBand(reference=PriceE8(reference), low=PriceE8(low), high=PriceE8(high))


GOOD_DYNAMIC = {
    "move": 35_000,
    "tick": 1,
    "window": 3_600,
    "pause": 120,
    "late_window": 300,
    "late_pause": 5,
}
GOOD_PAUSE: dict[str, Any] = {
    "length": 300,
    "extension": 0,
    "held_to_close": 0,
    "collar_step": 0,
    "reopening_prices": 1,
}
GOOD_REFERENCE = {"window": 300, "mean": MeanKind.TRADES, "least_change": 0, "least_age": 0}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (DynamicRules, GOOD_DYNAMIC, {"move": 0}),
        (DynamicRules, GOOD_DYNAMIC, {"tick": 0}),
        (DynamicRules, GOOD_DYNAMIC, {"late_pause": 121}),
        (DynamicRules, GOOD_DYNAMIC, {"pause": 0, "late_pause": 0}),
        (PauseRules, GOOD_PAUSE, {"length": 0}),
        (PauseRules, GOOD_PAUSE, {"reopening_prices": 0}),
        (PauseRules, GOOD_PAUSE, {"extension": -1}),
        (ReferenceRules, GOOD_REFERENCE, {"window": 0}),
        (StaticBand, {"down": 1, "up": 1}, {"down": 10**6}),
        (LimitRules, {"pause_after": 0}, {"pause_after": -1}),
        (PriceBracket, {"lowest": 0, "width": 1}, {"width": 10**6}),
    ],
)
def test_rules_that_cannot_be_are_refused(
    kind: type, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert kind(**good)
    with pytest.raises(ValueError, match="expected"):
        kind(**(good | bad))


def test_a_rulebook_must_band_or_break_somewhere() -> None:
    limit, pause = LimitRules(pause_after=None), PauseRules(**GOOD_PAUSE)
    with pytest.raises(ValueError, match="a dynamic breaker or both, found neither"):
        Rulebook(
            name="none",
            sessions=frozenset({Session.REGULAR}),
            band=None,
            dynamic=None,
            limit=limit,
            pause=pause,
        )
    with pytest.raises(ValueError, match="at least one session"):
        Rulebook(
            name="never",
            sessions=frozenset(),
            band=StaticBand(down=Ppm(1), up=Ppm(1)),
            dynamic=None,
            limit=limit,
            pause=pause,
        )
