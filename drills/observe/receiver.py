"""Who is notified: a webhook on loopback that takes down what Alertmanager sends to each receiver."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True, kw_only=True)
class Heard:
    """One alert, by name, as one receiver heard of it; seconds are monotonic."""

    receiver: str
    first_at: float
    resolved_at: float | None = None


@dataclass(slots=True)
class Receiver:
    """Everything that was sent since it began."""

    url: str = ""
    heard: dict[str, Heard] = field(default_factory=dict)
    """By the alert's name: several series of an alert are one trouble."""

    async def take(self, request: web.Request) -> web.Response:
        """Take one notification down."""
        now, receiver = time.monotonic(), request.match_info["receiver"]
        message: dict[str, Any] = await request.json()
        for name, statuses in _by_name(message["alerts"]).items():
            known = self.heard.get(name)
            if "firing" in statuses:
                if known is None:
                    self.heard[name] = Heard(receiver=receiver, first_at=now)
                else:
                    known.resolved_at = None
            elif known is not None:
                known.resolved_at = now
        return web.Response()


def _by_name(alerts: list[dict[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for alert in alerts:
        found.setdefault(alert["labels"]["alertname"], set()).add(alert["status"])
    return found


@contextlib.asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """Listen on a free port while the block lasts."""
    receiver = Receiver()
    application = web.Application()
    application.add_routes([web.post("/{receiver}", receiver.take)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()
