"""Words for numbers that are states; a test compares each list with what the program exports."""

from typing import Final

from deploy.monitoring.dashboards.panels import Color, Words

STATUSES: Final = ("open", "limit", "reduce_only", "halted", "settled")
SESSIONS: Final = (
    *("regular", "pre", "post", "overnight"),
    *("weekend", "holiday", "halted", "unknown"),
)
STAGES: Final = ("normal", "straddle", "limit", "paused", "extended", "reopening", "off_hours")
DOUBTS: Final = ("closed", "unpriced", "stale", "future_dated", "diverged", "warming_up")
RUNGS: Final = ("full", "widened", "reduce-only wanted", "silent")

_CALM: Final = {"open", "regular", "normal", "full", "none"}
_GRAVE: Final = {"halted", "unknown", "paused", "extended", "silent", "reduce-only wanted"}
_OFF: Final = {"settled", "weekend", "holiday", "overnight", "off_hours"}


def words(states: tuple[str, ...]) -> Words:
    """Give each state's number its word and colour."""
    return {number: (each.replace("_", " "), _color(each)) for number, each in enumerate(states)}


def _color(state: str) -> Color:
    if state in _CALM:
        return Color.GOOD
    if state in _GRAVE:
        return Color.BAD
    return Color.OFF if state in _OFF else Color.DOUBT


def yes_no(yes: str, no: str, *, good: bool) -> Words:
    """Give the words of 1 and 0, and say whether 1 is the good one."""
    colors = (Color.GOOD, Color.BAD) if good else (Color.BAD, Color.GOOD)
    return {1: (yes, colors[0]), 0: (no, colors[1])}


BROKEN: Final = yes_no("broken", "kept", good=False)
INVARIANT: Final[Words] = {
    1: ("holds", Color.GOOD),
    0: ("BREACH", Color.BAD),
    -1: ("not known", Color.DOUBT),
}
