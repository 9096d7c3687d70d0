"""The loader: layers, paths, and one sentence for each way a configuration can be wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from config.loader import load, load_roles, shipped_profile
from runtime.errors import OperatorError
from tests.config.bad_input import BAD_INPUT, CHECKSUMMED, LOWER, NETWORK


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(text: str, name: str = "keeper.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return _write


def sentence(path: Path, **environment: str) -> str:
    with pytest.raises(OperatorError) as caught:
        load(path, environment=environment)
    text = str(caught.value)
    assert "\n" not in text
    assert re.search(r"[.!?] +[A-Z]", text) is None, f"more than one sentence: {text}"
    return text


@pytest.mark.parametrize("case", BAD_INPUT)
def test_a_bad_file_gets_one_sentence_that_names_it_and_hides_secrets(
    case: str, write: Callable[..., Path]
) -> None:
    text, secret, expected = BAD_INPUT[case]
    path = write(text)
    told = sentence(path)
    assert str(path) in told
    for part in expected:
        assert part in told
    assert not secret or secret not in told


def test_a_missing_file_gets_one_sentence(tmp_path: Path) -> None:
    told = sentence(tmp_path / "none.toml")
    assert "expected a configuration file at" in told


def test_a_directory_gets_one_sentence(tmp_path: Path) -> None:
    assert "is a directory" in sentence(tmp_path)


def test_a_file_that_is_no_text_gets_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "keeper.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "must be TOML in UTF-8" in sentence(path)


def test_a_file_that_may_not_be_read_gets_one_sentence(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(NETWORK)

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "permission denied" in sentence(path)


def test_the_sentence_names_the_layer_that_is_wrong(write: Callable[..., Path]) -> None:
    below = write(NETWORK + "[sender]\nmax_in_flight = 0", "below.toml")
    above = write('extends = "below.toml"\n[journal]\nretention_days = 1')
    assert sentence(above).startswith(str(below))


def test_zero_and_false_are_set_not_absent(write: Callable[..., Path]) -> None:
    path = write(
        NETWORK.replace(', ws_url = "ws://127.0.0.1:8545"', "")
        + "require_websocket = false\n[liquidation]\nwarm_up_updates = 0\n"
        + "[audit]\naccounts_per_round = 0\n[sender]\npriority_fee_per_gas_wei = 0"
    )
    settings = load(path, environment={}).settings
    assert settings.network.require_websocket is False
    assert settings.liquidation.warm_up_updates == 0
    assert settings.audit.accounts_per_round == 0


def test_a_zero_above_wins_over_a_number_below(write: Callable[..., Path]) -> None:
    write(NETWORK + "[liquidation]\nwarm_up_updates = 7\nstress_ppm = 9", "below.toml")
    above = write('extends = "below.toml"\n[liquidation]\nwarm_up_updates = 0')
    liquidation = load(above, environment={}).settings.liquidation
    assert (liquidation.warm_up_updates, liquidation.stress_ppm) == (0, 9)


def test_a_lane_replaces_the_one_below_whole(write: Callable[..., Path]) -> None:
    write(NETWORK + '[keys.urgent]\nkeystore = "k"\npassword_file = "p"', "below.toml")
    above = write(
        'extends = "below.toml"\n[keys.urgent]\nremote_signer_url = "http://signer"\n'
        f'address = "{LOWER}"'
    )
    urgent = load(above, environment={}).settings.keys.urgent
    assert urgent is not None
    assert urgent.keystore is None
    assert urgent.address == CHECKSUMMED


def test_paths_are_relative_to_the_file_that_says_them(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "base").mkdir()
    write(
        NETWORK + '[keys.urgent]\nkeystore = "key.json"\npassword_file = "/run/secret"',
        "base/below.toml",
    )
    above = write('extends = "base/below.toml"')
    settings = load(above, environment={}).settings
    assert settings.keys.urgent is not None
    assert settings.keys.urgent.keystore == tmp_path / "base" / "key.json"
    assert settings.keys.urgent.password_file == Path("/run/secret")
    assert settings.journal.path == tmp_path / "bellkeeper.sqlite"


def test_settings_cannot_be_changed(write: Callable[..., Path]) -> None:
    settings = load(write(NETWORK), environment={}).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.sender.max_in_flight = 9


def test_an_unknown_profile_gets_one_sentence() -> None:
    with pytest.raises(OperatorError, match="devnet, mainnet, testnet, found 'moon'"):
        shipped_profile("moon")


def test_an_address_is_written_with_its_checksum(write: Callable[..., Path]) -> None:
    settings = load(write(NETWORK + f'[exchange]\naddress = "{LOWER}"'), environment={}).settings
    assert settings.exchange.address == CHECKSUMMED


def test_a_file_of_roles_is_read_and_checked(write: Callable[..., Path]) -> None:
    assert load_roles(write(f'pricer = "{LOWER}"')).pricer == CHECKSUMMED
    with pytest.raises(OperatorError, match="did you mean `pricer`"):
        load_roles(write(f'prizer = "{LOWER}"'))
    with pytest.raises(OperatorError, match="must be different addresses"):
        load_roles(write(f'pricer = "{LOWER}"\ntuner = "{LOWER}"'))
