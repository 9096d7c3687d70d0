"""What is remembered of corporate actions over restarts, as text in the journal's notes.

Each market's actions are one note, written before anything that follows from them is sent. When an order
was first heard, on the venue's clock, is another: an order is not younger because we started again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from risk.corporate_state import MarketActions
from risk.units import Seconds
from runtime.errors import OperatorError

_ACTIONS: Final = TypeAdapter(MarketActions)
_HEARD: Final = TypeAdapter(dict[int, Seconds])
HEARD_KEY: Final = "corporate"


class Notes(Protocol):
    """Where texts survive a restart."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""

    def note(self, key: str, value: str) -> None:
        """Remember a text under a key; durable before this returns."""


class ActionMemory:
    """The notes of one process."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._saved: dict[str, MarketActions] = {}
        text = notes.noted(HEARD_KEY)
        try:
            self._heard_at = {} if text is None else _HEARD.validate_json(text)
        except ValidationError:
            raise OperatorError(
                "expected the journal's note of when orders about corporate actions were heard in this"
                " program's make, found another: start with a new journal, or with the program that"
                " wrote this one"
            ) from None

    def recall(self, symbol: str) -> MarketActions:
        """Give a market's actions as an earlier life left them.

        Raises OperatorError for a note of another make: to begin anew could split a market twice.
        """
        text = self._notes.noted(_key(symbol))
        if text is None:
            return MarketActions()
        try:
            found = _ACTIONS.validate_json(text)
        except ValidationError:
            raise OperatorError(
                f"expected the journal's note of {symbol}'s corporate actions in this program's make,"
                " found another: finish what is under way with the program that wrote it, then start"
                " with a new journal"
            ) from None
        self._saved[symbol] = _substance(found)
        return found

    def save(self, symbol: str, actions: MarketActions) -> None:
        """Write a market's actions down if they changed; durable before this returns."""
        substance = _substance(actions)
        if self._saved.get(symbol, MarketActions()) != substance:
            self._notes.note(_key(symbol), _ACTIONS.dump_json(actions).decode())
            self._saved[symbol] = substance

    def heard_at(self, sequences: Mapping[int, object], now: Seconds) -> Mapping[int, Seconds]:
        """Give when each order was first heard, on the venue's clock; those that are gone are forgotten."""
        heard = {sequence: self._heard_at.get(sequence, now) for sequence in sequences}
        if heard != self._heard_at:
            self._notes.note(HEARD_KEY, _HEARD.dump_json(heard).decode())
            self._heard_at = heard
        return heard


def _substance(actions: MarketActions) -> MarketActions:
    """Leave out the clock, or every second would be a change."""
    return MarketActions(
        states={key: replace(state, seen_at=Seconds(0)) for key, state in actions.states.items()}
    )


def _key(symbol: str) -> str:
    return f"{HEARD_KEY}/{symbol}"
