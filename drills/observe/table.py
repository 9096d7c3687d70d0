"""The run as a table for people and as a report for machines. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence

from deploy.monitoring.alert import Severity
from drills.observe.episode import Episode
from drills.observe.verdict import problems


def as_report(
    episodes: Sequence[Episode],
    severities: Mapping[str, set[Severity]],
    *,
    factor: int,
    seconds: float,
) -> dict[str, object]:
    """Give all that was seen, as JSON takes it."""
    return {
        "factor": factor,
        "seconds": round(seconds, 1),
        "is_as_expected": not any(problems(each, severities) for each in episodes),
        "episodes": [_episode(each, severities) for each in episodes],
    }


def _episode(episode: Episode, severities: Mapping[str, set[Severity]]) -> dict[str, object]:
    return {
        "name": episode.name,
        "what": episode.what,
        "expected": sorted(episode.expected),
        "fired_after_seconds": _rounded(episode.fired),
        "resolved_after_seconds": _rounded(episode.resolved),
        "receivers": dict(sorted(episode.notified.items())),
        "inhibited": sorted(episode.fired.keys() - episode.notified.keys()),
        "stopped": sorted(episode.hushed),
        "targets": dict(episode.targets),
        "rules": episode.rules,
        "problems": problems(episode, severities),
    }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in sorted(seconds.items())}


def as_text(
    episodes: Sequence[Episode], severities: Mapping[str, set[Severity]], *, factor: int
) -> Iterator[str]:
    """Tell it line by line, in Markdown."""
    yield (
        f"All waits, windows and intervals of rules and routes are divided by {factor}; thresholds are"
        " as shipped. Seconds are the drill's."
    )
    yield ""
    yield "| fault | alert | fired after | heard by | ended after | as it should be |"
    yield "|---|---|---|---|---|---|"
    for episode in episodes:
        yield from _rows(episode, bool(problems(episode, severities)))
    told = [(each, line) for each in episodes for line in problems(each, severities)]
    if told:
        yield ""
    for each, line in told:
        yield f"- {each.name}: {line}"


def _rows(episode: Episode, has_problems: bool) -> Iterator[str]:  # noqa: FBT001 - private
    good = "**no**" if has_problems else "yes"
    names = sorted(
        episode.fired.keys() | episode.expected,
        key=lambda name: (episode.fired.get(name, math.inf), name),
    )
    first = f"{episode.name}: {episode.what}"
    if not names:
        targets = ", ".join(sorted(set(episode.targets.values()))) or "none"
        yield f"| {first} | none | – | – | – | {good} ({episode.rules} rules, targets {targets}) |"
    for name in names:
        yield (
            f"| {first} | {name} | {_seconds(episode.fired.get(name))} |"
            f" {episode.notified.get(name, 'nobody: inhibited')} |"
            f" {_end(episode, name)} | {good} |"
        )
        first, good = "", ""
    for name in sorted(episode.hushed):
        yield f"|  | {name} stops |  |  |  |  |"


def _end(episode: Episode, name: str) -> str:
    if name in episode.resolved:
        return _seconds(episode.resolved[name])
    return "goes on" if name in episode.fired else "–"


def _seconds(value: float | None) -> str:
    return "**never**" if value is None else f"{value:.1f} s"
