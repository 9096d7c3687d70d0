"""Charts: units and a sentence on each, nothing that stands out lost to thinning, ticks of the wall clock."""

import itertools
import re
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.report.chart import Bars, Chart, Ink, Line, Panel, column
from drills.report.flow_charts import flow_charts, in_hour
from drills.report.frame import panel_scale
from drills.report.page import charts_of
from drills.report.price_charts import hour_sentence, price_chart
from drills.report.record import DrillRecord
from drills.report.svg import draw
from drills.report.thinning import cut, kept_of_bars, kept_of_line, kept_of_range, spans_of
from drills.report.ticks import scale, tick_text, time_ticks
from drills.report.window import worst_hour
from drills.report.words import price
from risk.units import PriceE8, Seconds
from tests.drills.report.values import CRASH, START, crash, quiet, variants

BASE = crash(step=60)
NAN = float("nan")


def every_chart(records: list[DrillRecord]) -> list[Chart]:
    pairs = itertools.chain.from_iterable(charts_of(records).values())
    return [chart for pair in pairs for chart in pair if chart is not None]


@pytest.mark.parametrize(
    "records",
    [[BASE, *variants(BASE)], [quiet()], [replace(BASE, acts=(), buckets=())]],
    ids=["crash", "quiet", "no acts"],
)
def test_every_chart_has_its_units_on_both_axes_and_a_sentence(records: list[DrillRecord]) -> None:
    charts = every_chart(records)
    assert len(charts) >= 5
    for chart in charts:
        drawn = draw(chart, width=780, height=120, suffix="wide")
        assert re.search(r"[a-z0-9] .*\.$", chart.sentence), chart.name
        assert chart.sentence in drawn.replace("&#x27;", "'")
        assert f'class="axis end">{chart.time_label}<' in drawn
        assert "hours and minutes" in chart.time_label
        for panel in chart.panels:
            assert panel.unit in panel.label
            assert f'class="axis">{panel.label}<' in drawn


def test_a_chart_without_unit_or_sentence_cannot_be_made() -> None:
    panel = Panel(label="price, USD", unit="USD")
    facts = {"name": "x", "title": "x", "start": Seconds(0), "stop": Seconds(1), "zone": "UTC"}
    with pytest.raises(ValueError, match="a sentence that says what x shows"):
        Chart(**facts, sentence="price", panels=(panel,))  # type: ignore[arg-type]
    for label, unit in (("price", "USD"), ("price", "")):
        with pytest.raises(ValueError, match="name the unit"):
            Chart(**facts, sentence="It fell.", panels=(Panel(label=label, unit=unit),))  # type: ignore[arg-type]


def test_sentences_are_made_from_the_figures() -> None:
    market = BASE.markets[0]
    told = price_chart(BASE, market).sentence
    assert f"its lowest was {price(min(market.mark_e8))}" in told
    assert "halted for 5 min, reduce-only for 33 min and limit for 4 min" in told
    flows = {chart.name: chart for chart in flow_charts(BASE, variants(BASE))}
    assert "3.2B USD or 13.9 % of it in the minute from Fri 17:15" in flows["liquidations"].sentence
    assert "the longest wait of an account that was due was 42 s (420 blocks)" in (
        flows["liquidations"].sentence
    )
    assert "the insurance fund shrank by 32.4M USD to 7.6M USD" in flows["losses"].sentence
    assert "by profit and leverage, 15M USD needed" in flows["deleverage"].sentence
    assert "pro rata, 15M USD needed" in flows["deleverage"].sentence
    assert "99 % of liquidations came within 41 s of" in flows["keepers"].sentence
    calm = {chart.name: chart for chart in flow_charts(quiet(), ())}
    assert calm["liquidations"].sentence == "Nothing was liquidated."
    assert "nobody was asked to give up" in calm["deleverage"].sentence
    assert calm["liquidations"].is_blank
    assert not flows["liquidations"].is_blank


def test_both_policies_of_deleverage_are_drawn_each_from_its_own_run() -> None:
    chart = flow_charts(BASE, variants(BASE))[2]
    assert [bars.label for panel in chart.panels for bars in panel.bars] == [
        *("by profit and leverage",) * 2,
        *("pro rata",) * 2,
    ]
    for panel in chart.panels:
        assert np.nanmax(panel.bars[0].values) > 0


