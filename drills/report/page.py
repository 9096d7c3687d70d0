"""The report of one scenario: one file of HTML with its drawings and style inside, and nothing loaded from elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from drills.report.chart import Chart
from drills.report.figures import figure, hatches
from drills.report.flow_charts import flow_charts, in_hour
from drills.report.price_charts import price_chart
from drills.report.record import DrillRecord, Variant
from drills.report.repeat import repeat_section
from drills.report.sections import (
    acts_table,
    expectations_table,
    facts_table,
    invariants_table,
    worst_table,
)
from drills.report.summary import VERDICT_WORDS, judged, summary
from drills.report.variants import TITLES, comparison
from drills.report.window import worst_hour
from keepers.page.html import Child, Markup, tag

HERE: Final = Path(__file__).parent
STYLES: Final = (HERE.parent.parent / "keepers" / "page" / "page.css", HERE / "report.css")
HEIGHT: Final = 120
HEIGHTS: Final = {"prices": 220, "deleverage": 90}
SECTIONS: Final = {
    "prices": "Prices, bands and breakers",
    "liquidations": "Liquidations and waiting",
    "losses": "Who paid",
    "deleverage": "Deleverage",
    "keepers": "Keepers",
    "acts": "What each breaker did",
    "stated": "What should have happened, and what must always hold",
    "variants": "Against the variants",
    "facts": "Facts and sources",
    "repeat": "Play it again",
}

LEGEND: Final = (
    "Times are the venue's clock. A drawing keeps the lowest and the highest point of every column and the highest"
    " bar of those that share one; tables and sentences are of all points."
)


def scenario_page(records: Sequence[DrillRecord]) -> str:
    """Write the page of one scenario.

    The base case is the first record of variant BASE, or the first of all; records of its seed are its variants,
    the base case of other seeds is put beside it. Raises ValueError without records, or with those of two scenarios.
    """
    base, variants = sorted_out(records)
    title = f"{base.played.title}: report of the drill"
    figures = {
        name: [figure(*each, height=HEIGHTS.get(name, HEIGHT)) for each in charts]
        for name, charts in charts_of(records).items()
    }
    shown: dict[str, Child] = {
        **figures,
        "prices": [
            tag("div", tag("h3", market.symbol), drawn, class_="market")
            for market, drawn in zip(base.markets, figures["prices"], strict=True)
        ],
        "liquidations": [figures["liquidations"], worst_table(base)],
        "acts": acts_table(base),
        "stated": [expectations_table(base), invariants_table(base)],
        "variants": comparison(base, variants),
        "facts": facts_table(base),
        "repeat": repeat_section([base, *(each for each in records if each is not base)]),
    }
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        hatches(),
        _header(base),
        tag(
            "nav",
            [tag("a", words, href=f"#h-{name}") for name, words in SECTIONS.items()],
            aria_label="Sections",
        ),
        tag("main", [_section(name, shown[name]) for name in SECTIONS], id="main", tabindex="-1"),
        tag("footer", tag("p", f"Bellkeeper {base.played.program_version}. {LEGEND}")),
    )
    return document(title, body)


def sorted_out(records: Sequence[DrillRecord]) -> tuple[DrillRecord, list[DrillRecord]]:
    """Give the base case and its variants, in the order of `Variant`."""
    names = {each.played.scenario for each in records}
    if len(names) != 1:
        raise ValueError(
            f"expected records of one scenario, found {sorted(names) or 'none'}: give each page its own"
        )
    base = next((each for each in records if each.played.variant is Variant.BASE), records[0])
    order = list(Variant)
    variants = [
        each
        for each in records
        if each.played.seed == base.played.seed
        and each.played.variant is not base.played.variant
        and _setting(each) == _setting(base)
    ]
    return base, sorted(variants, key=lambda each: order.index(each.played.variant))


def _setting(record: DrillRecord) -> tuple[object, ...]:
    """Give what two runs must share to be compared."""
    return record.played.ground, record.played.accounts, record.times[0]


def charts_of(records: Sequence[DrillRecord]) -> dict[str, list[tuple[Chart, Chart | None]]]:
    """Give every chart of a page by its section, each with its worst hour, if the run is long enough for one."""
    base, variants = sorted_out(records)
    hour = worst_hour(base)
    prices: list[tuple[Chart, Chart | None]] = [
        (price_chart(base, each), None if hour is None else price_chart(base, each, hour))
        for each in base.markets
    ]
    flows = {
        chart.name: [(chart, None if hour is None else in_hour(chart, base, hour))]
        for chart in flow_charts(base, variants)
    }
    return {"prices": prices, **flows}


def document(title: str, body: Markup) -> str:
    """Write a page around its body, style inside."""
    style = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return f"<!DOCTYPE html>{tag('html', head, body, lang='en')}"


def _header(base: DrillRecord) -> Markup:
    found = judged(base)
    played = base.played
    case = "" if played.variant is Variant.BASE else f" · {TITLES[played.variant]}"
    return tag(
        "header",
        tag("p", "Bellkeeper drill", class_="name"),
        tag("h1", played.title),
        tag(
            "p",
            f"{played.scenario} · seed {played.seed} · {played.accounts:,} accounts · on"
            f" {played.ground.value}{case}",
            class_="moment",
        ),
        tag(
            "p",
            tag("b", f"{VERDICT_WORDS[found.verdict].upper()}.", class_="level"),
            " ",
            found.sentence,
            class_=f"answer {found.verdict.value}",
        ),
        tag("div", tag("p", " ".join(summary(base))), class_="summary"),
        tag("p", tag("b", "The scenario. "), " ".join(played.story.split()), class_="story"),
    )


def _section(name: str, shown: Child) -> Markup:
    return tag(
        "section",
        tag("h2", SECTIONS[name], id=f"h-{name}"),
        shown,
        aria_labelledby=f"h-{name}",
        class_=f"section {name}",
    )
