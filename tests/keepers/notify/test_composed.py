"""Notices of a process as `bellkeeper run` composes it, the command that tries the channels, the check."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from config.loader import load
from keepers.bootstrap import RunOptions, compose
from keepers.checks import Checkup, Finding
from keepers.cli import main
from keepers.commands.node import exchange_of
from keepers.daemon import Daemon
from keepers.duty_choice import LIQUIDATION
from keepers.transports import open_transports
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.supervise import Worker
from tests.runtime.notify.servers import Hook, running_hook

PROFILE = """
[network]
name = "test"
chain_id = 31337
endpoints = [{ name = "node", http_url = "http://127.0.0.1:9", ws_url = "ws://127.0.0.1:9" }]
[exchange]
address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
[http]
listen = "127.0.0.1:0"
[notify]
name = "keeper-1"
[notify.slack]
url_file = "slack.url"
[admin]
socket = "admin.sock"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with running_hook() as started:
        yield started


@pytest.fixture
def profile(folder: Path, hook: Hook) -> Path:
    write_secret(folder / "slack.url", hook.url)
    path = folder / "keeper.toml"
    path.write_text(PROFILE)
    return path


def write_secret(path: Path, secret: str) -> None:
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")


async def page_of(daemon: Daemon, *, sent: int) -> str:
    """Ask for /metrics until so many notices are counted: one is, once its answer is read."""
    counted = f'bellkeeper_notifications_total{{channel="slack",outcome="sent"}} {sent}.0'
    url = f"http://127.0.0.1:{daemon.http.port}/metrics"
    page = ""
    async with aiohttp.ClientSession() as session:
        while counted not in page:
            async with session.get(url) as answer:
                page = await answer.text()
    return page


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def texts(hook: Hook) -> list[str]:
    return [got.body["text"].partition("keeper-1: ")[2] for got in hook.received]


async def test_a_process_tells_of_its_start_what_was_asked_of_it_and_its_end(
    profile: Path, hook: Hook, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = load(profile, environment={}).settings
    options = RunOptions(duties=frozenset({LIQUIDATION}), is_dry_run=True)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        daemon = await compose(settings, stack, options)

        async def run(worker: Worker) -> None:
            await worker(stop)

        async with asyncio.TaskGroup() as group:
            for worker in (daemon.http.run, *daemon.attending.values()):
                group.create_task(run(worker))
            await hook.until(1)
            resync = ["admin", "resync", "--reason", "looks wrong", "--config", str(profile)]
            assert await asyncio.to_thread(main, resync) == 0
            await hook.until(2)
            page = await page_of(daemon, sent=2)
            stop.set()
    started, asked, stopping = texts(hook)
    assert started.startswith("the keeper has started (")
    assert "asked for resync (looks wrong), done: the feed begins anew" in asked
    assert stopping == "the keeper is stopping"
    assert 'bellkeeper_notifications_total{channel="slack",outcome="sent"} 2.0' in page
    assert 'bellkeeper_notifications_total{channel="slack",outcome="failed"} 0.0' in page
    told = capfd.readouterr()
    assert "T0PSECRET" not in told.out + told.err + page + repr(settings)


def test_without_a_channel_nothing_runs(profile: Path) -> None:
    lines = PROFILE.replace('[notify.slack]\nurl_file = "slack.url"\n', "")
    profile.write_text(lines.replace('[admin]\nsocket = "admin.sock"\n', ""))
    settings = load(profile, environment={}).settings

    async def attending() -> list[str]:
        async with AsyncExitStack() as stack:
            options = RunOptions(duties=frozenset({LIQUIDATION}), is_dry_run=True)
            return list((await compose(settings, stack, options)).attending)

    assert asyncio.run(attending()) == []


# --- `bellkeeper notify test` --------------------------------------------------------------------


async def test_the_command_sends_one_through_each_channel(
    profile: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    append(profile, '[notify.webhook]\nurl_file = "hook.url"\nsecret_file = "hook.secret"\n')
    write_secret(profile.with_name("hook.url"), hook.url.replace("/services", "/nowhere"))
    write_secret(profile.with_name("hook.secret"), "s3cret")
    test = ["notify", "test", "--json", "-", "--config", str(profile)]
    assert await asyncio.to_thread(main, test) == 2
    assert json.loads(capsys.readouterr().out) == {
        "channels": {"slack": "sent", "webhook": "refused: HTTP 404"}
    }
    assert await asyncio.to_thread(main, [*test, "--channel", "slack"]) == 0
    assert texts(hook) == ["this is a test of the keeper's notices; nothing has happened"] * 2


async def test_a_channel_that_the_profile_has_not_is_one_sentence(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = ["notify", "test", "--channel", "pagerduty", "--config", str(profile)]
    assert await asyncio.to_thread(main, test) == 78
    assert "expected a channel in [notify] (slack), found no pagerduty" in capsys.readouterr().err


# --- what is wrong with it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "mode", "sentence"),
    [
        ("https://hooks.example.com/T0PSECRET", 0o644, "is open to others (mode 644)"),
        ("", 0o600, "has an empty first line"),
        ("T0PSECRET", 0o600, "begins with https://"),
    ],
)
async def test_a_secret_file_that_is_wrong_stops_the_start_and_fails_the_check(
    profile: Path, secret: str, mode: int, sentence: str
) -> None:
    file = profile.with_name("slack.url")
    write_secret(file, secret)
    change_mode(file, mode)
    finding = await found(profile, "notify")
    assert not finding.is_good
    assert sentence in finding.found
    assert "T0PSECRET" not in finding.found
    settings = load(profile, environment={}).settings
    options = RunOptions(duties=frozenset({LIQUIDATION}), is_dry_run=True)
    async with AsyncExitStack() as stack:
        with pytest.raises(OperatorError) as error:
            await compose(settings, stack, options)
    assert sentence in str(error.value)


async def test_a_check_names_the_channels_and_the_ways_in_and_sends_nothing(
    profile: Path, hook: Hook
) -> None:
    notify, admin = await found(profile, "notify"), await found(profile, "admin")
    assert (notify.is_good, admin.is_good) == (True, True)
    assert notify.found.startswith("slack: ")
    assert admin.found == f"{profile.with_name('admin.sock')}, 0 tokens"
    assert hook.received == []
    change_mode(profile.parent, 0o777)
    assert "run chmod go-w" in (await found(profile, "admin")).found


def change_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


async def found(profile: Path, name: str) -> Finding:
    """Give a finding that needs no chain: those come first, and nothing is dialled."""
    settings = load(profile, environment={}).settings
    transports = open_transports(
        settings.network,
        registry=CollectorRegistry(),
        clock=SystemClock(),
        random=Random(7),
    )
    checkup = Checkup(
        settings=settings,
        transports=transports,
        exchange=exchange_of(settings, transports),
        clock=SystemClock(),
    )
    findings = checkup.findings()
    async with contextlib.aclosing(findings):  # type: ignore[type-var]
        async for finding in findings:
            if finding.name == name:
                return finding
    raise AssertionError(f"expected a finding {name}, found none")
