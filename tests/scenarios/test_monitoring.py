"""A real keeper, scraped by a real Prometheus that runs the rules as they are shipped."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.loader import load
from deploy.monitoring import build
from deploy.monitoring.promql import CONTRACT, known_samples
from deploy.monitoring.recording import recording_rules
from keepers.metrics_catalogue import read_page
from tests.anvil import free_port
from tests.deploy.monitoring.tools import MONITORING, run, tool
from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import KeeperProcess, wait_until

AT_REST = {"DeadMansSwitch"}


@contextmanager
def prometheus(folder: Path, keeper: KeeperProcess) -> Iterator[str]:
    """Run Prometheus on the shipped configuration, scraping one keeper each second; give its URL."""
    for name in ("rules", "alerts"):
        shutil.copytree(MONITORING / name, folder / name)
    config, listen = (MONITORING / "prometheus.yml").read_text(), f"127.0.0.1:{free_port()}"
    for shipped, here in (
        ('"127.0.0.1:9464"', f'"{listen_of(keeper)}"'),
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
        yield f"http://{listen}/api/v1"
    finally:
        process.kill()
        process.wait()


def listen_of(keeper: KeeperProcess) -> str:
    """Give the address of a keeper's pages."""
    return load(keeper.profile, environment={}).settings.http.listen


def ask(url: str) -> Any:
    """Ask Prometheus; None while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return json.load(answer)["data"]
    except (OSError, urllib.error.HTTPError):
        return None


def rules_of(api: str) -> list[dict[str, Any]]:
    """Give every rule that was evaluated at least once."""
    groups = (ask(f"{api}/rules") or {"groups": []})["groups"]
    return [rule for group in groups for rule in group["rules"] if rule["health"] != "unknown"]


def alerts_of(api: str) -> dict[str, str]:
    """Give the state of every alert that is not inactive."""
    alerts = (ask(f"{api}/alerts") or {"alerts": []})["alerts"]
    return {alert["labels"]["alertname"]: alert["state"] for alert in alerts}


def test_a_healthy_keeper_raises_nothing_and_a_dead_one_does(scene: Scene, tmp_path: Path) -> None:
    keeper, folder = scene.keeper(), tmp_path / "prometheus"
    folder.mkdir()
    keeper.start()
    keeper.wait_ready()
    page = keeper.page("/metrics")
    done = run("promtool", "check", "metrics", given=page)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    for entry in read_page(page):
        name = f"{entry.name}_count" if entry.kind == "histogram" else entry.name
        assert set(entry.labels) <= samples[name], entry.name

    with prometheus(folder, keeper) as api:
        count = len(build.every_alert()) + len(list(recording_rules()))
        wait_until(lambda: len(rules_of(api)) == count, "every rule was evaluated")
        scene.exchange.publish(100)
        wait_until(lambda: set(alerts_of(api)) >= AT_REST, "the scrape of the keeper is known")
        wait_until(
            lambda: ask(f"{api}/query?query=bellkeeper:objective_broken:now")["result"],
            "the objectives are recorded",
        )
        unwell = [
            (rule["name"], rule.get("lastError"))
            for rule in rules_of(api)
            if rule["health"] != "ok"
        ]
        assert unwell == []
        assert {name for name, state in alerts_of(api).items() if state == "firing"} == AT_REST
        keeper.kill()
        wait_until(lambda: "KeeperDown" in alerts_of(api), "the dead keeper is missed")
        wait_until(lambda: "DeadMansSwitch" not in alerts_of(api), "the heartbeat stops")
