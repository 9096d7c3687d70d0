"""The unix socket: its owner's alone, named by the kernel, and no trap for what lies in its place."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from runtime.admin_listener import AdminCall, Verdict
from runtime.admin_socket import LONGEST_PATH, SocketDoor
from runtime.errors import OperatorError
from tests.runtime.admin_desk import BODY, ask, serving

NOBODY = 65_534
AS_NOBODY = f"import os, socket, sys\nos.setgid({NOBODY})\nos.setuid({NOBODY})\n"
CONNECT = "asked = socket.socket(socket.AF_UNIX)\nasked.connect(sys.argv[1])\n"
ASK = (
    "asked.sendall(b'POST /actions/halt HTTP/1.1\\r\\nHost: k\\r\\nContent-Length: 2\\r\\n\\r\\n{}')\n"
    "print(asked.recv(4096).decode())\n"
)


async def run_as_nobody(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as another user; it becomes that user itself, since ours may hide Python."""
    command = [sys.executable, "-I", "-c", AS_NOBODY + program, str(path)]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


def mode_of(path: Path) -> int:
    return path.lstat().st_mode


def is_there(path: Path) -> bool:
    return path.exists()


def text_of(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    """Put a file there instead of whatever was."""
    path.unlink(missing_ok=True)
    path.write_text(text)


async def test_the_kernel_says_who_asked(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)) as desk:
        assert await ask(socket_path, headers={"Idempotency-Key": "one"}) == (
            200,
            {"words": "done"},
        )
    (call,) = desk.service.calls
    assert (call.action, call.body, call.idempotency_key) == ("halt", BODY, "one")
    assert call.by.endswith(f"(uid {os.geteuid()}, pid {os.getpid()})")
    assert desk.counted(Verdict.DONE) == 1


def test_the_kernel_says_so_under_uvloop_too(socket_path: Path) -> None:
    async def play() -> AdminCall:
        async with serving(SocketDoor(socket_path)) as desk:
            assert (await ask(socket_path))[0] == 200
        return desk.service.calls[0]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        call = runner.run(play())
    assert f"uid {os.geteuid()}, pid {os.getpid()}" in call.by
    assert not socket_path.exists()


async def test_the_socket_is_its_owners_alone_and_gone_at_the_end(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)):
        assert stat.S_ISSOCK(mode_of(socket_path))
        assert stat.S_IMODE(mode_of(socket_path)) == 0o600
    assert not is_there(socket_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
async def test_another_user_is_turned_away_by_the_kernel(socket_path: Path) -> None:
    allow(socket_path.parent, 0o755)
    async with serving(SocketDoor(socket_path)) as desk:
        tried = await run_as_nobody(CONNECT, socket_path)
        assert "PermissionError" in tried.stderr
        assert desk.service.calls == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
async def test_another_user_is_turned_away_even_if_the_mode_was_opened(socket_path: Path) -> None:
    allow(socket_path.parent, 0o755)
    async with serving(SocketDoor(socket_path)) as desk:
        allow(socket_path, 0o666)
        tried = await run_as_nobody(CONNECT + ASK, socket_path)
        assert tried.stdout.startswith("HTTP/1.1 401 ")
        assert f"found user {NOBODY}" in tried.stdout
        assert desk.service.calls == []
        assert desk.counted(Verdict.NOT_LET_IN) == 1


async def test_a_socket_that_a_dead_process_left_is_replaced(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    async with serving(SocketDoor(socket_path)):
        assert (await ask(socket_path))[0] == 200


async def test_a_socket_on_which_somebody_listens_is_left_alone(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)):
        with pytest.raises(OperatorError, match="somebody listens there"):
            async with serving(SocketDoor(socket_path)):
                pass
        assert (await ask(socket_path))[0] == 200


async def test_a_file_that_is_no_socket_is_left_alone(socket_path: Path) -> None:
    write(socket_path, "precious")
    with pytest.raises(OperatorError, match="found something else: choose another path"):
        async with serving(SocketDoor(socket_path)):
            pass
    assert text_of(socket_path) == "precious"


async def test_what_another_process_put_in_its_place_is_left_alone(socket_path: Path) -> None:
    async with serving(SocketDoor(socket_path)):
        write(socket_path, "another's")
    assert text_of(socket_path) == "another's"


async def test_a_folder_that_others_may_write_is_refused(socket_path: Path) -> None:
    allow(socket_path.parent, 0o777)
    with pytest.raises(OperatorError, match="found mode 777: run chmod go-w"):
        async with serving(SocketDoor(socket_path)):
            pass
    assert not is_there(socket_path)


async def test_a_folder_that_is_not_there_and_a_path_too_long_are_one_sentence(
    socket_path: Path,
) -> None:
    with pytest.raises(OperatorError, match=r"\[admin\] socket.*create it"):
        async with serving(SocketDoor(socket_path.parent / "nowhere" / "admin.sock")):
            pass
    with pytest.raises(OperatorError, match=f"at most {LONGEST_PATH} bytes"):
        async with serving(SocketDoor(socket_path.parent / ("a" * LONGEST_PATH))):
            pass
