"""What ships: every scenario loads, is in order, and says where it is from. And how a path behaves."""

import itertools
from dataclasses import replace

import pytest

from config.calendars import load_calendars
from config.markets import load_market
from drills.scenario.loader import load_scenario, shipped_scenarios
from drills.scenario.moment import EventKind, SourceState
from drills.scenario.values import Origin
from risk.sessions import Session
from risk.units import ATOMS_PER_USD, Seconds

ALL = shipped_scenarios()


def test_the_days_of_the_brief_ship() -> None:
    assert len(ALL) == 17
    assert {"black_monday_1987", "collapse_2020_04_02", "liquidations_2025_10_10"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_scenario_is_monotone_in_time_and_passes_through_its_facts(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.start < scenario.end
    assert len(scenario.origins) > 3
    starts = [event.start for event in scenario.events]
    assert starts == sorted(starts)
    path = scenario.path(7)
    for series in scenario.series:
        for before, after in itertools.pairwise(series.facts):
            assert before.at < after.at
        for fact in series.facts:
            assert path.series[series.name].at(fact.at) == fact.value
        for bound in series.bounds:
            for now in range(bound.start, bound.stop + 1, 13):
                drawn = path.series[series.name].at(now)
                assert bound.low * (1 - 1e-9) <= drawn <= bound.high * (1 + 1e-9)


@pytest.mark.parametrize("name", ALL)
def test_every_scenario_trades_markets_of_ours_within_its_calendar(name: str) -> None:
    scenario = load_scenario(name)
    for market in scenario.markets:
        load_market(market.symbol)
    seen = {
        scenario.timeline.session_at(Seconds(now))
        for now in range(scenario.start, scenario.end + 1, 60)
    }
    assert Session.REGULAR in seen
    assert Session.UNKNOWN not in seen


def test_what_nobody_published_says_that_it_is_ours() -> None:
    for name in ("sunday_war", "unannounced_split"):
        scenario = load_scenario(name)
        assert scenario.counted(Origin.ASSUMPTION) == len(scenario.origins)
    # A text that could only be read as others quote it is secondary, whoever wrote it.
    assert load_scenario("opening_2015_08_24").counted(Origin.SECONDARY) >= 12
    assert load_scenario("squeeze_2021_01_28").counted(Origin.RECALLED) >= 4


def test_the_same_seed_says_the_same_in_any_order_and_another_seed_differs() -> None:
    scenario = load_scenario("liquidations_2025_10_10")
    moments = range(scenario.start, scenario.end, 977)
    forward = [scenario.path(5).at(now) for now in list(moments)[:40]]
    path = scenario.path(5)
    backward = [path.at(now) for now in reversed(list(moments)[:40])]
    assert forward == backward[::-1]
    other = scenario.path(6)
    middle = (scenario.start + scenario.end) // 2
    assert other.value("IBIT", middle) != path.value("IBIT", middle)


def test_a_fact_elsewhere_changes_nothing_here() -> None:
    scenario = load_scenario("carry_2024_08_05")
    series = scenario.series[0]
    fewer = replace(
        scenario, series=(replace(series, facts=series.facts[:-1]), *scenario.series[1:])
    )
    kept, cut = scenario.path(3), fewer.path(3)
    for now in range(scenario.start, series.facts[-2].at, 1_009):
        assert kept.series["sp500"].at(now) == cut.series["sp500"].at(now)


def test_no_index_while_outside_is_closed_and_sources_repeat_the_last_price_with_its_time() -> None:
    scenario = load_scenario("sunday_war")
    path = scenario.path(1)
    boundaries = scenario.timeline.between(scenario.start, scenario.end)
    (weekend,) = [each for each in boundaries if each.session is Session.WEEKEND]
    asleep = path.at(weekend.start + 20 * 3_600).markets["SPY"]
    assert asleep.index is None
    assert {report.observed_at for report in asleep.reports.values()} == {weekend.start - 1}
    later = path.at(weekend.start + 30 * 3_600).markets["SPY"]
    assert later.reports == asleep.reports
    assert later.value != asleep.value


def test_a_frozen_source_keeps_its_time_and_a_stuck_one_moves_it() -> None:
    scenario = load_scenario("frozen_oracle")
    path = scenario.path(1)
    frozen, stuck = [event for event in scenario.events if event.kind is EventKind.FAULT]
    now = stuck.start + 900
    reports = path.at(now).markets["NVDA"].reports
    assert reports["first"].state is SourceState.FROZEN
    assert reports["first"].observed_at == frozen.start - 1
    assert reports["second"].observed_at == now
    before = path.at(stuck.start - 1).markets["NVDA"].reports["second"]
    assert reports["second"].price == before.price
    honest, told = path.value("NVDA", now), reports["third"].price
    assert told is not None
    assert abs(told - honest) < honest // 1_000
    assert before.price is not None
    assert honest < before.price * 0.95
    after = path.at(frozen.stop).markets["NVDA"].reports
    assert {report.state for report in after.values()} == {SourceState.HONEST}


def test_one_share_prints_on_one_source_for_two_minutes() -> None:
    scenario = load_scenario("one_share_2026_07")
    path = scenario.path(1)
    (printed,) = scenario.events
    moment = path.at(printed.start)
    assert moment.begun == (printed,)
    market = moment.markets["NVDA"]
    told = market.reports["alternative"].price
    close = path.value("NVDA", scenario.start)
    assert told is not None
    # The print was 29.99 % below the close before.
    assert 0.6995 < told / close < 0.7005
    assert path.at(printed.stop).ended == (printed,)
    calm = path.at(printed.stop).markets["NVDA"].reports["alternative"]
    assert calm.state is SourceState.HONEST


def test_a_split_divides_the_value_and_a_source_that_missed_it_says_the_old_price() -> None:
    scenario = load_scenario("unannounced_split")
    path = scenario.path(1)
    (split,) = [event for event in scenario.events if event.kind is EventKind.SPLIT]
    before, after = path.value("NVDA", split.start - 1), path.value("NVDA", split.start)
    assert 3.99 < before / after < 4.01
    reports = path.at(split.start).markets["NVDA"].reports
    told = {name: report.price or 0 for name, report in reports.items()}
    assert abs(told["first"] - after) < after // 1_000
    assert abs(told["second"] - 4 * after) < 4 * after // 1_000
    late = path.at(split.start + 3_600).markets["NVDA"].reports
    assert late["second"].state is SourceState.HONEST
    assert late["third"].state is SourceState.OLD_BASIS
    assert split in path.at(split.start).begun
    assert (split.new_shares, split.old_shares) == (4, 1)


def test_an_outage_and_a_stalled_chain_are_told_by_the_second() -> None:
    scenario = load_scenario("outage_worst_minute")
    path = scenario.path(1)
    outage, stall = scenario.events
    assert not path.at(outage.start - 1).is_exchange_down
    assert path.at(outage.start).is_exchange_down
    assert path.at(stall.start).is_chain_stalled
    assert not path.at(stall.stop).is_chain_stalled
    assert path.at(stall.stop).is_exchange_down
    assert path.begun(scenario.start, scenario.end) == (outage, stall)
    assert path.ended(outage.start, Seconds(outage.stop + 1)) == (stall, outage)


def test_a_flow_sums_to_its_notional_to_the_atom() -> None:
    scenario = load_scenario("thin_weekend_2025_12")
    path = scenario.path(1)
    (flow,) = scenario.events
    sold = sum(path.at(now).markets["QQQ"].flow for now in range(flow.start - 5, flow.stop + 5))
    assert sold == -10_000_000 * ATOMS_PER_USD
    assert path.at(flow.start + 60).markets["SPY"].flow == 0


def test_depth_is_what_was_published_at_its_time_and_nothing_outside() -> None:
    scenario = load_scenario("liquidations_2025_10_10")
    path = scenario.path(1)
    (course,) = scenario.depth
    begin, worst = course.facts[0], course.facts[2]
    assert path.at(worst[0]).markets["IBIT"].depth == 20_000
    assert path.at(begin[0] - 1).markets["IBIT"].depth is None
    assert path.at(worst[0]).markets["SPY"].depth is None
    between = path.at((course.facts[1][0] + worst[0]) // 2).markets["ETHA"].depth
    assert between is not None
    assert 20_000 < between < 500_000


def test_a_path_refuses_a_second_outside_of_its_scenario() -> None:
    scenario = load_scenario("frozen_oracle")
    with pytest.raises(ValueError, match=f"from {scenario.start} to {scenario.end}, found"):
        scenario.path(1).at(scenario.end + 1)


def test_all_values_are_those_of_single_seconds() -> None:
    scenario = load_scenario("unannounced_split")
    path = scenario.path(2)
    values = path.values("NVDA")
    for now in range(scenario.start, scenario.end, 3_331):
        assert values[now - scenario.start] * 10**8 == pytest.approx(path.value("NVDA", now))


def test_history_is_played_on_the_same_days_of_the_week_of_a_covered_year() -> None:
    covered = {calendar.name for calendar in load_calendars()}
    assert "us_equities" in covered
    scenario = load_scenario("black_monday_1987")
    regular = [
        each
        for each in scenario.timeline.between(scenario.start, scenario.end)
        if each.session is Session.REGULAR
    ]
    assert len(regular) == 1
    # Monday's opening is 65 and a half hours after Friday's close.
    assert regular[0].start - scenario.start == 65 * 3_600 + 1_800
