"""Charts as they stand in the page: drawn for a desk and for a phone, with their sentence and their keys."""

from typing import Final

from drills.report.chart import Chart
from drills.report.svg import draw
from keepers.page.html import NOTHING, Markup, joined, tag
from risk.units import MarketStatus

ALONE: Final = 1_190
"""Widths in pixels, as the style lays them out on a desk."""
WHOLE: Final = 780
HOUR: Final = 410
PHONE: Final = 340
HATCHES: Final = {
    MarketStatus.LIMIT: "M0 8L8 0",
    MarketStatus.REDUCE_ONLY: "M0 8L8 0M0 0L8 8",
    MarketStatus.HALTED: "M0 4H8",
    MarketStatus.SETTLED: "M4 0V8",
}
_SEVERAL: Final = 2


def figure(chart: Chart, hour: Chart | None, *, height: int) -> Markup:
    """Draw a chart, and its worst hour beside it; a chart with nothing to draw is its sentence."""
    if chart.is_blank:
        return tag("p", chart.sentence, class_="none", id=chart.name)
    if hour is None:
        return joined([_drawn(chart, height, ALONE), _keys(chart)])
    drawn = (_drawn(chart, height, WHOLE), _drawn(hour, height, HOUR))
    return joined([tag("div", *drawn, class_="pair"), _keys(chart)])


def _drawn(chart: Chart, height: int, width: int) -> Markup:
    """Draw for a desk and a phone; the style shows one of them, and to those who listen too."""
    told = (tag("b", f"{chart.title}. "), chart.sentence, f" {chart.note}" if chart.note else None)
    return tag(
        "figure",
        tag("figcaption", *told),
        draw(chart, width=width, height=height, suffix="wide"),
        draw(chart, width=PHONE, height=height, suffix="narrow"),
        id=chart.name,
    )


def _keys(chart: Chart) -> Markup:
    """Name what is drawn in panels that hold more than one thing."""
    seen: dict[str, str] = {}
    for panel in chart.panels:
        drawn = [(line.label, f"line ink-{line.ink.value}") for line in panel.lines]
        drawn += [(bars.label, f"bar-{bars.ink.value}") for bars in panel.bars]
        drawn += [(each.label, "field") for each in panel.ranges]
        if len(drawn) >= _SEVERAL:
            seen.update(drawn)
    keys: list[Markup] = [
        tag("span", tag("span", "", class_=f"key {class_}"), label, class_="item")
        for label, class_ in seen.items()
    ]
    if chart.lanes:
        keys += [
            tag("span", _swatch(status.name.lower()), words, class_="item")
            for status, words in (
                (MarketStatus.LIMIT, "limit"),
                (MarketStatus.REDUCE_ONLY, "reduce-only"),
                (MarketStatus.HALTED, "halted"),
                (MarketStatus.SETTLED, "settled"),
            )
        ]
        others = ("no status: open", "▼ made stricter", "▲ made softer", "| status unchanged")
        keys += [tag("span", words, class_="item") for words in others]
    return tag("p", keys, class_="keys") if keys else NOTHING


def _swatch(status: str) -> Markup:
    return tag(
        "svg",
        tag("rect", width=14, height=14, class_=f"state {status}"),
        class_="swatch", width=14, height=14, viewBox="0 0 14 14", aria_hidden="true",
    )  # fmt: skip


def hatches() -> Markup:
    """Define the hatching of each status, once for all drawings of a page."""
    patterns = [
        tag(
            "pattern",
            tag("rect", width=8, height=8, class_="ground"),
            tag("path", d=d, class_="hatch"),
            id=f"hatch-{status.name.lower()}", class_=f"pattern {status.name.lower()}",
            patternUnits="userSpaceOnUse", width=8, height=8,
        )
        for status, d in HATCHES.items()
    ]  # fmt: skip
    return tag("svg", tag("defs", *patterns), class_="defs", aria_hidden="true")
