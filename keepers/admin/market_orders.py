"""Orders about markets and plans: written into the file that the running keeper reads within a second.

The file is replaced in one move, and by one at a time: of two operators who order at once, neither
loses the order. Commands and the admin listener both write through here.
"""

import getpass
from collections.abc import Collection
from pathlib import Path

from config.breakers import load_breakers
from config.markets import MARKETS_DIRECTORY, load_exchange_file
from config.plans import PLANS_DIRECTORY, load_plans
from config.settings import Settings
from keepers.admin.reasons import clean_reason
from keepers.admin.whole_file import alone, replace_whole
from monitors.operator_orders import (
    ALL,
    LONGEST_TEXT,
    Order,
    OrderKind,
    OrdersFileError,
    parse_orders,
    render_orders,
)
from risk.emergency_rules import EmergencyPlan
from risk.units import Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError


def orders_file(settings: Settings) -> Path:
    """Give the file of orders; raises OperatorError when the profile names none."""
    path = settings.breaker.orders_file
    if path is None:
        raise OperatorError(
            "expected [breaker] orders_file, found none: name a file that the keeper may read, and"
            " start the keeper again"
        )
    return path


def known_markets(settings: Settings) -> set[str]:
    """Name the markets that a slip of the pen is told apart from: shipped, created or priced."""
    shipped = {path.stem.upper() for path in MARKETS_DIRECTORY.glob("*.toml")}
    return shipped | set(load_exchange_file().markets) | set(settings.prices.symbols)


def check_market(market: str, known: Collection[str]) -> None:
    """Refuse a market that nobody knows: an order about it would do nothing, and say so to nobody."""
    if market != ALL and market not in known:
        names = ", ".join(sorted(known))
        raise OperatorError(
            f"expected {ALL} or a market among {names}, found {market}: correct the symbol"
        )


def plans_of(directory: Path | None, settings: Settings | None) -> dict[str, EmergencyPlan]:
    """Load the plans of a folder, of the profile, or those that are shipped."""
    rules = None if settings is None else settings.breaker.rules_file
    groups = (load_breakers() if rules is None else load_breakers(rules)).groups
    if directory is None and settings is not None:
        directory = settings.breaker.plans_directory
    return load_plans(PLANS_DIRECTORY if directory is None else directory, groups=groups)


def chosen_plan(plans: dict[str, EmergencyPlan], name: str) -> EmergencyPlan:
    """Give the plan of a name; raises OperatorError for one that is none."""
    if name not in plans:
        known = ", ".join(plans) or "none"
        raise OperatorError(f"expected a plan among {known}, found {name}: correct the name")
    return plans[name]


def give_order(
    path: Path, kind: OrderKind, subject: str, reason: str, *, by: str | None = None
) -> Order:
    """Add an order to the file, in the name of who runs this, or of `by`; raises OperatorError."""
    reason = clean_reason(reason)
    try:
        with alone(path):
            held = parse_orders(path.read_bytes()) if path.exists() else ()
            now = int(SystemClock().now())
            # The time, or one more: a file that was lost does not begin anew below what was obeyed.
            sequence = max([now, *(each.sequence + 1 for each in held)])
            order = Order(
                sequence=sequence,
                kind=kind,
                subject=subject,
                by=(by or getpass.getuser())[:LONGEST_TEXT],
                reason=reason,
                at=Seconds(now),
            )
            replace_whole(path, render_orders((*_outlasting(held, order), order)))
    except OrdersFileError as error:
        raise OperatorError(f"{path}: {error}: move it away and say it again") from error
    except OSError as error:
        raise OperatorError(
            f"expected to write {path}, but the system said: {error.strerror} (correct"
            " [breaker] orders_file or its folder's permissions)"
        ) from error
    return order


def told(order: Order) -> str:
    """Tell what was ordered, in the words of the command."""
    subject = "all markets" if order.subject == ALL else order.subject
    what = {
        OrderKind.HALT: f"{subject}: to be halted",
        OrderKind.REDUCE_ONLY: f"{subject}: to be reduce-only",
        OrderKind.RESUME: f"{subject}: no order restricts it any more; other breakers still may",
        OrderKind.PLAN_START: f"plan {subject}: to start",
        OrderKind.PLAN_STOP: f"plan {subject}: to return",
    }[order.kind]
    return f"order {order.sequence}: {what}, by {order.by} ({order.reason})"


def _outlasting(held: tuple[Order, ...], order: Order) -> list[Order]:
    """Drop what the new order replaces; an order for all markets replaces that of each."""
    if order.kind.is_of_plan:
        return [each for each in held if not each.kind.is_of_plan or each.subject != order.subject]
    return [
        each for each in held if each.kind.is_of_plan or order.subject not in {ALL, each.subject}
    ]
