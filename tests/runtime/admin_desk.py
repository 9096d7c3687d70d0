"""An admin listener that serves in a test, and who asks it over its unix socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
from prometheus_client import CollectorRegistry

from runtime.admin_door import Door
from runtime.admin_listener import (
    AdminAnswer,
    AdminCall,
    AdminListener,
    AdminMetrics,
    Limits,
    Verdict,
)
from runtime.errors import OperatorError
from tests.runtime.nodes import FakeClock

BODY: Final = {"reason": "drill"}


class Service:
    """Does what it is told, and remembers by whom."""

    def __init__(self) -> None:
        self.calls: list[AdminCall] = []
        self.breaks = False

    def describe(self) -> Mapping[str, object]:
        return {"actions": ["halt"]}

    async def act(self, call: AdminCall) -> AdminAnswer:
        self.calls.append(call)
        if self.breaks:
            raise ValueError("a bug")
        return AdminAnswer(verdict=Verdict.DONE, status=200, body={"words": "done"})


class Desk:
    """A listener that serves, and who asks it."""

    def __init__(
        self, listener: AdminListener, service: Service, registry: CollectorRegistry
    ) -> None:
        self.listener, self.service, self.registry = listener, service, registry

    def counted(self, verdict: Verdict) -> float | None:
        return self.registry.get_sample_value(
            "bellkeeper_admin_requests_total", {"outcome": verdict.value}
        )


@contextlib.asynccontextmanager
async def serving(*doors: Door, limits: Limits | None = None) -> AsyncIterator[Desk]:
    service, registry = Service(), CollectorRegistry()
    listener = AdminListener(
        service=service,
        doors=doors,
        metrics=AdminMetrics.create(registry),
        clock=FakeClock(),
        limits=limits or Limits(),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(listener.run(stop))
    started = asyncio.create_task(listener.started.wait())
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    try:
        if task.done():
            await task
        yield Desk(listener, service, registry)
    finally:
        stop.set()
        with contextlib.suppress(OperatorError):
            await task


async def ask(
    path: Path, body: bytes = json.dumps(BODY).encode(), headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.post("http://keeper/actions/halt", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()
