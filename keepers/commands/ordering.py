"""Orders to the running keeper: written into the file that it reads within a second.

Shared by `halt`, `reduce-only`, `resume` and `plan`. The file is replaced in one move, and one
command at a time: of two operators who order at once, neither loses the order.
"""

import argparse
import contextlib
import fcntl
import getpass
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from config.markets import MARKETS_DIRECTORY, load_exchange_file
from config.settings import Settings
from keepers.commands.reporting import add_config_argument, load_config
from monitors.operator_orders import (
    ALL,
    LONGEST_TEXT,
    Order,
    OrderKind,
    OrdersFileError,
    parse_orders,
    render_orders,
)
from risk.units import Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError


def add_order_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--config`, MARKET and `--reason`."""
    add_config_argument(parser)
    parser.add_argument("market", metavar="MARKET|ALL", help="the market's symbol, or all markets")
    add_reason_argument(parser)


def add_reason_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--reason`."""
    parser.add_argument("--reason", required=True, help="why, for the log and those who come after")


def order_market(arguments: argparse.Namespace, kind: OrderKind) -> Order:
    """Write an order about a market, or all; raises OperatorError with one sentence."""
    settings = load_config(arguments).settings
    check_market(arguments.market, known_markets(settings))
    return give_order(orders_file(settings), kind, arguments.market, arguments.reason)


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


def give_order(path: Path, kind: OrderKind, subject: str, reason: str) -> Order:
    """Add an order to the file, in the name of who runs this; raises OperatorError."""
    reason = re.sub(r"\s+", " ", reason).strip()[:LONGEST_TEXT]
    if not reason:
        raise OperatorError("expected a --reason, found an empty one: say why")
    try:
        with _alone(path):
            held = parse_orders(path.read_bytes()) if path.exists() else ()
            now = int(SystemClock().now())
            # The time, or one more: a file that was lost does not begin anew below what was obeyed.
            sequence = max([now, *(each.sequence + 1 for each in held)])
            order = Order(
                sequence=sequence,
                kind=kind,
                subject=subject,
                by=getpass.getuser()[:LONGEST_TEXT],
                reason=reason,
                at=Seconds(now),
            )
            _replace(path, (*_outlasting(held, order), order))
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


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file beside the orders while they are read and replaced."""
    beside = path.with_name(f".{path.name}.lock")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, orders: tuple[Order, ...]) -> None:
    """Write the file anew, in one move."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(render_orders(orders))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
