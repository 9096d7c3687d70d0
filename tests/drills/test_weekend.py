"""The replayed weekend: its legs, its clock, and the prices that everybody tells."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from config.calendars import load_calendars
from drills import weekend
from drills.anvil import BLOCK_RECORD
from drills.block_producer import PacedClock, read_legs
from drills.mark_history import MarkHistory
from drills.reopening import reopening_report
from drills.venue_clock import VenueClock
from drills.weekend_prices import FIRST_TO_FALL, Shape, WeekendPrices
from risk.sessions import Session
from risk.units import MarketId, PriceE8, Seconds
from tests.builders import make_market, price

TIMELINE = next(each.timeline for each in load_calendars() if each.name == "us_equities")
PRICES = WeekendPrices(
    starts={FIRST_TO_FALL: price(180), "GLD": price(350)}, timeline=TIMELINE, seed=3
)


def test_the_legs_lead_from_friday_to_monday_in_about_a_minute() -> None:
    ends = [leg.until for leg in weekend.LEGS]
    assert ends == sorted(set(ends))
    assert ends[-1] == weekend.END
    spans = pairwise([weekend.BEGIN, *ends])
    wall = sum(
        (stop - start) / leg.pace for (start, stop), leg in zip(spans, weekend.LEGS, strict=True)
    )
    assert 55 < wall < 80
    assert weekend.local_text(weekend.BEGIN) == "Fri 15:00"
    assert weekend.local_text(weekend.END) == "Mon 10:10"


def test_the_calendar_says_what_the_legs_are_about() -> None:
    assert TIMELINE.session_at(weekend.BEGIN) is Session.REGULAR
    assert TIMELINE.session_at(Seconds(weekend.CLOSE - 1)) is Session.POST
    assert TIMELINE.session_at(weekend.CLOSE) is Session.WEEKEND
    assert TIMELINE.session_at(weekend.NEWS) is Session.WEEKEND
    assert TIMELINE.session_at(weekend.REOPEN) is Session.OVERNIGHT
    assert TIMELINE.session_at(weekend.MORNING) is Session.REGULAR


def test_a_pace_stretches_every_leg() -> None:
    slow = weekend.paced(weekend.LEGS, 2)
    assert [leg.pace * 2 for leg in slow] == [leg.pace for leg in weekend.LEGS]
    assert weekend.leg_at(Seconds(weekend.END + 99)).name == "Monday morning"


def test_the_clock_goes_at_each_legs_pace_and_jumps_over_no_end() -> None:
    clock = PacedClock(100.0)
    assert clock.advance(1.5) == 101
    clock.legs = ((200.0, 50.0, None), (260.0, 10.0, None))
    assert clock.advance(1) == 151
    assert clock.advance(1) == 200
    assert clock.advance(1) == 210
    assert [clock.advance(10), clock.advance(10)] == [260, 270]


def test_on_a_leash_the_clock_waits_for_a_transaction_but_not_for_ever() -> None:
    clock = PacedClock(0.0, legs=((10_000.0, 100.0, 300.0),))
    assert clock.advance(4) == 400, "nobody spoke yet: nobody is waited for"
    clock.hear()
    assert clock.advance(2) == 600
    assert clock.advance(2) == 700
    assert clock.advance(2) == 702, "as ours does"
    clock.hear()
    assert clock.advance(1) == 802
    assert clock.advance(4) == 1_002
    assert [clock.advance(1), clock.advance(1)] == [1_003, 1_103], "it has waited long enough"
    clock.hear()
    assert clock.advance(10) == 1_403


def test_the_clock_is_read_from_the_notes_and_set_through_a_file(tmp_path: Path) -> None:
    notes, legs = tmp_path / "blocks.bin", tmp_path / "legs.json"
    notes.write_bytes(BLOCK_RECORD.pack(1, 1_000, 0.5) + BLOCK_RECORD.pack(2, 1_300, 0.6))
    clock = VenueClock(notes, legs)
    assert (clock.now(), clock.now_ms()) == (1_300, 1_300_000)
    assert read_legs(legs) == ()
    led = weekend.Leg(until=Seconds(3_000), pace=9.0, name="two", leash=600)
    clock.set_out([weekend.Leg(until=Seconds(2_000), pace=3.0, name="one"), led])
    assert read_legs(legs) == [(2_000, 3.0, None), (3_000, 9.0, 600)]


def test_the_same_seed_tells_the_same_prices_however_often_one_asks() -> None:
    again = replace(PRICES)
    for at in range(weekend.BEGIN, weekend.END, 9_973):
        moment = Seconds(at)
        assert PRICES.quote("hermes", "GLD", moment) == again.quote("hermes", "GLD", moment)
    assert PRICES.quote("hermes", "GLD", weekend.BEGIN) != PRICES.quote(
        "pyth_pro", "GLD", weekend.BEGIN
    )
    assert PRICES.quote("hermes", "NOBODY", weekend.BEGIN) is None


def test_outside_prices_are_carried_forward_and_the_book_hears_the_news() -> None:
    sunday = Seconds(weekend.NEWS + 7_200)
    quote = PRICES.quote("hermes", FIRST_TO_FALL, sunday)
    assert quote is not None
    assert (quote.observed_at, quote.session) == (weekend.CLOSE - 1, Session.WEEKEND)
    assert quote.price / price(180) == pytest.approx(0.996, abs=0.002)
    assert PRICES.believed(FIRST_TO_FALL, sunday) / price(180) == pytest.approx(0.897, abs=0.002)
    assert PRICES.believed("GLD", sunday) > PRICES.starts["GLD"]


def test_a_fall_is_as_deep_as_its_shape_says() -> None:
    deep = replace(PRICES, shape=Shape(fall=0.3, recovered=0.5))
    assert deep.outside(FIRST_TO_FALL, weekend.REOPEN) / price(180) == pytest.approx(0.7, abs=0.002)
    assert deep.outside(FIRST_TO_FALL, weekend.SHOCK) / price(180) == pytest.approx(0.85, abs=0.002)
    left = deep.outside(FIRST_TO_FALL, weekend.END) / deep.outside(FIRST_TO_FALL, weekend.SHOCK)
    assert left == pytest.approx(1 - deep.shape.shock, abs=0.002)


def test_the_reopening_is_compared_with_mark_and_frozen_close() -> None:
    history, market = MarkHistory(), replace(make_market(), id=MarketId(0), symbol=FIRST_TO_FALL)
    outside = PRICES.outside(FIRST_TO_FALL, Seconds(weekend.REOPEN + 60))
    history.add(MarketId(0), Seconds(weekend.CLOSE - 5), PriceE8(outside * 11 // 10))
    history.add(MarketId(0), Seconds(weekend.REOPEN - 5), PriceE8(outside * 101 // 100))
    history.add(MarketId(0), Seconds(weekend.REOPEN + 5), outside)
    report = reopening_report({MarketId(0): market}, history, PRICES)
    assert report == {
        "markets": 1,
        "mark_median_bp": 100.0,
        "mark_worst_bp": 100.0,
        "frozen_close_median_bp": 1_000.0,
        "frozen_close_worst_bp": 1_000.0,
    }
    assert reopening_report({}, history, PRICES) == {"markets": 0}
    assert MarkHistory().at(MarketId(0), weekend.END) is None
