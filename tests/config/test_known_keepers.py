"""The keepers that take turns: each named once, by addresses that are checked."""

from pathlib import Path

import pytest

from config.loader import load
from config.schema.duties import Liquidation
from runtime.errors import OperatorError

ONE, OTHER = "0x" + "11" * 20, "0x" + "22" * 20


def test_by_default_nobody_else_is_known() -> None:
    assert Liquidation().known_keeper_addresses == ()


def test_addresses_reach_the_duty_as_bytes() -> None:
    knobs = Liquidation.model_validate({"known_keepers": [ONE, OTHER]})
    assert knobs.known_keeper_addresses == (b"\x11" * 20, b"\x22" * 20)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f'known_keepers = ["{ONE}", "{ONE}"]', "must name each keeper once"),
        ('known_keepers = ["0x12"]', "40 hexadecimal digits"),
        ("rank_delay_blocks = 0", "rank_delay_blocks"),
    ],
)
def test_a_wrong_list_is_one_sentence(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "keeper.toml"
    path.write_text(f'extends = "devnet"\n[liquidation]\n{line}\n')
    with pytest.raises(OperatorError, match=words):
        load(path, environment={})
