"""The keeper as its operator runs it: `bellkeeper run --config FILE` in a process of its own.

Its log goes to keeper.log in the drill's folder, across restarts. It can be killed with SIGKILL, as
a machine would lose it, and started again on the same journal.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import aiohttp

from drills.anvil import ROOT, free_port
from runtime.errors import OperatorError

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0


class KeeperDiedError(Exception):
    """The keeper ended by itself: a bug, and keeper.log says which."""


class KeeperProcess:
    """One keeper, started as often as need be."""

    def __init__(self, folder: Path, profile: Path, *, port: int, more: str) -> None:
        self.journal = (folder / "journal.sqlite").resolve()
        self.url = f"http://127.0.0.1:{port}"
        self.kills = 0
        self._log = folder / "keeper.log"
        self._config = folder / "keeper.toml"
        self._process: subprocess.Popen[bytes] | None = None
        self._log.unlink(missing_ok=True)
        for path in self.journal.parent.glob(f"{self.journal.name}*"):
            path.unlink()
        self._config.write_text(
            "# Written by the demo. Everything else comes from the deployment's profile.\n"
            f'extends = "{profile.name}"\n\n'
            f'[journal]\npath = "{self.journal.name}"\n\n'
            f'[http]\nlisten = "127.0.0.1:{port}"\n\n'
            '[log]\nformat = "json"\n\n'
            f"{more}",
            encoding="utf-8",
        )

    def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "keepers", "run", "--config", str(self._config.resolve())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the drill alone, which then stops what it started in order.
                start_new_session=True,
            )

    async def wait_until_ready(self) -> None:
        """Wait until /readyz says yes; raises KeeperDiedError or OperatorError."""
        deadline = time.monotonic() + READY_SECONDS
        reasons = "no answer"
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                self.check_alive()
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                        reasons = (await answer.text())[:200]
                await asyncio.sleep(0.05)
        raise OperatorError(
            f"expected the keeper to be ready within {READY_SECONDS:g} s, found: {reasons} "
            f"(see {self._log})"
        )

    def check_alive(self) -> None:
        """Raise KeeperDiedError if it ended by itself."""
        code = self._process.poll() if self._process else None
        if code is not None:
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            if code == OperatorError.exit_code:
                raise OperatorError(f"the keeper refused to run: {' '.join(last)}")
            raise KeeperDiedError(
                f"the keeper ended with exit code {code}: {' '.join(last)[:400]} (see {self._log})"
            )

    def kill(self) -> None:
        """Kill it with SIGKILL: it gets no chance to do anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.kills += 1

    async def stop(self) -> None:
        """Ask it to stop (SIGTERM) and wait for its clean end."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        finally:
            self.end()

    def end(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def keeper_process(
    folder: Path, profile: Path, *, port: int | None, more: str = ""
) -> Iterator[KeeperProcess]:
    """Prepare a keeper that is gone when the block ends; port None takes any free one.

    `more` is TOML for the end of its profile.
    """
    keeper = KeeperProcess(folder, profile, port=port or free_port(), more=more)
    try:
        yield keeper
    finally:
        keeper.end()
