"""Orders as operators give them: written at once, whole, and never lost to another's."""

import argparse
import itertools
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.loader import load, shipped_profile
from config.plans import PLANS_DIRECTORY
from keepers.admin.market_orders import check_market, give_order, known_markets, told
from keepers.cli import Command
from keepers.commands import halt, plan, reduce_only, resume
from monitors.operator_orders import ALL, OperatorOrders, OrderKind, parse_orders, standing_of
from runtime.errors import OperatorError

HALT, RESUME, REDUCE_ONLY = OrderKind.HALT, OrderKind.RESUME, OrderKind.REDUCE_ONLY
GIVE = """
import sys
from pathlib import Path
from keepers.admin.market_orders import give_order
from monitors.operator_orders import OrderKind
for place in range(10):
    give_order(Path(sys.argv[1]), OrderKind.PLAN_START, f"plan_{sys.argv[2]}_{place}", "drill")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give where the orders go."""
    return tmp_path / "orders.json"


def test_an_order_is_what_the_keeper_reads(path: Path) -> None:
    given = give_order(path, HALT, "NVDA", "  split \n announced  ")
    held = OperatorOrders(path)
    held.read()
    assert held.standing().order("NVDA") == given
    assert given.reason == "split announced"
    assert given.by
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_name(".orders.json.new").exists()


def test_each_order_is_later_than_the_one_before(path: Path) -> None:
    given = [give_order(path, HALT, "NVDA", "drill") for _ in range(5)]
    assert all(late.sequence > early.sequence for early, late in itertools.pairwise(given))


def test_orders_go_on_where_a_lost_file_ended(path: Path) -> None:
    before = give_order(path, OrderKind.PLAN_STOP, "oracle_outage", "drill")
    path.unlink()
    # Within a second the same number may come back; what was obeyed is never above it.
    assert give_order(path, OrderKind.PLAN_START, "oracle_outage", "drill").sequence >= (
        before.sequence
    )


def test_an_order_replaces_what_it_is_about_and_nothing_else(path: Path) -> None:
    give_order(path, HALT, "NVDA", "one")
    give_order(path, HALT, "AAPL", "two")
    give_order(path, OrderKind.PLAN_START, "oracle_outage", "three")
    give_order(path, OrderKind.PLAN_START, "chain_outage", "four")
    give_order(path, RESUME, "NVDA", "five")
    give_order(path, OrderKind.PLAN_STOP, "oracle_outage", "six")
    assert [each.reason for each in parse_orders(path.read_bytes())] == [
        "two",
        "four",
        "five",
        "six",
    ]
    give_order(path, REDUCE_ONLY, ALL, "seven")
    give_order(path, RESUME, "AAPL", "eight")
    assert [each.reason for each in parse_orders(path.read_bytes())] == [
        "four",
        "six",
        "seven",
        "eight",
    ]


def test_of_operators_who_order_at_once_none_loses_an_order(path: Path) -> None:
    programs = [
        subprocess.Popen([sys.executable, "-c", GIVE, str(path), str(number)])
        for number in range(3)
    ]
    assert [program.wait() for program in programs] == [0, 0, 0]
    orders = parse_orders(path.read_bytes())
    assert len(orders) == len({each.sequence for each in orders}) == 30


def test_a_damaged_file_is_not_written_over(path: Path) -> None:
    path.write_bytes(b"{")
    with pytest.raises(OperatorError, match="move it away and say it again"):
        give_order(path, HALT, "NVDA", "drill")
    assert path.read_bytes() == b"{"


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"correct \[breaker\] orders_file"):
        give_order(tmp_path / "nowhere" / "orders.json", HALT, "NVDA", "drill")


def test_an_order_needs_a_reason(path: Path) -> None:
    with pytest.raises(OperatorError, match="expected a --reason"):
        give_order(path, HALT, "NVDA", " \n ")
    assert not path.exists()


def test_a_slip_of_the_pen_is_told_before_it_does_nothing() -> None:
    known = known_markets(load(shipped_profile("devnet"), environment={}).settings)
    assert {"NVDA", "WTI", "TBILL"} <= known
    check_market("NVDA", known)
    check_market(ALL, known)
    for wrong in ("NDVA", "nvda", "all"):
        with pytest.raises(OperatorError, match=f"found {wrong}: correct the symbol"):
            check_market(wrong, known)


