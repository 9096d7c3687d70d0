"""The process itself: its memory, its voice, its end."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from config.schema.fields import FilePath, Listen, PositiveInt, Seconds, Section


class Journal(Section):
    """The durable record of what was planned, signed and sent."""

    path: FilePath = Path("bellkeeper.sqlite")
    """SQLite file on a local disk; a network file system may lose what was promised to be durable."""

    retention_days: PositiveInt = Field(default=90, le=36_500)
    """Age after which settled entries are removed. Unsettled ones stay."""

    price_retention_days: PositiveInt = Field(default=3, le=36_500)
    """The same for published prices, which come every few seconds with all that made them (1.6 kB each with three sources)."""


class Http(Section):
    """The page for people and monitoring: /metrics, /healthz, /readyz, /status, /prices."""

    listen: Listen = "127.0.0.1:9464"
    """Host and port. There is no password: keep it on loopback or in a private network. Port 0 takes any free one."""


class Log(Section):
    """What the process says."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe line that is written."""

    format: Literal["auto", "json", "text"] = "auto"
    """`json` for machines, `text` for people; `auto` writes text to a terminal and JSON elsewhere."""


class Supervision(Section):
    """How the process ends."""

    drain_seconds: Seconds = 15.0
    """After SIGTERM, longest wait for transactions on their way; the journal keeps what is left. Keep it below the supervisor's own limit."""
