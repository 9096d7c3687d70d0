"""Each channel against a real server: what arrives, what is tried again, and what nobody may see."""

import hashlib
import hmac
import logging
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from runtime.errors import TransientError
from runtime.notify.notice import Channel, Kind, Notice, NotTakenError, Severity
from runtime.notify.pagerduty import PagerDuty
from runtime.notify.slack import Slack
from runtime.notify.smtp import Mail
from runtime.notify.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, Webhook
from tests.certificates import write_certificate
from tests.runtime.nodes import FakeClock
from tests.runtime.notify.servers import MailServer, running_hook, running_mail_server

SECRET = "5up3r-s3cr3t-value"  # what a test looks for everywhere
PASSWORD = "p4ssw0rd-of-the-mail"


def make_notice(kind: Kind = Kind.RAISED, **facts: object) -> Notice:
    told = {
        "key": "market/NVDA/halted",
        "severity": Severity.CRITICAL,
        "sentence": "NVDA is to be halted, by band: limit",
        "source": "keeper-1",
        "at_seconds": 1_700_000_000,
        **facts,
    }
    return Notice(kind=kind, **told)  # type: ignore[arg-type]


async def test_a_webhook_is_signed_as_its_receiver_checks_it() -> None:
    async with running_hook() as hook, aiohttp.ClientSession() as session:
        channel = Webhook(session=session, url=hook.url, secret=SECRET, clock=FakeClock())
        await channel.send(make_notice(more=3))
    (got,) = hook.received
    signed = got.headers[TIMESTAMP_HEADER].encode() + b"." + got.payload
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert got.headers[SIGNATURE_HEADER] == f"sha256={expected}"
    assert got.headers[TIMESTAMP_HEADER] == "1000"
    assert got.body == {
        "key": "market/NVDA/halted",
        "kind": "raised",
        "severity": "critical",
        "text": "NVDA is to be halted, by band: limit (3 more)",
        "source": "keeper-1",
        "at_seconds": 1_700_000_000,
        "more": 3,
        "dropped": 0,
    }


async def test_slack_is_told_a_line_in_which_nothing_calls_the_channel() -> None:
    async with running_hook() as hook, aiohttp.ClientSession() as session:
        channel = Slack(session=session, url=hook.url)
        await channel.send(make_notice(sentence="a reason <!channel> & more"))
        await channel.send(make_notice(Kind.CLEARED))
    raised, cleared = (got.body["text"] for got in hook.received)
    assert raised.endswith("keeper-1: a reason &lt;!channel&gt; &amp; more")
    assert raised.startswith(":rotating_light: *critical*")
    assert cleared.startswith(":white_check_mark:")
    assert "no longer: NVDA is to be halted" in cleared


async def test_pagerduty_triggers_and_resolves_under_one_key() -> None:
    async with running_hook() as hook, aiohttp.ClientSession() as session:
        channel = PagerDuty(session=session, url=hook.url, routing_key=SECRET)
        await channel.send(make_notice())
        await channel.send(make_notice(Kind.CLEARED))
    raised, cleared = (got.body for got in hook.received)
    assert raised == {
        "routing_key": SECRET,
        "event_action": "trigger",
        "dedup_key": "keeper-1/market/NVDA/halted",
        "payload": {
            "summary": "keeper-1: NVDA is to be halted, by band: limit",
            "source": "keeper-1",
            "severity": "critical",
        },
    }
    assert cleared == {
        "routing_key": SECRET,
        "event_action": "resolve",
        "dedup_key": "keeper-1/market/NVDA/halted",
    }


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_passes_is_tried_again(status: int) -> None:
    async with running_hook(status) as hook, aiohttp.ClientSession() as session:
        hook.headers["Retry-After"] = "7"
        with pytest.raises(TransientError, match=f"HTTP {status}") as error:
            await Slack(session=session, url=hook.url).send(make_notice())
    assert error.value.retry_after_seconds == 7.0


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410])
async def test_what_does_not_pass_is_not_tried_again(status: int) -> None:
    async with running_hook(status) as hook, aiohttp.ClientSession() as session:
        hook.headers["Location"] = "/services/elsewhere"
        with pytest.raises(NotTakenError, match=f"HTTP {status}"):
            await Slack(session=session, url=hook.url).send(make_notice())
    assert len(hook.received) == 1


