"""The listener in a process as `bellkeeper run` composes it, and the commands that use it."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from config.loader import load
from keepers.admin.record import recent
from keepers.admin.terms import Action
from keepers.bootstrap import RunOptions, compose
from keepers.cli import main
from keepers.daemon import Daemon
from keepers.duty_choice import LIQUIDATION
from monitors.operator_orders import OrderKind, parse_orders
from runtime.admin_listener import AdminListener
from runtime.errors import OperatorError
from runtime.logging import configure_logging
from runtime.supervise import Worker
from tests.certificates import write_certificate

PROFILE = """
[network]
name = "test"
chain_id = 31337
endpoints = [{ name = "node", http_url = "http://127.0.0.1:9", ws_url = "ws://127.0.0.1:9" }]
[exchange]
address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
[http]
listen = "127.0.0.1:0"
[keys.guardian]
keystore = "guardian.json"
password_file = "guardian.password"
[breaker]
orders_file = "orders.json"
[admin]
socket = "admin.sock"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def profile(folder: Path) -> Path:
    path = folder / "keeper.toml"
    path.write_text(PROFILE)
    return path


@contextlib.asynccontextmanager
async def running(profile: Path) -> AsyncIterator[Daemon]:
    """Run a dry process as far as people are concerned: its pages and its admin listener."""
    settings = load(profile, environment={}).settings
    options = RunOptions(duties=frozenset({LIQUIDATION}), is_dry_run=True)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        daemon = await compose(settings, stack, options)
        workers = {"http": daemon.http.run, **daemon.attending}
        async with asyncio.TaskGroup() as group:
            for worker in workers.values():
                group.create_task(ran(worker, stop))
            await daemon.http.started.wait()
            await listener_of(daemon).started.wait()
            try:
                yield daemon
            finally:
                stop.set()


async def ran(worker: Worker, stop: asyncio.Event) -> None:
    await worker(stop)


def listener_of(daemon: Daemon) -> AdminListener:
    """Give the listener behind the worker."""
    listener = daemon.attending["admin"].__self__  # type: ignore[attr-defined]
    assert isinstance(listener, AdminListener)
    return listener


async def said(profile: Path, *words: str, code: int = 0) -> None:
    """Run a command as an operator does, beside the process."""
    assert await asyncio.to_thread(main, [*words, "--config", str(profile)]) == code


def orders_of(profile: Path) -> tuple[Any, ...]:
    path = profile.with_name("orders.json")
    return parse_orders(path.read_bytes()) if path.exists() else ()


