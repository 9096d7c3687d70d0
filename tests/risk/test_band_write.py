"""The band that is written is the wanted one, as far as the owner's guard rails let it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.band_write import plan_band
from risk.guard_rails import Limits
from risk.precedence import BandEdges, band_around
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds
from tests.builders import NOW, make_market, price

LIMITS = Limits(minimum=5_000, maximum=250_000, largest_step=100_000, cool_down=Seconds(5))
MARKET = replace(make_market(), mark=price(100), band_low=PriceE8(0), band_high=PriceE8(0))
HELD = replace(MARKET, band_low=price(95), band_high=price(105))


def plan(
    market: object = MARKET, wanted: BandEdges | None = None, **facts: object
) -> BandEdges | None:
    asked = {"now": NOW, "last_written": None, "tolerance": Ppm(1_000), "limits": LIMITS} | facts
    wanted = wanted or band_around(price(100), Ppm(50_000))
    return plan_band(market, wanted, **asked).band  # type: ignore[arg-type]


def test_a_first_band_is_written_as_wanted() -> None:
    assert plan() == BandEdges(low=price(95), high=price(105))


def test_a_band_that_is_near_enough_is_left() -> None:
    assert plan(HELD, BandEdges(low=price("95.1"), high=price("105.1"))) is None
    assert plan(HELD, BandEdges(low=price("95.2"), high=price(105))) is not None


def test_edges_move_by_no_more_than_a_step() -> None:
    moved = plan(HELD, BandEdges(low=price(80), high=price(120)))
    assert moved == BandEdges(low=price("85.5"), high=price("115.5"))


def test_a_band_is_no_wider_than_allowed_and_still_is_not_when_the_mark_has_moved() -> None:
    assert plan(wanted=BandEdges(low=price(50), high=price(200))) == BandEdges(
        low=price(76), high=price(124)
    )
    within = BandEdges(low=price("76.5"), high=price("123.5"))
    assert plan(wanted=within) == within


def test_where_the_limits_leave_little_room_the_reserve_takes_half_of_it() -> None:
    narrow = replace(LIMITS, maximum=7_000)
    assert plan(wanted=BandEdges(low=price(50), high=price(200)), limits=narrow) == BandEdges(
        low=price("99.4"), high=price("100.6")
    )


def test_a_band_always_holds_the_mark() -> None:
    written = plan(replace(HELD, mark=price(96)), BandEdges(low=price(99), high=price(108)))
    # Its low edge would have to be the mark, and the owner wants half a percent between.
    assert written == BandEdges(low=price("95.52"), high=price(108))


def test_a_mark_at_the_edge_of_its_band_does_not_keep_the_other_edge_from_moving() -> None:
    pinned = replace(MARKET, mark=price(105), band_low=price(95), band_high=price(105))
    # A collar after a pause: from the mark up to where outside prices are.
    assert plan(pinned, BandEdges(low=price(105), high=price(140))) == BandEdges(
        low=price("104.475"), high=price("115.5")
    )


def test_no_edge_is_loosened_beyond_the_one_that_stands() -> None:
    tight = replace(MARKET, mark=price(100), band_low=price("99.8"), band_high=price(105))
    assert plan(tight, BandEdges(low=price(100), high=price(103))) is None
    assert plan(tight, BandEdges(low=price(99), high=price(103))) == BandEdges(
        low=price(99), high=price(103)
    )


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"last_written": Seconds(NOW - 4)}, "again in 1 s"),
        ({"limits": replace(LIMITS, maximum=0)}, "allows no band"),
    ],
)
def test_says_why_nothing_is_written(facts: dict[str, object], why: str) -> None:
    asked = {"now": NOW, "last_written": None, "tolerance": Ppm(0), "limits": LIMITS} | facts
    wanted = band_around(price(100), Ppm(50_000))
    assert why in plan_band(MARKET, wanted, **asked).why  # type: ignore[arg-type]


def test_a_market_without_a_price_or_in_a_split_gets_none() -> None:
    assert plan(replace(MARKET, mark=PriceE8(0))) is None
    assert plan(replace(MARKET, is_splitting=True)) is None


PRICES = st.integers(10**4, 10**13)


@given(
    mark=PRICES,
    held=st.one_of(st.none(), st.tuples(st.integers(1_000, 300_000), st.integers(1_000, 300_000))),
    wanted=st.tuples(PRICES, PRICES),
    least=st.integers(0, 50_000),
    most=st.integers(50_000, 900_000),
    step=st.integers(1, 10**6),
)
def test_what_is_written_is_what_the_exchange_takes(
    mark: int,
    held: tuple[int, int] | None,
    wanted: tuple[int, int],
    least: int,
    most: int,
    step: int,
) -> None:
    market = replace(MARKET, mark=PriceE8(mark))
    if held is not None:
        low = mark * (PPM_SCALE - held[0]) // PPM_SCALE
        high = mark * (PPM_SCALE + held[1]) // PPM_SCALE
        market = replace(market, band_low=PriceE8(low), band_high=PriceE8(high))
    limits = Limits(minimum=least, maximum=most, largest_step=step, cool_down=Seconds(0))
    low, high = sorted(wanted)
    written = plan(
        market, BandEdges(low=PriceE8(low), high=PriceE8(high)), limits=limits, tolerance=Ppm(0)
    )
    if written is None:
        return
    assert written.low <= mark <= written.high
    for edge, old in ((written.low, market.band_low), (written.high, market.band_high)):
        assert least <= abs(edge - mark) * PPM_SCALE // mark <= most
        assert not old or abs(edge - old) * PPM_SCALE <= step * old
