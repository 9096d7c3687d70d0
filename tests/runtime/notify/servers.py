"""Receivers of notices on loopback: an HTTP server and a mail server that keep what they are given."""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Received:
    """One POST."""

    headers: dict[str, str]
    payload: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.payload)


@dataclass(slots=True)
class Hook:
    """An HTTP receiver; `answers` are given one after the other, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, number: int) -> None:
        """Wait until so many POSTs have come."""
        while len(self.received) < number:
            self.came.clear()
            await self.came.wait()

    async def take(self, request: web.Request) -> web.Response:
        self.received.append(Received(dict(request.headers), await request.read()))
        self.came.set()
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=self.headers)


@contextlib.asynccontextmanager
async def running_hook(*answers: int) -> AsyncIterator[Hook]:
    hook = Hook(answers=list(answers) or [200])
    application = web.Application()
    application.router.add_post("/services/{secret}", hook.take)
    runner = web.AppRunner(application, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/services/T0PSECRET"
    try:
        yield hook
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class MailServer:
    """Speaks as much SMTP as a client of submission needs."""

    context: ssl.SSLContext | None
    """None: it offers no STARTTLS."""
    port: int = 0
    refuses: str = ""
    """A command that is refused: `RCPT`, `AUTH`, `DATA`."""
    code: int = 550
    mails: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    """What came in the clear."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_secret = False
        writer.write(b"220 mail.test\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := (await reader.readline()).decode():
                verb = line.split(None, 1)[0].upper()
                if not is_secret:
                    self.plain.append(line.strip())
                if verb == "STARTTLS" and self.context is not None:
                    writer.write(b"220 go\r\n")
                    await writer.drain()
                    await writer.start_tls(self.context)
                    is_secret = True
                    continue
                writer.write(self.answer(verb, line, is_secret=is_secret))
                if verb == "DATA" and self.refuses != "DATA":
                    mail = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(mail.decode())
                    writer.write(b"250 taken\r\n")
                await writer.drain()
                if verb == "QUIT":
                    break
        writer.close()

    def answer(self, verb: str, line: str, *, is_secret: bool) -> bytes:
        if self.refuses and verb == self.refuses:
            return f"{self.code} no, {line.strip()}\r\n".encode()
        if verb == "EHLO":
            offered = "250 AUTH PLAIN" if is_secret else "250 STARTTLS"
            return f"250-mail.test\r\n{offered if self.context else '250 SIZE'}\r\n".encode()
        if verb == "AUTH":
            self.logins.append(base64.b64decode(line.split()[2]).decode())
            return b"235 welcome\r\n"
        return {"DATA": b"354 go on\r\n", "QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n")


@contextlib.asynccontextmanager
async def running_mail_server(context: ssl.SSLContext | None) -> AsyncIterator[MailServer]:
    mail = MailServer(context=context)
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
        await server.wait_closed()
