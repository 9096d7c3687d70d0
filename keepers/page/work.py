"""What is done and what waits: backlog and latency, the last trips, the last actions."""

from collections.abc import Sequence
from typing import Final

from keepers.page.facts import Action, PageFacts
from keepers.page.figures import milliseconds, moment, span, whole_moment
from keepers.page.html import Markup, joined, table, tag
from keepers.page.verdict import WAITING_BLOCKS, is_late

LATENCY_HEADINGS: Final = ("From … to", "Half within", "99 of 100 within", "Counted")
ACTION_HEADINGS: Final = ("When (UTC)", "What", "Of", "Became", "Why")


def backlog_section(facts: PageFacts) -> Markup:
    """Show who waits and how quick the keeper is."""
    backlog = facts.backlog
    oldest = backlog.oldest_wait_seconds
    waiting = backlog.waiting_blocks
    if waiting is None:
        waits = "the duty liquidation does not run here"
    else:
        late = f"late: the promise is {WAITING_BLOCKS}" if is_late(backlog) else "nobody is late"
        waits = f"{waiting:,} blocks, {late}"
    reasons = [f"{number} {name.replace('_', ' ')}" for name, number in backlog.skipped.items()]
    told = [
        ("Under margin", f"{backlog.under_margin:,} of {backlog.accounts:,} accounts"),
        ("The oldest of them", "nobody" if oldest is None else f"since {span(oldest)}"),
        ("Longest wait", waits),
        ("Left alone by the last plan", ", ".join(reasons) or "nobody"),
        ("Open positions", f"{backlog.positions:,}"),
        ("Block", f"{backlog.applied_block:,} applied, {backlog.sealed_block:,} sealed"),
    ]
    rows = [
        [name, milliseconds(each.half_within), milliseconds(each.most_within), f"{each.count:,}"]
        for name, each in backlog.latencies.items()
    ]
    latency = table("Latencies since the start", LATENCY_HEADINGS, rows)
    return joined([pairs(told), latency if rows else None])


def trips_section(facts: PageFacts) -> Markup:
    """Show when breakers last restricted a market."""
    if not facts.trips:
        where = "in this journal" if facts.breakers_run else "here: the duty breaker does not run"
        return tag("p", f"No breaker has tripped {where}.", class_="none")
    return _listed("The last restrictions that a breaker set", facts.trips)


def actions_section(facts: PageFacts) -> Markup:
    """Show the journal's last decisions; prices published apart, which come every second."""
    if facts.journal_problem is not None:
        return tag("p", f"The journal cannot be read: {facts.journal_problem}", class_="bad")
    if not facts.actions:
        return tag("p", "The journal holds no decision of the last days.", class_="none")
    return _listed("The journal's last decisions, published prices apart", facts.actions)


def pairs(told: Sequence[tuple[str, str | Markup]]) -> Markup:
    """Write names and values as a list."""
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in told])


def _listed(caption: str, actions: Sequence[Action]) -> Markup:
    rows = [
        [
            tag(
                "time",
                moment(each.wall_seconds),
                title=whole_moment(each.wall_seconds),
                class_="figure",
            ),
            f"{each.kind}: {each.what}" if each.what else each.kind,
            [tag("span", part, " ", class_="of") for part in (each.market, each.account) if part]
            or "–",
            each.outcome or each.state,
            tag("span", each.why or "–", class_="sentence"),
        ]
        for each in actions
    ]
    return table(caption, ACTION_HEADINGS, rows)