async def test_a_command_asks_the_running_keeper_which_records_it(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(profile) as daemon:
        await said(profile, "halt", "NVDA", "--reason", "split announced")
        (entry,) = recent(daemon.journal, 10)
    (order,) = orders_of(profile)
    assert (order.kind, order.subject, order.reason) == (OrderKind.HALT, "NVDA", "split announced")
    assert "(uid " in order.by
    assert (entry.action, entry.by, entry.words) == ("halt", order.by, entry.words)
    assert f"NVDA: to be halted, by {order.by} (split announced)" in capsys.readouterr().out


async def test_a_refusal_of_the_keeper_is_the_commands_sentence(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(profile):
        await said(profile, "halt", "NDVA", "--reason", "x", code=78)
        await said(profile, "admin", "pause-lane", "urgent", "--reason", "x", code=78)
    error = capsys.readouterr().err
    assert "found NDVA: correct the symbol" in error
    assert "it runs dry, or without a key" in error
    assert orders_of(profile) == ()


def test_while_no_keeper_runs_the_order_waits_in_the_file(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["halt", "ALL", "--reason", "drill", "--config", str(profile)]) == 0
    said = capsys.readouterr().out
    assert "all markets: to be halted" in said
    assert "written into the file, since no keeper answers" in said
    assert [order.kind for order in orders_of(profile)] == [OrderKind.HALT]


@pytest.mark.parametrize("words", [("resync",), ("pause-lane", "urgent"), ("log-level", "debug")])
def test_what_only_a_running_keeper_can_do_is_not_put_off(
    profile: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["admin", *words, "--reason", "drill", "--config", str(profile)]
    assert main(command) == 78
    assert "expected a running keeper on" in capsys.readouterr().err
    profile.write_text(PROFILE.replace('socket = "admin.sock"', ""))
    assert main(command) == 78
    assert "expected [admin] socket for" in capsys.readouterr().err


async def test_the_log_level_changes_while_it_runs(
    profile: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="info", as_json=True)
    try:
        async with running(profile):
            log = structlog.get_logger("test")
            log.debug("heard_too_early")
            await said(profile, "admin", "log-level", "debug", "--reason", "look closer")
            log.debug("heard_now")
            await said(profile, "admin", "log-level", "error", "--reason", "enough")
            log.warning("heard_too_late")
    finally:
        structlog.reset_defaults()
    out, err = capfd.readouterr()
    assert "heard_now" in err
    assert "heard_too" not in err
    assert "lines from debug on are written; after a restart, from info" in out


async def test_the_listing_is_the_keepers_or_the_journals(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(profile):
        await said(profile, "admin", "resync", "--reason", "looks wrong")
        capsys.readouterr()
        await said(profile, "admin", "list", "--json", "-")
        from_keeper = json.loads(capsys.readouterr().out)
    assert main(["admin", "list", "--json", "-", "--config", str(profile)]) == 0
    from_journal = json.loads(capsys.readouterr().out)
    assert (
        from_keeper.pop("is_answered_by_keeper"),
        from_journal.pop("is_answered_by_keeper"),
    ) == (
        True,
        False,
    )
    assert from_keeper == from_journal
    assert set(from_keeper["actions"]) == set(Action)
    (entry,) = from_keeper["recent"]
    assert (entry["action"], entry["reason"], entry["fate"]) == ("resync", "looks wrong", "done")
    assert main(["admin", "list", "--config", str(profile)]) == 0
    assert "resync  done  " in capsys.readouterr().out


async def test_the_metrics_port_has_no_admin_route(profile: Path) -> None:
    async with running(profile) as daemon, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{daemon.http.port}"
        for action in Action:
            for method in ("POST", "GET", "PUT"):
                url = f"{base}/actions/{action}"
                async with session.request(method, url, json={"reason": "x"}) as answer:
                    assert answer.status == 404, (method, action)
        async with session.get(f"{base}/actions") as answer:
            assert answer.status == 404
        async with session.get(f"{base}/metrics") as answer:
            assert 'bellkeeper_admin_requests_total{outcome="done"} 0.0' in await answer.text()
        routes = [route for route in daemon.http._routes if route.method not in {"GET", "HEAD"}]
    assert routes == []


async def test_the_admin_socket_has_no_page_of_the_metrics_port(profile: Path) -> None:
    async with running(profile):
        connector = aiohttp.UnixConnector(str(profile.with_name("admin.sock")))
        async with aiohttp.ClientSession(connector=connector) as session:
            for page in ("/metrics", "/healthz", "/status", "/"):
                async with session.get(f"http://keeper{page}") as answer:
                    assert answer.status == 404


# --- the profile ---------------------------------------------------------------------------------

ALICE = '{ name = "alice", file = "alice.token" }'
TWICE = f"tokens = [{ALICE}, {ALICE}]"
TLS = '[admin]\nlisten = "127.0.0.1:0"\n'


@pytest.mark.parametrize(
    ("admin", "sentence"),
    [
        (TLS, "must have `certificate_file` and `key_file` and `tokens` beside `listen`"),
        (
            f"{TLS}tokens = [{ALICE}]",
            "must have `certificate_file` and `key_file` beside `listen`",
        ),
        (
            f'{TLS}certificate_file = "c.pem"\nkey_file = "k.pem"',
            "must have `tokens` beside `listen`",
        ),
        ('[admin]\nkey_file = "k.pem"', "must have `listen` beside"),
        (
            f'{TLS}certificate_file = "c.pem"\nkey_file = "k.pem"\n{TWICE}',
            "must name each of `tokens` differently",
        ),
    ],
    ids=["bare", "no TLS", "no tokens", "no listen", "one name twice"],
)
def test_a_port_without_tls_and_tokens_is_refused_at_the_start(
    profile: Path, admin: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.write_text(PROFILE.replace('[admin]\nsocket = "admin.sock"', admin))
    assert main(["run", LIQUIDATION, "--dry-run", "--config", str(profile)]) == 78
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "mode", "sentence"),
    [
        ("alice.token", 0o644, "the admin token of alice"),
        ("key.pem", 0o640, "the key of the admin port"),
    ],
)
async def test_secrets_that_others_can_read_are_refused_at_the_start(
    profile: Path, file: str, mode: int, sentence: str
) -> None:
    prepare_tls(profile, "5f" * 32)
    profile.with_name(file).chmod(mode)
    with pytest.raises(OperatorError, match=f"{sentence}.* is open to others"):
        await composed(profile)


async def test_a_short_token_is_refused_at_the_start_and_not_shown(profile: Path) -> None:
    prepare_tls(profile, "hunter2")
    with pytest.raises(OperatorError, match="admin token of alice to have 32 characters") as error:
        await composed(profile)
    assert "hunter2" not in str(error.value)


def prepare_tls(profile: Path, token: str) -> None:
    certificate, key = write_certificate(profile.parent)
    file = profile.with_name("alice.token")
    file.touch(mode=0o600)
    file.write_text(f"{token}\n")
    profile.write_text(
        PROFILE.replace(
            '[admin]\nsocket = "admin.sock"',
            f'{TLS}certificate_file = "{certificate}"\nkey_file = "{key}"\n'
            'tokens = [{ name = "alice", file = "alice.token" }]',
        )
    )


async def composed(profile: Path) -> None:
    settings = load(profile, environment={}).settings
    options = RunOptions(duties=frozenset({LIQUIDATION}), is_dry_run=True)
    async with AsyncExitStack() as stack:
        await compose(settings, stack, options)
