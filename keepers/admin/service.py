"""The admin service: one action at a time, on record before it takes effect, and never twice.

Order of things: checked, looked up by its idempotency key, noted as asked (durable), done, noted with
its outcome, told. A refusal is on record too.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from keepers.admin.deeds import Deeds
from keepers.admin.record import Entry, Fate, Record
from keepers.admin.terms import TERMS, AdminRequest, BadRequestError, check_key, parse_request
from runtime.admin_listener import AdminAnswer, AdminCall, Verdict
from runtime.errors import OperatorError

SHOWN: Final = 50
"""Entries that a listing shows."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class AdminActions:
    """Does what is asked; implements `runtime.admin_listener.AdminService`."""

    deeds: Deeds
    record: Record
    tell: Callable[[Entry], None] | None = None
    """Hears of each action with its outcome."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def describe(self) -> Mapping[str, object]:
        """List the actions with what they need, and what was asked for lately."""
        return {
            "actions": [
                {
                    "action": action.value,
                    "about": terms.about,
                    "needs": [*terms.needs, "reason"],
                    "may_have": list(terms.may_have),
                }
                for action, terms in TERMS.items()
            ],
            "recent": [entry.told() for entry in self.record.newest(SHOWN)],
        }

    async def act(self, call: AdminCall) -> AdminAnswer:
        """Do what was asked, or say in one sentence why not."""
        try:
            check_key(call.idempotency_key)
            request = parse_request(call.action, call.body)
        except BadRequestError as error:
            return _refusal(400, str(error))
        async with self._turn:
            known = None if call.idempotency_key is None else self.record.find(call.idempotency_key)
            if known is not None:
                return _again(known, request)
            return await self._do(request, call)

    async def _do(self, request: AdminRequest, call: AdminCall) -> AdminAnswer:
        entry = self.record.begin(request, by=call.by, key=call.idempotency_key)
        try:
            words = await self.deeds.do(request, call.by)
        except OperatorError as error:
            entry = self._end(entry, Fate.REFUSED, str(error))
            return _answer(entry, Verdict.REFUSED)
        except Exception:
            self._end(entry, Fate.FAILED, "a bug: the keeper's log has it")
            raise
        return _answer(self._end(entry, Fate.DONE, words), Verdict.DONE)

    def _end(self, entry: Entry, fate: Fate, words: str) -> Entry:
        entry = self.record.end(entry, fate, words)
        log.warning(
            "admin_action_taken",
            action=entry.action,
            fields=dict(entry.fields),
            by=entry.by,
            reason=entry.reason,
            outcome=fate.value,
            words=words,
            sequence=entry.sequence,
        )
        if self.tell is not None:
            self.tell(entry)
        return entry


def _again(known: Entry, request: AdminRequest) -> AdminAnswer:
    """Answer a key that was used before: as then, and nothing is done."""
    if not known.is_of(request):
        return _refusal(
            422,
            f"expected a new idempotency key, found one of another request (number"
            f" {known.sequence}, {known.action}): use a key once",
        )
    if known.fate in {Fate.CUT_SHORT, Fate.FAILED}:
        return _refusal(
            409,
            f"expected a key whose outcome is known, found number {known.sequence}, which was cut"
            " short: look whether it took effect, and ask again with a new key",
        )
    return _answer(known, Verdict.REPLAYED)


def _answer(entry: Entry, verdict: Verdict) -> AdminAnswer:
    is_done = entry.fate is Fate.DONE
    body = {**entry.told(), "replayed": verdict is Verdict.REPLAYED}
    if not is_done:
        body["error"] = entry.words
    return AdminAnswer(verdict=verdict, status=200 if is_done else 409, body=body)


def _refusal(status: int, why: str) -> AdminAnswer:
    return AdminAnswer(verdict=Verdict.REFUSED, status=status, body={"error": why})
