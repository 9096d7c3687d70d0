"""Lanes that operators paused: noted in the journal, so that a restart does not set them free.

A paused lane signs nothing new. What is on its way is looked after to its end, replacements included:
a pause must not strand a nonce.
"""

import json
from collections.abc import Mapping
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from runtime.errors import OperatorError

PAUSES_KEY: Final = "admin/pauses"
_PAUSES: Final = TypeAdapter(dict[str, str])


class Pausable(Protocol):
    """A lane, as far as a pause goes."""

    def pause(self, reason: str) -> None:
        """Sign nothing new."""

    def unpause(self) -> None:
        """Sign again."""


class PauseNotes(Protocol):
    """Where pauses are noted: the journal."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""

    def note(self, key: str, value: str) -> None:
        """Note a text, durable before this returns."""


class LanePauses:
    """The lanes of a process, and which of them stand still by order."""

    def __init__(self, lanes: Mapping[str, Pausable], notes: PauseNotes) -> None:
        self._lanes = lanes
        self._notes = notes
        self._why = parse_pauses(notes.noted(PAUSES_KEY) or "{}")
        for name, why in self._why.items():
            # A lane that does not run here keeps its pause for when it does.
            if name in lanes:
                lanes[name].pause(why)

    def pause(self, name: str, *, by: str, reason: str) -> str:
        """Pause a lane; tell what that means. Raises OperatorError for a lane that is none."""
        lane = self._lane(name)
        why = f"paused by {by}: {reason}"
        self._note({**self._why, name: why})
        lane.pause(why)
        return (
            f"lane {name}: signs nothing new until resume-lane, over restarts too; what is on its"
            " way is seen through"
        )

    def resume(self, name: str) -> str:
        """Let a lane sign again. Raises OperatorError for a lane that is none, or is not paused."""
        lane = self._lane(name)
        if name not in self._why:
            raise OperatorError(
                f"expected a paused lane, found that {name} is not paused: see `bellkeeper status`"
            )
        self._note({each: why for each, why in self._why.items() if each != name})
        lane.unpause()
        return f"lane {name}: signs again, unless another reason halts it"

    def _lane(self, name: str) -> Pausable:
        if name not in self._lanes:
            known = ", ".join(sorted(self._lanes)) or "none: it runs dry, or without a key"
            raise OperatorError(f"expected a lane of this process ({known}), found {name}")
        return self._lanes[name]

    def _note(self, why: dict[str, str]) -> None:
        self._notes.note(PAUSES_KEY, json.dumps(why, sort_keys=True))
        self._why = why


def parse_pauses(text: str) -> dict[str, str]:
    """Read why each lane is paused; raises OperatorError: what cannot be read is not taken for none."""
    try:
        return _PAUSES.validate_json(text)
    except ValidationError:
        raise OperatorError(
            f"expected the paused lanes in the journal's note {PAUSES_KEY}, found something else: the"
            " file is damaged; restore it from the backup"
        ) from None
