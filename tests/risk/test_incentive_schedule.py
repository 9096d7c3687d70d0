"""The schedule of incentives: at its borders, between them, and for any chain of sessions."""

import itertools
from dataclasses import replace

import pytest

from risk.incentive_schedule import next_ramp, scheduled, target_at
from risk.incentive_terms import (
    LiquidityTarget,
    ScheduledLevers,
    margin_of,
    part_of_cap,
    strictest,
)
from risk.sessions import Session
from risk.units import Ppm, QuoteAtoms, Seconds
from tests.risk.scheduling import (
    DOUBT,
    HOUR,
    LEVELS,
    make_levers,
    make_terms,
    make_timeline,
)

FRIDAY_CLOSE = 24 * HOUR
REOPENING = FRIDAY_CLOSE + 48 * HOUR
MONDAY = REOPENING + 8 * HOUR
END = MONDAY + 12 * HOUR
WEEK_END = make_timeline(
    (0, Session.REGULAR),
    (FRIDAY_CLOSE - 4 * HOUR, Session.POST),
    (FRIDAY_CLOSE, Session.WEEKEND),
    (REOPENING, Session.OVERNIGHT),
    (MONDAY, Session.PRE),
    end=END,
)
TERMS = make_terms()


@pytest.mark.parametrize(
    ("now", "margin", "maker", "taker", "cap", "multiplier"),
    [
        pytest.param(12 * HOUR, 50_000, -100, 500, 1_000_000, 1_000_000, id="weekday"),
        pytest.param(
            FRIDAY_CLOSE - HOUR, 50_000, -100, 500, 1_000_000, 1_000_000, id="ramp begins"
        ),
        pytest.param(
            FRIDAY_CLOSE - HOUR + 1, 50_042, -100, 501, 999_833, 999_861, id="its first second"
        ),
        pytest.param(
            FRIDAY_CLOSE - HOUR // 2, 125_000, -150, 550, 700_000, 750_000, id="half-way in"
        ),
        pytest.param(
            FRIDAY_CLOSE - 1,
            199_959,
            -199,
            600,
            400_166,
            500_138,
            id="last second before the close",
        ),
        pytest.param(FRIDAY_CLOSE, 200_000, -200, 600, 400_000, 500_000, id="close: in full"),
        pytest.param(
            REOPENING, 200_000, -200, 600, 400_000, 500_000, id="reopening: still in full"
        ),
        pytest.param(
            REOPENING + HOUR // 4, 125_000, -150, 550, 700_000, 750_000, id="half-way back"
        ),
        pytest.param(
            REOPENING + HOUR // 2, 100_000, -150, 500, 700_000, 800_000, id="back to overnight"
        ),
        pytest.param(MONDAY, 100_000, -150, 500, 700_000, 800_000, id="overnight ends"),
        pytest.param(
            MONDAY + HOUR // 2, 50_000, -100, 500, 1_000_000, 1_000_000, id="weekday again"
        ),
    ],
)
def test_levels_over_a_weekend(
    now: int, margin: int, maker: int, taker: int, cap: int, multiplier: int
) -> None:
    levers = scheduled(WEEK_END, TERMS, Seconds(now))
    assert (levers.initial_margin, levers.maker_fee, levers.taker_fee) == (margin, maker, taker)
    assert (levers.open_interest_cap, levers.funding_multiplier) == (cap, multiplier)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(-10 * HOUR, DOUBT, id="before the timeline"),
        pytest.param(-1, DOUBT, id="the second before it begins"),
        pytest.param(0, DOUBT, id="its first second: the ramp back begins"),
        pytest.param(END, DOUBT, id="its end"),
        pytest.param(END + 900 * HOUR, DOUBT, id="long after"),
    ],
)
def test_what_is_not_known_is_the_strictest(now: int, expected: ScheduledLevers) -> None:
    assert scheduled(WEEK_END, TERMS, Seconds(now)) == expected


def test_the_strictest_is_taken_lever_by_lever() -> None:
    rebate, tight = make_levers(maker=-200, slope=10), make_levers(90_000, cap=5, multiplier=7)
    assert strictest([rebate, tight]) == make_levers(90_000, cap=5, multiplier=7)
    with pytest.raises(ValueError, match="levels of one session or more"):
        strictest([])


def test_a_session_shorter_than_its_ramps_is_crossed_without_a_jump() -> None:
    short = make_timeline(
        (0, Session.WEEKEND),
        (10 * HOUR, Session.REGULAR),
        (10 * HOUR + 600, Session.HOLIDAY),
        end=20 * HOUR,
    )
    margins = [
        scheduled(short, TERMS, Seconds(now)).initial_margin
        for now in range(10 * HOUR - 10, 10 * HOUR + 700)
    ]
    assert min(margins) > 150_000
    assert max(margins) == margins[0] == margins[-1] == 200_000
    assert max(abs(late - early) for early, late in itertools.pairwise(margins)) <= 84


