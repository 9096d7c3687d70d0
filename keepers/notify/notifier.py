"""What the process tells people: states as they begin and end, events as they happen.

It looks at what `/status` says, once a second, as a person would: no duty knows of it, none waits for
it, and what it missed while it was not there it sees at its first look.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from keepers.admin.record import Entry, Fate
from keepers.notify.conditions import Condition, conditions_of, deleverage_of
from runtime.clock import Clock
from runtime.logging import redact_text
from runtime.notify.box import Box
from runtime.notify.notice import LONGEST_SENTENCE, Kind, Notice, Severity
from runtime.supervise import Worker, sleep_unless

LOOK_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Held:
    """A condition that holds."""

    condition: Condition
    since: float
    told_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Notifier:
    """Puts what people should know into the boxes."""

    boxes: Sequence[Box]
    status: Callable[[], Mapping[str, object]]
    source: str
    version: str
    remind_seconds: float
    clock: Clock
    _held: dict[str, _Held] = field(default_factory=dict)
    _deleverage: str = ""
    _has_said_all: asyncio.Event = field(default_factory=asyncio.Event)

    def workers(self) -> dict[str, Worker]:
        """Name the workers: one that looks, and one for each channel."""
        return {
            "notify": self.run,
            **{f"notify_{box.name}": self._sender(box) for box in self.boxes},
        }

    def _sender(self, box: Box) -> Worker:
        """Have a box work until the last notice is in it: it then empties itself for a while."""

        async def run(_stop: asyncio.Event) -> None:
            await box.run(self._has_said_all)

        return run

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`, and say when the process starts and stops."""
        try:
            self.tell("keeper/started", Severity.INFO, f"the keeper has started ({self.version})")
            while not await sleep_unless(stop, LOOK_SECONDS):
                self.look()
            self.tell("keeper/stopping", Severity.INFO, "the keeper is stopping")
        finally:
            self._has_said_all.set()

    def look(self) -> None:
        """Compare what holds with what was told."""
        status, now = self.status(), self.clock.monotonic()
        found = conditions_of(status)
        for key in [key for key in self._held if key not in found]:
            held = self._held.pop(key)
            if held.told_at is not None:
                self._put(Kind.CLEARED, key, held.condition.severity, held.condition.sentence)
        for key, condition in found.items():
            held = self._held.setdefault(key, _Held(condition=condition, since=now))
            is_due = (
                now - held.since >= condition.after_seconds
                if held.told_at is None
                else now - held.told_at >= self.remind_seconds
            )
            if is_due:
                held.told_at, held.condition = now, condition
                self._put(Kind.RAISED, key, condition.severity, condition.sentence)
        self._look_at_deleverage(deleverage_of(status))

    def tell(self, key: str, severity: Severity, sentence: str) -> None:
        """Tell of an event."""
        self._put(Kind.TOLD, key, severity, sentence)

    def tell_action(self, entry: Entry) -> None:
        """Tell of what somebody did over the admin listener."""
        severity = Severity.INFO if entry.fate is Fate.DONE else Severity.WARNING
        self.tell(
            f"admin/{entry.sequence}",
            severity,
            f"{entry.by} asked for {entry.action} ({entry.reason}), {entry.fate}: {entry.words}",
        )

    def _look_at_deleverage(self, plan: str) -> None:
        if plan and plan != self._deleverage:
            self.tell("deleverage/sent", Severity.CRITICAL, f"positions are deleveraged: {plan}")
        self._deleverage = plan

    def _put(self, kind: Kind, key: str, severity: Severity, sentence: str) -> None:
        # Sentences leave the machine: an error's words in them may hold an endpoint's key.
        notice = Notice(
            key=key,
            kind=kind,
            severity=severity,
            sentence=" ".join(redact_text(sentence).split())[:LONGEST_SENTENCE],
            source=self.source,
            at_seconds=int(self.clock.now()),
        )
        log.info("notice_put", about=key, kind=kind.value, severity=severity.word)
        for box in self.boxes:
            box.put(notice)
