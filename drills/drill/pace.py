"""When a drill looks second by second, and when every ten are enough: decided by what happens, not by chance.

Some of it is known before the drill begins (values that move, faults, halts, flows, outages, borders of sessions);
the rest is seen as it goes (somebody is under margin, a status changed, calls wait).
"""

import numpy as np
from numpy.typing import NDArray

from drills.drill.terms import DrillTerms
from drills.scenario.moment import EventKind
from drills.scenario.path import ScenarioPath
from drills.scenario.values import Scenario
from risk.units import PPM_SCALE, Seconds

BORDER_SECONDS = 60
"""Before and after a border of sessions."""
MOVE_SECONDS = 60
_ENDS_ONLY = frozenset({EventKind.FAULT, EventKind.HALT})
"""What lasts for hours: its ends are looked at closely."""


class Pace:
    """Give the next step's length."""

    def __init__(
        self, scenario: Scenario, path: ScenarioPath, terms: DrillTerms, *, begin: Seconds
    ) -> None:
        self._start, self._end, self._terms = scenario.start, scenario.end, terms
        self._lively = lively(scenario, path, terms)
        self._until = Seconds(begin + terms.calm_seconds)

    def disturb(self, now: Seconds) -> None:
        """Look at every second for a while: something happened."""
        self._until = Seconds(max(self._until, now + self._terms.calm_seconds))

    def step(self, now: Seconds) -> int:
        """Give how far to go from `now`; never past the scenario's end, at least one second."""
        place = now - self._start
        quiet = min(int(self._terms.quiet_step), max(1, self._end - now))
        if now < self._until or self._lively[place : place + quiet].any():
            return 1
        return quiet

    @property
    def lively_seconds(self) -> int:
        """Count the seconds that are known to be looked at one by one."""
        return int(self._lively.sum())


def lively(scenario: Scenario, path: ScenarioPath, terms: DrillTerms) -> NDArray[np.bool_]:
    """Say of every second of a scenario whether something is known to happen about it."""
    count = scenario.end - scenario.start + 1
    found = np.zeros(count, dtype=np.bool_)
    for market in scenario.markets:
        logs = np.log(path.values(market.symbol))
        far = np.abs(logs[MOVE_SECONDS:] - logs[:-MOVE_SECONDS]) * PPM_SCALE > terms.lively_ppm
        for place in np.flatnonzero(far).tolist():
            found[place : place + MOVE_SECONDS + terms.calm_seconds] = True
    for event in scenario.events:
        if event.kind is EventKind.HEADLINE:
            continue
        begin, stop = event.start - scenario.start, event.stop - scenario.start
        if event.kind in _ENDS_ONLY and stop - begin > 2 * terms.fault_seconds:
            _mark(found, begin - BORDER_SECONDS, begin + terms.fault_seconds)
            _mark(found, stop - BORDER_SECONDS, stop + terms.fault_seconds)
        else:
            _mark(found, begin - BORDER_SECONDS, stop + terms.calm_seconds)
    for border in scenario.timeline.between(scenario.start, scenario.end):
        place = border.start - scenario.start
        _mark(found, place - BORDER_SECONDS, place + BORDER_SECONDS)
    return found


def _mark(found: NDArray[np.bool_], begin: int, stop: int) -> None:
    found[max(0, begin) : max(0, stop)] = True
