"""The files of corporate actions and the operators' orders, read again whenever they change."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from monitors.corporate.orders import ActionOrder, ActionOrders
from risk.corporate_agreement import Agreement, Approval, Report
from runtime.errors import OperatorError
from runtime.supervise import sleep_unless

READ_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the files say: each publisher's reports, and the approvals written beside them."""

    reports: tuple[Report, ...] = ()
    approvals: tuple[Approval, ...] = ()


Load = Callable[[Path], Told]
"""Reads a folder; raises OperatorError with one sentence."""
Judge = Callable[[Told], Mapping[str, Agreement]]
"""Says of each action, by key, how far it is agreed on."""


class ActionSources:
    """What is told and ordered now; a folder that cannot be read leaves what it said before."""

    def __init__(self, directory: Path, orders: ActionOrders, *, load: Load) -> None:
        self._directory, self._orders, self._load = directory, orders, load
        self._seen: frozenset[tuple[str, int, int]] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.told = Told()
        self.problem: str | None = None
        """Why the folder cannot be read, while it cannot."""
        self.revision = 0
        """Another number whenever something else was read."""

    @property
    def orders(self) -> tuple[ActionOrder, ...]:
        """The operators' orders."""
        return self._orders.orders

    @property
    def problems(self) -> tuple[str, ...]:
        """Tell what cannot be read."""
        return tuple(each for each in (self.problem, self._orders.problem) if each is not None)

    def on_read(self, listener: Callable[[], None]) -> None:
        """Tell this listener whenever something else was read."""
        self._listeners.append(listener)

    async def run(self, stop: asyncio.Event) -> None:
        """Read what changed, until `stop`."""
        while not await sleep_unless(stop, READ_SECONDS):
            try:
                self.read()
            except OperatorError as error:
                if self.problem != str(error):
                    log.error("actions_unreadable", error=str(error))  # noqa: TRY400 - an operator's slip
                self.problem = str(error)

    def read(self) -> None:
        """Read folder and orders if they are others than before; raises OperatorError."""
        is_new = self._orders.read()
        seen = _state(self._directory)
        if seen != self._seen:
            self.told = self._load(self._directory)
            self._seen, self.problem, is_new = seen, None, True
        if is_new:
            self.revision += 1
            for listener in self._listeners:
                listener()


def _state(directory: Path) -> frozenset[tuple[str, int, int]]:
    if not directory.is_dir():
        raise OperatorError(f"expected a folder of corporate actions at {directory}, found none")
    try:
        found = [(path.name, path.stat()) for path in directory.glob("*.toml")]
    except OSError as error:
        raise OperatorError(f"expected to read {directory}, but the system said: {error}") from None
    return frozenset((name, state.st_mtime_ns, state.st_size) for name, state in found)
