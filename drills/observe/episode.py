"""One episode: a stage of its own, a calm, one fault, its alerts, its end.

An episode shares nothing with the one before, so that no window of Prometheus and no halt of a market
reaches from one fault into the next.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from drills.observe.faults import ALWAYS, Fault
from drills.observe.monitoring import Monitoring, running_monitoring
from drills.observe.past import FUND
from drills.observe.stage import Stage, running_stage
from runtime.errors import OperatorError

LOOK_SECONDS: Final = 0.1
READY_SECONDS: Final = 20.0
CALM_SECONDS: Final = 2.0
"""Before a fault; the episode without a fault is as long as most waits are."""
FIRE_SECONDS: Final = 90.0
RESOLVE_SECONDS: Final = 40.0
HUSHED_SECONDS: Final = 1.0
"""A single scrape that comes late on a busy machine is no end of an alert that always fires."""
LINGER_SECONDS: Final = 3.0
"""After all that was expected: time for what was not."""


@dataclass(slots=True, kw_only=True)
class Episode:
    """What was seen, in seconds since the fault (since the calm began, where there is none)."""

    name: str
    what: str
    expected: frozenset[str]
    expected_inhibited: frozenset[str] = frozenset()
    expected_lasting: frozenset[str] = frozenset()
    expected_hushed: frozenset[str] = frozenset()
    fired: dict[str, float] = field(default_factory=dict)
    resolved: dict[str, float] = field(default_factory=dict)
    """In seconds since the fault was undone."""
    hushed: set[str] = field(default_factory=set)
    notified: dict[str, str] = field(default_factory=dict)
    """By alert: the receiver."""
    told_of_end: set[str] = field(default_factory=set)
    targets: dict[str, str] = field(default_factory=dict)
    unhealthy_rules: dict[str, str] = field(default_factory=dict)
    rules: int = 0
    firing: frozenset[str] = frozenset()
    """The last look."""


class Watch:
    """Looks again and again, and takes down what changes."""

    def __init__(self, monitoring: Monitoring, episode: Episode) -> None:
        self._monitoring = monitoring
        self._episode = episode
        self._began = self._healed = time.monotonic()
        self._silent_since: dict[str, float] = {}

    def begin(self) -> None:
        """The fault begins now."""
        self._began = time.monotonic()

    def heal(self) -> None:
        """It is undone now."""
        self._healed = time.monotonic()

    async def look(self) -> None:
        """Look once."""
        episode, now = self._episode, time.monotonic()
        seen = await self._monitoring.look()
        for name in seen.firing - ALWAYS:
            episode.fired.setdefault(name, now - self._began)
            episode.resolved.pop(name, None)
        for name in episode.fired.keys() - seen.firing - episode.resolved.keys():
            episode.resolved[name] = now - self._healed
        for name in ALWAYS:
            since = self._silent_since.setdefault(name, now)
            if name in seen.firing:
                del self._silent_since[name]
            elif now - since > HUSHED_SECONDS:
                episode.hushed.add(name)
        episode.firing = seen.firing
        heard = self._monitoring.receiver.heard
        episode.notified = {name: each.receiver for name, each in heard.items()}
        episode.told_of_end = {name for name, each in heard.items() if each.resolved_at}

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Look until it is so, or so long; say whether it came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.look()
            if condition():
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def linger(self, seconds: float) -> None:
        """Look for so long."""
        await self.until(lambda: False, seconds)


async def play(
    folder: Path, fault: Fault | None, *, factor: int, seed: int, calm_seconds: float
) -> Episode:
    """Play one fault, or none, on a stage of its own; raises OperatorError where nothing can be seen."""
    async with running_stage(folder, seed=seed) as stage:
        keeper = stage.keeper.url.removeprefix("http://")
        async with running_monitoring(
            folder / "monitoring",
            keeper=keeper,
            factor=factor,
            ahead_seconds=await _ahead(stage),
            fund=await _fund(stage, keeper),
        ) as monitoring:
            episode = _begun(fault)
            watch = Watch(monitoring, episode)
            await _until_watching(monitoring, watch, episode)
            episode.hushed.clear()
            watch.begin()
            await watch.linger(CALM_SECONDS if fault else calm_seconds)
            episode.targets = dict(await monitoring.targets())
            if fault is not None and not episode.fired:
                await _suffer(stage, fault, watch, episode)
            await _judge_rules(monitoring, episode)
            return episode


async def _suffer(stage: Stage, fault: Fault, watch: Watch, episode: Episode) -> None:
    watch.begin()
    await fault.inject(stage)
    first = fault.fires - fault.afterwards
    loud = first - fault.inhibited
    await watch.until(
        lambda: (
            first <= episode.fired.keys()
            and loud <= episode.notified.keys()
            and fault.hushes <= episode.hushed
        ),
        FIRE_SECONDS,
    )
    await watch.linger(LINGER_SECONDS)
    watch.heal()
    await fault.heal(stage)
    passing = fault.fires - fault.lasting
    await watch.until(
        lambda: (
            fault.fires <= episode.fired.keys()
            and not passing & episode.firing
            and (passing - fault.inhibited) <= episode.told_of_end
            and fault.hushes <= episode.firing
        ),
        RESOLVE_SECONDS,
    )
    await watch.linger(LINGER_SECONDS)


def _begun(fault: Fault | None) -> Episode:
    if fault is None:
        return Episode(name="calm", what="nothing happens", expected=frozenset())
    return Episode(
        name=fault.name,
        what=fault.what,
        expected=fault.fires,
        expected_inhibited=fault.inhibited,
        expected_lasting=fault.lasting,
        expected_hushed=fault.hushes,
    )


async def _until_watching(monitoring: Monitoring, watch: Watch, episode: Episode) -> None:
    """Wait until every rule was evaluated, and what always fires does."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        await watch.look()
        rules = await monitoring.rules()
        if (
            rules
            and all(each["health"] != "unknown" for each in rules)
            and episode.firing >= ALWAYS
        ):
            return
        if time.monotonic() > deadline:
            raise OperatorError(
                f"expected Prometheus to evaluate every rule within {READY_SECONDS:g} s and"
                f" {', '.join(ALWAYS)} to fire, found {len(rules)} rules and"
                f" {', '.join(episode.firing) or 'nothing'} firing: see the drill's folder"
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _judge_rules(monitoring: Monitoring, episode: Episode) -> None:
    rules = await monitoring.rules()
    episode.rules = len(rules)
    episode.unhealthy_rules = {
        rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"
    }


async def _ahead(stage: Stage) -> int:
    """Say how far the venue's clock is ahead of ours, in seconds."""
    return int(stage.clock.now() - time.time())


async def _fund(stage: Stage, keeper: str) -> Mapping[str, str]:
    """Read the insurance fund as the keeper exports it: labels and value."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stage.keeper.url}/metrics") as answer,
    ):
        page = await answer.text()
    value = next(line.split()[-1] for line in page.splitlines() if line.startswith(f"{FUND} "))
    return {f'instance="{keeper}",job="bellkeeper"': value}
