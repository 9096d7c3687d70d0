"""The demo from end to end: a real node, the real keeper as a process, a short weekend."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drills.anvil import ROOT, free_port
from drills.chain import DrillChain
from drills.demo import DemoOptions
from drills.demo_command import rehearse
from drills.dev_keys import BANK
from drills.price_settings import KEY_FILE
from drills.screen import Screen
from drills.weekend_prices import Shape
from keepers.cli import main
from runtime.errors import OperatorError
from tests.planted_secrets import PAGES, Exposed, private_keys, watched

KEYS = {
    "accounts",
    "bad_debt_usd",
    "insurance_after_usd",
    "insurance_before_usd",
    "invariants",
    "keeper_kills",
    "breakers",
    "latency_ms",
    "liquidations",
    "longest_wait_blocks",
    "longest_wait_ms",
    "positions",
    "prices",
    "refused_items",
    "reopening",
    "rewards_usd",
    "seed",
    "setup_seconds",
    "splits",
    "total_seconds",
    "transactions",
}


def run(options: DemoOptions) -> tuple[int, dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    code = rehearse(options, Screen(is_quiet=True), reports.append)
    (report,) = reports
    return code, report


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeDemo:
    """A demo that ran as a command, and all that could be seen of it from outside."""

    report: dict[str, Any]
    exposed: Exposed


@pytest.fixture(scope="module")
def whole_demo(tmp_path_factory: pytest.TempPathFactory) -> WholeDemo:
    folder, port, exposed = tmp_path_factory.mktemp("demo"), free_port(), Exposed()
    with (
        subprocess.Popen(
            [
                *(sys.executable, "-m", "keepers", "demo", "--accounts", "60", "--seed", "4"),
                *("--pace", "0.25", "--json", "-", "--folder", str(folder)),
                *("--metrics-port", str(port)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as demo,
        watched(demo.pid, port, exposed),
    ):
        output, errors = demo.communicate(timeout=100)
    assert demo.returncode == 0, (output.decode(), errors.decode())
    exposed.add("standard output", output)
    exposed.add("standard error", errors)
    exposed.add_files(folder, apart_from=(".password", KEY_FILE))
    return WholeDemo(report=json.loads(output), exposed=exposed)


def test_no_secret_is_seen_in_a_whole_run(whole_demo: WholeDemo) -> None:
    exposed = whole_demo.exposed
    secrets = private_keys() | {
        "the keystores' password": b"worthless",
        "the key of the price sources": b"rehearsal-key",
    }
    assert exposed.leaks(secrets) == []
    # The places were really looked at, and a secret there would have been seen.
    assert {f"page /{page}" for page in PAGES} <= exposed.places
    assert {"/proc cmdline", "/proc environ", "file keeper.log", "file journal.sqlite"} <= (
        exposed.places
    )


def test_the_command_liquidates_whom_it_must_and_every_invariant_holds(
    whole_demo: WholeDemo,
) -> None:
    report = whole_demo.report
    assert set(report) == KEYS
    assert set(report["transactions"]) == {"sent", "mined", "replaced", "failed"}
    assert set(report["latency_ms"]) == {"p50", "p99"}
    assert report["accounts"] >= 60
    assert report["prices"]["published"] > 100
    # The venue's own book heard of it on Sunday; Friday's close did not.
    reopening = report["reopening"]
    assert reopening["mark_median_bp"] < reopening["frozen_close_median_bp"] / 2
    assert report["splits"] == {"AAPL": "10:1"}
    assert report["liquidations"]["total"] > 0
    assert report["transactions"]["mined"] > 0
    assert all(report["invariants"].values())


def test_a_keeper_killed_at_random_and_with_bytes_in_flight_ends_with_the_same_invariants(
    tmp_path: Path,
) -> None:
    code, report = run(
        DemoOptions(
            accounts=900,
            seed=4,
            pace=0.3,
            kill_keeper_at=(9.0,),
            kill_keeper_in_flight=1,
            folder=tmp_path,
        )
    )
    assert report["keeper_kills"] == 2
    assert report["liquidations"]["total"] > 0
    assert all(report["invariants"].values())
    assert code == 0


def test_an_atom_that_nobody_accounts_for_ends_the_demo_with_exit_code_2(tmp_path: Path) -> None:
    async def add_an_atom_to_the_vault(chain: DrillChain) -> None:
        vault = bytes.fromhex(chain.exchange_address[2:])
        await chain.receipts([await chain.call_token(BANK, "mint", vault, 1, gas=200_000)])

    code, report = run(
        DemoOptions(
            accounts=20,
            shape=Shape(fall=0.01),
            pace=0.1,
            folder=tmp_path,
            before_audit=add_an_atom_to_the_vault,
        )
    )
    assert code == 2
    broken = [name for name, holds in report["invariants"].items() if not holds]
    assert broken == ["ledger_equals_vault_balance"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--accounts", "0"),
        ("--accounts", "1000000"),
        ("--crash-percent", "0"),
        ("--crash-percent", "99"),
        ("--pace", "0"),
        ("--json", "/no/such/folder/report.json"),
    ],
    ids=" ".join,
)
def test_an_impossible_wish_is_one_sentence_and_exit_code_78(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *arguments]) == OperatorError.exit_code
    assert len(capsys.readouterr().err.splitlines()) == 1
