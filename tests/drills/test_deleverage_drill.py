"""A small tenth of October: both policies take what is needed and no more, by different hands."""

import json
from pathlib import Path

import numpy as np
import pytest

from drills.deleverage_crowd import MARKET, NOW, make_crowd
from drills.deleverage_drill import Played, StepSize, play
from keepers import cli
from risk.deleverage_columns import exact_values
from risk.deleverage_need import deleverage_need
from risk.deleverage_rank import RankPolicy
from tests.builders import usd

ACCOUNTS = 2_000
SIZE = StepSize(batches=2, notional=usd(10**7))


@pytest.fixture(scope="module")
def played() -> dict[RankPolicy, Played]:
    return {policy: play(policy, ACCOUNTS, 3, SIZE) for policy in RankPolicy}


def test_the_crowd_is_the_evening_scaled_down() -> None:
    book, pools = make_crowd(ACCOUNTS, 3)
    rows = np.arange(len(book), dtype=np.int64)
    values = exact_values(book, book.markets, rows, NOW)
    assert len(book) == ACCOUNTS
    assert int(book.slots.size[book.slots.in_market(MARKET)].sum()) == 0
    need = deleverage_need(book, pools, NOW)
    # 302 in 100,000, rounded up; 23.19 and 2,103 million USD in 100,000.
    assert len(need.closes) == 7
    assert abs(need.shortfall - usd(463_800)) < usd(1)
    (side,) = need.sides
    assert abs(side.size * 85 // 10**8 - 42_060_000) < 1_000
    under = (values.equity < values.maintenance_margin).nonzero()[0]
    assert len(under) == 7, "nobody else is in trouble"


@pytest.mark.parametrize("policy", RankPolicy)
def test_what_is_needed_is_closed_to_the_unit_and_costs_what_was_owed(
    policy: RankPolicy, played: dict[RankPolicy, Played]
) -> None:
    found = played[policy]
    assert found.still_in_need == 0
    assert found.overclosed == 0
    over = found.haircut.over_need
    assert over is not None
    assert 1_000_000 <= over <= 1_000_010
    assert abs(found.haircut.closed_notional - usd(42_060_000)) < usd(1_000)
    assert found.steps == len(found.plan_seconds) > 1


def test_pro_rata_spreads_wider_and_the_queue_hits_harder(
    played: dict[RankPolicy, Played],
) -> None:
    queued, spread = played[RankPolicy.PROFIT_LEVERAGE], played[RankPolicy.PRO_RATA]
    assert spread.haircut.counterparty_count > queued.haircut.counterparty_count
    assert spread.largest_part_ppm < queued.largest_part_ppm


def test_the_command_writes_table_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "drill.json"
    assert cli.main(["deleverage-drill", "--accounts", "1000", "--json", str(file)]) == 0
    assert "| haircut over need | 1.0000" in capsys.readouterr().out
    report = json.loads(file.read_text())
    assert set(report["policies"]) == {policy.value for policy in RankPolicy}
    assert cli.main(["deleverage-drill", "--accounts", "10"]) == 78
    assert "--accounts of at least 1000" in capsys.readouterr().err
