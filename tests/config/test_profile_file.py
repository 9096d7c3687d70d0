"""The profile that a deployment writes loads back as it was meant, on any chain."""

from pathlib import Path

import pytest

from config.loader import load
from config.profile_file import Profile, endpoint_for, render_profile, write_profile
from config.settings import Exchange, Keys, LaneKey, Roles
from runtime.errors import OperatorError

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def profile(chain_id: int, http_url: str = "https://host/rpc", **parts: object) -> Profile:
    return Profile(
        chain_id=chain_id,
        endpoint=endpoint_for(chain_id, http_url, None),
        exchange=Exchange(address=ADDRESS, token_address=ADDRESS, deployed_at_block=7),
        roles=Roles(owner=ADDRESS),
        keys=parts.get("keys", Keys()),
    )


@pytest.mark.parametrize("chain_id", [31337, 6343, 4326, 1])
def test_a_written_profile_loads_back(chain_id: int, tmp_path: Path) -> None:
    lane = LaneKey(keystore=tmp_path / 'odd "näme".json', password_file=tmp_path / "pass\\word")
    path = tmp_path / "out.toml"
    assert write_profile(path, profile(chain_id, keys=Keys(urgent=lane)))
    settings = load(path, environment={}).settings
    assert settings.network.chain_id == chain_id
    assert settings.exchange.deployed_at_block == 7
    assert settings.keys.urgent == lane


def test_a_known_chain_keeps_the_rest_of_its_profile(tmp_path: Path) -> None:
    path = tmp_path / "out.toml"
    write_profile(path, profile(4326))
    assert load(path, environment={}).settings.sender.confirmations == 10


def test_the_shipped_server_keeps_its_own_websocket() -> None:
    endpoint = endpoint_for(4326, "https://mainnet.megaeth.com/rpc", None)
    assert (endpoint.name, endpoint.ws_url) == ("public", "wss://mainnet.megaeth.com/ws")


def test_another_server_is_taken_to_speak_websocket_at_the_same_address() -> None:
    assert endpoint_for(1, "https://host/rpc", None).ws_url == "wss://host/rpc"
    assert endpoint_for(1, "https://host/rpc", "wss://other/ws").ws_url == "wss://other/ws"


def test_a_bad_url_gets_one_sentence() -> None:
    with pytest.raises(OperatorError) as caught:
        endpoint_for(1, "host:8545", None)
    assert str(caught.value).startswith("--rpc: http_url must be a URL like http://")


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "out.toml"
    assert write_profile(path, profile(1))
    assert not write_profile(path, profile(1))


def test_only_the_owner_may_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "out.toml"
    write_profile(path, profile(1))
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="expected to write the profile"):
        write_profile(tmp_path / "none" / "out.toml", profile(1))


def test_nothing_is_written_of_keys_that_were_not_given() -> None:
    assert "[keys" not in render_profile(profile(1))
