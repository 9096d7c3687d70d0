"""A keeper that works while thousands of connections crowd its status port; what it looked like meanwhile."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import ROOT, KeeperProcess, position_size, wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowded:
    """What was seen while the crowd was there."""

    connections: int
    most_descriptors: int
    """Of the keeper, whenever it was looked at."""
    pages: int
    """Pages of /metrics that an honest client got."""
    liquidated: int


@contextlib.contextmanager
def crowd(port: int, count: int) -> Iterator[None]:
    """Let a process of its own connect `count` times, and hold on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.crowd_of_connections", str(port), str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"connected %d times\n" % count
        yield
    finally:
        process.kill()
        process.communicate()


def crowded(scene: Scene, count: int) -> Crowded:
    """Crowd a working keeper's status port, and have it liquidate meanwhile."""
    traders = [scene.open_position(number) for number in (1, 2)]
    keeper = scene.keeper()
    keeper.start()
    keeper.wait_ready()
    most, pages = 0, 0
    with crowd(_port_of(keeper), count):
        for number, trader in enumerate(traders):
            scene.fall(to=93 - 4 * number)

            def is_liquidated(trader: int = trader) -> bool:
                nonlocal most, pages
                most = max(most, descriptors_of(keeper))
                page = keeper.page("/metrics")
                pages += page is not None and "bellkeeper_accounts_under_margin" in page
                return position_size(scene.exchange, trader) < 10 * 10**8

            wait_until(is_liquidated, "the account was liquidated", seconds=60)
        page = keeper.page("/metrics")
        assert page is not None, "expected an honest client to be answered"
        pages += 1
    assert keeper.terminate() == 0
    return Crowded(connections=count, most_descriptors=most, pages=pages, liquidated=len(traders))


def descriptors_of(keeper: KeeperProcess) -> int:
    """Count what a keeper holds open."""
    assert keeper.process is not None
    return len(list(Path(f"/proc/{keeper.process.pid}/fd").iterdir()))


def _port_of(keeper: KeeperProcess) -> int:
    line = next(
        line for line in keeper.profile.read_text().splitlines() if line.startswith("listen")
    )
    return int(line.rpartition(":")[2].strip('"'))
