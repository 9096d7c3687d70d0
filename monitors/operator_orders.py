"""What operators order: a file of halts, resumptions and plans, read again whenever it changes.

`bellkeeper halt`, `resume`, `reduce-only` and `plan` write it. The latest order for a market, or for
all markets, is the one that stands; so is the latest for each plan. A file that cannot be read, or is
gone, changes nothing: what was ordered before stands, or a broken disk would open a market. A market
cannot be called ALL here: that word is taken.
"""

import asyncio
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from risk.emergency_state import PlanOrder
from risk.precedence import Wish
from risk.units import MarketStatus, Seconds
from runtime.supervise import sleep_unless

READ_SECONDS: Final = 0.5
LONGEST_TEXT: Final = 200
ALL: Final = "ALL"
_UNREAD: Final = (0, 0, 0)
"""No state of a file: what comes next is read, be it the old one again."""

log = structlog.get_logger(__name__)


class OrdersFileError(ValueError):
    """A file of orders is not what it should be: one sentence, expected and found."""


class OrderKind(StrEnum):
    """What may be ordered."""

    HALT = "halt"
    REDUCE_ONLY = "reduce_only"
    RESUME = "resume"
    PLAN_START = "plan_start"
    PLAN_STOP = "plan_stop"

    @property
    def is_of_plan(self) -> bool:
        """Say whether it is about a plan; all others are about a market, or all."""
        return self in {OrderKind.PLAN_START, OrderKind.PLAN_STOP}


_KIND_TO_STATUS: Final = {
    OrderKind.HALT: MarketStatus.HALTED,
    OrderKind.REDUCE_ONLY: MarketStatus.REDUCE_ONLY,
    OrderKind.RESUME: MarketStatus.OPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order, with who gave it and why; no cryptography guards it, but the file's mode."""

    sequence: int
    """A larger one is later; no two are alike."""
    kind: OrderKind
    subject: str
    """A market's symbol, ALL, or a plan's name."""
    by: str
    reason: str
    at: Seconds
    """When it was given, on the operator's clock; only told, never counted with."""

    @property
    def wish(self) -> Wish:
        """What an order about markets wants; raises KeyError for one about a plan."""
        return Wish(
            status=_KIND_TO_STATUS[self.kind], why=f"{self.by} ordered {self.kind}: {self.reason}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOrders:
    """The orders that stand: the latest about each market, about all, and about each plan."""

    markets: Mapping[str, Order] = field(default_factory=dict)
    """By symbol, or ALL."""
    plans: Mapping[str, PlanOrder] = field(default_factory=dict)
    """By name."""

    def order(self, symbol: str) -> Order | None:
        """Give the latest order about a market, its own or one for all; None when none was given."""
        given = [self.markets[name] for name in {symbol, ALL} if name in self.markets]
        return max(given, key=lambda order: order.sequence, default=None)

    def wish(self, symbol: str) -> Wish | None:
        """Give what operators want of a market; None when they never said."""
        order = self.order(symbol)
        return None if order is None else order.wish


def standing_of(orders: tuple[Order, ...]) -> StandingOrders:
    """Choose the orders that stand."""
    markets: dict[str, Order] = {}
    plans: dict[str, PlanOrder] = {}
    for order in sorted(orders, key=lambda order: order.sequence):
        if order.kind.is_of_plan:
            plans[order.subject] = PlanOrder(
                starts=order.kind is OrderKind.PLAN_START,
                sequence=order.sequence,
                by=order.by,
                reason=order.reason,
            )
        else:
            markets[order.subject] = order
    return StandingOrders(markets=markets, plans=plans)


def parse_orders(payload: bytes) -> tuple[Order, ...]:
    """Read a file of orders; raises OrdersFileError."""
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise OrdersFileError(f"expected JSON, found something else ({error})") from error
    entries = found.get("orders") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise OrdersFileError('expected an object with a list "orders", found something else')
    orders = tuple(_order(entry) for entry in entries)
    if len({order.sequence for order in orders}) < len(orders):
        raise OrdersFileError("expected a sequence of its own for each order, found one twice")
    return orders


def render_orders(orders: tuple[Order, ...]) -> bytes:
    """Write a file of orders."""
    entries = [
        {
            "sequence": each.sequence,
            "order": each.kind.value,
            _subject_key(each.kind): each.subject,
            "by": each.by,
            "reason": each.reason,
            "at_seconds": each.at,
        }
        for each in orders
    ]
    return orjson.dumps({"orders": entries}, option=orjson.OPT_INDENT_2) + b"\n"


def _order(entry: object) -> Order:
    if not isinstance(entry, dict):
        raise OrdersFileError("expected each order to be an object, found something else")
    sequence, at = (_integer(entry, name) for name in ("sequence", "at_seconds"))
    if sequence < 1 or at < 0:
        raise OrdersFileError(
            f"expected sequence >= 1 and at_seconds >= 0, found {sequence} and {at}"
        )
    name = _text(entry, "order")
    if name not in set(OrderKind):
        raise OrdersFileError(f"expected an order among {', '.join(OrderKind)}, found {name!r:.40}")
    kind = OrderKind(name)
    return Order(
        sequence=sequence,
        kind=kind,
        subject=_text(entry, _subject_key(kind)),
        by=_text(entry, "by"),
        reason=_text(entry, "reason"),
        at=Seconds(at),
    )


def _subject_key(kind: OrderKind) -> str:
    return "plan" if kind.is_of_plan else "market"


def _integer(entry: Mapping[str, Any], name: str) -> int:
    value = entry.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise OrdersFileError(
            f"expected an integer {name} in each order, found {reprlib.repr(value)}"
        )
    return value


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT:
        raise OrdersFileError(
            f"expected a short text {name} in each order, found {reprlib.repr(value)}"
        )
    return value


class OperatorOrders:
    """The orders that stand, as last read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._told = 0
        self._standing = StandingOrders()
        self._listeners: list[Callable[[], None]] = []
        self.revision = 0
        """How often another file was read."""
        self.problem: str | None = None
        """Why the file could not be read, while it cannot; None when there never was one."""

    def standing(self) -> StandingOrders:
        """Give the orders that stand."""
        return self._standing

    def on_read(self, listener: Callable[[], None]) -> None:
        """Tell this listener whenever another file was read."""
        self._listeners.append(listener)

    async def run(self, stop: asyncio.Event) -> None:
        """Read the file when it changes, until `stop`."""
        self.read()
        while not await sleep_unless(stop, READ_SECONDS):
            self.read()

    def read(self) -> None:
        """Read the file if it is another than the last one; what cannot be read changes nothing."""
        try:
            state = self._path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return
            orders = parse_orders(self._path.read_bytes())
        except FileNotFoundError:
            # Before the first order there is no file.
            if self._seen is not None:
                self._complain(f"expected {self._path.name}, found that it is gone")
            return
        except (OSError, OrdersFileError) as error:
            self._complain(str(error))
            return
        self._seen, self._standing, self.problem = seen, standing_of(orders), None
        self.revision += 1
        for each in sorted(orders, key=lambda order: order.sequence):
            if each.sequence > self._told:
                self._told = each.sequence
                log.warning(
                    "operator_ordered",
                    order=each.kind,
                    subject=each.subject,
                    by=each.by,
                    reason=each.reason,
                    sequence=each.sequence,
                    at_seconds=each.at,
                )
        for listener in self._listeners:
            listener()

    def _complain(self, problem: str) -> None:
        """Say once what is wrong; it is tried again at every reading."""
        self._seen = _UNREAD
        if problem != self.problem:
            self.problem = problem
            log.error("operator_orders_unreadable", error=problem)
