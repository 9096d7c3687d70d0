"""What it took and cost, bucket by bucket: liquidations and waits, who pays, deleverage, how fast keepers were."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from drills.report.chart import Bars, Chart, Floats, Ink, Line, Panel, column
from drills.report.flow_sentences import (
    POLICY_WORDS,
    bucket_words,
    deleverage_sentence,
    hour_sentence,
    keeper_sentence,
    liquidation_sentence,
    loss_sentence,
    policies_played,
)
from drills.report.record import Bucket, Deleverage, DrillRecord, Latency
from drills.report.window import end_of
from drills.report.words import LONG_MILLISECONDS
from risk.deleverage_rank import RankPolicy
from risk.units import ATOMS_PER_USD, PPM_SCALE, Seconds

_INK_OF: Final = {RankPolicy.PROFIT_LEVERAGE: Ink.FIRST, RankPolicy.PRO_RATA: Ink.SECOND}


def flow_charts(record: DrillRecord, others: Sequence[DrillRecord]) -> tuple[Chart, ...]:
    """Make the charts of a run; `others` may have been played under other policies of deleverage."""
    return (
        liquidation_chart(record),
        loss_chart(record),
        deleverage_chart(record, others),
        keeper_chart(record),
    )


def in_hour(chart: Chart, record: DrillRecord, hour: tuple[Seconds, Seconds]) -> Chart:
    """Give the part of a chart that lies in an hour, with a sentence of its own."""
    return replace(
        chart,
        name=f"{chart.name}-hour",
        title="The worst hour",
        sentence=hour_sentence(chart.name, record, hour),
        start=hour[0],
        stop=hour[1],
    )


def liquidation_chart(record: DrillRecord) -> Chart:
    """Draw what was liquidated in each bucket, and the longest wait."""
    unit = f"USD a {bucket_words(record)}"
    return _chart(
        record,
        name="liquidations",
        title="Liquidations and waiting",
        sentence=liquidation_sentence(record),
        panels=(
            Panel(
                label=f"notional liquidated, {unit}",
                unit=unit,
                bars=(
                    _bars(
                        record,
                        "notional",
                        Ink.FIRST,
                        lambda each: each.liquidated_atoms / ATOMS_PER_USD,
                    ),
                ),
            ),
            Panel(
                label="longest wait of an account that was due, seconds",
                unit="seconds",
                bars=(
                    _bars(record, "longest wait", Ink.LOSS, lambda each: each.worst_wait_seconds),
                ),
            ),
        ),
    )


def loss_chart(record: DrillRecord) -> Chart:
    """Draw bad debt, and the two pools that pay for it."""
    times, debt = [record.times[0]], [0]
    for each in record.buckets:
        times.append(each.stop)
        debt.append(debt[-1] + each.bad_debt_atoms)
    start = np.array(times, dtype=np.float64)
    total = record.totals

    def pool(label: str, ink: Ink, before: int, read: Callable[[Bucket], int]) -> Line:
        held = [before, *(read(each) for each in record.buckets)]
        return _line(label, ink, start, [each / ATOMS_PER_USD for each in held])

    return _chart(
        record,
        name="losses",
        title="Bad debt, and who carries it",
        sentence=loss_sentence(record),
        panels=(
            Panel(
                label="bad debt since the start, USD",
                unit="USD",
                lines=(
                    _line("bad debt", Ink.LOSS, start, [each / ATOMS_PER_USD for each in debt]),
                ),
            ),
            Panel(
                label="held by the pools, USD",
                unit="USD",
                lines=(
                    pool(
                        "insurance fund",
                        Ink.FIRST,
                        total.insurance_before_atoms,
                        lambda each: each.insurance_fund_atoms,
                    ),
                    pool(
                        "backstop",
                        Ink.SECOND,
                        total.backstop_before_atoms,
                        lambda each: each.backstop_equity_atoms,
                    ),
                ),
            ),
        ),
    )


def deleverage_chart(record: DrillRecord, others: Sequence[DrillRecord]) -> Chart:
    """Draw haircut over need and what was closed, under every policy that was played."""
    unit = f"USD a {bucket_words(record)}"
    panels = []
    for policy, of in policies_played(record, others).items():
        words, ink = POLICY_WORDS[policy], _INK_OF[policy]
        haircut, closed = (
            _read(policy, lambda each: each.haircut_over_need_ppm),
            _read(policy, _closed),
        )
        panels += [
            Panel(
                label=f"given up over need, {words}, times",
                unit="times",
                bars=(_bars(of, words, ink, haircut),),
            ),
            Panel(
                label=f"closed, {words}, {unit}",
                unit=unit,
                bars=(_bars(of, words, ink, closed),),
            ),
        ]
    return _chart(
        record,
        name="deleverage",
        title="Deleverage: what others were asked for",
        sentence=deleverage_sentence(record, others),
        panels=tuple(panels),
    )


def keeper_chart(record: DrillRecord) -> Chart:
    """Draw how long keepers took, and how many accounts there were to work off."""
    slowest = max((each.latency.p99_ms or 0 for each in record.buckets), default=0)
    unit, size = ("seconds", 1_000) if slowest >= LONG_MILLISECONDS else ("milliseconds", 1)

    def within(label: str, ink: Ink, read: Callable[[Latency], int | None]) -> Bars:
        def height(bucket: Bucket) -> float | None:
            found = read(bucket.latency)
            return None if found is None else found / size

        return _bars(record, label, ink, height)

    return _chart(
        record,
        name="keepers",
        title="Keepers: latency and backlog",
        sentence=keeper_sentence(record),
        panels=(
            Panel(
                label=f"from due to liquidated, {unit}",
                unit=unit,
                bars=(
                    within("99 % within", Ink.LOSS, lambda each: each.p99_ms),
                    within("half within", Ink.FIRST, lambda each: each.p50_ms),
                ),
            ),
            Panel(
                label=f"most at one time of a {bucket_words(record)}, accounts",
                unit="accounts",
                bars=(
                    _bars(record, "under margin", Ink.THIRD, lambda each: each.most_under_margin),
                    _bars(
                        record, "may be liquidated", Ink.FIRST, lambda each: each.most_liquidatable
                    ),
                ),
            ),
        ),
    )


def _read(
    policy: RankPolicy, figure: Callable[[Deleverage], int | None]
) -> Callable[[Bucket], float | None]:
    """Give how one policy's figure is read of a bucket: haircuts as times, money as USD."""

    def read(bucket: Bucket) -> float | None:
        for each in bucket.deleverages:
            if each.policy is policy and (found := figure(each)) is not None:
                return found / PPM_SCALE
        return None

    return read


def _closed(each: Deleverage) -> int:
    # A ppm and an atom are the same part: of one, and of a dollar.
    return each.closed_atoms


def _chart(
    record: DrillRecord, *, name: str, title: str, sentence: str, panels: tuple[Panel, ...]
) -> Chart:
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        start=record.times[0],
        stop=end_of(record),
        zone=record.played.timezone,
        panels=panels,
    )


def _bars(
    record: DrillRecord, label: str, ink: Ink, read: Callable[[Bucket], float | None]
) -> Bars:
    buckets = record.buckets
    return Bars(
        label=label,
        ink=ink,
        starts=column([each.start for each in buckets]),
        stops=column([each.stop for each in buckets]),
        values=column([read(each) for each in buckets]),
    )


def _line(label: str, ink: Ink, times: Floats, values: Sequence[float | None]) -> Line:
    return Line(label=label, ink=ink, times=times, values=column(values), is_step=True)
