"""Averages by time: exact weights, unknown time told and never a zero, sessions kept apart."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from risk.liquidity import BookLiquidity, SideLiquidity
from risk.session_averages import SessionAverage, SessionAverages
from risk.sessions import Session
from risk.units import Ppm, QuoteAtoms, Seconds

DAY, WEEKEND = Session.REGULAR, Session.WEEKEND


def book(depth: int | None, spread: int | None = 100, effective: int | None = 200) -> BookLiquidity:
    side = SideLiquidity(
        depth=None if depth is None else (QuoteAtoms(depth), QuoteAtoms(2 * depth)),
        effective_spread=None if effective is None else Ppm(effective),
    )
    return BookLiquidity(bid=side, ask=side, quoted_spread=None if spread is None else Ppm(spread))


def fed(*samples: tuple[int, Session, BookLiquidity | None]) -> SessionAverages:
    averages = SessionAverages(distances=2, most_gap=Seconds(10))
    for now, session, liquidity in samples:
        averages.take(Seconds(now), session, liquidity)
    return averages


def current(averages: SessionAverages) -> SessionAverage:
    found = averages.current
    assert found is not None
    return found


def test_before_the_first_sample_there_is_no_average() -> None:
    assert fed().current is None
    first = current(fed((5, DAY, book(100))))
    assert (first.observed, first.unknown, first.bid.depth[0].value) == (0, 0, None)


def test_a_sample_counts_until_the_next_one() -> None:
    found = current(fed((0, DAY, book(100)), (3, DAY, book(200)), (4, DAY, book(900))))
    assert found.bid.depth[0].value == (3 * 100 + 200) // 4
    assert found.ask.depth[1].value == 2 * (3 * 100 + 200) // 4
    assert (found.start, found.end, found.observed) == (0, 4, 4)


def test_depth_rounds_down_and_spreads_round_up() -> None:
    found = current(fed((0, DAY, book(10, 10, 10)), (1, DAY, book(11, 11, 11)), (3, DAY, book(0))))
    assert found.bid.depth[0].value == 10
    assert (found.quoted_spread.value, found.bid.effective_spread.value) == (11, 11)


def test_time_without_a_book_is_unknown_and_not_a_depth_of_zero() -> None:
    found = current(fed((0, DAY, book(100)), (2, DAY, None), (8, DAY, book(100)), (9, DAY, None)))
    assert found.bid.depth[0].value == 100
    assert (found.observed, found.unknown) == (3, 6)


def test_a_known_book_that_is_empty_is_a_depth_of_zero() -> None:
    found = current(fed((0, DAY, book(100)), (2, DAY, book(0, None, None)), (4, DAY, None)))
    assert found.bid.depth[0].value == 50
    assert (found.quoted_spread.value, found.quoted_spread.observed) == (100, 2)
    assert (found.observed, found.unknown) == (4, 0)


def test_a_book_without_a_mark_has_spreads_and_no_depth() -> None:
    found = current(fed((0, DAY, book(None)), (2, DAY, None)))
    assert (found.bid.depth[0].value, found.bid.depth[0].observed) == (None, 0)
    assert (found.quoted_spread.value, found.quoted_spread.observed) == (100, 2)


def test_samples_too_far_apart_say_nothing_of_the_time_between() -> None:
    found = current(fed((0, DAY, book(100)), (10, DAY, book(200)), (21, DAY, book(300))))
    assert (found.observed, found.unknown, found.bid.depth[0].value) == (10, 11, 100)


def test_each_session_has_its_own_average_and_the_last_of_a_kind_is_kept() -> None:
    averages = fed(
        (0, DAY, book(100)),
        (4, WEEKEND, book(10)),
        (6, DAY, book(300)),
        (9, WEEKEND, book(20)),
        (10, WEEKEND, book(0)),
    )
    done = averages.completed
    assert set(done) == {DAY, WEEKEND}
    assert (done[DAY].start, done[DAY].end, done[DAY].bid.depth[0].value) == (6, 9, 300)
    assert (done[WEEKEND].start, done[WEEKEND].end, done[WEEKEND].bid.depth[0].value) == (4, 6, 10)
    assert current(averages).bid.depth[0].value == 20


def test_a_session_is_whole_only_when_both_its_ends_were_seen() -> None:
    averages = fed((0, DAY, book(1)), (4, WEEKEND, book(1)), (6, DAY, book(1)), (30, WEEKEND, None))
    assert averages.completed[WEEKEND].is_whole
    assert not averages.completed[DAY].is_whole
    assert not current(averages).is_whole
    assert not fed((0, DAY, book(1)), (4, WEEKEND, None)).completed[DAY].is_whole


def test_a_sample_that_comes_no_later_replaces_the_last() -> None:
    found = current(fed((5, DAY, book(100)), (5, DAY, book(200)), (7, DAY, None)))
    assert (found.bid.depth[0].value, found.observed) == (200, 2)


SAMPLES = st.lists(
    st.tuples(
        st.integers(1, 14),
        st.sampled_from([DAY, WEEKEND]),
        st.none()
        | st.builds(book, st.none() | st.integers(0, 10**12), st.none() | st.integers(0, 10**6)),
    ),
    min_size=1,
    max_size=30,
)


@given(SAMPLES)
def test_the_average_is_what_a_slow_sum_over_every_second_says(
    steps: list[tuple[int, Session, BookLiquidity | None]],
) -> None:
    now, samples = 0, list[tuple[int, Session, BookLiquidity | None]]()
    for wait, session, liquidity in steps:
        now += wait
        samples.append((now, session, liquidity))
    found = current(fed(*samples))
    start = next(
        place
        for place in range(len(samples) - 1, -1, -1)
        if place == 0 or samples[place - 1][1] is not samples[-1][1]
    )
    depths, spreads, unknown = list[int](), list[int](), 0
    for (time, _, held), (following, _, _) in zip(
        samples[start:], samples[start + 1 :], strict=False
    ):
        for _ in range(following - time):
            if held is None or following - time > 10:
                unknown += 1
                continue
            if held.bid.depth is not None:
                depths.append(held.bid.depth[0])
            if held.quoted_spread is not None:
                spreads.append(held.quoted_spread)
    assert (found.start, found.unknown) == (samples[start][0], unknown)
    assert found.observed + found.unknown == found.end - found.start
    assert found.bid.depth[0].value == (
        floor(Fraction(sum(depths), len(depths))) if depths else None
    )
    assert found.quoted_spread.value == (
        ceil(Fraction(sum(spreads), len(spreads))) if spreads else None
    )
