"""Channels as the profile names them: each with its secrets, and one sentence for what is wrong."""

from pathlib import Path

import aiohttp
import pytest

from config.loader import load
from keepers.notify.channels import CHANNELS, OpenChannel, open_channels
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.notify.notice import Severity

SECRET = "https://hooks.example.com/s3cr3t"
PROFILE = """
extends = "devnet"
[notify.webhook]
url_file = "secret"
secret_file = "secret"
[notify.slack]
url_file = "secret"
[notify.pagerduty]
routing_key_file = "secret"
[notify.smtp]
host = "mail.example.com"
sender = "keeper@example.com"
recipients = ["risk@example.com"]
user = "keeper"
password_file = "secret"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{SECRET}\n")
    return tmp_path


async def opened(folder: Path, profile: str = PROFILE) -> dict[str, OpenChannel]:
    path = folder / "keeper.toml"
    write(path, profile)
    settings = load(path, environment={}).settings
    async with aiohttp.ClientSession() as session:
        return dict(open_channels(settings.notify, session, SystemClock()))


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def test_every_channel_opens_with_what_is_severe_enough_for_it(folder: Path) -> None:
    channels = await opened(folder)
    assert tuple(channels) == CHANNELS
    assert {name: each.least for name, each in channels.items()} == {
        "webhook": Severity.INFO,
        "slack": Severity.INFO,
        "pagerduty": Severity.CRITICAL,
        "smtp": Severity.WARNING,
    }
    assert "s3cr3t" not in repr(channels)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('password_file = "secret"', "", "user and password_file together"),
        ('user = "keeper"', "", "user and password_file together"),
        (
            'user = "keeper"',
            'user = "keeper"\ncertificate_authority_file = "none.pem"',
            "found none that can be read",
        ),
        ('"risk@example.com"', '"risk@example.com\\nBcc: eve@example.com"', "notify.smtp"),
        ('"risk@example.com"', "", "notify.smtp.recipients"),
        ('routing_key_file = "secret"', "", "notify.pagerduty.routing_key_file"),
        ('host = "mail.example.com"', 'host = "x"\nstarttls = false', "notify.smtp.starttls"),
    ],
)
async def test_what_is_wrong_is_one_sentence(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(OperatorError, match=sentence) as error:
        await opened(folder, PROFILE.replace(old, new))
    assert "s3cr3t" not in str(error.value)
