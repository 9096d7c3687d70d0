"""The node of the drills: an anvil with 10 ms blocks that stays fast with thousands of accounts.

A plain anvil computes the root of its whole state in every block and keeps a copy of 1,500 states:
with 20,000 storage slots a "10 ms" block takes 60 ms, and memory or disk fill up. Two things avoid
that. A node that forks another one computes no state root, so an idle, empty origin stands behind
ours. And only a node without a block time of its own keeps as few states as it is told
(`--prune-history`), so our own block producer asks for the blocks (drills/block_producer.py).
Whatever happens, all processes are stopped when the block ends.
"""

import contextlib
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.errors import OperatorError

ROOT: Final = Path(__file__).resolve().parents[1]
INSTALLED: Final = ".tools/node_modules/@foundry-rs/anvil-*/bin/anvil"
CHAIN_ID: Final = 31337
GAS_LIMIT: Final = 2_000_000_000
"""Of a block: never the bottleneck of a drill."""
STATES_KEPT: Final = 192
"""Blocks whose state can still be read: two seconds, what a keeper's first snapshot needs."""
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
_NODE_OPTIONS: Final = (
    *("--fork-block-number", "0", "--no-storage-caching"),
    *("--prune-history", str(STATES_KEPT)),
    *("--gas-limit", str(GAS_LIMIT), "--disable-code-size-limit"),
    *("--order", "fifo", "--balance", "1000000", "--no-request-size-limit"),
)
BLOCK_RECORD: Final = struct.Struct("<QQd")
"""Number, timestamp, and the monotonic clock when the block was there: the producer's notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A running chain."""

    http_url: str
    ws_url: str
    block_notes: Path
    """What the block producer writes, a record of `BLOCK_RECORD` for each block."""
    legs: Path
    """What it reads: how fast the chain's clock is to go (drills/venue_clock.py)."""
    block_producer: int
    """Its process: a chain whose producer is stopped by a signal stands still."""


def find_anvil(root: Path = ROOT) -> Path:
    """Find the binary; raises OperatorError with a sentence that says how to get it."""
    named = os.environ.get("BELLKEEPER_ANVIL")
    if named:
        if not Path(named).is_file():
            raise OperatorError(
                f"expected BELLKEEPER_ANVIL to name the anvil binary, found no file {named}: "
                "correct it, or unset it and run `make tools`"
            )
        return Path(named)
    # Several platforms may be installed side by side; ours is the one whose name fits.
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = sorted(root.glob(INSTALLED), key=lambda path: machine not in str(path))
    if found:
        return found[0]
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    raise OperatorError("expected the anvil binary, found none: run `make tools`")


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running_node(folder: Path, *, accounts: int = 16, start: int | None = None) -> Iterator[Node]:
    """Run the chain for as long as the block lasts; logs and notes go into `folder`.

    `start` is the time at which the chain's clock begins; left out, ours.
    """
    binary, start = find_anvil(), int(time.time()) if start is None else start
    notes, legs = folder / "blocks.bin", folder / "legs.json"
    for path in (notes, legs):
        path.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        common = ["--chain-id", str(CHAIN_ID), "--no-mining", "--quiet", "--timestamp", str(start)]
        origin = stack.enter_context(
            _listening([str(binary), *common, "--accounts", "1"], folder / "origin.log")
        )
        ours = [*common, *_NODE_OPTIONS, "--accounts", str(accounts), "--fork-url", origin]
        url = stack.enter_context(_listening([str(binary), *ours], folder / "anvil.log"))
        producer = [sys.executable, "-m", "drills.block_producer", url, str(notes), str(legs)]
        producer.append(str(start))
        blocks = stack.enter_context(_process(producer, folder / "block_producer.log"))
        _wait_for_blocks(notes)
        ws_url = url.replace("http", "ws", 1)
        yield Node(
            http_url=url,
            ws_url=ws_url,
            block_notes=notes,
            legs=legs,
            block_producer=blocks.pid,
        )


@contextlib.contextmanager
def _process(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; end it at the end of the block, by force if it must be."""
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - anvil and our own producer
            arguments,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the drill alone, which then stops what it started in order.
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def _listening(arguments: list[str], log: Path) -> Iterator[str]:
    """Run a node on a free port until it answers; give its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _process([*arguments, "--host", "127.0.0.1", "--port", str(port)], log) as process:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise OperatorError(
                    f"expected anvil to start, found: {' '.join(last) or 'no answer'} "
                    f"(the whole story is in {log.name} in the drill's folder)"
                )
            time.sleep(0.02)
        yield url


def _answers(url: str) -> bool:
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
    request = urllib.request.Request(  # noqa: S310 - our own node, over HTTP
        url, body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - same
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait_for_blocks(notes: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not notes.exists() or notes.stat().st_size < BLOCK_RECORD.size:
        if time.monotonic() > deadline:
            raise OperatorError(
                "expected blocks from the node, found none: see block_producer.log in the "
                "drill's folder"
            )
        time.sleep(0.01)
