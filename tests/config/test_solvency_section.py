"""The section [solvency]: its defaults are those of the rules, and a wrong figure is one sentence."""

from pathlib import Path

import pytest

from config.loader import load, shipped_profile
from config.schema.solvency import Solvency
from risk.solvency_rules import SolvencyRules
from risk.units import Ppm, QuoteAtoms
from risk.withdrawal_gate import GateCause, GateRules
from runtime.errors import OperatorError

OTHER = {
    "code_hash": "0x" + "Ab" * 32,
    "gaps_ppm": [150_000],
    "concentration_floor_usd": "2.5",
    "gate_causes": ["vault_gap", "rate"],
}


def test_what_is_left_out_is_as_the_rules_have_it() -> None:
    assert Solvency().rules == SolvencyRules()
    assert Solvency().gate_rules == GateRules()
    assert Solvency().approved_code is None


def test_figures_reach_the_rules_in_their_units() -> None:
    knobs = Solvency.model_validate(OTHER)
    assert knobs.rules.gaps == (Ppm(150_000),)
    assert knobs.rules.concentration_floor == QuoteAtoms(2_500_000)
    assert knobs.gate_rules.causes == {GateCause.VAULT_GAP, GateCause.RATE}
    assert knobs.approved_code == b"\xab" * 32


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('code_hash = "0x12"', "a hash of 0x and 64 hexadecimal digits"),
        ("gaps_ppm = [105_000]", "whole percents above 0 and below 100"),
        ('gate_causes = ["weather"]', "one of negative_equity, chain_outage"),
        ("look_seconds = 0", "look_seconds"),
        ("top_one_ppm = 1_000_001", "top_one_ppm"),
    ],
)
def test_a_wrong_figure_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    profile = tmp_path / "profile.toml"
    text = shipped_profile("devnet").read_text()
    profile.write_text(f"{text}\n[solvency]\n{line}\n")
    with pytest.raises(OperatorError, match=sentence) as caught:
        load(profile, environment={})
    assert "\n" not in str(caught.value)
