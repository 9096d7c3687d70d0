"""A day on which every market breaches within one minute: all are halted, once, and nothing is lost."""

from collections import Counter
from pathlib import Path

import pytest

from risk.units import MarketStatus
from tests.scenarios.breach_day import EXPIRY_SECONDS, MORNING, PAGES, DayPlan, play_day
from tests.scenarios.breach_evidence import disagreements, evidence, status_writes
from tests.scenarios.breach_stage import LANES, breach_stage

MARKETS = 48
PLAN = DayPlan(quiet_pace=9_000, minute_pace=20)


@pytest.mark.parametrize("kills", [0, 1], ids=["undisturbed", "killed-in-the-minute"])
def test_every_market_that_breaches_is_halted_once(tmp_path: Path, kills: int) -> None:
    with breach_stage(
        tmp_path, houses=[MARKETS], start=MORNING, expiry_seconds=EXPIRY_SECONDS
    ) as stage:
        report = play_day(stage, PLAN, kills=kills)
        (house,), (watched,) = stage.houses, report.watched
        assert report.statuses == [[MarketStatus.HALTED] * MARKETS]

        writes = status_writes(house)
        assert Counter(write.market for write in writes) == dict.fromkeys(range(MARKETS), 1)
        assert {write.status for write in writes} == {MarketStatus.HALTED}
        breached_in = {market: stage.block_of(name) for market, name in report.breaches[0].items()}
        assert all(write.block > breached_in[write.market] for write in writes)

        assert disagreements(house, writes) == []
        # The comparison does tell when one write is on one side only.
        assert len(disagreements(house, writes[1:])) == 1
        story = evidence(house, stage.node.http_url)
        assert story.failed == 0
        for lane in LANES:
            nonces = len(story.lane_to_nonces[lane])
            assert story.is_each_nonce_mined_once(lane, nonces)
        assert house.keeper.log.read_text().count("http_started") == 1 + kills
        assert kills or watched.missed == 0
        assert all(len(watched.answers[page]) > 20 for page in PAGES)