def test_the_stricter_of_two_ramps_wins_on_the_way_from_night_to_weekend() -> None:
    chain = make_timeline(
        (0, Session.POST),
        (10 * HOUR, Session.OVERNIGHT),
        (11 * HOUR, Session.WEEKEND),
        end=30 * HOUR,
    )
    half = scheduled(chain, TERMS, Seconds(10 * HOUR - HOUR // 2))
    assert half.initial_margin == 75_000
    # The weekend's ramp starts as the night begins, and passes the night's level after 20 minutes.
    assert scheduled(chain, TERMS, Seconds(10 * HOUR + 1_200)).initial_margin == 100_000
    assert scheduled(chain, TERMS, Seconds(10 * HOUR + 1_800)).initial_margin == 125_000


def test_a_pull_up_and_a_pull_down_add_up() -> None:
    levels = {
        **LEVELS,
        Session.POST: make_levers(maker=0),
        Session.WEEKEND: make_levers(maker=-200),
    }
    chain = make_timeline((0, Session.POST), (5 * HOUR, Session.WEEKEND), end=30 * HOUR)
    levers = scheduled(chain, make_terms(levels), Seconds(5 * HOUR - HOUR // 2))
    assert levers.maker_fee == -100 + 100 - 50


@pytest.mark.parametrize(
    ("now", "start", "stop", "leads_to"),
    [
        pytest.param(
            12 * HOUR, FRIDAY_CLOSE - HOUR, FRIDAY_CLOSE, Session.WEEKEND, id="comes next"
        ),
        pytest.param(
            FRIDAY_CLOSE - 1, FRIDAY_CLOSE - HOUR, FRIDAY_CLOSE, Session.WEEKEND, id="under way"
        ),
        pytest.param(
            FRIDAY_CLOSE, REOPENING, REOPENING + HOUR // 2, Session.OVERNIGHT, id="the ramp back"
        ),
        pytest.param(
            REOPENING + 60,
            REOPENING,
            REOPENING + HOUR // 2,
            Session.OVERNIGHT,
            id="on the way back",
        ),
        pytest.param(
            REOPENING + HOUR, MONDAY, MONDAY + HOUR // 2, Session.PRE, id="from night to morning"
        ),
        pytest.param(
            MONDAY + HOUR, END - HOUR, END, Session.UNKNOWN, id="into the end of the calendar"
        ),
    ],
)
def test_tells_the_next_ramp(now: int, start: int, stop: int, leads_to: Session) -> None:
    ramp = next_ramp(WEEK_END, TERMS, Seconds(now))
    assert ramp is not None
    assert (ramp.start, ramp.stop, ramp.to_session) == (start, stop, leads_to)
    assert ramp.levers == TERMS.levels[leads_to]


def test_there_is_no_ramp_after_the_end_nor_between_equal_levels() -> None:
    assert next_ramp(WEEK_END, TERMS, Seconds(END)) is None
    ramp = next_ramp(WEEK_END, TERMS, Seconds(HOUR))
    # Regular to post changes nothing here, so it is no ramp.
    assert ramp is not None
    assert ramp.from_session is Session.POST


def test_a_target_follows_the_session_without_a_ramp() -> None:
    thin = LiquidityTarget(depth=QuoteAtoms(1), spread=Ppm(900))
    terms = replace(TERMS, targets={**TERMS.targets, Session.WEEKEND: thin})
    assert target_at(WEEK_END, terms, Seconds(FRIDAY_CLOSE - 1)) != thin
    assert target_at(WEEK_END, terms, Seconds(FRIDAY_CLOSE)) == thin


@pytest.mark.parametrize(
    ("milli", "margin"), [(5_000, 200_000), (20_000, 50_000), (15_000, 66_667), (7_500, 133_334)]
)
def test_margin_of_a_leverage_is_rounded_up(milli: int, margin: int) -> None:
    assert margin_of(milli) == margin


def test_a_part_of_the_cap_is_rounded_down() -> None:
    assert part_of_cap(QuoteAtoms(1_000_001), Ppm(400_000)) == 400_000


def test_terms_without_a_session_or_a_ramp_are_refused() -> None:
    with pytest.raises(ValueError, match="levels and a target for holiday"):
        make_terms({key: value for key, value in LEVELS.items() if key is not Session.HOLIDAY})
    with pytest.raises(ValueError, match="ramps that last"):
        make_terms(ramp_in=0)
