"""The page's addresses: `/`, `/events`, and its style, script and icon from our own files.

Nothing is loaded from elsewhere, nothing inline runs, nothing is kept by caches, and nobody may frame it.
"""

from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Final

from aiohttp import web

from keepers.page.document import document
from keepers.page.headers import HEADERS
from keepers.page.stream import Looker, Stream

FILES: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_routes(looker: Looker, stream: Stream, *, version: str) -> Sequence[web.RouteDef]:
    """Make the page's routes; they read, and change nothing."""

    async def page(_request: web.Request) -> web.StreamResponse:
        look = await looker.fresh()
        text = document(look.html(), version=version)
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=HEADERS)

    async def events(request: web.Request) -> web.StreamResponse:
        return await stream.follow(request)

    files = [web.get(f"/page/{name}", _file(name, kind)) for name, kind in FILES.items()]
    return [web.get("/", page), web.get("/events", events, allow_head=False), *files]


def _file(name: str, content_type: str) -> Handler:
    # Read once, at the start: a missing file is found then.
    text = resources.files("keepers.page").joinpath(name).read_text(encoding="utf-8")

    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, charset="utf-8", headers=HEADERS)

    return serve
