"""Every query of every board, asked of a real Prometheus that scraped real pages: no panel is empty.

Two keepers are scraped: one that follows a real chain with a real key, and one with every duty and
source there is, composed as `bellkeeper run` composes it, dry and undialled. What appears only after
something happened must be on their pages from the start. NaN is an answer: a latency without an
observation, a figure that nobody knows; the panels say so in words.
"""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from config.loader import load
from config.settings import Settings
from deploy.monitoring.dashboards import expressions
from keepers.bootstrap import RunOptions, compose
from keepers.duty_choice import DUTIES
from keepers.metrics_catalogue import PROFILE, _first_snapshot
from tests.anvil import free_port
from tests.deploy.monitoring.tools import MONITORING, tool
from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import wait_until

SPAN: Final = "30s"
"""Of rates: longer than all the asking takes, so that what happened is still in it at the end."""
SELECTOR: Final = re.compile(r"\b(?:bellkeeper[a-z0-9_:]*|process_[a-z_]+|up)(?:\{[^}]*\})?")
QUIET: Final = re.compile(
    r'bellkeeper_breaker_reaction|objective="breaker"|bellkeeper_(?:liquidity|incentive)_'
)
"""What nothing happened to here: no breaker wrote, no book was measured, no week was counted."""
LIQUIDATED: Final = (
    f'sum(rate(bellkeeper_liquidation_results_total{{result="liquidated"}}[{SPAN}])) > 0'
    f" and sum(rate(bellkeeper_sender_written_to_receipt_seconds_count[{SPAN}])) > 0"
)
"""The last that is observed of a liquidation: whatever came before it is there too."""
SURVEYED: Final = "sum(bellkeeper_liquidation_distance_notional_usd) == 2000"
"""Ten shares at 100 dollars, of the trader and of the maker."""
HEARTBEAT: Final = 'ALERTS{alertname="DeadMansSwitch", alertstate="firing"}'
PATIENCE_SECONDS: Final = 60
LAST_RULE: Final = 'bellkeeper:objective_broken:ratio3d{objective="breaker"}'


@contextmanager
def prometheus(folder: Path, listens: Sequence[str]) -> Iterator[str]:
    """Run Prometheus on the shipped configuration, scraping keepers each second; give its URL."""
    for name in ("rules", "alerts"):
        shutil.copytree(MONITORING / name, folder / name)
    config, listen = (MONITORING / "prometheus.yml").read_text(), f"127.0.0.1:{free_port()}"
    for shipped, here in (
        ('"127.0.0.1:9464"', ", ".join(f'"{each}"' for each in listens)),
        ("scrape_interval: 5s", "scrape_interval: 1s"),
        ("evaluation_interval: 5s", "evaluation_interval: 1s"),
        ("scrape_timeout: 4s", "scrape_timeout: 1s"),
    ):
        assert config.count(shipped) == 1
        config = config.replace(shipped, here)
    (folder / "prometheus.yml").write_text(config)
    words = [
        tool("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listen}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        yield f"http://{listen}/api/v1/query"
    finally:
        process.kill()
        process.wait()


def settings_of_all(folder: Path) -> Settings:
    """Give settings with which every duty runs, and their files in a folder of their own."""
    folder.mkdir()
    shutil.copyfile(PROFILE, folder / "profile.toml")
    return load(folder / "profile.toml", environment={}).settings


@asynccontextmanager
async def every_duty(settings: Settings) -> AsyncIterator[str]:
    """Serve the pages of a keeper with every duty; give its address."""
    options = RunOptions(duties=frozenset(DUTIES), is_dry_run=True)
    async with AsyncExitStack() as stack:
        daemon = await compose(settings, stack, options)
        daemon.duties.monitor.on_snapshot(_first_snapshot())
        daemon.duties.monitor.show()
        for duty in daemon.duties.running:
            duty.show()
        stop = asyncio.Event()
        serving = asyncio.create_task(daemon.http.run(stop))
        try:
            await daemon.http.started.wait()
            yield f"127.0.0.1:{daemon.http.port}"
        finally:
            stop.set()
            await serving


def ask(api: str, query: str) -> list[dict[str, Any]] | str:
    """Give what Prometheus answers, or in words why it does not."""
    data = urllib.parse.urlencode({"query": query}).encode()
    try:
        with urllib.request.urlopen(api, data=data, timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()
    except OSError as error:
        return f"no answer: {error}"


def has(api: str, query: str) -> bool:
    """Say whether there is a series; no answer is none."""
    found = ask(api, query)
    return isinstance(found, list) and bool(found)


def is_scraped(api: str) -> bool:
    """Say whether both keepers were scraped twice, accounts surveyed and all rules run."""
    both = f"count(rate(process_cpu_seconds_total[{SPAN}])) == 2"
    return all(has(api, query) for query in (both, SURVEYED, LAST_RULE, HEARTBEAT))


async def test_no_query_of_a_board_comes_back_empty(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    scene.open_position(subaccount=1)
    keeper = scene.keeper()
    keeper.start()
    await asyncio.to_thread(keeper.wait_ready)
    settings = load(keeper.profile, environment={}).settings
    async with every_duty(settings_of_all(tmp_path / "dry")) as composed:
        with prometheus(folder, [settings.http.listen, composed]) as api:
            await asyncio.to_thread(
                wait_until, lambda: is_scraped(api), "both keepers are known", PATIENCE_SECONDS
            )
            await asyncio.to_thread(scene.fall, 91)
            await asyncio.to_thread(
                wait_until, lambda: has(api, LIQUIDATED), "it is seen", PATIENCE_SECONDS
            )
            wrong = await asyncio.to_thread(unanswered, api)
            assert ask(api, "bellkeeper_no_such_metric") == [], "an empty answer is seen as one"
    assert wrong == {}


def unanswered(api: str) -> dict[str, object]:
    """Give the queries, and the selectors in them, to which there is no series or no number."""
    wrong: dict[str, object] = {}
    for name, query in expressions(SPAN).items():
        found = ask(api, query)
        if not isinstance(found, list) or not found:
            wrong[name] = found
        elif all(each["value"][1] == "NaN" for each in found) and not QUIET.search(query):
            wrong[name] = "NaN"
    # A part that finds nothing would hide behind another that does.
    for selector in {
        each for query in expressions(SPAN).values() for each in SELECTOR.findall(query)
    }:
        if not has(api, f"count({selector})"):
            wrong[selector] = "no series"
    return wrong
