"""The schedule of incentives for any chain of sessions: no jump, nothing looser, nothing steeper."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from risk.incentive_schedule import scheduled
from risk.incentive_terms import ScheduledLevers, ScheduleTerms
from risk.sessions import Session, SessionTimeline
from risk.units import Seconds
from tests.risk.scheduling import FIELDS, make_levers, make_terms, make_timeline, steepest

SECONDS = st.integers(min_value=1, max_value=4_000)


@st.composite
def timelines(draw: st.DrawFn) -> SessionTimeline:
    """Chains of sessions, many of them shorter than a ramp."""
    chosen = draw(st.lists(st.sampled_from(list(Session)), min_size=1, max_size=6))
    chain = [session for session, _ in itertools.groupby(chosen)]
    starts = list(itertools.accumulate(draw(SECONDS) for _ in range(len(chain) + 1)))
    return make_timeline(*zip(starts[:-1], chain, strict=True), end=starts[-1])


@st.composite
def terms_of_any_kind(draw: st.DrawFn) -> ScheduleTerms:
    def levels() -> ScheduledLevers:
        return make_levers(
            draw(st.integers(50_000, 500_000)),
            multiplier=draw(st.integers(0, 2_000_000)),
            slope=draw(st.integers(0, 200_000)),
            maker=draw(st.integers(-250, 300)),
            taker=draw(st.integers(250, 900)),
            cap=draw(st.integers(100_000, 1_000_000)),
        )

    every = {session: levels() for session in Session}
    every[Session.REGULAR] = make_levers()
    ramp_in, ramp_back = draw(st.integers(1, 3_600)), draw(st.integers(1, 3_600))
    return make_terms(every, ramp_in=ramp_in, ramp_back=ramp_back)


@given(timelines(), terms_of_any_kind(), st.integers(-5_000, 30_000))
def test_no_lever_moves_faster_than_its_ramps(
    timeline: SessionTimeline, terms: ScheduleTerms, now: int
) -> None:
    early = scheduled(timeline, terms, Seconds(now))
    late = scheduled(timeline, terms, Seconds(now + 1))
    for field in FIELDS:
        assert abs(getattr(late, field) - getattr(early, field)) <= steepest(terms, field), field


@given(timelines(), terms_of_any_kind(), st.data())
def test_no_border_makes_a_jump(
    timeline: SessionTimeline, terms: ScheduleTerms, data: st.DataObject
) -> None:
    borders = [*(each.start for each in timeline.boundaries), timeline.end]
    border = data.draw(st.sampled_from(borders))
    early = scheduled(timeline, terms, Seconds(border - 1))
    late = scheduled(timeline, terms, Seconds(border))
    for field in FIELDS:
        assert abs(getattr(late, field) - getattr(early, field)) <= steepest(terms, field), field


@given(timelines(), terms_of_any_kind(), st.integers(-5_000, 30_000))
def test_it_is_never_looser_than_the_session_nor_beyond_all_levels(
    timeline: SessionTimeline, terms: ScheduleTerms, now: int
) -> None:
    levers = scheduled(timeline, terms, Seconds(now))
    asked = terms.levels[timeline.session_at(Seconds(now))]
    assert levers.initial_margin >= asked.initial_margin
    assert levers.open_interest_cap <= asked.open_interest_cap
    assert levers.maker_fee + levers.taker_fee >= 0
    for field in FIELDS:
        every = [getattr(each, field) for each in terms.levels.values()]
        assert min(every) <= getattr(levers, field) <= max(every), field


@given(timelines(), st.integers(-5_000, 30_000))
def test_away_from_ramps_it_is_what_the_session_says(timeline: SessionTimeline, now: int) -> None:
    terms = make_terms(ramp_in=60, ramp_back=30)
    near = timeline.between(Seconds(now - 30), Seconds(now + 61))
    if not near:
        assert (
            scheduled(timeline, terms, Seconds(now))
            == terms.levels[timeline.session_at(Seconds(now))]
        )
