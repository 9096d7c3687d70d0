"""Logs: one JSON object a line, and no planted secret ever comes out."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from runtime.logging import configure_logging, redact_text

SECRET = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
HASH = "0x" + "ab" * 32


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_writes_one_json_object_a_line(out: io.StringIO) -> None:
    structlog.get_logger().info("cycle_finished", outcome="acted", shortfall_atoms=2**200)
    (line,) = lines(out)
    assert line["event"] == "cycle_finished"
    assert line["level"] == "info"
    assert line["shortfall_atoms"] == 2**200
    assert line["ts"].endswith("Z")


@pytest.mark.parametrize(
    "name",
    ["private_key", "signer_private_key", "privateKey", "password", "keystore-password", "token",
     "api_token", "secret", "signerPrivateKey", "clientSecret", "private_key_hex", "password2", "client_secret", "Authorization", "api_key", "apikey", "mnemonic"],
)  # fmt: skip
def test_hides_what_sits_under_a_secret_name(out: io.StringIO, name: str) -> None:
    structlog.get_logger().info("planted", **{name: SECRET}, nested=[{"deep": {name: SECRET}}])
    assert SECRET not in out.getvalue()


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET}@rpc.example.com/",
        f"https://rpc.example.com/v2/{SECRET}",
        f"wss://rpc.example.com/ws?apikey={SECRET}",
        f"https://rpc.example.com?dkey={SECRET}",
        f"postgres://keeper:{SECRET}@db:5432/journal",
    ],
)
def test_hides_what_a_url_carries_but_shows_its_host(out: io.StringIO, url: str) -> None:
    structlog.get_logger().info("planted", url=url, text=f"cannot connect to {url}, giving up")
    text = out.getvalue()
    assert SECRET not in text
    assert "rpc.example.com" in text or "db:5432" in text
    assert "giving up" in text


def test_hides_secrets_in_tracebacks(out: io.StringIO) -> None:
    try:
        int(f"password={SECRET} at https://h/{SECRET}")
    except ValueError:
        structlog.get_logger().exception("crashed")
    assert "ValueError" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_hides_secrets_in_the_lines_of_other_libraries(out: io.StringIO) -> None:
    logging.getLogger("aiohttp").warning("cannot reach %s", f"https://h/{SECRET}")
    (line,) = lines(out)
    assert SECRET not in json.dumps(line)


def test_hides_secrets_in_the_repr_of_objects(out: io.StringIO) -> None:
    class Settings:
        def __repr__(self) -> str:
            return f"Settings(private_key='0x{SECRET}', url='https://h/{SECRET}')"

    structlog.get_logger().info("planted", settings=Settings())
    assert SECRET not in out.getvalue()


def test_shows_hashes_amounts_and_innocent_names(out: io.StringIO) -> None:
    structlog.get_logger().info("sent", tx_hash=HASH, tokens_left=3, keys=["a"], monkey="m")
    (line,) = lines(out)
    assert (line["tx_hash"], line["tokens_left"], line["keys"], line["monkey"]) == (
        HASH, 3, ["a"], "m",
    )  # fmt: skip


def test_leaves_plain_text_alone() -> None:
    text = "expected chain 4326, was 1: point endpoint 'alpha' at https://mainnet.example.com"
    assert redact_text(text) == text


def test_hides_secrets_on_a_terminal_too() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream, as_json=False)
    structlog.get_logger().info("planted", private_key_hex=SECRET, at=f"https://h/{SECRET}")
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
    assert "planted" in stream.getvalue()
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"signer_private_key_hex={SECRET}",
        f"private_key: 0x{SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"Authorization: Bearer {SECRET}",
        f'{{"api_token": "{SECRET}"}}',
    ],
)
def test_hides_secrets_that_are_named_in_text(text: str) -> None:
    assert SECRET not in redact_text(text)


def test_says_nothing_below_the_level(out: io.StringIO) -> None:
    structlog.get_logger().debug("noise")
    assert not out.getvalue()
