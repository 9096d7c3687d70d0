"""A real chain for tests: starts an anvil node on a free port and always stops it.

The binary is found through the environment variable BELLKEEPER_ANVIL, or where `make` installs
it. Without a block time every transaction is mined at once; time moves only as the test says.
"""

import contextlib
import http.client
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ROOT / ".tools/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
START_TIMEOUT_SECONDS = 20.0


class JsonRpcError(Exception):
    """The node answered with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')}")
        self.message = str(error.get("message"))
        self.data = error.get("data")


class JsonRpc:
    """One kept-alive connection to a node; blocking, for tests that need no event loop."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def call(self, method: str, *parameters: object) -> Any:
        """Ask and give the result; an error of the node is raised."""
        request = {
            "jsonrpc": "2.0",
            "id": next(self._ids),
            "method": method,
            "params": parameters,
        }
        self._connection.request(
            "POST", "/", orjson.dumps(request), {"Content-Type": "application/json"}
        )
        answer = orjson.loads(self._connection.getresponse().read())
        if "error" in answer:
            raise JsonRpcError(method, answer["error"])
        return answer["result"]


class AnvilMissingError(RuntimeError):
    """There is no anvil binary on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anvil:
    """A running node."""

    port: int
    process_id: int

    @property
    def http_url(self) -> str:
        """Give the JSON-RPC address over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        """Give the JSON-RPC address over WebSocket."""
        return f"ws://127.0.0.1:{self.port}"


def find_anvil() -> Path:
    """Find the binary, or say how to get it."""
    named = os.environ.get("BELLKEEPER_ANVIL")
    if named:
        if not Path(named).is_file():
            raise AnvilMissingError(f"BELLKEEPER_ANVIL names no file: {named}")
        return Path(named)
    if INSTALLED.is_file():
        return INSTALLED
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    raise AnvilMissingError("anvil was not found: run `make setup` or set BELLKEEPER_ANVIL")


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def anvil_arguments(
    *,
    port: int,
    block_time_seconds: float | None,
    gas_limit: int,
    accounts: int,
    options: tuple[str, ...],
) -> list[str]:
    """Compose the command line."""
    arguments = [str(find_anvil()), "--port", str(port), "--host", "127.0.0.1", "--silent"]
    arguments += ["--disable-code-size-limit", "--gas-limit", str(gas_limit)]
    arguments += ["--accounts", str(accounts), "--balance", "1000000"]
    if block_time_seconds is not None:
        arguments += ["--block-time", str(block_time_seconds)]
    return [*arguments, *options]


def wait_until_ready(anvil: Anvil, process: subprocess.Popen[bytes]) -> None:
    """Wait for the first answer; give up when the process ends or the time is over."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"anvil ended with {process.returncode} before it was ready")
        with contextlib.suppress(OSError, JsonRpcError), JsonRpc(anvil.http_url) as rpc:
            rpc.call("eth_chainId")
            return
        time.sleep(0.02)
    raise TimeoutError("anvil was not ready in time")


@contextlib.contextmanager
def running_anvil(
    *,
    block_time_seconds: float | None = None,
    gas_limit: int = 1_000_000_000,
    accounts: int = 10,
    port: int | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[Anvil]:
    """Run a node for as long as the block lasts; `options` go to anvil as they are."""
    chosen = port if port is not None else free_port()
    arguments = anvil_arguments(
        port=chosen,
        block_time_seconds=block_time_seconds,
        gas_limit=gas_limit,
        accounts=accounts,
        options=options,
    )
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        anvil = Anvil(port=chosen, process_id=process.pid)
        wait_until_ready(anvil, process)
        yield anvil
    finally:
        process.kill()
        process.wait()
