"""The image holds what the program needs and nothing else; the compose file ties it up safely."""

import asyncio
import json
import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import CollectorRegistry

from deploy.monitoring.alert import Board
from runtime.http import AdminHttp, Readiness, parse_listen
from tests.deploy.program import (
    DEPLOY,
    ROOT,
    at,
    longest_stop_seconds,
    maps,
    parsed,
    profile,
    texts,
    tree,
)

FOLDER: Final = DEPLOY / "docker"
PINNED: Final = re.compile(
    r"[a-z0-9./-]+:v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9-]+)?(@sha256:[0-9a-f]{64})?"
)
COMPOSE: Final = tree(FOLDER / "compose.yml")
SERVICES: Final = ("keeper", "prometheus", "alertmanager", "grafana")
NOBODY_SPECIAL: Final = re.compile(r"[1-9][0-9]*:[1-9][0-9]*")


def instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile: each instruction with its arguments on one line."""
    lines = [
        line
        for line in (FOLDER / "Dockerfile").read_text().splitlines()
        if line and not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in joined.splitlines()]


def stages() -> list[list[tuple[str, str]]]:
    """Give the instructions of each stage."""
    found: list[list[tuple[str, str]]] = []
    for name, arguments in instructions():
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, arguments))
    return found


def of(name: str, stage: list[tuple[str, str]]) -> list[str]:
    return [arguments for each, arguments in stage if each == name]


def test_every_base_is_the_one_pinned_image() -> None:
    (argument,) = of("ARG", instructions())
    name, _, image = argument.partition("=")
    assert PINNED.fullmatch(image)
    assert {line.split()[0] for line in of("FROM", instructions())} == {f"${{{name}}}"}
    assert "ADD" not in {name for name, _ in instructions()}


def test_packages_come_by_hash_and_nothing_is_compiled() -> None:
    build, final = stages()
    (install,) = (line for line in of("RUN", build) if "pip install" in line)
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    assert "-r /build/requirements.lock" in install
    for line in of("RUN", final):
        assert not re.search(r"apt-get|apk |gcc|build-essential|pip install|curl|wget", line)
    assert any("pip uninstall --yes pip" in line for line in of("RUN", final))
    assert any("pip uninstall --yes pip" in line for line in of("RUN", build))


def test_all_rooms_of_the_program_are_copied_and_let_through() -> None:
    build, final = stages()
    copied = {line.split()[0] for line in of("COPY", build)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert copied == {room.removesuffix("*") for room in rooms} | {"requirements.lock"}
    for source in copied:
        assert (ROOT / source).exists()
    allowed = (ROOT / ".dockerignore").read_text().split("\n")
    assert allowed[1] == "*"
    assert {line[1:].rstrip("/") for line in allowed if line.startswith("!")} == copied
    assert all(line.startswith("--from=build") for line in of("COPY", final))


def test_the_image_runs_as_nobody_special() -> None:
    _, final = stages()
    (user,) = of("USER", final)
    assert NOBODY_SPECIAL.fullmatch(user)
    names = [name for name, _ in final]
    assert "RUN" not in names[names.index("USER") :]
    assert user == at(COMPOSE, "services", "keeper", "user")


def test_the_image_runs_the_program_with_arguments_that_it_takes() -> None:
    _, final = stages()
    (entry,), (command,) = of("ENTRYPOINT", final), of("CMD", final)
    assert json.loads(entry) == ["bellkeeper"]
    assert parsed(json.loads(command)).config == Path("/etc/bellkeeper/profile.toml")
    assert any("python -m keepers" in line for line in of("RUN", stages()[0]))


async def test_the_health_check_asks_the_programs_own_page() -> None:
    (check,) = of("HEALTHCHECK", stages()[1])
    words = json.loads(check.partition(" CMD ")[2])
    _, port = parse_listen(profile(FOLDER / "profile.toml").http.listen)
    assert f":{port}/healthz" in words[-1]
    assert of("EXPOSE", stages()[1]) == [str(port)]
    http = AdminHttp(
        "127.0.0.1:0", registry=CollectorRegistry(), readiness=Readiness(), status=dict
    )
    stop = asyncio.Event()
    server = asyncio.create_task(http.run(stop))
    await http.started.wait()
    words = [sys.executable, *words[1:-1], words[-1].replace(f":{port}/", f":{http.port}/")]
    assert await ends_with(words) == 0
    stop.set()
    await server
    assert await ends_with(words) != 0


async def ends_with(words: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_pinned_confined_and_bounded(service: str) -> None:
    settings = at(COMPOSE, "services", service)
    assert PINNED.fullmatch(str(at(settings, "image")))
    assert NOBODY_SPECIAL.fullmatch(str(at(settings, "user")))
    assert at(settings, "read_only") is True
    assert at(settings, "cap_drop") == ["ALL"]
    assert at(settings, "security_opt") == ["no-new-privileges:true"]
    assert set(at_map(settings, "deploy", "resources", "limits")) == {"cpus", "memory", "pids"}
    assert not {"privileged", "network_mode", "pid", "cap_add"} & set(at_map(settings))


def at_map(found: object, *keys: str) -> dict[str, object]:
    deeper = at(found, *keys)  # type: ignore[arg-type]
    assert isinstance(deeper, dict)
    return dict(deeper)


def test_nothing_is_reached_from_another_machine() -> None:
    assert set(at_map(COMPOSE, "services")) == set(SERVICES)
    assert "ports" not in at_map(COMPOSE, "services", "keeper")
    for service in SERVICES[1:]:
        (port,) = texts(at(COMPOSE, "services", service, "ports"))
        assert port.startswith("127.0.0.1:")
    assert at(COMPOSE, "networks", "metrics", "internal") is True
    sharing = {
        service
        for service in SERVICES[1:]
        if set(texts(at(COMPOSE, "services", service, "networks"))) & {"chain", "metrics"}
    }
    assert sharing == {"prometheus"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_mounted_path_is_in_the_repository_and_read_only(service: str) -> None:
    volumes = set(at_map(COMPOSE, "volumes"))
    for mount in texts(at(COMPOSE, "services", service, "volumes")):
        source, _, rest = mount.partition(":")
        if source in volumes:
            continue
        assert (FOLDER / source).exists(), source
        assert rest.endswith(":ro"), mount


def test_secrets_are_files_that_git_ignores() -> None:
    declared = at_map(COMPOSE, "secrets")
    used: set[str] = set()
    for service in SERVICES:
        for secret in at_map(COMPOSE, "services", service).get("secrets", []):  # type: ignore[attr-defined]
            used.add(secret if isinstance(secret, str) else str(secret["source"]))
    assert used == set(declared)
    for name in declared:
        assert str(at(COMPOSE, "secrets", name, "file")).startswith("./secrets/")
    assert (FOLDER / ".gitignore").read_text().split() == ["secrets/"]
    environment = at_map(COMPOSE, "services", "grafana", "environment")
    assert not [key for key in environment if "PASSWORD" in key and not key.endswith("__FILE")]


def test_alertmanagers_secrets_lie_where_its_configuration_reads_them() -> None:
    text = (DEPLOY / "monitoring" / "alertmanager" / "alertmanager.yml").read_text()
    wanted = set(re.findall(r"_file: (/\S+)", text))
    given = {
        str(secret["target"]) for secret in maps(at(COMPOSE, "services", "alertmanager", "secrets"))
    }
    assert given == wanted


def test_the_keepers_profile_fits_the_container() -> None:
    settings = profile(FOLDER / "profile.toml")
    urgent = settings.keys.urgent
    assert urgent is not None
    named = {str(urgent.keystore), str(urgent.password_file)}
    secrets = texts(at(COMPOSE, "services", "keeper", "secrets"))
    assert named == {f"/run/secrets/{name}" for name in secrets}
    mounts = texts(at(COMPOSE, "services", "keeper", "volumes"))
    assert f"journal:{settings.journal.path.parent}" in mounts
    assert "./profile.toml:/etc/bellkeeper/profile.toml:ro" in mounts
    grace = str(at(COMPOSE, "services", "keeper", "stop_grace_period"))
    assert int(grace.removesuffix("s")) > longest_stop_seconds(settings)
    host, port = parse_listen(settings.http.listen)
    assert host == "0.0.0.0"
    targets = at(tree(FOLDER / "prometheus.yml"), "scrape_configs", 0, "static_configs", 0)
    assert at(targets, "targets") == [f"keeper:{port}"]


def test_prometheus_asks_as_the_monitoring_folder_says() -> None:
    ours = tree(FOLDER / "prometheus.yml")
    theirs = tree(DEPLOY / "monitoring" / "prometheus.yml")
    for found in (ours, theirs):
        for place in (
            at(found, "scrape_configs", 0),
            at(found, "alerting", "alertmanagers", 0),
        ):
            (static,) = maps(at(place, "static_configs"))
            assert static.pop("targets")
    assert ours == theirs


def test_grafana_finds_its_prometheus_and_its_dashboards() -> None:
    mounts = dict(
        mount.removesuffix(":ro").split(":")
        for mount in texts(at(COMPOSE, "services", "grafana", "volumes"))
    )
    folder_of = {inside: (FOLDER / outside).resolve() for outside, inside in mounts.items()}
    provisioned = {
        kind: tree(folder_of[f"/etc/grafana/provisioning/{kind}"] / "bellkeeper.yml")
        for kind in ("datasources", "dashboards")
    }
    (source,) = maps(at(provisioned["datasources"], "datasources"))
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in at_map(COMPOSE, "services")
    (provider,) = maps(at(provisioned["dashboards"], "providers"))
    boards = folder_of[str(at(provider, "options", "path"))]
    assert {path.stem for path in boards.glob("*.json")} == {board.value for board in Board}


def test_the_commands_name_the_files_that_are_mounted() -> None:
    for service in ("prometheus", "alertmanager"):
        command = shlex.join(texts(at(COMPOSE, "services", service, "command")))
        mounts = texts(at(COMPOSE, "services", service, "volumes"))
        match = re.search(r"--config\.file=(\S+)", command)
        assert match is not None
        assert any(f":{match[1]}:ro" in mount for mount in mounts)
