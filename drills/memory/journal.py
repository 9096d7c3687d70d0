"""A journal in memory: each intent once, and what became of it. Evidence is counted, not kept.

The duties ask a journal for two things: never to plan the same intent twice, and what is still on its way.
This one gives both, and nothing to recover from: a drill that is stopped begins anew.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from runtime.clock import Clock
from runtime.journal import Intent, IntentRecord, State


class MemoryJournal:
    """What was planned, what is on its way, and how many ended how."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: set[str] = set()
        self._open: dict[str, IntentRecord] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """How many intents of a kind ended how, as their duties said."""

    @property
    def planned_count(self) -> int:
        """How many intents there ever were."""
        return len(self._known)

    def unknown(self, intents: Sequence[Intent]) -> list[Intent]:
        """Give those that were never planned, each once."""
        found = {intent.key: intent for intent in intents if intent.key not in self._known}
        return list(found.values())

    def plan(self, intents: Iterable[Intent]) -> None:
        """Note intents that are about to be sent."""
        now = self._clock.now()
        for intent in intents:
            self._known.add(intent.key)
            self._open[intent.key] = IntentRecord(
                key=intent.key,
                kind=intent.kind,
                market=intent.market,
                account=intent.account,
                judged_on=intent.judged_on,
                expires_at=intent.expires_at,
                payload={},
                state=State.SENT,
                reason="",
                transaction_id=None,
                outcome=None,
                outcome_detail=None,
                planned_at=now,
                updated_at=now,
                settled_at=None,
            )

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled."""
        return [each for each in self._open.values() if kind is None or each.kind == kind]

    def ended(self, keys: Iterable[str]) -> None:
        """Forget what its transaction ended without a duty's word."""
        for key in keys:
            self._open.pop(key, None)

    def settle_all(self, outcomes: Iterable[tuple[str, str, Mapping[str, object] | None]]) -> None:
        """Record what was seen on chain."""
        for key, outcome, _ in outcomes:
            self.outcomes[key.partition("|")[0], outcome] += 1
            self._open.pop(key, None)
