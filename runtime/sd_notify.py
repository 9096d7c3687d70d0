"""What systemd wants to hear of a service of Type=notify: ready, alive, stopping.

One datagram per message to the socket that `NOTIFY_SOCKET` names (sd_notify(3)). Of our own, since the
whole protocol is a datagram of `KEY=value` lines, and a package for it would be one more that may touch
a process with keys. Everything is said from a worker of the event loop: a loop that is stuck falls
silent, and systemd ends and restarts the process. It never waits, and a manager that does not listen
is no reason to stop a keeper.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from runtime.errors import OperatorError
from runtime.supervise import sleep_unless

START_GRACE_SECONDS: Final = 60.0
"""How much longer systemd waits for READY=1 after each word during the start: a chain that does not
answer is no reason to kill a keeper, a loop that does not turn is."""
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Between two looks at readiness, and two words, however lenient the watchdog is."""
_MOST_STATUS: Final = 400
"""Characters of a status line: enough for every reason, small enough for any socket's buffer."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("sd_notify")


@dataclass(slots=True, kw_only=True)
class ServiceManager:
    """The way to systemd, or to nobody where `address` is None: then nothing is said."""

    address: str | None = None
    """Path of the socket, or its abstract name behind an `@`."""
    watchdog_seconds: float | None = None
    """Silence after which systemd ends the process; None: it has no watchdog on us."""
    _silenced: bool = field(default=False, init=False)
    _status: str = field(default="", init=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ServiceManager":
        """Read `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.

        Raises OperatorError for values that systemd never sets.
        """
        address = environment.get("NOTIFY_SOCKET") or None
        if address is not None and not address.startswith(("/", "@")):
            raise OperatorError(
                f"expected NOTIFY_SOCKET to be a path or a name behind @, found {address!r}: "
                "leave it to systemd"
            )
        interval = environment.get("WATCHDOG_USEC", "")
        # The variables are inherited: a keeper that was started by the watched one is not watched.
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not interval or not is_ours:
            return cls(address=address)
        if not interval.isdecimal() or int(interval) == 0:
            raise OperatorError(
                f"expected WATCHDOG_USEC to be a number of microseconds, found {interval!r}: "
                "leave it to systemd"
            )
        return cls(address=address, watchdog_seconds=int(interval) / 1e6)

    @property
    def pause_seconds(self) -> float:
        """Pause between two words: a third of the watchdog's time, so that one may be lost."""
        if self.watchdog_seconds is None:
            return LONGEST_PAUSE_SECONDS
        return min(LONGEST_PAUSE_SECONDS, self.watchdog_seconds / 3)

    async def run(
        self,
        reasons: Callable[[], Mapping[str, str]],
        *,
        stop: asyncio.Event,
        drained: asyncio.Event,
    ) -> None:
        """Say READY=1 once `reasons` is empty, WATCHDOG=1 until `drained`, STOPPING=1 at `stop`."""
        if self.address is None:
            await stop.wait()
            return
        is_ready = False
        while not stop.is_set():
            why_not = reasons()
            words = ["WATCHDOG=1"]
            if not is_ready and not why_not:
                is_ready = True
                words.append("READY=1")
            if not is_ready:
                # The watchdog is only looked at after READY=1; until then the start's timeout is one.
                words.append(f"EXTEND_TIMEOUT_USEC={int(START_GRACE_SECONDS * 1e6)}")
            self._say(*words, *self._new_status(why_not))
            await sleep_unless(stop, self.pause_seconds)
        self._say("STOPPING=1", "WATCHDOG=1", "STATUS=stopping: waits for what was sent")
        while not await sleep_unless(drained, self.pause_seconds):
            self._say("WATCHDOG=1")

    def _new_status(self, why_not: Mapping[str, str]) -> list[str]:
        """Give the line for `systemctl status`, if it changed."""
        told = "; ".join(f"{name}: {reason}" for name, reason in why_not.items())
        # A line break would begin another assignment.
        status = " ".join(f"not ready: {told}".split())[:_MOST_STATUS] if told else "ready"
        if status == self._status:
            return []
        self._status = status
        return [f"STATUS={status}"]

    def _say(self, *words: str) -> None:
        assert self.address is not None
        name = self.address
        target = "\0" + name[1:] if name.startswith("@") else name
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(words).encode(), target)
        except OSError as error:
            if not self._silenced:
                log.warning("service_manager_unheard", error=error.strerror or repr(error))
            self._silenced = True
        else:
            self._silenced = False
