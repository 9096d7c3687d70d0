"""Grafana's boards as code, made of the constants that alerts and recording rules are made of."""

from deploy.monitoring.dashboards.boards import BOARDS, expressions, files

__all__ = ["BOARDS", "expressions", "files"]
