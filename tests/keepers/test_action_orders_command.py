"""`bellkeeper actions approve|abort|resume` as an operator sees it."""

from pathlib import Path

import pytest

from keepers.cli import main
from monitors.corporate.orders import ActionOrderKind, parse_action_orders
from risk.corporate_values import Ratio

KEY = "NVDA split 2199-06-10"
PROFILE = """
[network]
name = "test"
chain_id = 31337
endpoints = [{{ name = "node", http_url = "http://127.0.0.1:1", ws_url = "ws://127.0.0.1:1" }}]
[exchange]
address = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
[corporate]
actions_directory = "{folder}"
{orders}
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    folder = tmp_path / "actions"
    folder.mkdir()
    for provider, ratio in (("alpaca", "10:1"), ("polygon", "9:1")):
        (folder / f"{provider}.toml").write_text(
            f'timezone = "America/New_York"\nprovider = "{provider}"\n'
            "heard_at = 2199-06-01T12:00:00Z\n[[action]]\n"
            f'kind = "split"\nsymbol = "NVDA"\nex_date = 2199-06-10\nratio = "{ratio}"\n'
        )
    path = tmp_path / "profile.toml"
    orders = f'orders_file = "{tmp_path / "orders.json"}"'
    path.write_text(PROFILE.format(folder=folder, orders=orders))
    return path


def order(profile: Path, verb: str, *more: str, key: str = KEY) -> int:
    return main(
        ["actions", verb, key, "--reason", "read the filing", "--config", str(profile), *more]
    )


def test_an_approval_writes_the_terms_of_the_source_that_is_named(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert order(profile, "approve", "--source", "alpaca") == 0
    assert "to approve NVDA split 2199-06-10 10:1" in capsys.readouterr().out
    (given,) = parse_action_orders((profile.parent / "orders.json").read_bytes())
    assert given.kind is ActionOrderKind.APPROVE
    assert given.action is not None
    assert given.action.ratio == Ratio(numerator=10, denominator=1)
    assert given.reason == "read the filing"
    assert (profile.parent / "orders.json").stat().st_mode & 0o077 == 0


def test_of_two_orders_of_a_kind_the_later_stands(profile: Path) -> None:
    for verb in ("abort", "resume", "abort"):
        assert order(profile, verb) == 0
    orders = parse_action_orders((profile.parent / "orders.json").read_bytes())
    assert [each.kind for each in orders] == [ActionOrderKind.RESUME, ActionOrderKind.ABORT]
    assert orders[0].sequence < orders[1].sequence


@pytest.mark.parametrize(
    ("arguments", "key", "sentence"),
    [
        ((), KEY, "expected sources that tell the same, found alpaca tells NVDA split"),
        (("--source", "reuters"), KEY, "expected --source among alpaca, polygon"),
        ((), "NVDA split 2199-06-11", "correct it"),
    ],
)
def test_what_is_not_clear_is_refused_in_one_sentence(
    profile: Path,
    arguments: tuple[str, ...],
    key: str,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert order(profile, "approve", *arguments, key=key) == 78
    assert sentence in capsys.readouterr().err
    assert not (profile.parent / "orders.json").exists()


def test_a_profile_without_a_file_of_orders_says_so(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line for line in profile.read_text().splitlines() if "orders_file" not in line]
    profile.write_text("\n".join(lines))
    assert order(profile, "abort") == 78
    assert "expected [corporate] orders_file, found none" in capsys.readouterr().err
