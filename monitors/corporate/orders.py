"""What operators order of corporate actions: a file of approvals, aborts and resumptions.

`bellkeeper actions approve|abort|resume` writes it, and the keeper reads it again whenever it changes.
An approval carries the terms that were approved, so that nobody can change them afterwards. A file that
cannot be read, or is gone, changes nothing: what was ordered before stands.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from risk.corporate_values import CorporateAction
from risk.units import Seconds

LONGEST_TEXT: Final = 200

log = structlog.get_logger(__name__)


class ActionOrdersError(ValueError):
    """A file of orders is not what it should be: one sentence, expected and found."""


class ActionOrderKind(StrEnum):
    """What may be ordered of an action."""

    APPROVE = "approve"
    ABORT = "abort"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOrder:
    """One order. ValueError for an approval without terms."""

    sequence: int
    """A larger one is later; no two are alike."""
    kind: ActionOrderKind
    key: str
    """The action's, such as `NVDA split 2024-06-10`."""
    by: str
    reason: str
    at: Seconds
    """When it was given, on the operator's clock; only told, never counted with."""
    action: CorporateAction | None = None
    """The terms of an approval."""

    def __post_init__(self) -> None:
        if (self.kind is ActionOrderKind.APPROVE) != (self.action is not None):
            raise ValueError("expected terms in an approval, and in nothing else")


_ORDERS: Final = TypeAdapter(tuple[ActionOrder, ...])


def parse_action_orders(payload: bytes) -> tuple[ActionOrder, ...]:
    """Read a file of orders; raises ActionOrdersError."""
    try:
        orders = _ORDERS.validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ActionOrdersError(f"{place}: {first['msg']}") from None
    if len({order.sequence for order in orders}) < len(orders):
        raise ActionOrdersError("expected a sequence of its own for each order, found one twice")
    return orders


def render_action_orders(orders: tuple[ActionOrder, ...]) -> bytes:
    """Write a file of orders."""
    return _ORDERS.dump_json(orders, indent=2) + b"\n"


class ActionOrders:
    """The orders that stand, from a file; none where the profile names no file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self.orders: tuple[ActionOrder, ...] = ()
        self.problem: str | None = None
        """Why the file cannot be read, while it cannot."""

    def read(self) -> bool:
        """Read the file if it is another than the last one; say whether it was."""
        if self._path is None:
            return False
        try:
            state = self._path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return False
            orders = parse_action_orders(self._path.read_bytes())
        except FileNotFoundError:
            return False
        except (OSError, ActionOrdersError) as error:
            if self.problem != str(error):
                log.error("action_orders_unreadable", error=str(error))  # noqa: TRY400 - an operator's slip
            self.problem = str(error)
            return False
        self._seen, self.orders, self.problem = seen, orders, None
        return True
