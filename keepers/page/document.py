"""The whole page: sections by name, and the document that holds them."""

from collections.abc import Callable, Mapping
from typing import Final

from keepers.page.facts import PageFacts
from keepers.page.figures import whole_moment
from keepers.page.health_view import health_section
from keepers.page.heat import heat_section
from keepers.page.html import Markup, tag
from keepers.page.markets import markets_section
from keepers.page.money import incentives_section, solvency_section
from keepers.page.stress_view import stress_section
from keepers.page.verdict import Level, judge
from keepers.page.week_view import week_section
from keepers.page.work import actions_section, backlog_section, trips_section

Section = Callable[[PageFacts], Markup]

REFRESH_SECONDS: Final = 5
"""Without JavaScript."""
TITLES: Final = {
    "markets": "Markets",
    "heat": "Distance to liquidation",
    "week": "The week",
    "backlog": "Backlog and latency",
    "trips": "Last trips",
    "actions": "Last actions",
    "solvency": "Solvency",
    "stress": "What if",
    "incentives": "Incentives and budget",
    "health": "Health",
}
FIRST: Final = ("markets", "heat", "week")
"""What a wall screen shows without scrolling."""
VERDICT: Final = "verdict"
MOMENT: Final = "moment"


def verdict_section(facts: PageFacts) -> Markup:
    """Answer the one question; announced when it changes."""
    verdict = judge(facts)
    level = verdict.level.name.lower()
    return tag(
        "p",
        tag("b", verdict.level.value.upper(), class_="level"),
        " ",
        tag("span", verdict.sentence),
        class_=f"answer {level}",
    )


def moment_section(facts: PageFacts) -> Markup:
    """Say of which moment all of it is."""
    dry = " · dry run: signs and sends nothing" if facts.is_dry_run else ""
    return tag(
        "p",
        f"{facts.network} · venue's clock {whole_moment(facts.now)} · seen"
        f" {whole_moment(facts.wall_seconds)}{dry}",
    )


SECTIONS: Final[Mapping[str, Section]] = {
    VERDICT: verdict_section,
    MOMENT: moment_section,
    "markets": markets_section,
    "week": week_section,
    "heat": heat_section,
    "backlog": backlog_section,
    "trips": trips_section,
    "actions": actions_section,
    "solvency": solvency_section,
    "stress": stress_section,
    "incentives": incentives_section,
    "health": health_section,
}


def document(sections: Mapping[str, str], *, version: str) -> str:
    """Write the page around its sections; the script replaces what is inside `data-part`."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", "Bellkeeper: is the network safe?"),
        tag("link", rel="stylesheet", href="page/page.css"),
        tag("link", rel="icon", href="page/icon.svg", type="image/svg+xml"),
        tag("script", src="page/page.js", defer=""),
        tag("noscript", tag("meta", http_equiv="refresh", content=REFRESH_SECONDS)),
    )
    header = tag(
        "header",
        tag("p", "Bellkeeper", class_="name"),
        tag("h1", "Is the network safe?", id="question"),
        tag("div", _part(sections, VERDICT), data_part=VERDICT, aria_live="polite", id="answer"),
        tag("div", _part(sections, MOMENT), data_part=MOMENT, class_="moment"),
        tag("p", "shown as of the moment it was loaded", id="link", class_="link"),
    )
    shown = {name: _section(sections, name) for name in TITLES}
    main = tag(
        "main",
        tag("div", [shown[name] for name in FIRST], class_="first"),
        tag("div", [shown[name] for name in TITLES if name not in FIRST], class_="rest"),
        id="main",
        tabindex="-1",
    )
    navigation = tag(
        "nav",
        [tag("a", title, href=f"#h-{name}") for name, title in TITLES.items()],
        aria_label="Sections",
    )
    footer = tag(
        "footer",
        tag("p", f"Bellkeeper {version}. This page reads, and changes nothing. "),
        tag("p", [tag("a", each, href=each) for each in ("status", "readyz", "metrics")]),
    )
    skip = tag("a", "Skip to the markets", href="#main", class_="skip")
    body = tag("body", skip, header, navigation, main, footer)
    return f"<!DOCTYPE html>{tag('html', head, body, lang='en')}"


def _section(sections: Mapping[str, str], name: str) -> Markup:
    return tag(
        "section",
        tag("h2", TITLES[name], id=f"h-{name}"),
        tag("div", _part(sections, name), data_part=name),
        aria_labelledby=f"h-{name}",
        class_=f"section {name}",
    )


def _part(sections: Mapping[str, str], name: str) -> Markup:
    return Markup(sections.get(name, ""))


def broken(name: str) -> Markup:
    """Stand in for a section that could not be made."""
    told = f"{TITLES.get(name, 'How it stands')} could not be shown: the keeper's log says why."
    if name == VERDICT:
        return tag(
            "p", tag("b", Level.UNKNOWN.value.upper(), class_="level"), f" {told}", class_="answer"
        )
    return tag("p", told, class_="bad")
