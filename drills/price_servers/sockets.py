"""A WebSocket as providers serve it: clients subscribe with a text, then are sent updates."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import WSMsgType, web

Pusher: TypeAlias = Callable[[], Awaitable[None]]
"""Sends updates until it is cancelled or the connection breaks."""
Subscriber: TypeAlias = Callable[[web.WebSocketResponse, str], Awaitable[Pusher | None]]
"""Answers what a client said, and gives what to push from then on, or None."""


async def converse(request: web.Request, subscribe: Subscriber) -> web.WebSocketResponse:
    """Serve one client until it goes away; all that it subscribed to is pushed at the same time."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async with asyncio.TaskGroup() as group:
        tasks = []
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                push = await subscribe(socket, message.data)
                if push is not None:
                    tasks.append(group.create_task(_until_gone(push)))
        for task in tasks:
            task.cancel()
    return socket


async def _until_gone(push: Pusher) -> None:
    with contextlib.suppress(ConnectionError):
        await push()
