"""What systemd hears, over real datagram sockets."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from runtime.errors import OperatorError
from runtime.sd_notify import LONGEST_PAUSE_SECONDS, ServiceManager

BRISK = 0.03
"""A watchdog's time, in seconds, so short that a test sees many words."""


@contextlib.contextmanager
def listening(address: str | bytes) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        receiver.setblocking(False)
        yield receiver


async def heard(receiver: socket.socket) -> list[str]:
    message = await asyncio.get_running_loop().sock_recv(receiver, 4096)
    return message.decode().split("\n")


async def heard_with(receiver: socket.socket, word: str) -> list[str]:
    """Give the first message from here on that holds `word`."""
    while word not in (words := await heard(receiver)):
        pass
    return words


@contextlib.asynccontextmanager
async def running(
    manager: ServiceManager, why_not: Mapping[str, str], drained: asyncio.Event | None = None
) -> AsyncIterator[asyncio.Event]:
    stop, drained = asyncio.Event(), drained or asyncio.Event()
    task = asyncio.create_task(manager.run(lambda: why_not, stop=stop, drained=drained))
    try:
        yield stop
    finally:
        stop.set()
        drained.set()
        await task


async def test_is_ready_only_when_readyz_would_say_so(tmp_path: Path) -> None:
    why_not = {"feed": "no snapshot"}
    with listening(str(tmp_path / "notify")) as receiver:
        manager = ServiceManager(address=str(tmp_path / "notify"), watchdog_seconds=BRISK)
        async with running(manager, why_not):
            first = await heard(receiver)
            assert "READY=1" not in first
            assert "EXTEND_TIMEOUT_USEC=60000000" in first
            assert "STATUS=not ready: feed: no snapshot" in first
            again = await heard(receiver)
            assert "WATCHDOG=1" in again
            assert "EXTEND_TIMEOUT_USEC=60000000" in again
            assert not [word for word in again if word.startswith("STATUS=")]
            why_not.clear()
            ready = await heard_with(receiver, "READY=1")
            assert "STATUS=ready" in ready
            assert await heard(receiver) == ["WATCHDOG=1"]


async def test_an_interruption_later_is_a_status_and_no_second_start(tmp_path: Path) -> None:
    why_not: dict[str, str] = {}
    with listening(str(tmp_path / "notify")) as receiver:
        manager = ServiceManager(address=str(tmp_path / "notify"), watchdog_seconds=BRISK)
        async with running(manager, why_not):
            await heard_with(receiver, "READY=1")
            why_not["rpc"] = "no endpoint\nREADY=1"
            words = await heard_with(receiver, "STATUS=not ready: rpc: no endpoint READY=1")
            assert words[0] == "WATCHDOG=1"
            assert len(words) == 2


async def test_says_that_it_stops_and_stays_alive_until_all_is_drained(tmp_path: Path) -> None:
    drained = asyncio.Event()
    with listening(str(tmp_path / "notify")) as receiver:
        manager = ServiceManager(address=str(tmp_path / "notify"), watchdog_seconds=BRISK)
        async with running(manager, {}, drained) as stop:
            stop.set()
            stopping = await heard_with(receiver, "STOPPING=1")
            assert "WATCHDOG=1" in stopping
            assert await heard(receiver) == ["WATCHDOG=1"]


async def test_a_stuck_loop_falls_silent(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as receiver:
        manager = ServiceManager(address=str(tmp_path / "notify"), watchdog_seconds=BRISK)
        async with running(manager, {}):
            await heard_with(receiver, "READY=1")
            with contextlib.suppress(BlockingIOError):
                while True:
                    receiver.recv(4096)
            # Blocking on purpose: this is the loop that is stuck, for ten of the watchdog's times.
            receiver.settimeout(10 * BRISK)
            with pytest.raises(TimeoutError):
                receiver.recv(4096)
            receiver.setblocking(False)
            assert "WATCHDOG=1" in await heard(receiver)


async def test_speaks_to_an_abstract_socket() -> None:
    name = f"bellkeeper-test-{os.getpid()}"
    with listening(b"\0" + name.encode()) as receiver:
        async with running(ServiceManager(address=f"@{name}"), {}):
            assert "READY=1" in await heard(receiver)


async def test_a_manager_that_went_away_stops_nobody(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    manager = ServiceManager(address=address, watchdog_seconds=BRISK)
    asked = asyncio.Event()
    turns: list[int] = []

    def reasons() -> dict[str, str]:
        turns.append(1)
        if len(turns) == 3:
            asked.set()
        return {"feed": "no snapshot"}

    stop, drained = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(manager.run(reasons, stop=stop, drained=drained))
    await asked.wait()
    with listening(address) as receiver:
        assert "WATCHDOG=1" in await heard(receiver)
        stop.set()
        drained.set()
        await task


async def test_without_a_manager_it_waits_for_the_stop() -> None:
    def reasons() -> dict[str, str]:
        raise AssertionError("asked although nobody listens")

    stop = asyncio.Event()
    task = asyncio.create_task(
        ServiceManager.from_environment({}).run(reasons, stop=stop, drained=asyncio.Event())
    )
    await asyncio.sleep(0)
    assert not task.done()
    stop.set()
    await task


def test_speaks_three_times_within_the_watchdogs_time() -> None:
    manager = ServiceManager.from_environment(
        {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "6000000"}
    )
    assert manager.address == "/run/systemd/notify"
    assert manager.pause_seconds == 2.0
    assert ServiceManager(watchdog_seconds=3600.0).pause_seconds == LONGEST_PAUSE_SECONDS


def test_a_watchdog_of_another_process_is_not_ours() -> None:
    variables = {"WATCHDOG_USEC": "6000000", "WATCHDOG_PID": str(os.getpid() + 1)}
    assert ServiceManager.from_environment(variables).watchdog_seconds is None
    variables["WATCHDOG_PID"] = str(os.getpid())
    assert ServiceManager.from_environment(variables).watchdog_seconds == 6.0


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"NOTIFY_SOCKET": "vsock:2:1"}, "NOTIFY_SOCKET"),
        ({"NOTIFY_SOCKET": "notify"}, "NOTIFY_SOCKET"),
        ({"WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC"),
        ({"WATCHDOG_USEC": "0"}, "WATCHDOG_USEC"),
    ],
)
def test_refuses_what_systemd_never_sets(variables: dict[str, str], named: str) -> None:
    with pytest.raises(OperatorError, match=f"{named} to be"):
        ServiceManager.from_environment(variables)
