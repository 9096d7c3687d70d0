"""A pause begins by its rule and ends by its rule. Rules: section 2 of the mechanics reference."""

from dataclasses import replace
from typing import Any

import pytest

from risk.band_rules import PriceBand, StaticBand
from risk.band_state import BandFacts, Stage
from risk.sessions import Session
from risk.units import MarketStatus, Ppm, Seconds
from tests.builders import price
from tests.risk.banding import BOTH, CME, STATIC, facts, stages, walk

FREE = (0, facts(100))
AT_LOW = facts(95, 93)
LATE = Seconds(600)
NIGHT: dict[str, Any] = {"session": Session.OVERNIGHT}

PAUSED = [FREE, (1, AT_LOW), (16, AT_LOW)]
"""Paused at second 16 until 316; the collars are 90 and 110, in the extension 85 and 115."""


def after_pause(*steps: tuple[int, BandFacts]) -> list[str]:
    return stages([*PAUSED, *steps])[len(PAUSED) :]


def test_nobody_trades_in_a_pause_and_the_mark_may_walk_within_the_collars() -> None:
    _, decisions = walk([*PAUSED, (20, facts(93, 93))])
    assert decisions[-1].status is MarketStatus.HALTED
    assert decisions[-1].band == PriceBand(reference=price(100), low=price(90), high=price(110))


def test_a_pause_lasts_five_minutes_and_a_good_price_within_the_collars_ends_it() -> None:
    calm = facts(93, 93)
    assert after_pause((315, calm), (316, calm)) == ["paused", "reopening"]


@pytest.mark.parametrize(
    "disorderly", [facts(90, 89), facts(110, 111), facts(93, 93, has_good_price=False)]
)
def test_a_pause_is_extended_once(disorderly: BandFacts) -> None:
    # One optional extension of 5 minutes, and wider collars (secondary sources).
    assert after_pause((316, disorderly), (615, facts(93)), (616, facts(93))) == [
        "extended",
        "extended",
        "reopening",
    ]
    _, decisions = walk([*PAUSED, (316, disorderly)])
    assert (decisions[-1].band.low, decisions[-1].band.high) == (price(85), price(115))


def test_after_its_extension_a_pause_waits_for_a_good_price_however_long() -> None:
    bad = facts(90, 89, has_good_price=False)
    waiting = [(316, bad), (616, bad), (99_999, bad), (100_000, facts(80, 80))]
    assert after_pause(*waiting) == ["extended", "extended", "extended", "reopening"]


@pytest.mark.parametrize("pauses_at", [16, 30])
def test_no_pause_ends_in_the_last_ten_minutes(pauses_at: int) -> None:
    # Limit states and pauses of the last ten minutes go to the closing auction (secondary source).
    late = facts(93, 93, seconds_to_close=LATE)
    ended = (pauses_at + 300, late)
    before = (pauses_at - 15, AT_LOW), (pauses_at, AT_LOW)
    early = facts(93, 93, seconds_to_close=Seconds(LATE + 1))
    closed = facts(93, 93, session=Session.POST)
    assert stages([FREE, *before, ended, (pauses_at + 900, closed)])[-2:] == ["paused", "reopening"]
    assert stages([FREE, *before, (pauses_at + 300, early)])[-1] == "reopening"


def reopening(count: int, *others: tuple[int, BandFacts]) -> list[tuple[int, BandFacts]]:
    good = [(317 + second, facts(93)) for second in range(count)]
    return [*PAUSED, (316, facts(93)), *good, *others]


def test_good_prices_in_a_row_bring_trading_back() -> None:
    # After any halt: fresh prices for N updates before anybody is liquidated (dYdX, October 2025).
    assert stages(reopening(5))[-6:] == [*["reopening"] * 5, "normal"]
    _, decisions = walk(reopening(4))
    assert decisions[-1].status is MarketStatus.HALTED
    assert decisions[-1].why == "reopening: 4 of 5 good prices"


@pytest.mark.parametrize(
    "break_in_the_row",
    [
        pytest.param(facts(93, has_good_price=False), id="no good price"),
        pytest.param(facts(88), id="far from the one before"),
        pytest.param(facts(88, 93), id="the mark is not there yet"),
    ],
)
def test_a_break_in_the_row_starts_the_count_anew(break_in_the_row: BandFacts) -> None:
    walked = reopening(4, (330, break_in_the_row), (331, facts(93)))
    state, decisions = walk(walked)
    assert decisions[-1].stage is Stage.REOPENING
    assert state.good_prices <= 1


def test_what_was_seen_before_an_opening_counts_for_nothing() -> None:
    state, decisions = walk(reopening(5))
    assert decisions[-1].band.reference == price(93)
    assert len(state.prices.entries) == 1


def test_a_mark_left_outside_is_inside_the_band_of_every_halted_stage() -> None:
    # The venue takes no band without the mark (docs/exchange.md section 7).
    _, decisions = walk([*PAUSED, (316, facts(93)), (317, facts(95, 70))])
    assert decisions[-1].stage is Stage.REOPENING
    assert decisions[-1].band.reference == price(70)
    assert decisions[-1].band.high == price(95)


