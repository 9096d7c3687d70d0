"""Event days: how news tightens a market, and lets it go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.guard_rails import Limits, Parameter
from risk.incentive_events import (
    Event,
    EventFactors,
    EventKind,
    EventTerms,
    event_factors,
    next_event,
    tightened,
)
from risk.units import Ppm, Seconds
from tests.risk.scheduling import HOUR, make_levers

AT = 100 * HOUR


def make_event_terms(
    *, leverage: int = 500_000, cap: int = 700_000, hold: int = HOUR, classes: str = "stock etf"
) -> EventTerms:
    return EventTerms(
        leverage=Ppm(leverage),
        cap=Ppm(cap),
        ramp_in=Seconds(HOUR),
        ramp_back=Seconds(HOUR // 2),
        hold=Seconds(hold),
        asset_classes=frozenset(classes.split()),
    )


TERMS = {
    EventKind.FOMC: make_event_terms(),
    EventKind.CPI: make_event_terms(leverage=800_000, cap=600_000),
    EventKind.EARNINGS: make_event_terms(classes=""),
}
FOMC = Event(kind=EventKind.FOMC, start=Seconds(AT), stop=Seconds(AT))
EARNINGS = Event(
    kind=EventKind.EARNINGS, start=Seconds(AT), stop=Seconds(AT + 4 * HOUR), symbol="NVDA"
)


def factors(*events: Event, now: int, symbol: str = "AAPL", kind: str = "stock") -> EventFactors:
    return event_factors(events, TERMS, symbol=symbol, asset_class=kind, now=Seconds(now))


@pytest.mark.parametrize(
    ("now", "margin", "cap"),
    [
        pytest.param(AT - HOUR, 1_000_000, 1_000_000, id="the ramp begins"),
        pytest.param(AT - HOUR + 1, 1_000_278, 999_916, id="its first second"),
        pytest.param(AT - HOUR // 2, 1_500_000, 850_000, id="half-way in"),
        pytest.param(AT - 1, 1_999_723, 700_083, id="the second before"),
        pytest.param(AT, 2_000_000, 700_000, id="the news"),
        pytest.param(AT + HOUR, 2_000_000, 700_000, id="held"),
        pytest.param(AT + HOUR + HOUR // 4, 1_500_000, 850_000, id="half-way back"),
        pytest.param(AT + HOUR + HOUR // 2, 1_000_000, 1_000_000, id="over"),
    ],
)
def test_an_event_tightens_ahead_and_relaxes_after(now: int, margin: int, cap: int) -> None:
    found = factors(FOMC, now=now)
    assert (found.margin, found.cap) == (margin, cap)
    assert found.causes == (() if margin == 1_000_000 else (FOMC,))


@pytest.mark.parametrize(
    ("event", "symbol", "asset_class", "is_felt"),
    [
        (FOMC, "AAPL", "stock", True),
        (FOMC, "TBILL", "treasury_fund", False),
        (EARNINGS, "NVDA", "stock", True),
        (EARNINGS, "AAPL", "stock", False),
    ],
)
def test_an_event_touches_its_symbol_or_its_classes(
    event: Event, symbol: str, asset_class: str, *, is_felt: bool
) -> None:
    found = factors(event, now=AT, symbol=symbol, kind=asset_class)
    assert (found.margin > 1_000_000) is is_felt
    assert bool(found.causes) is is_felt


def test_an_event_of_unknown_time_holds_for_the_whole_of_its_window() -> None:
    for now in (AT, AT + 2 * HOUR, AT + 5 * HOUR):
        assert factors(EARNINGS, now=now, symbol="NVDA").margin == 2_000_000


def test_of_two_events_the_stricter_holds_lever_by_lever() -> None:
    prices = Event(kind=EventKind.CPI, start=Seconds(AT), stop=Seconds(AT))
    found = factors(FOMC, prices, now=AT)
    assert (found.margin, found.cap) == (2_000_000, 600_000)
    assert found.causes == (prices, FOMC)


def test_the_order_of_events_does_not_matter() -> None:
    prices = Event(kind=EventKind.CPI, start=Seconds(AT + HOUR), stop=Seconds(AT + HOUR))
    assert factors(FOMC, prices, now=AT + 600) == factors(prices, FOMC, now=AT + 600)


@given(st.integers(AT - 2 * HOUR, AT + 8 * HOUR), st.integers(-4 * HOUR, 4 * HOUR))
def test_no_factor_moves_faster_than_its_ramps(now: int, apart: int) -> None:
    start = Seconds(AT + apart)
    prices = Event(kind=EventKind.CPI, start=start, stop=start)
    early, late = factors(FOMC, prices, now=now), factors(FOMC, prices, now=now + 1)
    # 10^6 of margin and 400_000 of cap in the half hour of the ramp back, and 1 for rounding.
    assert abs(late.margin - early.margin) <= 1_000_000 // 1_800 + 2
    assert abs(late.cap - early.cap) <= 400_000 // 1_800 + 2


LIMITS = {
    Parameter.INITIAL_MARGIN: Limits(
        minimum=25_000, maximum=150_000, largest_step=25_000, cool_down=Seconds(300)
    ),
    Parameter.OPEN_INTEREST_CAP: Limits(
        minimum=500_000, maximum=2_000_000, largest_step=500_000, cool_down=Seconds(300)
    ),
}


@pytest.mark.parametrize(
    ("margin", "factor", "tight_margin", "tight_cap"),
    [
        pytest.param(50_000, 2_000_000, 100_000, 700_000, id="both"),
        pytest.param(100_000, 2_000_000, 150_000, 700_000, id="up to the owner's largest margin"),
        pytest.param(33_333, 1_500_001, 50_000, 700_000, id="rounded up"),
        pytest.param(160_000, 2_000_000, 160_000, 700_000, id="never looser than the schedule"),
    ],
)
def test_tightened_levers_stay_within_the_owners_limits(
    margin: int, factor: int, tight_margin: int, tight_cap: int
) -> None:
    levers = make_levers(margin)
    found = tightened(levers, EventFactors(margin=Ppm(factor), cap=Ppm(700_000), causes=()), LIMITS)
    assert (found.initial_margin, found.open_interest_cap) == (tight_margin, tight_cap)
    assert (found.maker_fee, found.taker_fee) == (levers.maker_fee, levers.taker_fee)


def test_a_cap_is_not_tightened_below_the_owners_least() -> None:
    half = EventFactors(margin=Ppm(1_000_000), cap=Ppm(300_000), causes=())
    assert tightened(make_levers(), half, LIMITS).open_interest_cap == 500_000


def test_tells_the_event_that_a_market_feels_next() -> None:
    later = Event(kind=EventKind.CPI, start=Seconds(AT + 20 * HOUR), stop=Seconds(AT + 20 * HOUR))

    def ahead(now: int) -> Event | None:
        return next_event(
            (later, FOMC, EARNINGS), TERMS, symbol="AAPL", asset_class="stock", now=Seconds(now)
        )

    assert ahead(0) == FOMC
    assert ahead(AT + HOUR + HOUR // 2 - 1) == FOMC
    assert ahead(AT + HOUR + HOUR // 2) == later
    assert ahead(AT + 30 * HOUR) is None


def test_a_part_of_the_leverage_becomes_a_factor_on_margin_rounded_up() -> None:
    assert make_event_terms(leverage=667_000).margin == 1_499_251


@pytest.mark.parametrize("leverage", [0, 1_000_001])
def test_a_factor_that_is_no_part_is_refused(leverage: int) -> None:
    with pytest.raises(ValueError, match="factors above 0"):
        make_event_terms(leverage=leverage)


def test_an_event_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Event(kind=EventKind.CPI, start=Seconds(5), stop=Seconds(4))