@pytest.mark.parametrize(
    ("kind", "subject", "words"),
    [
        (HALT, ALL, "all markets: to be halted, by "),
        (REDUCE_ONLY, "NVDA", "NVDA: to be reduce-only, by "),
        (RESUME, "NVDA", "NVDA: no order restricts it any more; other breakers still may, by "),
        (OrderKind.PLAN_START, "chain_outage", "plan chain_outage: to start, by "),
        (OrderKind.PLAN_STOP, "chain_outage", "plan chain_outage: to return, by "),
    ],
)
def test_an_order_is_told_to_who_gave_it(
    path: Path, kind: OrderKind, subject: str, words: str
) -> None:
    line = told(give_order(path, kind, subject, "drill"))
    assert words in line
    assert line.endswith("(drill)")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Write a profile that names a file of orders."""
    file = tmp_path / "keeper.toml"
    file.write_text('extends = "devnet"\n[breaker]\norders_file = "orders.json"\n')
    return file


def run(command: Command, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("command", "kind"),
    [(halt, HALT), (resume, RESUME), (reduce_only, REDUCE_ONLY)],
    ids=["halt", "resume", "reduce-only"],
)
def test_a_command_writes_its_order_where_the_profile_says(
    command: Command,
    kind: OrderKind,
    profile: Path,
    path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = ("--config", str(profile))
    assert run(command, "NVDA", *config, "--reason", "drill") == 0
    (order,) = parse_orders(path.read_bytes())
    assert (order.kind, order.subject, order.reason) == (kind, "NVDA", "drill")
    assert capsys.readouterr().out == f"{told(order)}\n"
    with pytest.raises(OperatorError, match="found NDVA"):
        run(command, "NDVA", *config, "--reason", "drill")
    with pytest.raises(SystemExit):
        run(command, ALL, *config)


def test_a_plan_is_started_and_stopped(profile: Path, path: Path) -> None:
    config = ("--config", str(profile), "--reason", "drill")
    assert run(plan, "start", "oracle_outage", *config) == 0
    assert standing_of(parse_orders(path.read_bytes())).plans["oracle_outage"].starts
    assert run(plan, "stop", "oracle_outage", *config) == 0
    assert not standing_of(parse_orders(path.read_bytes())).plans["oracle_outage"].starts
    with pytest.raises(OperatorError, match="found rain"):
        run(plan, "start", "rain", *config)


def test_without_a_file_for_orders_nothing_can_be_ordered() -> None:
    devnet = str(shipped_profile("devnet"))
    with pytest.raises(OperatorError, match=r"expected \[breaker\] orders_file, found none"):
        run(halt, ALL, "--config", devnet, "--reason", "drill")


def test_plans_are_those_of_the_profile(
    tmp_path: Path, profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plans").mkdir()
    with profile.open("a") as file:
        file.write('plans_directory = "plans"\n')
    assert run(plan, "list", "--config", str(profile)) == 0
    assert capsys.readouterr().out == ""
    assert run(plan, "list", "--config", str(profile), "--plans", str(PLANS_DIRECTORY)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_plans_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert "oracle_outage              Prices of several markets have stopped." in lines


def test_a_plan_is_shown_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan, "show", "runaway_price") == 0
    assert capsys.readouterr().out.splitlines() == [
        "runaway_price: Marks of several markets have run away from their index.",
        "markets: all",
        "starts by order, or when all of this holds",
        "  divergence_ppm is above 60000 for 15 s in 3 markets at once",
        "steps",
        "  1. tighter_band of 20000 ppm, 30 s before the next, at most 900 s",
        "  2. reduce_only, 120 s before the next, at most 3600 s",
        "  3. halt, at most 7200 s",
        "return",
        "  1. lift_halt after 120 s of clear facts",
        "  2. lift_reduce_only after 120 s of clear facts",
        "  3. lift_band after 300 s of clear facts",
    ]
    assert run(plan, "show", "solvency_breach") == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "  1. owner_opens_withdrawals after an operator's stop: the owner is to find" in lines[-2]
    )
    assert lines[-1] == "  2. lift_halt after an operator's stop"


def test_a_plan_that_is_none_is_one_sentence() -> None:
    with pytest.raises(OperatorError, match=r"oracle_outage, runaway_price, .* found rain"):
        run(plan, "show", "rain")
