"""A keeper of the matrix: the real program as a process, with its own key, journal, log and endpoints.

It may be told to die by itself at a commit of its journal (`tests/faults/dying_keeper.py`): no
stopwatch from outside meets the moment between two commits.
"""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.anvil import free_port
from tests.faults.keys import DevKey

ROOT: Final = Path(__file__).parents[2]
PATIENCE_SECONDS: Final = 60.0
"""Bounds every wait; nothing is judged by it but that something never came."""


class NeverCameError(AssertionError):
    """What was waited for did not happen."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NeverCameError(f"expected within {seconds:g} s that {what}")
        time.sleep(0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointUrls:
    """How a keeper reaches a node, through a proxy or not."""

    name: str
    http: str
    ws: str | None


@dataclass(slots=True, kw_only=True)
class Keeper:
    """`bellkeeper run liquidation`, started as often as need be."""

    folder: Path
    exchange: str
    endpoints: Sequence[EndpointUrls]
    key: DevKey
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What differs from the profile below, by section."""
    lives: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _listen: str = ""

    @property
    def journal(self) -> Path:
        """Where its journal is."""
        return self.folder / "journal" / "journal.sqlite"

    @property
    def log(self) -> Path:
        """Where its lines are, over all lives."""
        return self.folder / "keeper.log"

    @property
    def pid(self) -> int:
        """Name its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Say whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(
        self, *options: str, die_at: str | None = None, before: Sequence[str] = ()
    ) -> "Keeper":
        """Start it; `die_at` is what `dying_keeper` reads, `before` a command that runs ours."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        program = ["keepers"] if die_at is None else ["tests.faults.dying_keeper", die_at]
        arguments = ["run", "--config", str(self._write_profile()), *options, "liquidation"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-m", *program, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.lives += 1
        return self

    def kill(self) -> None:
        """Kill it with SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to stop; give its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=PATIENCE_SECONDS)

    def wait_end(self) -> int:
        """Wait until it ends by itself; give its exit code."""
        assert self._process is not None
        process = self._process
        wait_until(lambda: process.poll() is not None, "the keeper ends")
        return int(process.returncode)

    def wait_ready(self) -> None:
        """Wait until it says that it is ready."""
        wait_until(self.is_ready, f"the keeper is ready ({self.why_not_ready()})")

    def is_ready(self) -> bool:
        """Ask whether it is ready; a keeper that died never will be."""
        if not self.is_alive:
            raise NeverCameError(f"the keeper ended: {self.last_lines()}")
        return bool((self.page("/readyz") or {}).get("ready"))

    def why_not_ready(self) -> str:
        """Give its reasons."""
        return str(self.page("/readyz"))

    def halted(self) -> str:
        """Give why its lane signs nothing, empty while it works."""
        status = self.page("/status")
        return str(status["lanes"]["urgent"]["halted"]) if isinstance(status, dict) else ""

    def page(self, path: str) -> Any:
        """Fetch a page of its HTTP; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self._listen}{path}", timeout=5) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
        except OSError:
            return None
        return json.loads(text) if text.startswith("{") else text

    def last_lines(self, count: int = 3) -> str:
        """Give the end of its log."""
        return " / ".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def _write_profile(self) -> Path:
        keystore, password = self.key.write(self.folder)
        self._listen = f"127.0.0.1:{free_port()}"
        sections: dict[str, dict[str, object]] = {
            "network": {"name": "faults", "chain_id": 31337, "stall_seconds": 3.0},
            "exchange": {"address": self.exchange},
            "keys.urgent": {
                "keystore": str(keystore),
                "password_file": str(password),
                "address": self.key.address,
            },
            "sender": {"confirmations": 2, "rebroadcast_seconds": 0.5, "replace_seconds": 1.5},
            "liquidation": {"warm_up_updates": 1, "retry_spacing_seconds": 1.0},
            "http": {"listen": self._listen},
            "journal": {"path": str(self.journal)},
        }
        for name, facts in self.sections.items():
            sections.setdefault(name, {}).update(facts)
        lines = []
        for name, facts in sections.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
            if name == "network":
                lines.append(f"endpoints = [{', '.join(map(_endpoint, self.endpoints))}]")
        path = self.folder / "keeper.toml"
        path.write_text("\n".join(lines) + "\n")
        return path


def _endpoint(urls: EndpointUrls) -> str:
    ws = "" if urls.ws is None else f'ws_url = "{urls.ws}", '
    return (
        f'{{ name = "{urls.name}", http_url = "{urls.http}", {ws}'
        "calls_per_second = 5000.0, ws_messages_per_second = 5000.0 }"
    )
