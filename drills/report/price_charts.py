"""Price, mark, band, statuses, sessions and what the breakers did, of one market on one axis of time."""

from typing import Final

import numpy as np

from drills.report.chart import (
    Chart,
    Floats,
    Ink,
    Lane,
    Line,
    Moment,
    Panel,
    Pointing,
    Range,
    Span,
    column,
)
from drills.report.frame import panel_scale
from drills.report.record import Act, DrillRecord, MarketCourse
from drills.report.thinning import spans_of
from drills.report.window import end_of
from drills.report.words import clock, lasted, listed, many, percent, price
from risk.units import PPM_SCALE, MarketStatus, Seconds, div_floor

E8: Final = 1e8
USD: Final = "USD"
FAR: Final = 1_000
"""Ppm from the index that are worth a figure."""
SLIVERS: Final = 2_000
"""Of a run: acts that changed no status are drawn once in each."""


def price_chart(
    record: DrillRecord, market: MarketCourse, within: tuple[Seconds, Seconds] | None = None
) -> Chart:
    """Draw a market over the whole run, or within an hour of it."""
    start, stop = within or (record.times[0], end_of(record))
    zone = record.played.timezone
    times = column(record.times)
    statuses = _statuses(record, market)
    acts = [act for act in record.acts if act.symbol in {"", market.symbol}]
    low, high = (column(each) / E8 for each in (market.band_low_e8, market.band_high_e8))
    lines = (
        _line("value to those who know", Ink.VALUE, times, column(market.value_e8)),
        _line("index price", Ink.INDEX, times, column(market.index_e8)),
        _line("mark price", Ink.MARK, times, column(market.mark_e8)),
    )
    panel = Panel(
        label=f"price of a share, {USD}",
        unit=USD,
        lines=lines,
        ranges=(Range(label="band", times=times, low=low, high=high),),
        shades=tuple(statuses),
        from_zero=False,
    )
    return Chart(
        name=f"price-{market.symbol.lower()}" + ("-hour" if within else ""),
        title=f"{market.symbol}, {'the worst hour' if within else 'the whole run'}",
        sentence=hour_sentence(record, market, start, stop)
        if within
        else course_sentence(record, market),
        start=start,
        stop=stop,
        zone=zone,
        panels=(panel, *_depth(market, times)),
        lanes=(
            Lane(label="status", spans=tuple(statuses)),
            Lane(label="session", spans=tuple(_sessions(record, market))),
            Lane(label="acts", moments=tuple(_moments(record, market.symbol, acts))),
        ),
        note=_band_note(panel, low, high, (start, stop)),
    )


def _depth(market: MarketCourse, times: Floats) -> tuple[Panel, ...]:
    depth = column(market.depth_usd)
    if np.isnan(depth).all():
        return ()
    line = Line(label="depth", ink=Ink.FIRST, times=times, values=depth, is_step=True)
    return (
        Panel(label=f"depth of a side within 25 bp, {USD}", unit=USD, lines=(line,), weight=0.3),
    )


def _line(label: str, ink: Ink, times: Floats, units: Floats) -> Line:
    return Line(label=label, ink=ink, times=times, values=units / E8)


def _statuses(record: DrillRecord, market: MarketCourse) -> list[Span]:
    names = [each.name.lower() for each in market.status]
    spans = spans_of(record.times, names, end_of(record), but=MarketStatus.OPEN.name.lower())
    # The strictest is drawn last: a short halt is not covered by what came before and after.
    return sorted(spans, key=lambda each: MarketStatus[each.state.upper()])


def _sessions(record: DrillRecord, market: MarketCourse) -> list[Span]:
    return spans_of(record.times, [each.value for each in market.session], end_of(record))


def _moments(record: DrillRecord, symbol: str, acts: list[Act]) -> list[Moment]:
    """Mark acts: all that changed a status, and of the others one for each sliver of the run."""
    found: list[Moment] = []
    before = MarketStatus.OPEN
    sliver = max(1, div_floor(end_of(record) - record.times[0], SLIVERS))
    last = -sliver
    for act in acts:
        pointing = Pointing.SAME
        if act.status is not None and act.status != before:
            pointing = Pointing.STRICTER if act.status > before else Pointing.SOFTER
            before = act.status
        if pointing is Pointing.SAME:
            if act.at < last + sliver:
                continue
            last = act.at
        text = (
            f"{clock(act.at, record.played.timezone)} {act.symbol or symbol} {act.who}: {act.what}"
        )
        found.append(Moment(at=act.at, pointing=pointing, text=text))
    return found


