"""The admin actions: what each is called, what it needs to be told, and what it does.

A request is closed: a field that an action does not know is refused, since a misspelt limit would
silently be none.
"""

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keepers.admin.reasons import LONGEST_REASON

LONGEST_FIELD: Final = 200
REASON: Final = "reason"
MINUTES: Final = "minutes"
"""The one field that is a number."""
_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class BadRequestError(Exception):
    """A request is not what it should be: one sentence, expected and found."""


class Action(StrEnum):
    """What may be asked for."""

    HALT = "halt"
    REDUCE_ONLY = "reduce-only"
    RESUME = "resume"
    PLAN_START = "plan-start"
    PLAN_STOP = "plan-stop"
    VOUCH = "vouch"
    APPROVE_ACTION = "approve-action"
    ABORT_ACTION = "abort-action"
    RESUME_ACTION = "resume-action"
    RESYNC = "resync"
    PAUSE_LANE = "pause-lane"
    RESUME_LANE = "resume-lane"
    LOG_LEVEL = "log-level"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an action needs to be told beside the reason."""

    about: str
    needs: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()


TERMS: Final[Mapping[Action, Terms]] = {
    Action.HALT: Terms(about="nobody trades and nobody is liquidated", needs=("market",)),
    Action.REDUCE_ONLY: Terms(about="positions may only shrink", needs=("market",)),
    Action.RESUME: Terms(about="lift what operators ordered of a market", needs=("market",)),
    Action.PLAN_START: Terms(about="start an emergency plan", needs=("plan",)),
    Action.PLAN_STOP: Terms(about="have an emergency plan return", needs=("plan",)),
    Action.VOUCH: Terms(
        about="say that a price between two limits is true",
        needs=("market", "low", "high"),
        may_have=(MINUTES,),
    ),
    Action.APPROVE_ACTION: Terms(
        about="act on a corporate action as a source tells it",
        needs=("action",),
        may_have=("source",),
    ),
    Action.ABORT_ACTION: Terms(about="forget a corporate action", needs=("action",)),
    Action.RESUME_ACTION: Terms(
        about="have a market trade again that a corporate action holds", needs=("action",)
    ),
    Action.RESYNC: Terms(about="forget what was read of the chain, and take a snapshot again"),
    Action.PAUSE_LANE: Terms(
        about="sign nothing new on a lane; what is on its way is seen through", needs=("lane",)
    ),
    Action.RESUME_LANE: Terms(about="let a paused lane sign again", needs=("lane",)),
    Action.LOG_LEVEL: Terms(
        about="write lines from this severity on, until the process ends", needs=("level",)
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRequest:
    """An action with all that it needs."""

    action: Action
    fields: Mapping[str, str | int]
    reason: str

    def text(self, name: str) -> str:
        """Give a field that the action needs."""
        return str(self.fields[name])


def parse_request(action: str, body: Mapping[str, object]) -> AdminRequest:
    """Check a request; raises BadRequestError."""
    if action not in set(Action):
        raise BadRequestError(
            f"expected an action among {', '.join(Action)}, found {action!r:.40}: correct the name"
        )
    known = Action(action)
    terms = TERMS[known]
    wanted = (*terms.needs, *terms.may_have, REASON)
    for name in body:
        if name not in wanted:
            raise BadRequestError(
                f"expected the fields {', '.join(wanted)} for {known}, found {name!r:.40}:"
                " correct the name, or leave it out"
            )
    for name in (*terms.needs, REASON):
        if name not in body:
            raise BadRequestError(f"expected a field {name} for {known}, found none: add it")
    fields = {
        name: _whole(value) if name == MINUTES else _text(name, value, LONGEST_FIELD)
        for name, value in body.items()
        if name != REASON
    }
    reason = _text(REASON, body[REASON], LONGEST_REASON)
    return AdminRequest(action=known, fields=fields, reason=reason)


def check_key(key: str | None) -> None:
    """Refuse an idempotency key that no record would hold; raises BadRequestError."""
    if key is not None and _KEY.fullmatch(key) is None:
        raise BadRequestError(
            "expected an idempotency key of 1 to 64 letters, digits, dots, hyphens or underscores,"
            f" found {key!r:.80}: correct it"
        )


def _text(name: str, value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise BadRequestError(
            f"expected {name} as a text, found {reprlib.repr(value)}: put it in quotes"
        )
    text = re.sub(r"\s+", " ", value).strip()
    if not text:
        raise BadRequestError(f"expected {name}, found an empty one: say it")
    if len(text) > longest or not text.isprintable():
        raise BadRequestError(
            f"expected {name} of at most {longest} printable characters, found {len(text)}:"
            " shorten it"
        )
    return text


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequestError(f"expected {MINUTES} as a whole number, found {reprlib.repr(value)}")
    return value
