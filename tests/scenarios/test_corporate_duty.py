"""`bellkeeper run liquidation price breaker corporate`: actions end to end on a real exchange."""

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import pytest

from risk.units import MarketStatus
from tests.builders import price
from tests.scenarios.corporate_stage import LONGS, SHORT, CorporateStage, corporate_stage
from tests.venues.exchange.contracts.harness import shares

SPLIT = 'kind = "split"\nratio = "10:1"'
OVER = {"resumed"}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[CorporateStage]:
    async with corporate_stage(tmp_path) as scene:
        yield scene


async def test_a_split_that_two_tell_of_goes_from_armed_to_resumed(scene: CorporateStage) -> None:
    await scene.open()
    at = scene.set_out()
    scene.rebase_prices(at, Fraction(1, 10))
    scene.tell(at, SPLIT, "alpaca", "polygon")
    await scene.stage.until(lambda: scene.stages() == {"armed"}, "the split is armed")
    assert scene.status() is MarketStatus.OPEN
    await scene.stage.until(lambda: scene.status() is MarketStatus.HALTED, "the market is halted")
    mark = scene.stage.mark()
    before = scene.equities(mark)
    await scene.stage.until(lambda: scene.stages() == OVER, "the split is verified")
    await scene.stage.until(lambda: scene.status() is MarketStatus.OPEN, "trading returns")

    assert scene.sizes() == [shares(100) for _ in LONGS]
    assert scene.stage.mark() == pytest.approx(price(18), rel=2e-2)
    (finished,) = scene.events("SplitFinished")
    assert finished["mark"] == mark // 10
    # Less than a unit of price for each new share, and an atom for each rounding: dust.
    assert scene.equities(finished["mark"]) == pytest.approx(before, abs=10)
    assert scene.events("LiquidationResult") == []
    # It was begun, and the accounts were rescaled one by one.
    assert scene.log().count("ContinueSplit(count=1)") >= 5


async def test_a_keeper_killed_within_a_split_finishes_it_once(scene: CorporateStage) -> None:
    await scene.open()
    at = scene.set_out()
    scene.rebase_prices(at, Fraction(1, 10))
    scene.tell(at, SPLIT, "alpaca", "polygon")
    await scene.stage.until(lambda: scene.exchange.market()["is_splitting"], "the split has begun")
    scene.stage.keeper.kill()
    assert scene.events("SplitFinished") == []
    scene.stage.keeper.start()
    await scene.stage.until(lambda: scene.stages() == OVER, "the next life finishes it")
    await scene.stage.until(lambda: scene.status() is MarketStatus.OPEN, "trading returns")
    assert len(scene.events("SplitBegun", "SplitFinished")) == 2
    assert scene.sizes() == [shares(100) for _ in LONGS]
    assert scene.events("LiquidationResult") == []
    assert await asyncio.to_thread(scene.stage.keeper.terminate) == 0


async def test_a_dividend_is_paid_by_shorts_to_longs_and_a_merger_ends_the_market(
    scene: CorporateStage,
) -> None:
    await scene.open()
    at = scene.set_out()
    scene.rebase_prices(at, less=price(3))
    scene.tell(at, 'kind = "cash_dividend"\namount = "3"', "alpaca", "polygon")
    await scene.stage.until(lambda: scene.status() is MarketStatus.HALTED, "the market is halted")
    mark = scene.stage.mark()
    await scene.stage.until(lambda: scene.stages() == OVER, "the dividend is paid")
    await scene.stage.until(lambda: scene.status() is MarketStatus.OPEN, "trading returns")
    (paid,) = scene.events("DividendPaid")
    assert paid["amount"] == price(3)
    # What the mark lost, the funding index gives to the longs: 10^4 units of it are 1e-8 USD.
    assert paid["mark"] == mark - price(3)
    assert paid["funding_numerator"] == -price(3) * 10**4 * 360_000_000
    assert scene.stage.mark() == pytest.approx(price(177), rel=1e-2)

    scene.tell(
        scene.set_out(), 'kind = "cash_merger"\namount = "182"', "alpaca-mergers", "polygon-mergers"
    )
    await scene.stage.until(lambda: "closed" in scene.stages(), "the market has ended")
    market = scene.exchange.market()
    assert (market["status"], market["mark"]) == (MarketStatus.SETTLED, price(182))
    assert scene.sizes() == [0 for _ in LONGS]
    assert scene.exchange.position(scene.account(SHORT))["size"] == 0
    (settled,) = scene.events("MarketSettled")
    assert settled["price"] == price(182)


async def test_a_split_that_nobody_announced_halts_and_liquidates_nobody(
    scene: CorporateStage,
) -> None:
    await scene.open()
    scene.rebase_prices(scene.stage.clock.now(), Fraction(1, 10))
    await scene.stage.until(lambda: scene.status() is MarketStatus.HALTED, "the market is halted")
    told = scene.stage.keeper.page("/status")["breakers"]["NVDA"]
    assert told["by"] == "corporate"
    assert "as after a split 10:1 that nobody announced" in told["why"]
    held = scene.stage.mark()
    later = scene.stage.clock.now() + 5
    await scene.stage.until(lambda: scene.stage.clock.now() > later, "time passes")
    assert scene.stage.mark() == held  # Nobody moves the venue to the other basis step by step.
    assert scene.sizes() == [shares(10) for _ in LONGS]
    # Somebody found that the sources were wrong: they tell the old basis again.
    scene.rebase_prices(scene.stage.clock.now(), Fraction(10))
    await scene.stage.ask("resume", "NVDA", "--reason", "a publisher's mistake")
    now = scene.stage.clock.now()
    scene.set_out()
    await scene.stage.until(lambda: scene.status() is MarketStatus.OPEN, "an operator lifts it")
    assert scene.stage.clock.now() > now
    assert scene.stage.mark() == pytest.approx(held, rel=2e-2)
    assert scene.events("LiquidationResult") == []
