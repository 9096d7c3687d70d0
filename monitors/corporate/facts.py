"""From what files and operators say to the facts of each action, market by market."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitors.corporate.memory import ActionMemory
from monitors.corporate.orders import ActionOrder, ActionOrderKind
from monitors.corporate.sources import ActionSources, Judge, Told
from monitors.prices.explanation import PlayedRound
from risk.corporate_agreement import SILENT, Agreement, Approval
from risk.corporate_state import ActionFacts, OutsidePrice, Word
from risk.units import Seconds


@dataclass(slots=True)
class _Judged:
    """What was made of one reading."""

    revision: int = -1
    facts: Mapping[str, dict[str, ActionFacts]] = field(default_factory=dict)
    """By symbol, by key."""


class FactFinder:
    """Judges what is told, once for each reading of the files."""

    def __init__(self, sources: ActionSources, memory: ActionMemory, *, judge: Judge) -> None:
        self._sources, self._memory, self._judge = sources, memory, judge
        self._judged = _Judged()

    @property
    def revision(self) -> int:
        """Another number whenever something else is told or ordered."""
        return self._sources.revision

    def heard(self, symbol: str, now: Seconds) -> Mapping[str, ActionFacts]:
        """Give the facts of each action of a market that anybody speaks of, by key."""
        if self._judged.revision != self._sources.revision:
            self._judged = _Judged(self._sources.revision, self._all(now))
        return self._judged.facts.get(symbol, {})

    def _all(self, now: Seconds) -> Mapping[str, dict[str, ActionFacts]]:
        orders, told = self._sources.orders, self._sources.told
        at = self._memory.heard_at({order.sequence: order for order in orders}, now)
        approvals = tuple(
            Approval(action=order.action, by=order.by, reason=order.reason, at=at[order.sequence])
            for order in orders
            if order.action is not None
        )
        agreements = self._judge(
            Told(reports=told.reports, approvals=(*told.approvals, *approvals))
        )
        words = {
            kind: _words(orders, kind, at)
            for kind in (ActionOrderKind.ABORT, ActionOrderKind.RESUME)
        }
        found: dict[str, dict[str, ActionFacts]] = {}
        keys = [*agreements, *(key for each in words.values() for key in each)]
        for key in dict.fromkeys(keys):
            found.setdefault(key.split(" ", 1)[0], {})[key] = ActionFacts(
                agreement=_plain(agreements.get(key)),
                abort=words[ActionOrderKind.ABORT].get(key),
                resume=words[ActionOrderKind.RESUME].get(key),
            )
        return found


def outside_price(played: PlayedRound | None) -> OutsidePrice | None:
    """Give what the sources agree on in a round, before any guard; None where they do not."""
    if played is None or played.outcome.combined.price is None:
        return None
    kept = set(played.outcome.combined.kept)
    seen = [each.observed_at for each in played.inputs.reports if each.source in kept]
    if not seen:
        return None
    return OutsidePrice(price=played.outcome.combined.price, at=max(seen))


def _words(
    orders: Iterable[ActionOrder], kind: ActionOrderKind, at: Mapping[int, Seconds]
) -> dict[str, Word]:
    """Give the last order of a kind about each action."""
    ordered = sorted(orders, key=lambda each: each.sequence)
    return {
        each.key: Word(by=each.by, reason=each.reason, at=at[each.sequence])
        for each in ordered
        if each.kind is kind
    }


def _plain(agreement: Agreement | None) -> Agreement:
    return SILENT if agreement is None else agreement
