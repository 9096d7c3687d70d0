"""The export of traces put together, in the shape of a duty: it is there only where an endpoint is set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.sender.local_signer import check_private
from keepers.version import VERSION
from runtime.errors import OperatorError
from runtime.supervise import Worker
from runtime.tracing.exporter import Exporter
from runtime.tracing.metrics import TracingMetrics
from runtime.tracing.tracer import Tracer, TracerSettings

_HEADER: Final = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]*[\x21-\x7e])[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """The running export."""

    tracer: Tracer

    def workers(self) -> Mapping[str, Worker]:
        """Name the worker."""
        return {"tracing": self.tracer.run}

    def show(self) -> None:
        """Nothing: its gauge is kept as it goes."""

    def status(self) -> Mapping[str, object]:
        """Say how the export is, for `/status`."""
        return {"tracing": self.tracer.status()}


def open_tracing(
    settings: Settings,
    *,
    session: aiohttp.ClientSession,
    registry: CollectorRegistry,
    random: Random,
) -> Tracing | None:
    """Put the export together, if the profile asks for it; raises OperatorError for its headers."""
    knobs = settings.tracing
    if knobs.endpoint is None:
        return None
    headers = {} if knobs.headers_file is None else read_headers(knobs.headers_file)
    tracer = Tracer(
        TracerSettings(
            journal=settings.journal.path,
            sample_ratio=knobs.sample_ratio,
            resource={
                "service.name": knobs.service_name,
                "service.version": VERSION,
                "bellkeeper.network": settings.network.name,
                "bellkeeper.chain_id": settings.network.chain_id,
                "bellkeeper.exchange": settings.exchange.address or "",
            },
            version=VERSION,
        ),
        Exporter(session, endpoint=knobs.endpoint, headers=headers),
        TracingMetrics.create(registry),
        random,
    )
    return Tracing(tracer=tracer)


def read_headers(path: Path) -> dict[str, str]:
    """Read `Name: value` lines of a file that only we may read; raises OperatorError with one sentence."""
    check_private(path, "headers file")
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"the headers file {path} must be plain text that can be read, found "
            f"{type(error).__name__}: check the path"
        ) from None
    headers: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _HEADER.fullmatch(line)
        if match is None:
            # The line itself is the secret: only its number is told.
            raise OperatorError(
                f"line {number} of the headers file {path} must be `Name: value`, found something "
                "else: correct it"
            )
        headers[match[1]] = match[2]
    if not headers:
        raise OperatorError(
            f"the headers file {path} has no header: write a line `Name: value`, or leave out "
            "[tracing] headers_file"
        )
    return headers
