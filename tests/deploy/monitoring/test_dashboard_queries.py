"""What the boards' own queries answer, by Prometheus's reckoning: stories told to promtool."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from deploy.monitoring.dashboards import expressions
from tests.deploy.monitoring.tools import assert_well, run

HEARTBEAT: Final = {
    'ALERTS{alertname="DeadMansSwitch", alertstate="firing", severity="heartbeat"}': "1x120"
}
PAGE: Final = {
    'ALERTS{alertname="BadDebt", alertstate="firing", severity="page"}': "1x120",
    'ALERTS{alertname="MarketHalted", alertstate="firing", severity="ticket"}': "1x120",
    'ALERTS{alertname="KeeperDown", alertstate="pending", severity="page"}': "1x120",
}
KEEPER: Final = 'instance="a", job="bellkeeper"'


def statuses(now: str) -> dict[str, str]:
    return {
        f'bellkeeper_market_status{{market="NVDA", status="{each}", {KEEPER}}}': (
            f"{int(each == now)}x120"
        )
        for each in ("open", "limit", "reduce_only", "halted", "settled")
    }


@pytest.mark.parametrize(
    ("name", "series", "labels", "value"),
    [
        ("bellkeeper-safe/verdict/0", {"unrelated": "1x120"}, "{}", -1),
        ("bellkeeper-safe/verdict/0", PAGE, "{}", -1),
        ("bellkeeper-safe/verdict/0", HEARTBEAT, "{}", 0),
        ("bellkeeper-safe/verdict/0", {**HEARTBEAT, **PAGE}, "{}", 1),
        ("bellkeeper-safe/tickets/0", {**HEARTBEAT, **PAGE}, "{}", 1),
        ("bellkeeper-safe/halted/0", statuses("halted"), "{}", 1),
        ("bellkeeper-safe/halted/0", statuses("open"), "{}", 0),
        ("bellkeeper-market/status/0", statuses("reduce_only"), '{market="NVDA"}', 2),
        ("bellkeeper-market/status/0", statuses("open"), '{market="NVDA"}', 0),
        (
            "bellkeeper-safe/left/0",
            {'bellkeeper:objective_broken:ratio5m{objective="liquidation"}': "0.00025x120"},
            '{objective="liquidation"}',
            0.75,
        ),
        (
            "bellkeeper-safe/burn_1h/1",
            {
                'bellkeeper:objective_broken:ratio1h{objective="mark", market="A"}': "0x120",
                'bellkeeper:objective_broken:ratio1h{objective="mark", market="B"}': "0.008x120",
            },
            '{objective="mark"}',
            8,
        ),
        (
            "bellkeeper-safe/fund_fall/0",
            {f"bellkeeper_insurance_fund_usd{{{KEEPER}}}": "1000x110 750x10"},
            "{}",
            0.25,
        ),
        (
            "bellkeeper-safe/fund_fall/0",
            {f"bellkeeper_insurance_fund_usd{{{KEEPER}}}": "0x120"},
            "{}",
            0,
        ),
        (
            "bellkeeper-market/prices/3",
            {
                f'bellkeeper_mark_price_usd{{market="NVDA", {KEEPER}}}': "200x120",
                f'bellkeeper_breaker_band_distance_ratio{{market="NVDA", edge="low", {KEEPER}}}': "0.25x120",
            },
            '{market="NVDA"}',
            150,
        ),
        (
            "bellkeeper-keeper/cycles/0",
            {
                f"bellkeeper_breaker_last_cycle_timestamp_seconds{{{KEEPER}}}": "0x120",
                f"process_start_time_seconds{{{KEEPER}}}": "60x120",
            },
            f"{{{KEEPER}}}",
            7_140,
        ),
        (
            "bellkeeper-keeper/cycles/0",
            {
                f"bellkeeper_breaker_last_cycle_timestamp_seconds{{{KEEPER}}}": "0+60x120",
                f"process_start_time_seconds{{{KEEPER}}}": "60x120",
            },
            f"{{{KEEPER}}}",
            0,
        ),
    ],
)
def test_a_query_answers_what_its_panel_says(
    name: str, series: Mapping[str, str], labels: str, value: float, tmp_path: Path
) -> None:
    story = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": key, "values": each} for key, each in series.items()],
                "promql_expr_test": [
                    {
                        "expr": expressions()[name],
                        "eval_time": "2h",
                        "exp_samples": [{"labels": labels, "value": value}],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "story.yml"
    path.write_text(json.dumps(story))
    assert_well(run("promtool", "test", "rules", path))
