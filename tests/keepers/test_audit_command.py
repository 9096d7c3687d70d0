"""`bellkeeper audit` as an operator, and an outsider, sees it, on a real exchange."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keepers.commands.audit import add_arguments, run
from runtime.errors import OperatorError
from tests.monitors.solvency_stage import Town, running_town
from tests.venues.exchange.contracts.harness import ROLES


@pytest.fixture
def town() -> Iterator[Town]:
    with running_town() as town:
        yield town


def write_profile(town: Town, folder: Path, *, names_roles: bool = True) -> Path:
    """Write what an outsider needs: a server, the exchange, and whom he believes to hold roles."""
    actors = town.exchange.chain.actors
    lines = [
        "[network]",
        'name = "audit"',
        "chain_id = 31337",
        "require_websocket = false",
        "[[network.endpoints]]",
        'name = "node"',
        f'http_url = "{town.anvil.http_url}"',
        "calls_per_second = 5000.0",
        "[exchange]",
        f'address = "{town.exchange.address}"',
        f'token_address = "{town.exchange.token}"',
    ]
    if names_roles:
        lines += ["[roles]", *(f'{role} = "{actors[role]}"' for role in ("owner", *ROLES))]
    path = folder / "profile.toml"
    path.write_text("\n".join(lines))
    return path


def audit(profile: Path, *options: str) -> int:
    """Run the command as the program does."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    wanted = ["--config", str(profile), "--price-age", "1000000", *options]
    return run(parser.parse_args(wanted))


def report(profile: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    audit(profile, "--json", "-", *options)
    return json.loads(capsys.readouterr().out)


def test_a_clean_exchange_is_proven_since_its_first_block(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = write_profile(town, tmp_path)
    assert audit(profile) == 0
    text = capsys.readouterr().out
    assert "12 invariants: 12 holds, 0 breach, 0 unknown" in text
    assert "All of it lies in one vault" in text
    found = report(profile, capsys)
    assert found["all_hold"] is True
    parts = found["segregation"]
    vault = parts.pop("vault_balance_atoms")
    assert sum(parts.values()) == vault == town.exchange.balance(town.exchange.address)
    funds = town.exchange.funds()
    assert parts["insurance_fund_atoms"] == funds["insurance_fund"]
    assert parts["fee_pool_atoms"] == funds["fee_pool"]
    cash, held = town.exchange.rows(town.exchange.backstop)
    assert parts["backstop_atoms"] == cash + sum(row["quote"] for row in held.values())
    assert set(found["stress"]) >= {"bound_up", "bound_down", "up_30_percent", "down_30_percent"}


def test_a_whole_life_with_corporate_actions_is_proven(town: Town, tmp_path: Path) -> None:
    town.activity.corporate_actions()
    town.activity.run(20)
    assert audit(write_profile(town, tmp_path)) == 0


def test_an_old_block_is_audited_as_it_was(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = write_profile(town, tmp_path)
    block = int(town.exchange.chain.rpc.call("eth_blockNumber"), 16)
    town.steal(1_000_000, to=town.exchange.chain.actors["stranger"])
    assert audit(profile, "--block", str(block)) == 0
    assert audit(profile, "--block", str(block), "--since", str(block - 10)) == 0
    capsys.readouterr()
    assert audit(profile, "--block", "latest", "--since", str(block)) == 2
    text = capsys.readouterr().out
    assert "the vault lacks 1.000000 USD" in text
    assert "vault_covers_claims asks for: close withdrawals" in text


def test_an_outsider_who_names_no_roles_is_told_who_holds_them(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = write_profile(town, tmp_path, names_roles=False)
    assert audit(profile, "--json", str(tmp_path / "audit.json")) == 2
    found = json.loads((tmp_path / "audit.json").read_text())["invariants"]
    doubtful = {name for name, each in found.items() if each["verdict"] != "holds"}
    assert doubtful == {"authority_unchanged"}
    assert found["authority_unchanged"]["verdict"] == "unknown"
    assert town.exchange.chain.actors["guardian"].lower() in capsys.readouterr().out


def test_another_code_hash_is_a_breach(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = write_profile(town, tmp_path)
    found = report(profile, capsys, "--code-hash", "0x" + "11" * 32)
    assert found["invariants"]["authority_unchanged"]["verdict"] == "breach"
    assert found["invariants"]["authority_unchanged"]["action"] == "close_withdrawals"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--block", "soon"), "expected --block as a number or latest"),
        (("--block", "1000000"), "the newest sealed one"),
        (("--since", "1000000"), "expected --since from 0"),
        (("--code-hash", "0x12"), "expected --code-hash as 32 bytes"),
        (("--bound-ppm", "0"), "mend --bound-ppm"),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    town: Town, tmp_path: Path, options: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(OperatorError, match=sentence):
        audit(write_profile(town, tmp_path), *options)


def test_an_address_without_an_exchange_is_one_sentence(town: Town, tmp_path: Path) -> None:
    profile = write_profile(town, tmp_path)
    profile.write_text(profile.read_text().replace(town.exchange.address, "0x" + "aa" * 20))
    with pytest.raises(OperatorError, match="found no code that answers"):
        audit(profile)
