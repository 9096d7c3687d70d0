"""A real Prometheus and a real Alertmanager beside one keeper, with the drill copy of rules and routes."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from deploy.monitoring.drill_copy import (
    LOOKBACK,
    alertmanager_file,
    divided,
    prometheus_file,
    rule_files,
)
from drills.anvil import free_port
from drills.observe.past import write_past
from drills.observe.receiver import Receiver, running_receiver
from drills.observe.tools import alertmanager_words, tool
from runtime.errors import OperatorError

START_SECONDS: Final = 20.0
INTERVAL_MS: Final = 5_000
"""Of scraping and of evaluating, as shipped."""
_RESEND: Final = "1m"
"""How often Prometheus repeats to Alertmanager what still fires, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What Prometheus and Alertmanager say at one moment."""

    firing: frozenset[str]
    """Names of the alerts that fire, by Prometheus."""
    inhibited: frozenset[str]
    """Names of those of which Alertmanager lets no series through."""


class Monitoring:
    """The two servers, asked over HTTP."""

    def __init__(
        self, prometheus: str, alertmanager: str, receiver: Receiver, session: aiohttp.ClientSession
    ) -> None:
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self.receiver = receiver
        self._session = session

    async def rules(self) -> Sequence[Mapping[str, Any]]:
        """Give every rule, as Prometheus tells of it."""
        answer = await self._get(f"{self._prometheus}/api/v1/rules")
        groups = [] if answer is None else answer["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async def targets(self) -> Mapping[str, str]:
        """Give the health of every target, by address."""
        answer = await self._get(f"{self._prometheus}/api/v1/targets")
        active = [] if answer is None else answer["data"]["activeTargets"]
        return {each["labels"]["instance"]: each["health"] for each in active}

    async def look(self) -> Seen:
        """Give what fires, and what of it nobody hears of."""
        answer = await self._get(f"{self._prometheus}/api/v1/alerts")
        alerts = [] if answer is None else answer["data"]["alerts"]
        firing = frozenset(
            each["labels"]["alertname"] for each in alerts if each["state"] == "firing"
        )
        held = await self._get(f"{self._alertmanager}/api/v2/alerts") or []
        heard = {each["labels"]["alertname"] for each in held if not each["status"]["inhibitedBy"]}
        silent = {each["labels"]["alertname"] for each in held if each["status"]["inhibitedBy"]}
        return Seen(firing=firing, inhibited=frozenset(silent - heard))

    async def is_ready(self) -> bool:
        """Say whether both answer."""
        urls = (f"{self._prometheus}/-/ready", f"{self._alertmanager}/-/ready")
        return all([await self._answers(url) for url in urls])

    async def _answers(self, url: str) -> bool:
        try:
            async with self._session.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _get(self, url: str) -> Any:  # noqa: ANN401 - JSON
        """Ask; None while nobody answers."""
        try:
            async with self._session.get(url) as answer:
                return await answer.json() if answer.status == 200 else None
        except aiohttp.ClientError:
            return None


@contextlib.asynccontextmanager
async def running_monitoring(
    folder: Path, *, keeper: str, factor: int, ahead_seconds: int, fund: Mapping[str, str]
) -> AsyncIterator[Monitoring]:
    """Run both beside the keeper at `host:port`, from a calm past on."""
    prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
    data = folder / "data"
    async with running_receiver() as receiver, aiohttp.ClientSession() as session:
        _write_configuration(
            folder,
            rule_files(factor, venue_ahead_seconds=ahead_seconds)
            | {
                Path("prometheus.yml"): prometheus_file(
                    factor, alertmanager=alertmanager, keeper=keeper
                ),
                Path("alertmanager.yml"): alertmanager_file(factor, webhook=receiver.url),
            },
        )
        await write_past(folder, data, factor=factor, interval_ms=INTERVAL_MS // factor, fund=fund)
        words = [
            *alertmanager_words(),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={alertmanager}",
            "--cluster.listen-address=",
        ]
        more_words = [
            tool("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address={prometheus}",
            f"--query.lookback-delta={divided(LOOKBACK, factor)}",
            f"--rules.alert.resend-delay={divided(_RESEND, factor)}",
        ]
        with (
            _process(words, folder / "alertmanager.log"),
            _process(more_words, folder / "prometheus.log"),
        ):
            monitoring = Monitoring(
                f"http://{prometheus}", f"http://{alertmanager}", receiver, session
            )
            await _until_ready(monitoring, folder)
            yield monitoring


async def _until_ready(monitoring: Monitoring, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not await monitoring.is_ready():
        if time.monotonic() > deadline:
            raise OperatorError(
                "expected Prometheus and Alertmanager to answer within"
                f" {START_SECONDS:g} s, found none: see the logs in {folder}"
            )
        await asyncio.sleep(0.1)


def _write_configuration(folder: Path, texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _process(words: Sequence[str], log: Path) -> Iterator[None]:
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - Prometheus and Alertmanager
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the drill alone, which then stops what it started in order.
            start_new_session=True,
        ) as process,
    ):
        try:
            yield
        finally:
            # Nothing of it is needed afterwards: no waiting for blocks to be written.
            process.kill()
