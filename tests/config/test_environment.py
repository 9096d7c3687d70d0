"""Secrets from the environment: the last layer, and nothing but secrets."""

from pathlib import Path

import pytest

from config.loader import LoadedConfig, load
from runtime.errors import OperatorError

PROFILE = """
[network]
name = "test"
chain_id = 1
endpoints = [
    { name = "a", http_url = "http://a", ws_url = "ws://a" },
    { name = "back-up", http_url = "http://b" },
]
[keys.urgent]
keystore = "key.json"
password_file = "old"
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "keeper.toml"
    path.write_text(PROFILE)
    return path


def loaded(path: Path, **environment: str) -> LoadedConfig:
    return load(path, environment=environment)


def test_an_endpoint_url_wins_over_the_file(profile: Path) -> None:
    config = loaded(profile, BELLKEEPER_ENDPOINT_BACK_UP_HTTP_URL="https://host/v2/secret")
    assert config.settings.network.endpoints[1].http_url == "https://host/v2/secret"
    source = config.key_to_source["network.endpoints[1].http_url"]
    assert source == "environment BELLKEEPER_ENDPOINT_BACK_UP_HTTP_URL"


def test_a_url_is_read_from_the_first_line_of_a_file(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("wss://host/secret\nnever read\n")
    config = loaded(profile, BELLKEEPER_ENDPOINT_A_WS_URL_FILE=str(tmp_path / "secret"))
    assert config.settings.network.endpoints[0].ws_url == "wss://host/secret"


def test_a_password_file_is_named_and_not_read(profile: Path) -> None:
    config = loaded(profile, BELLKEEPER_KEYS_URGENT_PASSWORD_FILE="/run/secrets/urgent")
    assert config.settings.keys.urgent is not None
    assert config.settings.keys.urgent.password_file == Path("/run/secrets/urgent")


def test_other_variables_are_not_ours(profile: Path) -> None:
    config = loaded(profile, BELLKEEPER_ANVIL="/bin/anvil", PATH="/bin")
    assert not [source for source in config.key_to_source.values() if "environment" in source]


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("BELLKEEPER_ENDPOINT_C_HTTP_URL", "matches no endpoint"),
        ("BELLKEEPER_ENDPOINT_A_URL", "matches no endpoint"),
        ("BELLKEEPER_KEYS_URGENT_PASSWORD", "matches no key"),
        ("BELLKEEPER_KEYS_URGNET_PASSWORD_FILE", "matches no key"),
        ("BELLKEEPER_KEYS_URGENT_KEYSTORE", "matches no key"),
    ],
)
def test_a_misspelt_secret_is_refused_without_its_value(
    variable: str, expected: str, profile: Path
) -> None:
    with pytest.raises(OperatorError) as caught:
        loaded(profile, **{variable: "hunter2"})
    assert expected in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_secret_given_twice_is_refused(profile: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="found both"):
        loaded(
            profile,
            BELLKEEPER_ENDPOINT_A_HTTP_URL="http://x",
            BELLKEEPER_ENDPOINT_A_HTTP_URL_FILE=str(tmp_path / "x"),
        )


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff\xfe"])
def test_a_secret_file_without_a_secret_is_refused(
    content: str | bytes | None, profile: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    if isinstance(content, bytes):
        secret.write_bytes(content)
    elif content is not None:
        secret.write_text(content)
    with pytest.raises(OperatorError, match="BELLKEEPER_ENDPOINT_A_HTTP_URL_FILE must name"):
        loaded(profile, BELLKEEPER_ENDPOINT_A_HTTP_URL_FILE=str(secret))


def test_a_bad_value_from_the_environment_names_the_variable(profile: Path) -> None:
    with pytest.raises(
        OperatorError, match=r"^environment BELLKEEPER_ENDPOINT_A_HTTP_URL: network"
    ):
        loaded(profile, BELLKEEPER_ENDPOINT_A_HTTP_URL="")