FALLEN = [(0, facts(100, **NIGHT)), (1_800, facts("96.5", **NIGHT))]


def test_too_large_a_move_within_the_hour_pauses_for_two_minutes() -> None:
    # cmegroup.com: 3.5 % within rolling 60 minutes, 2 minutes.
    calm = facts("96.5", **NIGHT)
    ended = [(1_919, calm), (1_920, calm), *((1_921 + each, calm) for each in range(5))]
    assert stages([*FALLEN, *ended], CME) == [
        "normal",
        "paused",
        "paused",
        *["reopening"] * 5,
        "normal",
    ]


def test_the_look_back_starts_anew_when_trading_resumes() -> None:
    calm = facts("96.5", **NIGHT)
    resumed = [*FALLEN, (1_920, calm), *((1_921 + each, calm) for each in range(5))]
    # 94 is 6 % below the first price of the hour, but 2.5 % below where trading resumed.
    assert stages([*resumed, (2_000, facts(94, **NIGHT))], CME)[-1] == "normal"
    again = [(2_000, facts(94, **NIGHT)), (2_001, facts(93, **NIGHT))]
    assert stages([*resumed, *again], CME)[-1] == "paused"


def test_only_a_good_price_trips_the_breaker() -> None:
    bad = facts("96.5", has_good_price=False, **NIGHT)
    assert stages([FALLEN[0], (1, bad)], CME) == ["normal", "normal"]


def test_a_mark_on_its_way_to_the_opening_price_has_not_moved_too_far() -> None:
    opening = [(0, facts(100, "103.5", **NIGHT)), (1, facts("100.01", "103.5", **NIGHT))]
    assert stages(opening, CME) == ["off_hours", "normal"]


def test_a_pause_beyond_a_static_limit_ends_with_the_mark_at_the_limit() -> None:
    calm = [(1_920 + each, facts("96.6", 85, **NIGHT)) for each in range(9)]
    assert stages([*FALLEN, *calm], CME)[-1] == "reopening"
    at_limit = [(1_930 + each, facts(93, 85, **NIGHT)) for each in range(5)]
    assert stages([*FALLEN, *calm, *at_limit, (1_940, at_limit[0][1])], CME)[-2:] == [
        "normal",
        "limit",
    ]


def test_a_dynamic_pause_is_never_extended_but_waits_for_a_good_price() -> None:
    bad = facts("96.5", has_good_price=False, **NIGHT)
    assert stages([*FALLEN, (1_920, bad), (9_999, bad)], CME)[-2:] == ["paused", "paused"]


def test_in_the_last_five_minutes_a_dynamic_pause_takes_five_seconds() -> None:
    late: dict[str, Any] = {"seconds_to_close": Seconds(300), **NIGHT}
    steps = [(0, facts(100, **late)), (9, facts("96.5", **late)), (14, facts("96.5", **late))]
    assert stages(steps, CME) == ["normal", "paused", "reopening"]


def test_both_rules_together_take_whichever_comes_first() -> None:
    assert stages([FREE, (1, facts("96.5"))], BOTH)[-1] == "paused"
    assert stages([FREE, (1, facts("96.6")), (2, facts("96.6", 94))], BOTH)[-1] == "straddle"


def test_says_that_the_move_was_too_large() -> None:
    assert walk(FALLEN, CME)[1][-1].why == (
        "mark 96.50 moved 3.5 % of the previous close within 3600 s: paused for 120 s"
    )


MOVED: list[tuple[int, BandFacts]] = [
    (0, facts(100)),
    *((second, facts(110, 121)) for second in (1, 16, 136, 256)),
    *((257 + each, facts(110, 121)) for each in range(5)),
]
"""A price that went 21 % up while the band reached to 10 %: limit, pause, extension, five good prices."""


def test_after_a_pause_a_static_band_is_around_the_price_at_which_trading_returned() -> None:
    state, decisions = walk([*MOVED, (300, facts(121))], STATIC)
    told = [str(each.stage) for each in decisions]
    assert told[1:5] == ["limit", "paused", "extended", "reopening"]
    assert told[-2:] == ["normal", "normal"]
    around = PriceBand(reference=price(121), low=price("108.9"), high=price("133.1"))
    assert decisions[-1].band == around
    # The next close is a new day's.
    _, (tomorrow,) = walk([(90_000, facts(121, previous_close=price(120)))], STATIC, state)
    assert tomorrow.band.reference == price(120)


def test_trading_waits_for_a_mark_that_is_outside_of_the_new_static_band() -> None:
    far = [(257 + each, facts(105, 121)) for each in range(9)]
    assert stages([*MOVED[:5], *far], STATIC)[-1] == "reopening"


def test_a_hard_limit_of_the_day_stays_where_it_was() -> None:
    hard = replace(STATIC, band=StaticBand(down=Ppm(100_000), up=Ppm(100_000)))
    _, decisions = walk([*MOVED, (300, facts(121))], hard)
    assert decisions[-1].band.reference == price(100)
    assert str(decisions[-1].stage) == "limit"
