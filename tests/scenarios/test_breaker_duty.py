"""`bellkeeper run price breaker`: a fall trips a limit state and a pause on a real exchange, and reopens."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import pytest

from config.breakers import BREAKERS_FILE
from drills.weekend import Leg
from risk.units import MarketStatus, Seconds
from tests.builders import price
from tests.scenarios.price_stage import SYMBOL, Stage, price_stage

STALL = 4
"""Seconds."""
PACE = 20.0
"""Venue seconds in one of ours: a pause of five minutes takes a quarter of one."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with price_stage(tmp_path, "price", "breaker") as stage:
        yield stage


def status(stage: Stage) -> MarketStatus:
    return MarketStatus(stage.exchange.market()["status"])


def band(stage: Stage) -> tuple[int, int]:
    market = stage.exchange.market()
    return market["band_low"], market["band_high"]


async def test_a_fall_limits_pauses_and_reopens_by_rule(stage: Stage) -> None:
    stage.keeper.start()
    await stage.until(stage.is_ready, "the keeper is ready")
    await stage.until(
        lambda: stage.keeper.page("/status")["breakers"][SYMBOL].get("band_stage") == "normal",
        "the session has its opening price",
    )
    await stage.until(lambda: band(stage)[0] > 0, "the market has a band")
    low, high = band(stage)
    # Tier 1 under limit up / limit down: 5 % around the opening price.
    assert (low, high) == pytest.approx((price(171), price(189)), rel=3e-3)
    assert status(stage) is MarketStatus.OPEN

    now = stage.clock.now()
    stage.clock.set_out([Leg(until=Seconds(now + 7_200), pace=PACE, name="faster")])
    stage.truth.factor = Fraction(165, 180)
    await stage.until(lambda: status(stage) is MarketStatus.LIMIT, "the market is at its limit")
    assert stage.mark() == low
    await stage.until(lambda: status(stage) is MarketStatus.HALTED, "the market is paused")

    # A keeper killed in the pause remembers it: it neither forgets nor opens the market.
    stage.keeper.kill()
    stage.keeper.start()
    await stage.until(stage.is_ready, "the next life is ready")
    assert status(stage) is MarketStatus.HALTED
    await stage.until(lambda: status(stage) is MarketStatus.OPEN, "the market reopens by rule")
    assert stage.mark() == pytest.approx(price(165), rel=2e-2)
    log = stage.keeper.log.read_text()
    assert "is at the edge of" in log
    assert "paused for 300 s" in log
    assert await asyncio.to_thread(stage.keeper.terminate) == 0


async def test_a_guardians_halt_by_hand_is_left_alone(stage: Stage) -> None:
    stage.keeper.start()
    await stage.until(lambda: band(stage)[0] > 0, "the market has a band")
    stage.exchange.halt()
    await stage.until(
        lambda: "somebody else set HALTED" in stage.keeper.log.read_text(), "it is noticed"
    )
    later = stage.exchange.market()["price_timestamp"] + 5
    await stage.until(lambda: stage.exchange.market()["price_timestamp"] >= later, "prices go on")
    assert status(stage) is MarketStatus.HALTED
    told = stage.keeper.page("/status")["breakers"][SYMBOL]
    assert (told["wanted_status"], told["by"]) == ("halted", "by_hand")


async def test_a_chain_that_stood_still_is_halted_when_it_goes_on(stage: Stage) -> None:
    rules = stage.folder / "breakers.toml"
    shipped = BREAKERS_FILE.read_text()
    rules.write_text(shipped.replace("at_most_seconds = 30", f"at_most_seconds = {STALL - 1}"))
    profile = stage.keeper.profile
    profile.write_text(
        profile.read_text().replace("[breaker]\n", f'[breaker]\nrules_file = "{rules}"\n')
    )
    stage.keeper.start()
    await stage.until(lambda: band(stage)[0] > 0, "the market has a band")
    os.kill(stage.block_producer, signal.SIGSTOP)
    try:
        # The test is about real time passing without a block: there is nothing else to wait for.
        await asyncio.sleep(STALL)
    finally:
        os.kill(stage.block_producer, signal.SIGCONT)
    await stage.until(lambda: status(stage) is MarketStatus.HALTED, "the market is halted")
    assert "the time without a block is" in stage.keeper.log.read_text()
