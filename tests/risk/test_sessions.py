"""A timeline answers for every second, and where it says nothing the answer is UNKNOWN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.sessions import (
    STRICTNESS,
    Boundary,
    Disagreement,
    Session,
    SessionTimeline,
    disagreements,
    stricter,
)
from risk.units import Seconds


def timeline(*starts: tuple[int, Session], end: int = 100) -> SessionTimeline:
    boundaries = tuple(Boundary(start=Seconds(at), session=session) for at, session in starts)
    return SessionTimeline(boundaries=boundaries, end=Seconds(end))


DAY = timeline((10, Session.PRE), (20, Session.REGULAR), (60, Session.POST))


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (9, Session.UNKNOWN),
        (10, Session.PRE),
        (19, Session.PRE),
        (20, Session.REGULAR),
        (99, Session.POST),
        (100, Session.UNKNOWN),
    ],
)
def test_a_session_begins_with_its_first_second(now: int, session: Session) -> None:
    assert DAY.session_at(Seconds(now)) is session


def test_gives_the_boundaries_around_a_moment() -> None:
    assert DAY.next_boundary(Seconds(20)) == DAY.boundaries[2]
    assert DAY.last_boundary(Seconds(20)) == DAY.boundaries[1]
    assert DAY.next_boundary(Seconds(99)) == Boundary(start=Seconds(100), session=Session.UNKNOWN)
    assert DAY.next_boundary(Seconds(100)) is None
    assert DAY.last_boundary(Seconds(9)) is None


def test_gives_the_boundaries_of_a_span_with_its_first_second() -> None:
    assert [each.start for each in DAY.between(Seconds(20), Seconds(101))] == [20, 60, 100]
    assert DAY.between(Seconds(21), Seconds(60)) == ()


@pytest.mark.parametrize(
    ("starts", "end"),
    [
        ((), 10),
        (((10, Session.PRE),), 10),
        (((10, Session.PRE), (10, Session.POST)), 100),
        (((10, Session.PRE), (20, Session.PRE)), 100),
    ],
)
def test_a_timeline_that_is_none_is_refused(
    starts: tuple[tuple[int, Session], ...], end: int
) -> None:
    with pytest.raises(ValueError, match="expected"):
        timeline(*starts, end=end)


def test_every_session_has_its_place_in_the_order() -> None:
    assert sorted(STRICTNESS) == sorted(Session)


@given(st.sampled_from(Session), st.sampled_from(Session))
def test_the_stricter_of_two_is_one_of_them_and_never_opens(one: Session, other: Session) -> None:
    kept = stricter(one, other)
    assert kept in {one, other}
    assert kept is stricter(other, one)
    if kept.has_external_price:
        assert one.has_external_price
        assert other.has_external_price


def test_tells_where_two_timelines_disagree() -> None:
    other = timeline((10, Session.PRE), (25, Session.REGULAR), (60, Session.POST), end=90)
    assert disagreements(DAY, other, Seconds(0), Seconds(200)) == (
        Disagreement(start=Seconds(20), stop=Seconds(25), one=Session.REGULAR, other=Session.PRE),
        Disagreement(start=Seconds(90), stop=Seconds(100), one=Session.POST, other=Session.UNKNOWN),
    )
    assert disagreements(DAY, DAY, Seconds(0), Seconds(200)) == ()
