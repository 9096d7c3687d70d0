"""Do the market-wide halts of history come when they came, and none on the days that had none?"""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from config.breakers import load_breakers
from drills.scenario.loader import load_scenario
from drills.scenario.moment import EventKind
from drills.scenario.path import ScenarioPath
from drills.scenario.values import Scenario
from risk.market_wide import MarketWideState, Phase, step
from risk.market_wide_rules import MarketWideFacts, trading_day
from risk.sessions import Session
from risk.units import PriceE8, Seconds

RULES = load_breakers().groups["us-equities"]
NEW_YORK = ZoneInfo("America/New_York")
SEEDS = (1, 2)


def local(month: int, day: int, hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=NEW_YORK)


def halts(
    scenario: Scenario, path: ScenarioPath, *, symbol: str = "SPY", series: str | None = None
) -> list[tuple[datetime, int]]:
    """Feed every second of the regular sessions to our breaker; give when which level halted.

    `series` feeds the recorded index itself instead of our market's index.
    """
    state, found = MarketWideState(), []
    close: PriceE8 | None = None
    for second in range(scenario.start, scenario.end + 1):
        now = Seconds(second)
        session = scenario.timeline.session_at(now)
        if close is None:
            # The window begins with the close of the day before.
            assert session is Session.POST
            close = path.value(symbol, now) if series is None else path.series[series].at(now)
        if session is not Session.REGULAR:
            continue
        shown = path.index(symbol, now)
        if series is not None and shown is not None:
            shown = path.series[series].at(now)
        facts = MarketWideFacts(
            session=session,
            day=trading_day(scenario.timeline, now),
            index=shown,
            index_time=now if shown else None,
            previous_close=close,
        )
        before = state.used
        state, decision = step(state, facts, now=now, rules=RULES)
        if state.used != before:
            assert decision.level == state.used
            found.append((datetime.fromtimestamp(now, NEW_YORK), state.used))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "halted_at"),
    [
        ("crash_2020_03_09", local(3, 9, 9, 34, 13)),
        ("crash_2020_03_12", local(3, 12, 9, 35, 44)),
        ("crash_2020_03_16", local(3, 16, 9, 30, 1)),
        ("crash_2020_03_18", local(3, 18, 12, 56, 17)),
    ],
)
def test_the_halts_of_march_2020_come_at_their_published_seconds(
    name: str, halted_at: datetime, seed: int
) -> None:
    # The underlying's own halt silences the index one second later; here it may still be heard.
    scenario = load_scenario(name)
    path = scenario.path(seed)
    (halt,) = [event for event in scenario.events if event.kind is EventKind.HALT]
    shown = _without_halts(scenario).path(seed)
    assert halts(scenario, shown) == [(halted_at, 1)]
    assert datetime.fromtimestamp(halt.start, NEW_YORK) == halted_at
    assert halt.stop - halt.start == 900
    assert path.at(halt.start).markets["SPY"].index is None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("opening_2015_08_24", "sp500"),
        ("squeeze_2021_01_28", None),
        ("carry_2024_08_05", None),
        ("liquidations_2025_10_10", None),
        ("thin_weekend_2025_12", None),
        ("frozen_oracle", None),
        ("outage_worst_minute", None),
    ],
)
def test_days_without_a_halt_have_none(name: str, series: str | None, seed: int) -> None:
    scenario = load_scenario(name)
    assert halts(scenario, scenario.path(seed), series=series) == []


def test_a_breaker_on_the_fund_would_have_halted_on_24_august_2015_where_the_rule_did_not() -> None:
    scenario = load_scenario("opening_2015_08_24")
    ((at, level),) = halts(scenario, scenario.path(1))
    assert level == 1
    assert local(8, 24, 9, 30) < at <= local(8, 24, 9, 35)


@pytest.mark.parametrize("seed", SEEDS)
def test_todays_rule_would_have_halted_once_in_2010_and_three_times_in_1987(seed: int) -> None:
    scenario = load_scenario("flash_crash_2010")
    ((at, level),) = halts(scenario, scenario.path(seed))
    assert level == 1
    assert local(5, 7, 14, 42) < at <= local(5, 7, 14, 45, 28)
    scenario = load_scenario("black_monday_1987")
    found = halts(scenario, scenario.path(seed))
    assert [level for _, level in found] in ([1, 2, 3], [1, 3])
    assert found[-1][0] > local(10, 19, 14, 45)


def test_a_war_on_sunday_opens_beyond_level_two() -> None:
    scenario = load_scenario("sunday_war")
    found = halts(scenario, scenario.path(1))
    assert found[0] == (local(6, 15, 9, 30), 2)


def test_a_halted_breaker_stays_halted_while_the_underlying_says_nothing() -> None:
    scenario = load_scenario("crash_2020_03_18")
    path = scenario.path(1)
    (halt,) = [event for event in scenario.events if event.kind is EventKind.HALT]
    day = trading_day(scenario.timeline, Seconds(halt.start))
    state = MarketWideState()
    facts = MarketWideFacts(
        session=Session.REGULAR,
        day=day,
        index=path.value("SPY", halt.start),
        index_time=Seconds(halt.start),
        previous_close=path.value("SPY", scenario.start),
    )
    state, _ = step(state, facts, now=Seconds(halt.start), rules=RULES)
    for second in range(halt.start + 1, halt.stop):
        shown = path.index("SPY", second)
        assert shown is None
        facts = MarketWideFacts(
            session=Session.REGULAR, day=day, index=shown, index_time=None, previous_close=None
        )
        state, _ = step(state, facts, now=Seconds(second), rules=RULES)
    assert state.phase is Phase.HALTED


def _without_halts(scenario: Scenario) -> Scenario:
    kept = tuple(event for event in scenario.events if event.kind is not EventKind.HALT)
    return replace(scenario, events=kept)