def test_sixty_thousand_points_keep_their_worst_second() -> None:
    long = crash(seconds=60_000, step=1)
    market = long.markets[1]
    place = 43_211
    marks = list(market.mark_e8)
    marks[place] = PriceE8(100 * 10**8)
    record = replace(long, markets=(replace(market, mark_e8=tuple(marks)),), acts=())
    assert len(record.times) == 60_001
    chart = price_chart(record, record.markets[0])
    line = next(each for each in chart.panels[0].lines if each.ink is Ink.MARK)
    kept = kept_of_line(line.times, line.values, chart.start, chart.stop, 500)
    assert place in kept.tolist()
    assert len(kept) <= 1_010
    drawn = draw(chart, width=780, height=200, suffix="wide")
    assert len(drawn) < 120_000
    lowest = max(
        float(y)
        for d in re.findall(r'd="([^"]*)" class="ink-mark"', drawn)
        for y in re.findall(r"[ML][\d.]+ ([\d.]+)", d)
    )
    low, high, _ = panel_scale(chart.panels[0], chart.start, chart.stop, count=5)
    assert low <= 100 <= high
    assert lowest == pytest.approx(22 + 200 * (high - 100) / (high - low), abs=0.1)


@given(
    st.lists(st.one_of(st.just(NAN), st.floats(-1e9, 1e9)), min_size=1, max_size=300),
    st.integers(1, 40),
)
def test_thinning_a_line_keeps_each_columns_extremes_and_its_gaps(
    values: list[float], count: int
) -> None:
    times, heights = np.arange(len(values), dtype=np.float64), column(values)
    kept = kept_of_line(times, heights, 0, max(1, len(values) - 1), count)
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert len(kept) <= 3 * count + 2
    known = heights[~np.isnan(heights)]
    if len(known):
        shown = heights[kept]
        assert np.nanmin(shown) == known.min()
        assert np.nanmax(shown) == known.max()


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=300), st.integers(1, 40))
def test_thinning_bars_keeps_the_highest_of_those_that_share_a_column(
    values: list[float], count: int
) -> None:
    starts = np.arange(len(values), dtype=np.float64)
    bars = Bars(
        label="x", ink=Ink.FIRST, starts=starts, stops=starts + 1, values=column(values)
    )  # fmt: skip
    kept = kept_of_bars(bars, 0, len(values), count)
    assert len(kept) <= count
    assert max(values) == max(values[place] for place in kept.tolist())


def test_an_hour_of_a_line_reaches_both_its_ends() -> None:
    times, values = np.array([0.0, 10.0, 20.0]), column([0, 10, 30])
    at, heights = cut(times, values, 5, 15, is_step=False)
    assert (at.tolist(), heights.tolist()) == ([5, 10, 15], [5, 10, 20])
    at, heights = cut(times, values, 5, 15, is_step=True)
    assert (at.tolist(), heights.tolist()) == ([5, 10, 15], [0, 10, 10])
    at, heights = cut(times, values, 12, 14, is_step=False)
    assert (at.tolist(), heights.tolist()) == ([12, 14], [14, 18])
    at, heights = cut(times, values, 0, 40, is_step=False)
    assert (at.tolist(), heights.tolist()) == ([0, 10, 20], [0, 10, 30])
    assert np.isnan(cut(times, column([0, NAN, 1]), 5, 8, is_step=False)[1]).all()


def test_buckets_of_different_lengths_are_not_called_minutes() -> None:
    first, second, *others = BASE.buckets
    record = replace(BASE, buckets=(replace(first, stop=second.stop), *others))
    flows = {chart.name: chart for chart in flow_charts(record, ())}
    label = flows["liquidations"].panels[0].label
    assert label == "notional liquidated, USD a bucket of 1 min to 2 min"
    assert "of it in the minute from Fri 17:15" in flows["liquidations"].sentence