@pytest.mark.parametrize("kind", ["closed", "no URL"])
async def test_the_address_is_a_secret_that_no_error_tells(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/{SECRET}" if kind == "closed" else f"http://[{SECRET}"
    async with aiohttp.ClientSession() as session:
        channels: list[Channel] = [
            Slack(session=session, url=url),
            Webhook(session=session, url=url, secret=SECRET, clock=FakeClock()),
            PagerDuty(session=session, url="http://127.0.0.1:9", routing_key=SECRET),
        ]
        for channel in channels:
            assert SECRET not in repr(channel)
        for channel in channels[:2]:
            with pytest.raises((TransientError, NotTakenError)) as error:
                await channel.send(make_notice())
            assert SECRET not in f"{error.value} {error.value.__cause__!r}"
    assert SECRET not in caplog.text


# --- mail ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture(scope="module")
def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


def make_mail(server: MailServer, trusted: Path | None, **facts: object) -> Mail:
    told = {"user": "keeper", "password": PASSWORD, **facts}
    return Mail(
        host="127.0.0.1",
        port=server.port,
        context=ssl.create_default_context(cafile=trusted),
        sender="keeper@example.com",
        recipients=("alice@example.com", "bob@example.com"),
        **told,  # type: ignore[arg-type]
    )


async def test_a_mail_arrives_and_only_the_greeting_was_in_the_clear(
    certificate: tuple[Path, Path], server_context: ssl.SSLContext
) -> None:
    async with running_mail_server(server_context) as server:
        await make_mail(server, certificate[0]).send(make_notice())
    (mail,) = server.mails
    assert "From: keeper@example.com" in mail
    assert "To: alice@example.com, bob@example.com" in mail
    assert "Subject: [critical] keeper-1: NVDA is to be halted, by band: limit" in mail
    assert mail.count("NVDA is to be halted, by band: limit") == 2
    assert server.logins == [f"\0keeper\0{PASSWORD}"]
    assert [line.split()[0].upper() for line in server.plain] == ["EHLO", "STARTTLS"]


async def test_without_starttls_nothing_is_said(certificate: tuple[Path, Path]) -> None:
    async with running_mail_server(None) as server:
        with pytest.raises(NotTakenError, match="no TLS that can be trusted"):
            await make_mail(server, certificate[0]).send(make_notice())
    assert server.mails == server.logins == []


async def test_a_server_that_nobody_vouches_for_is_told_nothing(
    server_context: ssl.SSLContext,
) -> None:
    async with running_mail_server(server_context) as server:
        with pytest.raises(NotTakenError, match="SSLCertVerificationError"):
            await make_mail(server, None).send(make_notice())
    assert server.mails == server.logins == []


@pytest.mark.parametrize(
    ("verb", "code", "kind", "words"),
    [
        ("AUTH", 535, NotTakenError, "SMTP 535"),
        ("AUTH", 454, TransientError, "SMTP 454"),
        ("RCPT", 550, NotTakenError, "every recipient"),
        ("DATA", 451, TransientError, "SMTP 451"),
        ("DATA", 554, NotTakenError, "SMTP 554"),
    ],
)
async def test_a_refusal_is_told_without_the_servers_words(
    certificate: tuple[Path, Path],
    server_context: ssl.SSLContext,
    verb: str,
    code: int,
    kind: type[Exception],
    words: str,
) -> None:
    async with running_mail_server(server_context) as server:
        server.refuses, server.code = verb, code
        mail = make_mail(server, certificate[0])
        with pytest.raises(kind, match=words) as error:
            await mail.send(make_notice())
    assert PASSWORD not in f"{error.value} {mail!r}"
    assert "no, " not in str(error.value)


async def test_a_mail_server_that_is_away_is_tried_again(certificate: tuple[Path, Path]) -> None:
    async with running_mail_server(None) as server:
        pass
    with pytest.raises(TransientError, match="no answer"):
        await make_mail(server, certificate[0]).send(make_notice())


async def test_a_sentence_cannot_add_a_header(
    certificate: tuple[Path, Path], server_context: ssl.SSLContext
) -> None:
    async with running_mail_server(server_context) as server:
        notice = make_notice(sentence="x\r\nBcc: eve@example.com", source="k")
        await make_mail(server, certificate[0]).send(notice)
    head, _, _ = server.mails[0].partition("\r\n\r\n")
    assert "Subject: [critical] k: x Bcc: eve@example.com" in head
    assert "\r\nBcc:" not in head


async def test_what_no_mail_can_hold_is_refused_and_breaks_nothing(
    certificate: tuple[Path, Path], server_context: ssl.SSLContext
) -> None:
    async with running_mail_server(server_context) as server:
        with pytest.raises(NotTakenError, match="cannot be written as a mail"):
            await make_mail(server, certificate[0]).send(make_notice(sentence="a\ud800b"))
    assert server.mails == []
