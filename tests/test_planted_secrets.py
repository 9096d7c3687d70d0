"""The search for planted secrets finds them, in whatever form they stand there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted_secrets import Exposed, private_keys, watched

NAME, KEY = next(iter(private_keys().items()))


@pytest.mark.parametrize(
    "content",
    [KEY, KEY.hex().encode(), KEY.hex().upper().encode(), b"0x" + KEY.hex().encode()],
    ids=["bytes", "hexadecimal", "capitals", "prefixed"],
)
def test_a_key_is_found_in_every_form(content: bytes) -> None:
    exposed = Exposed()
    exposed.add("a log", b"before " + content + b" after")
    assert exposed.leaks({NAME: KEY}) == [f"{NAME} in a log"]


def test_files_are_read_but_those_that_are_secrets_by_purpose(tmp_path: Path) -> None:
    for name in ("keeper.log", "keeper.password"):
        (tmp_path / name).write_bytes(KEY)
    exposed = Exposed()
    exposed.add_files(tmp_path, apart_from=(".password",))
    assert exposed.leaks({NAME: KEY}) == [f"{NAME} in file keeper.log"]


def test_arguments_and_environment_of_children_are_read() -> None:
    exposed = Exposed()
    child = (
        "import subprocess, sys;"
        "subprocess.run(['sleep', '1.5', '0.00' + sys.argv[1]], env={'A': sys.argv[2]})"
    )
    with (
        subprocess.Popen([sys.executable, "-c", child, "1", "planted"], env=os.environ) as process,
        watched(process.pid, 1, exposed),
    ):
        process.wait()
    assert exposed.leaks({"an argument": b"0.001", "a variable": b"A=planted"}) == [
        "an argument in /proc cmdline",
        "a variable in /proc environ",
    ]
