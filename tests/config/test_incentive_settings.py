"""[incentives] and the controller's response: what is taken, and what is refused in one sentence."""

import shutil
from pathlib import Path

import pytest

from config.incentives import INCENTIVES_DIRECTORY, load_incentives
from config.loader import load
from config.markets import load_market
from config.settings import Incentives, Settings
from risk.units import Ppm, Seconds
from runtime.errors import OperatorError

PROFILE = """
[network]
name = "test"
chain_id = 31337
endpoints = [{ name = "node", http_url = "http://127.0.0.1:1", ws_url = "ws://127.0.0.1:1" }]
[incentives]
"""
MAKER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def loaded(folder: Path, *lines: str) -> Incentives:
    path = folder / "keeper.toml"
    path.write_text(PROFILE + "\n".join(lines))
    settings: Settings = load(path, environment={}).settings
    return settings.incentives


def test_makers_are_accounts_with_their_subaccount(tmp_path: Path) -> None:
    knobs = loaded(tmp_path, f'makers = ["{MAKER}", "{MAKER}/7"]')
    assert [each.lower() for each in knobs.makers] == [f"{MAKER.lower()}/0", f"{MAKER.lower()}/7"]


def test_money_is_exact(tmp_path: Path) -> None:
    knobs = loaded(
        tmp_path,
        'largest_notional_usd_per_second = "12345.678901"',
        "effective_notional_usd = 7",
    )
    assert (knobs.largest_notional_atoms, knobs.effective_notional_atoms) == (
        12_345_678_901,
        7_000_000,
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('makers = ["0x12"]', r"makers\[0\] must be an account as 0xowner/subaccount"),
        ("standby_seconds = -1", "standby_seconds must be at least 0, found -1"),
        ("reaction_seconds = 0", "reaction_seconds must be greater than 0, found 0"),
        ("pace_tolerance_ppm = 0", "pace_tolerance_ppm must be greater than 0"),
        ("base_interest_ppm = 20_000", "base_interest_ppm must be at most 10000, found 20000"),
        ("gas = 10", "gas must be at least 50000, found 10"),
        ("rebate = 3", "rebate"),
    ],
)
def test_refuses_what_cannot_be(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(OperatorError, match=sentence):
        loaded(tmp_path, line)


def folder_with(tmp_path: Path, old: str, new: str) -> Path:
    folder = tmp_path / "incentives"
    shutil.copytree(INCENTIVES_DIRECTORY, folder)
    path = folder / "stock.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


def test_how_hard_a_controller_pushes_is_the_files_word(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path, "integral_gain_ppm_per_second = 200", "integral_gain_ppm_per_second = 900"
    )
    found = load_incentives(folder, markets=[load_market("NVDA"), load_market("SPY")]).rules
    assert found["NVDA"].integral_gain_ppm_per_second == 900
    # A file without the table has the defaults.
    assert found["SPY"].integral_gain_ppm_per_second == 200
    assert found["NVDA"].longest_gap == Seconds(60)
    assert found["NVDA"].largest_rebate_boost == 50
    assert found["NVDA"].shortage_band == Ppm(100_000)


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("integral_gain_ppm_per_second = 0", "integral_gain_ppm_per_second must be greater than 0"),
        ("push_ppm = 3", "push_ppm"),
    ],
)
def test_refuses_a_response_that_cannot_be(tmp_path: Path, new: str, sentence: str) -> None:
    folder = folder_with(tmp_path, "integral_gain_ppm_per_second = 200", new)
    with pytest.raises(OperatorError, match=sentence):
        load_incentives(folder, markets=[load_market("NVDA")])
