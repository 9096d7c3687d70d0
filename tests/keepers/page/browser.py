"""A real headless Chromium, driven over its own protocol: one page, its console, its measures."""

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

ROOT: Final = Path(__file__).parents[3]
NAMES: Final = ("chromium-headless-shell", "chromium", "google-chrome")
START_SECONDS: Final = 60.0
COMPLAINTS: Final = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}


def chromium() -> str:
    """Find Chromium; skip with plain words where there is none, and fail in CI."""
    own = ROOT / ".tools" / "browser" / "bin" / "chromium"
    found = str(own) if own.exists() else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        words = "expected Chromium, found none: run .ci/browser-tools, or install it"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return found


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        self._loaded = asyncio.Event()

    async def listen(self) -> None:
        """Take what the browser says, until it closes."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif told["method"] in COMPLAINTS:
                self.complaints.append(str(told["params"]))
            elif told["method"] == "Page.loadEventFired":
                self._loaded.set()

    async def do(self, method: str, **params: object) -> dict[str, Any]:
        """Ask for something; an error of the browser fails the test."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        told = await self._answers[number]
        assert "error" not in told, told
        found: dict[str, Any] = told["result"]
        return found

    async def show(self, url: str, *, width: int, height: int, scheme: str = "light") -> None:
        """Load a page at a size, in a colour scheme."""
        await self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.do("Emulation.setEmulatedMedia", features=features)
        self._loaded.clear()
        await self.do("Page.navigate", url=url)
        await self._loaded.wait()

    async def value(self, expression: str) -> Any:
        """Evaluate an expression; a promise is waited for."""
        told = await self.do(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")


@contextlib.asynccontextmanager
async def open_tab(folder: Path, *, scripts: bool = True) -> AsyncIterator[Tab]:
    """Start Chromium with its own profile, give a page, and end it."""
    process = await asyncio.create_subprocess_exec(
        chromium(), "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
        "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={folder}",
        "about:blank",
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_SECONDS):
            port = await _port(process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                url = (await answer.json())[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(url, max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                for domain in ("Page", "Runtime", "Log"):
                    await tab.do(f"{domain}.enable")
                if not scripts:
                    await tab.do("Emulation.setScriptExecutionDisabled", value=True)
                yield tab
                await socket.close()
                await listening
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode(errors="replace")
        if "DevTools listening on ws://" in text:
            return int(text.split("ws://", 1)[1].split("/", 1)[0].rpartition(":")[2])
    raise AssertionError("expected Chromium to say where it listens, found its end")
