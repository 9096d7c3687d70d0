"""One key, one process: what the manifests promise, read strictly, and as kustomize builds them."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from runtime.http import parse_listen
from tests.deploy.program import (
    DEPLOY,
    at,
    longest_stop_seconds,
    maps,
    parsed,
    profile,
    texts,
    tree,
)
from tests.deploy.strict_yaml import Tree, documents

FOLDER: Final = DEPLOY / "kubernetes"
BASE: Final = FOLDER / "base"
EXAMPLE: Final = FOLDER / "overlays" / "example"
KUBECTL: Final = shutil.which("kubectl")
SET: Final = tree(BASE / "stateful-set.yaml")
POD: Final = at(SET, "spec", "template", "spec")
LABELS: Final = {"app.kubernetes.io/name": "bellkeeper"}


def keeper() -> Tree:
    return at(POD, "containers", 0)


@pytest.mark.parametrize("folder", [BASE, EXAMPLE], ids=["base", "example"])
def test_a_kustomization_names_every_file_beside_it(folder: Path) -> None:
    found = tree(folder / "kustomization.yaml")
    named = {path for path in texts(at(found, "resources")) if not path.startswith("..")}
    if folder == EXAMPLE:
        assert at(found, "resources", 1) == "../../base"
        named |= {str(patch["path"]) for patch in maps(at(found, "patches"))}
        named |= set(texts(at(found, "configMapGenerator", 0, "files")))
    assert {path.name for path in folder.iterdir()} == named | {"kustomization.yaml"}


def test_there_is_one_process_for_one_key() -> None:
    assert at(SET, "kind") == "StatefulSet"
    assert at(SET, "spec", "replicas") == 1
    claim = at(SET, "spec", "volumeClaimTemplates", 0)
    assert at(claim, "spec", "accessModes") == ["ReadWriteOncePod"]
    assert at(SET, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Retain"
    assert len(maps(at(POD, "containers"))) == 1


def test_probes_ask_the_programs_own_pages() -> None:
    probes = {
        name: at(keeper(), f"{name}Probe", "httpGet")
        for name in ("startup", "liveness", "readiness")
    }
    # A chain that does not answer must never kill a keeper: readiness alone asks /readyz.
    assert {name: at(probe, "path") for name, probe in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    (port,) = maps(at(keeper(), "ports"))
    assert {at(probe, "port") for probe in probes.values()} == {port["name"]}
    settings = profile(EXAMPLE / "profile.toml")
    assert parse_listen(settings.http.listen) == ("0.0.0.0", port["containerPort"])
    grace = at(POD, "terminationGracePeriodSeconds")
    assert isinstance(grace, int)
    assert grace > longest_stop_seconds(settings)


def test_nothing_runs_as_root_or_asks_the_cluster() -> None:
    pod = at(POD, "securityContext")
    assert at(pod, "runAsNonRoot") is True
    assert at(pod, "runAsUser") == at(pod, "runAsGroup") == at(pod, "fsGroup") == 10001
    assert at(pod, "seccompProfile", "type") == "RuntimeDefault"
    assert at(POD, "automountServiceAccountToken") is False
    # `BELLKEEPER_SERVICE_HOST` and its like would come from the Service of that name.
    assert at(POD, "enableServiceLinks") is False
    for container in [*maps(at(POD, "initContainers")), *maps(at(POD, "containers"))]:
        context = at(container, "securityContext")
        assert at(context, "allowPrivilegeEscalation") is False
        assert at(context, "readOnlyRootFilesystem") is True
        assert at(context, "capabilities", "drop") == ["ALL"]
        assert at(container, "resources", "limits", "memory")
        assert at(container, "image") == "bellkeeper"


def test_the_user_is_the_images() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    user = at(POD, "securityContext", "runAsUser")
    assert f"\nUSER {user}:{user}\n" in text


def test_every_mount_has_its_volume_and_the_profile_its_paths() -> None:
    volumes = {str(volume["name"]) for volume in maps(at(POD, "volumes"))} | {"journal"}
    containers = [*maps(at(POD, "initContainers")), *maps(at(POD, "containers"))]
    mounts = [mount for each in containers for mount in maps(at(each, "volumeMounts"))]
    assert {str(mount["name"]) for mount in mounts} == volumes
    name_to_path = {
        str(mount["name"]): Path(str(mount["mountPath"]))
        for mount in maps(at(keeper(), "volumeMounts"))
    }
    settings = profile(EXAMPLE / "profile.toml")
    urgent = settings.keys.urgent
    assert urgent is not None
    assert urgent.keystore is not None
    assert urgent.password_file is not None
    assert {urgent.keystore.parent, urgent.password_file.parent} == {name_to_path["private"]}
    assert settings.journal.path.parent == name_to_path["journal"]
    arguments = parsed(texts(at(keeper(), "args")))
    assert arguments.config == name_to_path["profile"] / "profile.toml"


def test_the_first_container_makes_private_copies(tmp_path: Path) -> None:
    # As Kubernetes lays a secret: links to a hidden folder, open to a group.
    secrets, private = tmp_path / "secrets", tmp_path / "private"
    hidden = secrets / "..data"
    hidden.mkdir(parents=True)
    private.mkdir()
    (hidden / "urgent.password").write_text("correct horse")
    (hidden / "urgent.password").chmod(0o440)
    (secrets / "urgent.password").symlink_to("..data/urgent.password")
    command = texts(at(POD, "initContainers", 0, "command"))
    script = (
        command[-1].replace("/secrets/", f"{secrets}/").replace("/run/bellkeeper/", f"{private}/")
    )
    subprocess.run([*command[:-1], script], env={"PATH": os.environ["PATH"]}, check=True)
    (copy,) = private.iterdir()
    assert not copy.is_symlink()
    assert copy.read_text() == "correct horse"
    assert copy.stat().st_mode & 0o777 == 0o600


def test_only_prometheus_comes_in_and_the_example_goes_out_to_named_addresses() -> None:
    policy = at(tree(BASE / "network-policy.yaml"), "spec")
    assert at(policy, "policyTypes") == ["Ingress", "Egress"]
    (rule,) = maps(at(policy, "ingress"))
    assert rule["ports"] == [{"protocol": "TCP", "port": at(keeper(), "ports", 0, "containerPort")}]
    assert len(maps(at(rule, "from"))) == 1
    internet = at(policy, "egress", 1, "to", 0, "ipBlock")
    assert "169.254.0.0/16" in texts(at(internet, "except"))
    patched = (EXAMPLE / "rpc-addresses.yaml").read_text()
    assert "0.0.0.0/0" not in patched
    assert re.findall(r"cidr: (\S+)", patched)


def test_every_selector_finds_the_pod() -> None:
    assert at(tree(BASE / "kustomization.yaml"), "labels", 0, "pairs") == LABELS
    assert at(tree(BASE / "kustomization.yaml"), "labels", 0, "includeTemplates") is True
    assert at(SET, "spec", "selector", "matchLabels") == LABELS
    assert at(tree(BASE / "service.yaml"), "spec", "selector") == LABELS
    for name, key in (
        ("pod-disruption-budget", "selector"),
        ("pod-monitor", "selector"),
        ("network-policy", "podSelector"),
    ):
        assert at(tree(BASE / f"{name}.yaml"), "spec", key, "matchLabels") == LABELS


def test_the_monitor_scrapes_as_the_rules_expect() -> None:
    endpoint = at(tree(BASE / "pod-monitor.yaml"), "spec", "podMetricsEndpoints", 0)
    scrape = at(tree(DEPLOY / "monitoring" / "prometheus.yml"), "scrape_configs", 0)
    whole = at(tree(DEPLOY / "monitoring" / "prometheus.yml"), "global")
    assert at(endpoint, "port") == at(keeper(), "ports", 0, "name")
    assert at(endpoint, "path") == "/metrics"
    assert at(endpoint, "interval") == at(whole, "scrape_interval")
    assert at(endpoint, "scrapeTimeout") == at(scrape, "scrape_timeout")
    (relabeling,) = maps(at(endpoint, "relabelings"))
    assert relabeling["targetLabel"] == "job"
    assert relabeling["replacement"] == at(scrape, "job_name")


def test_a_drain_waits_for_a_person() -> None:
    assert at(tree(BASE / "pod-disruption-budget.yaml"), "spec", "maxUnavailable") == 0


def test_no_secret_is_a_manifest() -> None:
    kinds = [tree(path)["kind"] for path in FOLDER.rglob("*.yaml")]
    assert "StatefulSet" in kinds
    assert "Secret" not in kinds


@pytest.mark.skipif(
    KUBECTL is None, reason="kubectl is not here: kustomize does NOT build the overlay"
)
def test_kustomize_builds_the_example() -> None:
    assert KUBECTL is not None
    answer = subprocess.run(
        [KUBECTL, "kustomize", EXAMPLE], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    built = {str(found["kind"]): found for found in documents(answer.stdout)}
    assert set(built) == {
        *("Namespace", "ServiceAccount", "Service", "StatefulSet", "ConfigMap"),
        *("PodDisruptionBudget", "NetworkPolicy", "PodMonitor"),
    }
    pod = at(built["StatefulSet"], "spec", "template")
    assert at(pod, "metadata", "labels") == LABELS
    images = {
        str(each["image"])
        for kind in ("initContainers", "containers")
        for each in maps(at(pod, "spec", kind))
    }
    (image,) = images
    assert re.fullmatch(r"registry\.example/bellkeeper:[0-9]+\.[0-9]+\.[0-9]+", image)
    config = at(built["ConfigMap"])
    volumes = {str(volume["name"]): volume for volume in maps(at(pod, "spec", "volumes"))}
    assert at(volumes["profile"], "configMap", "name") == at(config, "metadata", "name")
    assert at(config, "data", "profile.toml") == (EXAMPLE / "profile.toml").read_text()
    egress = maps(at(built["NetworkPolicy"], "spec", "egress"))
    assert [at(rule, "to", 0) for rule in egress][1:] == [{"ipBlock": {"cidr": "203.0.113.0/24"}}]
