"""The notifier put together: a box before each channel that the profile names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.notify.channels import open_channels
from keepers.notify.notifier import Notifier
from keepers.version import VERSION
from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.notify.box import Box, BoxRules
from runtime.notify.metrics import NotifyMetrics

BACKOFF: Final = Backoff(first_seconds=1.0, most_seconds=30.0, attempts=6)
"""Six further attempts within about a minute: longer, and a page is no page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyParts:
    """What notifying stands on."""

    settings: Settings
    session: aiohttp.ClientSession
    status: Callable[[], Mapping[str, object]]
    registry: CollectorRegistry
    clock: Clock
    random: Random


def open_notifier(parts: NotifyParts) -> Notifier | None:
    """Put it together, None where the profile names no channel; raises OperatorError."""
    knobs = parts.settings.notify
    channels = open_channels(knobs, parts.session, parts.clock)
    if not channels:
        return None
    metrics = NotifyMetrics.create(parts.registry, channels=tuple(channels))
    boxes = [
        Box(
            each.channel,
            BoxRules(
                least=each.least,
                most_waiting=knobs.most_waiting,
                window_seconds=knobs.window_seconds,
                most_per_minute=knobs.most_per_minute,
                backoff=BACKOFF,
            ),
            metrics=metrics,
            clock=parts.clock,
            random=parts.random,
        )
        for each in channels.values()
    ]
    return Notifier(
        boxes=boxes,
        status=parts.status,
        source=source_of(parts.settings),
        version=VERSION,
        remind_seconds=knobs.remind_seconds,
        clock=parts.clock,
    )


def source_of(settings: Settings) -> str:
    """Give the name by which the keeper speaks."""
    return settings.notify.name or settings.network.name
