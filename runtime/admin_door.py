"""What a way in to the admin listener offers: it opens, it says who asks, it shuts.

Two exist: a unix socket, where the kernel says who asks (`runtime/admin_socket.py`), and TLS with a
bearer token (`runtime/admin_tls.py`). There is no third without either.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from aiohttp import web

ConnectionFactory: TypeAlias = Callable[[], asyncio.BaseProtocol]
"""Makes the protocol of one connection, as `loop.create_server` wants it."""


class NotLetInError(Exception):
    """Whoever asks may not: one sentence, which tells no secret and no part of one."""


class Door(Protocol):
    """One way in."""

    @property
    def name(self) -> str:
        """Say where it is, for the log and for people."""

    async def open(self, factory: ConnectionFactory) -> asyncio.AbstractServer:
        """Listen; raises OperatorError with one sentence when that cannot be had."""

    def who(self, request: web.Request) -> str:
        """Say who asks, for the record; raises NotLetInError."""

    def shut(self) -> None:
        """Leave nothing behind, once nobody is served any more."""