def test_a_range_is_drawn_where_it_changes_and_from_before_the_stretch() -> None:
    times = np.arange(10, dtype=np.float64)
    low = column([1, 1, 1, 2, 2, 2, 2, NAN, NAN, 3])
    edges = np.stack((low, low + 1))
    assert kept_of_range(times, edges, 0, 9, 100).tolist() == [0, 3, 7, 9]
    assert kept_of_range(times, edges, 4.5, 9, 100).tolist() == [4, 7, 9]


def test_states_become_stretches_that_end_where_the_next_begins() -> None:
    spans = spans_of([10, 20, 30, 40], ["open", "halted", "halted", "limit"], 50, but="open")
    assert [(each.start, each.stop, each.state) for each in spans] == [
        (20, 40, "halted"),
        (40, 50, "limit"),
    ]


def test_a_gap_breaks_the_line_and_a_halt_of_a_second_is_still_seen() -> None:
    times = np.arange(5, dtype=np.float64)
    line = Line(label="x", ink=Ink.MARK, times=times, values=column([1, 2, NAN, 3, 4]))
    panel = Panel(label="price, USD", unit="USD", lines=(line,), from_zero=False)
    chart = Chart(
        name="x", title="x", sentence="It has a gap.", start=Seconds(0), stop=Seconds(4), zone="UTC",
        panels=(panel,),
    )  # fmt: skip
    drawn = draw(chart, width=400, height=100, suffix="wide")
    (d,) = re.findall(r'd="([^"]*)" class="ink-mark"', drawn)
    assert d.count("M") == 2
    market = BASE.markets[0]
    halts = [each for each in price_chart(BASE, market).lanes[0].spans if each.state == "halted"]
    assert [each.stop - each.start for each in halts] == [300]


def test_the_worst_hour_holds_the_bucket_in_which_most_was_liquidated() -> None:
    hour = worst_hour(BASE)
    assert hour is not None
    assert hour[0] <= START + CRASH < hour[1]
    assert hour[1] - hour[0] == 3_600
    assert worst_hour(quiet()) is None
    calm = replace(BASE, buckets=())
    fell = worst_hour(calm)
    assert fell is not None
    assert fell[0] <= START + CRASH < fell[1]
    chart = in_hour(flow_charts(BASE, ())[0], BASE, hour)
    assert (chart.start, chart.stop) == hour
    assert "From Fri 16:45 to Fri 17:45, " in chart.sentence


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_an_axis_holds_its_values_between_round_ticks(one: float, other: float) -> None:
    low, high, ticks = scale(min(one, other), max(one, other))
    room = (high - low) * 1e-6
    assert low <= min(one, other) + room
    assert high >= max(one, other) - room
    assert 2 <= len(ticks) <= 12
    texts = [tick_text(tick, ticks[1] - ticks[0]) for tick in ticks]
    # Where digits are fewer than the numbers need nobody could read them anyway.
    if high - low > 1e-5 * max(abs(low), abs(high)) and high - low > 1e-4:
        assert len(set(texts)) == len(texts)


def test_times_are_round_on_the_wall_clock_also_where_it_changes() -> None:
    zone = ZoneInfo("America/New_York")
    start = Seconds(int(datetime(2026, 10, 31, 20, tzinfo=zone).timestamp()))
    stop = Seconds(int(datetime(2026, 11, 1, 20, tzinfo=zone).timestamp()))
    assert stop - start == 25 * 3_600
    ticks = time_ticks(start, stop, "America/New_York", 10)
    assert [time for _, time, _ in ticks] == [
        *("21:00", "00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00")
    ]
    assert [day for _, _, day in ticks if day] == ["Sat 31 Oct", "Sun 1 Nov"]
    short = time_ticks(Seconds(START), Seconds(START + 60), "America/New_York", 8)
    assert [time for _, time, _ in short][:2] == ["11:00:00", "11:00:10"]


def test_a_mark_that_does_not_move_is_said_to_stand() -> None:
    market = BASE.markets[0]
    still = replace(market, mark_e8=tuple(PriceE8(100 * 10**8) for _ in market.mark_e8))
    hour = (BASE.times[0], Seconds(BASE.times[0] + 3_600))
    assert "the mark stood at 100.00 USD" in hour_sentence(BASE, still, *hour)
    assert re.search(r"the mark (fell|rose) by up to", hour_sentence(BASE, market, *hour))
