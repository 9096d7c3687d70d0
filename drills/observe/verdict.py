"""Is it as it should be: each episode's differences, in words. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from deploy.monitoring.alert import Severity
from drills.observe.episode import Episode

RECEIVERS: Final[Mapping[Severity, str]] = {
    Severity.PAGE: "pager",
    Severity.TICKET: "tickets",
    Severity.HEARTBEAT: "dead-mans-switch",
}


def problems(episode: Episode, severities: Mapping[str, set[Severity]]) -> list[str]:
    """Say all that is not as it should be; nothing when all is."""
    return [
        *_of_scraping(episode),
        *_of_alerts(episode),
        *_of_notifications(episode, severities),
        *_of_the_end(episode),
    ]


def _of_scraping(episode: Episode) -> Iterator[str]:
    if not episode.targets:
        yield "no target is scraped"
    for target, health in episode.targets.items():
        if health != "up":
            yield f"target {target} is {health}"
    if not episode.rules:
        yield "no rule is loaded"
    for rule, error in episode.unhealthy_rules.items():
        yield f"rule {rule} is unwell: {error or 'it was not evaluated'}"


def _of_alerts(episode: Episode) -> Iterator[str]:
    for name in sorted(episode.expected - episode.fired.keys()):
        yield f"{name} did not fire"
    for name in sorted(episode.fired.keys() - episode.expected):
        yield f"{name} fired and should not"
    for name in sorted(episode.expected_hushed - episode.hushed):
        yield f"{name} did not stop"
    for name in sorted(episode.hushed - episode.expected_hushed):
        yield f"{name} stopped and should not"


def _of_notifications(episode: Episode, severities: Mapping[str, set[Severity]]) -> Iterator[str]:
    for name in sorted(episode.expected - episode.expected_inhibited - episode.notified.keys()):
        yield f"nobody was notified of {name}"
    for name in sorted(episode.expected_inhibited & episode.notified.keys()):
        yield f"{name} was notified although another says more"
    for name, receiver in sorted(episode.notified.items()):
        right = {RECEIVERS[severity] for severity in severities.get(name, ())}
        if receiver not in right:
            yield f"{name} went to {receiver}, not to {' or '.join(sorted(right)) or 'nobody'}"


def _of_the_end(episode: Episode) -> Iterator[str]:
    if episode.name == "calm":
        return
    for name in sorted(episode.expected - episode.expected_lasting):
        if name in episode.fired and name not in episode.resolved:
            yield f"{name} did not end"
        elif name in episode.notified and name not in episode.told_of_end:
            yield f"nobody was told that {name} ended"
