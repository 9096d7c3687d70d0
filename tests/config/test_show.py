"""`config show`: every key, its value, its source, and never a secret."""

from pathlib import Path

import pytest

from config.loader import load
from config.redaction import redact_url
from config.show import effective

GOLDEN = Path(__file__).parent / "golden" / "config_show.txt"
PROFILE = """\
extends = "devnet"
[network]
endpoints = [
    { name = "provider", http_url = "https://user:hunter2@host:8443/v2/AbCdEf0123456789?key=hunter2", ws_url = "wss://host/ws" },
]
[exchange]
address = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
[keys.urgent]
remote_signer_url = "http://signer:9000"
address = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
[liquidation]
min_notional_usd = "0.25"
warm_up_updates = 0
"""


def test_shows_every_key_with_its_source_as_in_the_golden_file(tmp_path: Path) -> None:
    path = tmp_path / "keeper.toml"
    path.write_text(PROFILE)
    environment = {"BELLKEEPER_KEYS_URGENT_REMOTE_SIGNER_URL": "http://me:hunter2@signer:9000"}
    rows = effective(load(path, environment=environment))
    text = "".join(
        f"{row.key} = {row.value}  # {Path(row.source).name}{' (redacted)' * row.is_redacted}\n"
        for row in rows
    ).replace(str(tmp_path), "DIR")
    assert "hunter2" not in text
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://mainnet.megaeth.com/rpc", "https://mainnet.megaeth.com/rpc"),
        ("ws://127.0.0.1:8545", "ws://127.0.0.1:8545"),
        ("https://host/v2/0123456789abcdef", "https://host/v2/***"),
        ("https://user:word@host:1/rpc", "https://***@host:1/rpc"),
        ("https://host/?apikey=1", "https://host/?***"),
        ("https://host/#secret", "https://host/"),
        ("http://[", "***"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown
