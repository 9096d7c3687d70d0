"""The US rule to the second: levels, cut-offs that follow the close, once a day, and the way back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendars import CALENDARS_DIRECTORY, load_calendar
from risk.market_wide import (
    FOLLOWS_NOTHING,
    MarketWideDecision,
    MarketWideState,
    Phase,
    step,
    strictest_followed,
)
from risk.market_wide_rules import (
    LevelRule,
    MarketWideFacts,
    MarketWideRules,
    TradingDay,
    trading_day,
)
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import MarketStatus, Ppm, PriceE8, Seconds
from tests.builders import price

RULES = MarketWideRules(
    index="SPY",
    levels=(
        LevelRule(fall=Ppm(70_000), halt=Seconds(900)),
        LevelRule(fall=Ppm(130_000), halt=Seconds(900)),
        LevelRule(fall=Ppm(200_000), halt=None),
    ),
    cut_off=Seconds(2_100),
    warm_up=3,
)
HOUR = 3_600
DAY = TradingDay(
    opens=Seconds(100 * HOUR), closes=Seconds(100 * HOUR + 23_400), ends=Seconds(120 * HOUR)
)
NEXT_DAY = TradingDay(
    opens=Seconds(124 * HOUR), closes=Seconds(124 * HOUR + 23_400), ends=Seconds(144 * HOUR)
)
NOON = DAY.opens + 9_000
CALENDAR = load_calendar(CALENDARS_DIRECTORY / "us_equities.toml")


def facts(
    dollars: str | None, now: int, *, session: Session = Session.REGULAR, day: TradingDay = DAY
) -> MarketWideFacts:
    """Say that SPY, which closed at 100, stands at so many dollars just now."""
    known = dollars is not None
    return MarketWideFacts(
        session=session,
        day=day,
        index=price(dollars) if dollars is not None else None,
        index_time=Seconds(now) if known else None,
        previous_close=price(100),
    )


def walk(
    prices: Sequence[tuple[int, str | None]],
    state: MarketWideState | None = None,
    *,
    session: Session = Session.REGULAR,
    day: TradingDay = DAY,
) -> tuple[MarketWideState, list[MarketWideDecision]]:
    """Give the last state and every decision after (seconds, dollars)."""
    state, decisions = state or MarketWideState(), []
    for now, dollars in prices:
        told = facts(dollars, now, session=session, day=day)
        state, decision = step(state, told, now=Seconds(now), rules=RULES)
        decisions.append(decision)
    return state, decisions


def levels(
    prices: Sequence[tuple[int, str | None]], state: MarketWideState | None = None
) -> list[int]:
    """Give the level in force after each (seconds, dollars)."""
    return [decision.level for decision in walk(prices, state)[1]]


@pytest.mark.parametrize(
    ("dollars", "level"),
    [("93.000001", 0), ("93", 1), ("87.01", 1), ("87", 2), ("80.01", 2), ("80", 3), ("107", 0)],
)
def test_a_level_is_reached_at_its_fall_and_never_by_rising(dollars: str, level: int) -> None:
    assert levels([(NOON, dollars)]) == [level]


@pytest.mark.parametrize(
    ("before_close", "dollars", "level"),
    [
        (2_101, "93", 1),
        (2_100, "93", 0),
        (1, "93", 0),
        (2_101, "87", 2),
        (2_100, "87", 0),
        (2_100, "80", 3),
        (1, "80", 3),
    ],
)
def test_timed_halts_do_not_begin_in_the_last_35_minutes(
    before_close: int, dollars: str, level: int
) -> None:
    assert levels([(DAY.closes - before_close, dollars)]) == [level]


@pytest.mark.parametrize(
    ("moment", "level"),
    [
        ("2026-11-25 15:24:59", 1),
        ("2026-11-25 15:25:00", 0),
        # The day after Thanksgiving closes at 13:00.
        ("2026-11-27 12:24:59", 1),
        ("2026-11-27 12:25:00", 0),
        # The clocks have changed on Sunday.
        ("2026-11-02 15:24:59", 1),
        ("2026-11-02 15:25:00", 0),
    ],
)
def test_the_cut_off_follows_the_close_of_the_day(moment: str, level: int) -> None:
    now = Seconds(int(datetime.fromisoformat(moment).replace(tzinfo=CALENDAR.zone).timestamp()))
    day = trading_day(CALENDAR.timeline, now)
    assert day is not None
    _, (decision,) = walk([(now, "92")], day=day)
    assert decision.level == level


@pytest.mark.parametrize(
    ("moment", "opens", "closes", "ends"),
    [
        ("2026-11-25 11:00", "09:30", "16:00", "20:00"),
        ("2026-11-27 11:00", "09:30", "13:00", "17:00"),
    ],
)
def test_a_trading_day_is_the_calendars(moment: str, opens: str, closes: str, ends: str) -> None:
    def at(text: str) -> Seconds:
        local = datetime.fromisoformat(text).replace(tzinfo=CALENDAR.zone)
        return Seconds(int(local.timestamp()))

    date = moment.split(maxsplit=1)[0]
    assert trading_day(CALENDAR.timeline, at(moment)) == TradingDay(
        opens=at(f"{date} {opens}"), closes=at(f"{date} {closes}"), ends=at(f"{date} {ends}")
    )
    assert trading_day(CALENDAR.timeline, at(f"{date} 09:29")) is None
    assert trading_day(CALENDAR.timeline, at(f"{date} {closes}")) is None


def test_a_day_that_ends_with_the_timeline_ends_there() -> None:
    timeline = SessionTimeline(
        boundaries=(
            Boundary(start=Seconds(10), session=Session.REGULAR),
            Boundary(start=Seconds(20), session=Session.POST),
        ),
        end=Seconds(30),
    )
    assert trading_day(timeline, Seconds(15)) == TradingDay(
        opens=Seconds(10), closes=Seconds(20), ends=Seconds(30)
    )
    assert trading_day(timeline, Seconds(5)) is None
    assert trading_day(timeline, Seconds(35)) is None


@pytest.mark.parametrize("session", [each for each in Session if each is not Session.REGULAR])
def test_nothing_halts_outside_the_regular_session(session: Session) -> None:
    _, (decision,) = walk([(NOON, "70")], session=session)
    assert (decision.status, decision.level) == (MarketStatus.OPEN, 0)


AFTER_LEVEL_1 = [
    (NOON, "93"),
    *((NOON + 900 + second, "93") for second in range(6)),
]


def test_the_way_back_is_reduce_only_first_and_takes_fresh_prices() -> None:
    _, decisions = walk([*AFTER_LEVEL_1[:1], (NOON + 899, "93"), *AFTER_LEVEL_1[1:]])
    assert [each.status for each in decisions] == [
        *[MarketStatus.HALTED] * 4,
        *[MarketStatus.REDUCE_ONLY] * 3,
        MarketStatus.OPEN,
    ]
    assert decisions[0].until == NOON + 900
    assert decisions[-1].until is None


def test_each_level_halts_once_a_day() -> None:
    prices = [*AFTER_LEVEL_1, (NOON + 2_000, "95"), (NOON + 2_001, "92"), (NOON + 2_002, "87")]
    assert levels(prices)[-4:] == [0, 0, 0, 2]


def test_after_a_higher_level_a_lower_one_does_not_halt_any_more() -> None:
    back = [(NOON + 900 + second, "94") for second in range(6)]
    assert levels([(NOON, "86"), *back, (NOON + 2_000, "93")])[-2:] == [0, 0]


def test_the_next_day_begins_anew() -> None:
    state, _ = walk(AFTER_LEVEL_1)
    _, (decision,) = walk([(NEXT_DAY.opens, "93")], state, day=NEXT_DAY)
    assert decision.level == 1


def test_a_higher_level_takes_over_while_a_lower_one_halts() -> None:
    _, decisions = walk([(NOON, "93"), (NOON + 600, "87"), (NOON + 601, "79")])
    assert [(each.level, each.until) for each in decisions] == [
        (1, NOON + 900),
        (2, NOON + 1_500),
        (3, DAY.ends),
    ]


def test_a_higher_level_does_not_shorten_a_halt() -> None:
    short = replace(RULES, levels=(RULES.levels[0], LevelRule(fall=Ppm(130_000), halt=Seconds(60))))
    state, _ = step(MarketWideState(), facts("93", NOON), now=Seconds(NOON), rules=short)
    later = Seconds(NOON + 1)
    _, decision = step(state, facts("87", later), now=later, rules=short)
    assert (decision.level, decision.until) == (2, NOON + 900)


def test_level_three_halts_to_the_end_of_the_day_even_at_its_last_second() -> None:
    state, (halted,) = walk([(DAY.closes - 1, "80")])
    assert (halted.status, halted.until) == (MarketStatus.HALTED, DAY.ends)
    evening = [(DAY.ends - 1, "99"), *((DAY.ends + second, "99") for second in range(7))]
    _, decisions = walk(evening, state, session=Session.OVERNIGHT)
    assert [each.status for each in decisions] == [
        *[MarketStatus.HALTED] * 3,
        *[MarketStatus.REDUCE_ONLY] * 3,
        *[MarketStatus.OPEN] * 2,
    ]


def test_a_halt_runs_its_time_whatever_the_session_says() -> None:
    state, _ = walk([(NOON, "93")])
    _, decisions = walk([(NOON + 600, "99"), (NOON + 899, "99")], state, session=Session.HALTED)
    assert {each.status for each in decisions} == {MarketStatus.HALTED}


@pytest.mark.parametrize(
    "told",
    [
        facts(None, NOON),
        replace(facts("80", NOON), previous_close=None),
        replace(facts("80", NOON), index_time=None),
        replace(facts("80", NOON), index=PriceE8(0)),
        replace(facts("80", NOON), index_time=Seconds(DAY.opens - 1)),
        replace(facts("80", NOON), index_time=Seconds(NOON + 1)),
    ],
    ids=["no price", "no close", "no time", "zero", "from before the opening", "from the future"],
)
def test_a_price_that_is_not_known_halts_nothing(told: MarketWideFacts) -> None:
    _, decision = step(MarketWideState(), told, now=Seconds(NOON), rules=RULES)
    assert decision.level == 0


def test_only_new_prices_from_after_the_halt_lead_back() -> None:
    state, _ = walk([(NOON, "93")])
    over = Seconds(NOON + 1_000)
    useless = [
        facts(None, over),
        replace(facts("95", over), index_time=Seconds(NOON + 899)),
        replace(facts("95", over), index_time=Seconds(over + 1)),
    ]
    for told in useless * 5:
        state, decision = step(state, told, now=over, rules=RULES)
        assert decision.status is MarketStatus.HALTED
    for told in [facts("95", over)] * 20:
        # The same price twenty times is one.
        state, decision = step(state, told, now=over, rules=RULES)
        assert decision.status is MarketStatus.HALTED
    assert state.fresh == 1


def test_every_decision_says_why() -> None:
    _, (halted, waiting) = walk([(NOON, "92.9"), (NOON + 900, "93")])
    assert halted.why == "level 1: SPY fell 7.1 % below its previous close; halted for 900 s"
    assert "halt's time is over, waiting for 3 fresh prices" in waiting.why
    _, (closed,) = walk([(NOON, "79")])
    assert closed.why.endswith("halted to the end of the trading day")
    _, (open_, unknown) = walk([(NOON, "99"), (NOON + 1, None)])
    assert open_.why == "SPY has reached no further level that halts"
    assert unknown.why.endswith("as far as is known")
    _, (night,) = walk([(NOON, "70")], session=Session.OVERNIGHT)
    assert "outside its regular session" in night.why


def test_a_market_follows_the_strictest_of_its_groups() -> None:
    _, (calm,) = walk([(NOON, "99")])
    _, (halted,) = walk([(NOON, "92")])
    decisions = {"us-equities": calm, "gold": halted}
    assert strictest_followed(("us-equities", "gold"), decisions) is halted
    assert strictest_followed(("us-equities",), decisions) is calm
    assert strictest_followed((), decisions) is FOLLOWS_NOTHING
    with pytest.raises(KeyError, match="oil"):
        strictest_followed(("oil",), decisions)


ROUNDS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 30, 600, 900, 5_000, 30_000]),
        st.one_of(st.none(), st.integers(7_500, 10_100)),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def day_at(now: int) -> tuple[Session, TradingDay]:
    """Give session and day of an endless week of trading days that begin every 24 hours."""
    start = now // 86_400 * 86_400
    day = TradingDay(
        opens=Seconds(start + 36_000),
        closes=Seconds(start + 59_400),
        ends=Seconds(start + 73_800),
    )
    is_open = day.opens <= now < day.closes
    return (Session.REGULAR if is_open else Session.OVERNIGHT), day


@given(ROUNDS)
def test_no_path_leaves_a_halt_but_by_its_rule(rounds: list[tuple[int, int | None, bool]]) -> None:
    now, state = 36_000, MarketWideState()
    for wait, cents, is_repeated in rounds:
        now += wait
        session, day = day_at(now)
        told = replace(
            facts(None, now, session=session, day=day),
            index=None if cents is None else PriceE8(cents * 10**6),
            index_time=Seconds(state.counted if is_repeated else now),
        )
        before = state
        state, decision = step(before, told, now=Seconds(now), rules=RULES)
        assert (state, decision) == step(before, told, now=Seconds(now), rules=RULES)
        used_before = before.used if state.day == before.day else 0
        if state.used > used_before:
            assert session is Session.REGULAR
            assert decision.status is MarketStatus.HALTED
            assert state.level == 3 or now < day.closes - RULES.cut_off
        elif state.phase is not before.phase:
            # One step back, after the halt, on the last of enough prices that were new.
            steps = [Phase.HALTED, Phase.REOPENING, Phase.WATCHING]
            assert steps.index(state.phase) == steps.index(before.phase) + 1
            assert now >= before.until
            assert before.fresh == RULES.warm_up - 1
            assert before.counted < state.counted == now
        if cents is None:
            assert state.phase is before.phase
        if before.phase is Phase.HALTED and now < before.until:
            assert decision.status is MarketStatus.HALTED
        assert state.until >= before.until
        assert (decision.level == 0) == (decision.status is MarketStatus.OPEN)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"levels": ()}, "expected levels that rise, found falls of \\[\\]"),
        ({"levels": RULES.levels[::-1]}, "expected levels that rise"),
        (
            {
                "levels": (
                    LevelRule(fall=Ppm(1), halt=None),
                    LevelRule(fall=Ppm(2), halt=Seconds(3)),
                )
            },
            "only the last level to halt to the end of the day",
        ),
        ({"cut_off": Seconds(-1)}, "cut_off >= 0"),
        ({"warm_up": 0}, "warm_up >= 1"),
    ],
)
def test_rules_that_cannot_stand_together_are_refused(
    change: dict[str, object], sentence: str
) -> None:
    good = {"index": "SPY", "levels": RULES.levels, "cut_off": Seconds(1), "warm_up": 1}
    with pytest.raises(ValueError, match=sentence):
        MarketWideRules(**(good | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(("fall", "halt"), [(0, 1), (1_000_000, 1), (70_000, 0)])
def test_a_level_that_is_none_is_refused(fall: int, halt: int) -> None:
    with pytest.raises(ValueError, match="expected a fall above 0"):
        LevelRule(fall=Ppm(fall), halt=Seconds(halt))


def test_a_regular_session_has_a_day() -> None:
    with pytest.raises(ValueError, match="expected the trading day"):
        replace(facts("99", NOON), day=None)
