"""The process itself: what it lacks to be ready, its workers, lanes and RPC endpoints."""

from typing import Final

from keepers.page.facts import PageFacts
from keepers.page.figures import milliseconds
from keepers.page.html import Markup, joined, table, tag
from keepers.page.work import pairs

LANE_HEADINGS: Final = ("Lane", "State", "Next nonce", "In flight")
ENDPOINT_HEADINGS: Final = ("Endpoint", "Head block", "Latency", "Failures in a row", "Last error")


def health_section(facts: PageFacts) -> Markup:
    """Show each part and how it is."""
    health = facts.health
    ready = "ready" if not facts.not_ready else "not ready"
    told: list[tuple[str, str | Markup]] = [("Readiness", ready), ("Feed", health.feed)]
    if health.loop_lag is not None:
        told.append(("Event loop wakes late, 99 of 100", milliseconds(health.loop_lag.most_within)))
    reasons = [tag("li", f"{name}: {reason}") for name, reason in facts.not_ready.items()]
    return joined(
        [
            pairs(told),
            tag("ul", reasons, class_="bad") if reasons else None,
            _lanes(facts),
            _endpoints(facts),
            _workers(facts),
        ]
    )


def _lanes(facts: PageFacts) -> Markup:
    lanes = facts.health.lanes
    if not lanes:
        return tag("p", "No lane: this process signs and sends nothing.", class_="none")
    rows = [
        [
            each.name,
            tag("b", "halted: ", class_="bad") if each.halted else tag("b", "signs", class_="good"),
            "–" if each.next_nonce is None else f"{each.next_nonce:,}",
            "–" if each.in_flight is None else str(each.in_flight),
        ]
        for each in lanes
    ]
    for row, each in zip(rows, lanes, strict=True):
        if each.halted:
            row[1] = joined([row[1], tag("span", each.halted, class_="sentence")])
    return table("Lanes, one key each", LANE_HEADINGS, rows)


def _endpoints(facts: PageFacts) -> Markup:
    rows = [
        [
            each.name,
            "–" if not each.head_block else f"{each.head_block:,}",
            f"{round(each.latency_seconds * 1_000, 1):g} ms",
            str(each.failures)
            if not each.rest_seconds
            else f"{each.failures}, rests {each.rest_seconds:g} s",
            tag("span", each.last_error or "–", class_="sentence"),
        ]
        for each in facts.health.endpoints
    ]
    return table("RPC endpoints", ENDPOINT_HEADINGS, rows)


def _workers(facts: PageFacts) -> Markup:
    workers = sorted(facts.health.workers.items())
    ended = [name for name, runs in workers if not runs]
    told = [tag("li", f"{name}: {'runs' if runs else 'ended'}") for name, runs in workers]
    return joined(
        [
            tag("p", f"Not running: {', '.join(ended)}", class_="bad") if ended else None,
            tag(
                "details",
                tag("summary", f"{len(workers) - len(ended)} of {len(workers)} workers run"),
                tag("ul", told, class_="workers"),
            ),
        ]
    )
