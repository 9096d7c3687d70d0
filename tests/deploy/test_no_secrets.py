"""No file of the deployment holds a secret, a path of somebody's machine, or a password for all."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.program import OURS, ROOT

SECRETS: Final = {
    "a key of 32 bytes": re.compile(r"(?<![0-9a-fA-F:])(0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])"),
    "a private key": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY"),
    "an address with a password": re.compile(r"[a-z]+://[^/\s:@]+:[^/\s@]+@"),
    "an address with a key": re.compile(r"(?i)[?&](api_?key|token|key)=[^&\s]+"),
    "a password": re.compile(
        r"(?im)^[ \t]*[a-z_]*(password|secret|token)[ \t]*[:=][ \t]*[\"']?(?!true|false)[^\s\"'/.\[]{3,}[\"']?$"
    ),
    "somebody's home": re.compile(r"/(home|Users)/[a-z]"),
}


def found_in(text: str) -> list[str]:
    return [name for name, pattern in SECRETS.items() if pattern.search(text)]


@pytest.mark.parametrize(
    "path", [*OURS, ROOT / ".dockerignore"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_holds_no_secret(path: Path) -> None:
    assert found_in(path.read_text()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("key = " + "ab" * 32, "a key of 32 bytes"),
        ("-----BEGIN EC PRIVATE KEY-----", "a private key"),
        ("http_url: https://me:pass@rpc.example/", "an address with a password"),
        ("url = https://rpc.example/?apikey=abc", "an address with a key"),
        ("GF_SECURITY_ADMIN_PASSWORD: admin", "a password"),
        ('password = "hunter2"', "a password"),
        ("ExecStart=/home/somebody/run", "somebody's home"),
    ],
)
def test_would_see_one(text: str, name: str) -> None:
    assert name in found_in(text)
