"""`[tracing]`: off unless asked for, its secret in a file that only we may read, nothing of it shown."""

from pathlib import Path
from random import Random

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from config.loader import load
from config.schema.tracing import Tracing
from keepers.tracing import open_tracing, read_headers
from runtime.errors import OperatorError

ENDPOINT = "https://collector.example/v1/traces"


def write_secret(folder: Path, text: str) -> Path:
    path = folder / "headers"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_headers_are_read_line_by_line(tmp_path: Path) -> None:
    path = write_secret(tmp_path, "Authorization: Bearer a:b==\n\nX-Scope-OrgID:\tkeepers \n")
    assert read_headers(path) == {"Authorization": "Bearer a:b==", "X-Scope-OrgID": "keepers"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Authorization Bearer planted", "line 1 of the headers file"),
        ("A: b\nplanted: ", "line 2 of the headers file"),
        ("A b: planted", "line 1 of the headers file"),
        ("A: planted\x7f", "line 1 of the headers file"),
        ("A: pläntéd", "must be plain text"),
        ("\n", "has no header"),
    ],
)
def test_a_wrong_header_is_one_sentence_without_the_secret(
    tmp_path: Path, text: str, found: str
) -> None:
    with pytest.raises(OperatorError, match=found) as failure:
        read_headers(write_secret(tmp_path, text))
    assert "planted" not in str(failure.value)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = write_secret(tmp_path, "A: b")
    path.chmod(0o644)
    with pytest.raises(OperatorError, match="headers file"):
        read_headers(path)


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"headers_file": "h"}, "must come with an `endpoint`"),
        ({"headers_file": "h", "endpoint": "http://collector.example/v1/traces"}, "https://"),
        ({"endpoint": "https://me:planted@collector.example/"}, "no user or password"),
        ({"endpoint": ENDPOINT, "sample_ratio": 0.0}, "greater than 0"),
        ({"endpoint": ENDPOINT, "sample_ratio": 1.5}, "less than or equal to 1"),
        ({"endpoint": "collector:4318"}, "a URL like http"),
    ],
)
def test_what_makes_no_sense_is_refused(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Tracing.model_validate(knobs)


def test_a_secret_may_go_to_loopback_in_the_clear() -> None:
    knobs = {"headers_file": "h", "endpoint": "http://127.0.0.1:4318/v1/traces"}
    assert Tracing.model_validate(knobs).headers_file == Path("h")


async def test_without_an_endpoint_there_is_nothing(tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text('extends = "devnet"\n')
    registry = CollectorRegistry()
    async with aiohttp.ClientSession() as session:
        settings = load(profile, environment={}).settings
        opened = open_tracing(settings, session=session, registry=registry, random=Random(7))
        assert opened is None
        profile.write_text(f'extends = "devnet"\n[tracing]\nendpoint = "{ENDPOINT}"\n')
        settings = load(profile, environment={}).settings
        opened = open_tracing(settings, session=session, registry=registry, random=Random(7))
    assert opened is not None
    assert opened.workers().keys() == {"tracing"}
    assert opened.status() == {"tracing": {"sample_ratio": 1.0, "problem": None}}
    assert registry.get_sample_value("bellkeeper_tracing_behind") == 0
