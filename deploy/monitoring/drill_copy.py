"""A copy of the rules for a drill: every duration divided by one factor, and nothing else changed.

Real time cannot be hurried in Prometheus, and some alerts wait for a quarter of an hour. Divided are the
waits (`for`), the windows and offsets of expressions, and the intervals of scraping, evaluating, grouping
and repeating. Thresholds stay: what they speak of (a chain's age, a cycle, a balance) goes at its own pace.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

from deploy.monitoring.build import FOLDER, files

LOOKBACK: Final = "5m"
"""For how long Prometheus takes the last sample of a series that ends without a word, by default."""
_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = r"([0-9]+)(ms|s|m|h|d)"
_HELD: Final = re.compile(rf'(?<=for: "){_DURATION}(?=")')
_WINDOW: Final = re.compile(rf"(?<=\[){_DURATION}(?=\])|(?<=offset ){_DURATION}\b")
_SETTINGS: Final = tuple(
    re.compile(rf"(?<={name}: ){_DURATION}$", re.MULTILINE)
    for name in ("_interval", "_timeout", "_wait")
)
_AGE_OF_HEAD: Final = "time() - max(bellkeeper_feed_head_timestamp_seconds"
_RECEIVERS: Final = "\nreceivers:\n"
_RECEIVER: Final = re.compile(r"^  - name: (\S+)\n((?:    .*\n)+)", re.MULTILINE)


def divided(duration: str, factor: int) -> str:
    """Divide one duration, `5m` by 20 to `15s`; below a millisecond it is a millisecond, 0 stays 0.

    Raises ValueError for what is no duration.
    """
    found = re.fullmatch(_DURATION, duration)
    if found is None:
        raise ValueError(f"expected a duration like 5m, found {duration!r}")
    exact = Fraction(int(found[1]) * _UNITS_MS[found[2]], factor)
    if not exact:
        return "0s"
    milliseconds = max(1, round(exact))
    return f"{milliseconds // 1_000}s" if milliseconds % 1_000 == 0 else f"{milliseconds}ms"


def rule_files(factor: int, *, venue_ahead_seconds: int = 0) -> dict[Path, str]:
    """Give rules and alerts, by path, for a drill whose venue's clock is so far ahead of ours."""
    return {
        path: _with_age_of_head(_divide_all(text, factor, _HELD, _WINDOW), venue_ahead_seconds)
        for path, text in files().items()
        if path.parts[0] in {"rules", "alerts"}
    }


def prometheus_file(factor: int, *, alertmanager: str, keeper: str) -> str:
    """Give the shipped Prometheus's configuration with these two addresses."""
    text = _divide_all((FOLDER / "prometheus.yml").read_text(encoding="utf-8"), factor, *_SETTINGS)
    for shipped, here in (("127.0.0.1:9093", alertmanager), ("127.0.0.1:9464", keeper)):
        text = _replaced_once(text, f'"{shipped}"', f'"{here}"')
    return text


def alertmanager_file(factor: int, *, webhook: str) -> str:
    """Give the shipped routes and inhibitions; each receiver calls `webhook`/NAME instead."""
    text = (FOLDER / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    routes, _, receivers = text.partition(_RECEIVERS)
    routes = _divide_all(routes, factor, *_SETTINGS)
    calls = [
        f"  - name: {name}\n    webhook_configs:\n"
        f"      - url: {webhook}/{name}\n        send_resolved: {_tells_the_end(block)}\n"
        for name, block in _RECEIVER.findall(receivers)
    ]
    return f"{routes}{_RECEIVERS}{''.join(calls)}"


def _tells_the_end(block: str) -> str:
    return "false" if "send_resolved: false" in block else "true"


def _divide_all(text: str, factor: int, *patterns: re.Pattern[str]) -> str:
    for pattern in patterns:
        text = pattern.sub(lambda found: divided(found[0], factor), text)
    return text


def _with_age_of_head(text: str, ahead_seconds: int) -> str:
    """Let the head's age be counted on the venue's clock, where that is not ours."""
    if not ahead_seconds:
        return text
    there = _AGE_OF_HEAD.replace("time()", f"(time() + {ahead_seconds})")
    return text.replace(_AGE_OF_HEAD, there)


def _replaced_once(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"expected {old} once in the configuration, found {text.count(old)}")
    return text.replace(old, new)


def durations_of(text: str) -> Mapping[str, int]:
    """Count the durations that a copy changes; what a test compares."""
    counts: dict[str, int] = {}
    for pattern in (_HELD, _WINDOW):
        for found in pattern.finditer(text):
            counts[found[0]] = counts.get(found[0], 0) + 1
    return counts
