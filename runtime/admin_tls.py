"""A TCP port that speaks TLS alone, and lets in who knows a token.

A token is a credential of one person or program, so that the record can say whose it was. What is
presented is compared with every token, in constant time. No token is in a log, a message or a repr.
"""

import asyncio
import errno
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from runtime.admin_door import ConnectionFactory, NotLetInError
from runtime.errors import OperatorError

SHORTEST_TOKEN: Final = 32
"""Characters: as many as 128 bits in hexadecimal."""
_HANDSHAKE_SECONDS: Final = 5.0
_SCHEME: Final = "Bearer "


class TlsDoor:
    """Listen on host and port; each holder of a token is let in under its name."""

    def __init__(
        self, host: str, port: int, *, context: ssl.SSLContext, name_to_token: Mapping[str, str]
    ) -> None:
        self._host = host
        self.port = port
        """Known once it is open, where 0 was asked for."""
        self._context = context
        self._name_to_digest = {name: _digest(token) for name, token in name_to_token.items()}

    @property
    def name(self) -> str:
        """Say where it is."""
        return f"https://{self._host}:{self.port}"

    async def open(self, factory: ConnectionFactory) -> asyncio.AbstractServer:
        """Listen; raises OperatorError with one sentence."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                factory,
                self._host,
                self.port,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
        except OSError as error:
            found = "is in use" if error.errno == errno.EADDRINUSE else f"failed: {error.strerror}"
            raise OperatorError(
                f"expected to listen on {self._host}:{self.port}, but the address {found}:"
                " set [admin] listen to a free one"
            ) from error
        self.port = int(server.sockets[0].getsockname()[1])
        return server

    def who(self, request: web.Request) -> str:
        """Name the holder of the token that was presented; raises NotLetInError."""
        presented = request.headers.get("Authorization", "")
        if not presented.startswith(_SCHEME):
            raise NotLetInError("expected a header `Authorization: Bearer TOKEN`, found none")
        digest = _digest(presented.removeprefix(_SCHEME))
        holder = ""
        # All of them, always: the time of an answer tells nothing of which one was close.
        for name, known in self._name_to_digest.items():
            if hmac.compare_digest(digest, known):
                holder = name
        if not holder:
            raise NotLetInError("expected a token of this keeper, found another")
        return f"token {holder} (from {request.remote})"

    def shut(self) -> None:
        """Leave nothing behind: a port has no file."""


def _digest(token: str) -> bytes:
    """Hash a token: digests are of one length, whatever was presented."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def check_token(name: str, token: str) -> None:
    """Refuse a token that could be guessed; raises OperatorError that does not show it."""
    if len(token) < SHORTEST_TOKEN:
        raise OperatorError(
            f"expected the admin token of {name} to have {SHORTEST_TOKEN} characters or more, found"
            f" {len(token)}: make one with `openssl rand -hex 32`"
        )


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Load what the port shows of itself; raises OperatorError with one sentence."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty password: an encrypted key is refused rather than asked about on a terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        found = error.strerror if type(error) is not ssl.SSLError else "they are no pair in PEM"
        raise OperatorError(
            f"expected a certificate in {certificate} and its key, not encrypted, in {key}"
            f" ([admin] certificate_file, key_file), but {found}: correct the paths or the files"
        ) from None
    return context