def _band_note(panel: Panel, low: Floats, high: Floats, within: tuple[int, int]) -> str:
    """Say where the band is when none of its edges lies in the picture."""
    times = panel.lines[0].times
    known = (times >= within[0]) & (times <= within[1]) & ~np.isnan(low) & ~np.isnan(high)
    if not known.any():
        return "No band was drawn."
    lowest, highest, _ = panel_scale(panel, *within)
    if low[known].max() < lowest and high[known].min() > highest:
        return (
            f"The band's edges lie outside of the picture, between {low[known].min():,.2f} and"
            f" {high[known].max():,.2f} USD."
        )
    return ""


def course_sentence(record: DrillRecord, market: MarketCourse) -> str:
    """Tell a market's run: where its mark went, how far from the index, what was not open for how long."""
    zone, marks = record.played.timezone, market.mark_e8
    lowest, highest = min(marks), max(marks)
    at_low, at_high = (record.times[marks.index(each)] for each in (lowest, highest))
    if lowest == highest:
        return (
            f"The mark of {market.symbol} stayed at {price(lowest)}; {_openness(record, market)}."
        )
    told = (
        f"The mark of {market.symbol} went from {price(marks[0])} to {price(marks[-1])}; its lowest was"
        f" {price(lowest)} on {clock(at_low, zone)}, its highest {price(highest)} on {clock(at_high, zone)}"
    )
    gap = largest_gap(market)
    if gap is not None:
        ppm, place = gap
        told += (
            f"; it was at most {percent(ppm, PPM_SCALE)} from the index"
            f" ({clock(record.times[place], zone)})"
            if ppm >= FAR
            else "; it stayed within 0.1 % of the index"
        )
    return f"{told}; {_openness(record, market)}."


def _openness(record: DrillRecord, market: MarketCourse) -> str:
    stopped = seconds_by_status(record, market)
    restricted = [
        f"{name.replace('_', '-')} for {lasted(seconds)}" for name, seconds in stopped.items()
    ]
    return f"the market was {listed(restricted)}" if restricted else "the market stayed open"


def largest_gap(market: MarketCourse) -> tuple[int, int] | None:
    """Give the mark's largest distance from the index in ppm of it, and where on the axis; None without an index."""
    marks, indexes = column(market.mark_e8), column(market.index_e8)
    gaps = np.abs(marks - indexes) / indexes
    if np.isnan(gaps).all():
        return None
    place = int(np.nanargmax(gaps))
    return round(float(gaps[place]) * PPM_SCALE), place


def seconds_by_status(record: DrillRecord, market: MarketCourse) -> dict[str, int]:
    """Give how long a market was not open, by status, the strictest first."""
    found: dict[str, int] = {}
    for each in _statuses(record, market):
        found[each.state] = found.get(each.state, 0) + each.stop - each.start
    order = [status.name.lower() for status in reversed(MarketStatus)]
    return {name: found[name] for name in order if name in found}


def hour_sentence(record: DrillRecord, market: MarketCourse, start: Seconds, stop: Seconds) -> str:
    """Say what the mark and the breakers did between two moments."""
    places = [place for place, at in enumerate(record.times) if start <= at <= stop]
    zone = record.played.timezone
    span = f"From {clock(start, zone)} to {clock(stop, zone)}"
    acts = sum(
        1 for act in record.acts if act.symbol in {"", market.symbol} and start <= act.at <= stop
    )
    did = f"breakers acted {many(acts, 'time')}" if acts else "no breaker acted"
    if not places:
        return f"{span} no price was sampled, and {did}."
    marks = [market.mark_e8[place] for place in places]
    if min(marks) == max(marks):
        return f"{span} the mark stood at {price(marks[0])}, and {did}."
    fall, rise = min(marks) - marks[0], max(marks) - marks[0]
    far = fall if -fall >= rise else rise
    way = "fell" if far < 0 else "rose"
    return (
        f"{span} the mark {way} by up to {percent(abs(far), marks[0])}, between {price(min(marks))} and"
        f" {price(max(marks))}, and {did}."
    )
