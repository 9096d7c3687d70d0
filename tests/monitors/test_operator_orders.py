"""What operators order is read from their file whenever it changes, and never lost with it."""

import asyncio
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from monitors.operator_orders import (
    ALL,
    OperatorOrders,
    Order,
    OrderKind,
    OrdersFileError,
    parse_orders,
    render_orders,
    standing_of,
)
from risk.emergency_state import PlanOrder
from risk.units import MarketStatus, Seconds


def order(kind: OrderKind, subject: str, sequence: int) -> Order:
    return Order(
        sequence=sequence,
        kind=kind,
        subject=subject,
        by="alice",
        reason="seen on every terminal",
        at=Seconds(1_800_000_000 + sequence),
    )


HALT_ALL = order(OrderKind.HALT, ALL, 1)
RESUME_NVDA = order(OrderKind.RESUME, "NVDA", 2)
REDUCE_NVDA = order(OrderKind.REDUCE_ONLY, "NVDA", 3)
START = order(OrderKind.PLAN_START, "oracle_outage", 4)
STOP = order(OrderKind.PLAN_STOP, "oracle_outage", 5)


def write(path: Path, *orders: Order) -> None:
    """Replace the file in one move, as the commands do."""
    beside = path.with_name("new")
    beside.write_bytes(render_orders(orders))
    beside.replace(path)


def test_what_is_written_is_read() -> None:
    orders = (HALT_ALL, RESUME_NVDA, START, STOP)
    assert parse_orders(render_orders(orders)) == orders


def test_the_latest_order_about_a_market_or_all_stands() -> None:
    standing = standing_of((REDUCE_NVDA, HALT_ALL, RESUME_NVDA))
    assert standing.order("NVDA") == REDUCE_NVDA
    assert standing.order("AAPL") == HALT_ALL
    later = standing_of((RESUME_NVDA, order(OrderKind.HALT, ALL, 9)))
    wish = later.wish("NVDA")
    assert wish is not None
    assert wish.status is MarketStatus.HALTED
    assert wish.why == "alice ordered halt: seen on every terminal"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (OrderKind.HALT, MarketStatus.HALTED),
        (OrderKind.REDUCE_ONLY, MarketStatus.REDUCE_ONLY),
        (OrderKind.RESUME, MarketStatus.OPEN),
    ],
)
def test_an_order_is_a_wish_of_a_status_and_nothing_else(
    kind: OrderKind, status: MarketStatus
) -> None:
    wish = order(kind, "NVDA", 1).wish
    assert (wish.status, wish.band, wish.closes_withdrawals) == (status, None, False)


def test_who_never_said_anything_wishes_nothing() -> None:
    standing = standing_of((REDUCE_NVDA, START))
    assert standing.wish("AAPL") is None
    assert list(standing.plans) == ["oracle_outage"]


def test_the_latest_order_about_a_plan_stands() -> None:
    assert standing_of((START,)).plans["oracle_outage"].starts
    assert standing_of((STOP, START)).plans == {
        "oracle_outage": PlanOrder(
            starts=False, sequence=5, by="alice", reason="seen on every terminal"
        )
    }


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    held = OperatorOrders(path)
    held.read()
    assert held.standing().order("NVDA") is None
    assert held.problem is None
    for latest in (HALT_ALL, RESUME_NVDA, REDUCE_NVDA):
        write(path, latest)
        held.read()
        assert held.standing().order("NVDA") == latest


def test_each_order_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "orders.json"
    held = OperatorOrders(path)
    write(path, HALT_ALL)
    held.read()
    write(path, HALT_ALL, RESUME_NVDA)
    held.read()
    held.read()
    told = capsys.readouterr().out
    assert told.count("operator_ordered") == 2
    assert "seen on every terminal" in told


@pytest.mark.parametrize("damage", [b"{", b"", b'{"orders": 3}', None], ids=str)
def test_a_file_that_is_damaged_or_gone_changes_nothing(
    damage: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "orders.json"
    held = OperatorOrders(path)
    write(path, HALT_ALL, START)
    held.read()
    before = held.standing()

    def problem() -> str | None:
        return held.problem

    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    held.read()
    held.read()
    assert held.standing() is before
    assert problem() is not None
    assert capsys.readouterr().out.count("operator_orders_unreadable") == 1
    write(path, RESUME_NVDA)
    held.read()
    assert held.standing().order("NVDA") == RESUME_NVDA
    assert problem() is None


def test_the_same_file_put_back_is_read_again(tmp_path: Path) -> None:
    path, away = tmp_path / "orders.json", tmp_path / "away.json"
    held = OperatorOrders(path)
    write(path, HALT_ALL)
    held.read()
    path.rename(away)
    held.read()
    away.rename(path)
    held.read()
    assert held.problem is None


async def test_reads_until_it_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    write(path, HALT_ALL)
    held, stop = OperatorOrders(path), asyncio.Event()
    stop.set()
    await held.run(stop)
    assert held.standing().order("NVDA") == HALT_ALL


def entry(**changed: Any) -> bytes:
    """Give a file of one order of which something is different."""
    usual = orjson.loads(render_orders((HALT_ALL,)))["orders"][0]
    return orjson.dumps({"orders": [usual | changed]})


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"{", "expected JSON"),
        (b"[]", 'a list "orders"'),
        (b'{"orders": [3]}', "each order to be an object"),
        (entry(sequence=True), "an integer sequence"),
        (entry(sequence=0), "sequence >= 1"),
        (entry(at_seconds="now"), "an integer at_seconds"),
        (entry(at_seconds=-1), "at_seconds >= 0"),
        (entry(order="pray"), "halt, reduce_only, resume, plan_start, plan_stop, found 'pray'"),
        (entry(order="plan_stop"), "a short text plan"),
        (entry(market=""), "a short text market"),
        (entry(by=3), "a short text by"),
        (entry(reason="x" * 201), "a short text reason"),
        (
            b'{"orders": [%s, %s]}' % ((orjson.dumps(orjson.loads(entry())["orders"][0]),) * 2),
            "a sequence of its own",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(payload: bytes, sentence: str) -> None:
    with pytest.raises(OrdersFileError, match=re.escape(sentence)) as error:
        parse_orders(payload)
    assert "\n" not in str(error.value)
