"""What tells Grafana, or its sidecar in a cluster, where Prometheus and the boards are."""

from collections.abc import Sequence
from typing import Final

from deploy.monitoring.dashboards.render import SOURCE_UID
from deploy.monitoring.yaml_text import Tree, yaml_text

PROMETHEUS_URL: Final = "http://prometheus:9090"
"""The service of the compose file."""
BOARDS_PATH: Final = "/etc/grafana/dashboards"
SIDECAR_LABEL: Final = "grafana_dashboard"
"""What the sidecar of Grafana's chart looks for by default."""

_SOURCES: Final[dict[str, Tree]] = {
    "apiVersion": 1,
    "datasources": [
        {
            "name": "Prometheus",
            "uid": SOURCE_UID,
            "type": "prometheus",
            "access": "proxy",
            "url": PROMETHEUS_URL,
            "isDefault": True,
            "editable": False,
            "jsonData": {"httpMethod": "POST", "timeInterval": "5s"},
        }
    ],
}
_PROVIDERS: Final[dict[str, Tree]] = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "bellkeeper",
            "folder": "Bellkeeper",
            "type": "file",
            "disableDeletion": True,
            "allowUiUpdates": False,
            "options": {"path": BOARDS_PATH},
        }
    ],
}


def provisioning_files(boards: Sequence[str], *, note: str) -> dict[str, str]:
    """Give the files beside the boards, by name."""
    return {
        "provisioning/datasources/bellkeeper.yml": yaml_text(_SOURCES, note=note),
        "provisioning/dashboards/bellkeeper.yml": yaml_text(_PROVIDERS, note=note),
        "kustomization.yaml": yaml_text(_config_maps(boards), note=note),
    }


def _config_maps(boards: Sequence[str]) -> dict[str, Tree]:
    """Make one map of each board: a map may hold a mebibyte, and an annotation with a copy far less."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "generatorOptions": {
            "disableNameSuffixHash": True,
            "labels": {SIDECAR_LABEL: "1"},
        },
        "configMapGenerator": [
            {"name": name.removesuffix(".json"), "files": [name]} for name in boards
        ],
    }
