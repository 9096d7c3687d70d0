"""`bellkeeper halt`, `resume` and `plan` against a running keeper: what is ordered happens on chain."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drills.weekend import Leg
from risk.units import MarketStatus, Seconds
from tests.scenarios.price_stage import SYMBOL, Stage, price_stage

PLANS = Path(__file__).parents[2] / "drills" / "plans"
"""A plan that starts by order alone: at this pace a restart would look like an outage to others."""
PACE = 5.0
"""Venue seconds in one of ours: the exchange's cool-down of a status passes in two."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with price_stage(tmp_path, "price", "breaker") as stage:
        profile = stage.keeper.profile
        if "plans_directory" not in profile.read_text():
            named = f'[breaker]\nplans_directory = "{PLANS}"\n'
            profile.write_text(profile.read_text().replace("[breaker]\n", named))
        now = stage.clock.now()
        stage.clock.set_out([Leg(until=Seconds(now + 7_200), pace=PACE, name="faster")])
        yield stage


async def until_status(stage: Stage, wanted: MarketStatus, what: str) -> None:
    await stage.until(
        lambda: MarketStatus(stage.exchange.market()["status"]) is wanted,
        f"the market is {wanted.name} ({what})",
    )


def wants(stage: Stage) -> Any:
    return stage.keeper.page("/status")["breakers"][SYMBOL].get("wanted_status")


async def breakers(stage: Stage) -> Any:
    """Ask `bellkeeper status` for what it tells of breakers."""
    return json.loads(await stage.ask("status", "--json", "-"))["breakers"]


def samples(stage: Stage) -> set[str]:
    return set(stage.keeper.page("/metrics").splitlines())


async def test_what_operators_order_happens_on_chain(stage: Stage) -> None:
    stage.keeper.start()
    await stage.until(stage.is_ready, "the keeper is ready")
    await stage.until(lambda: stage.exchange.market()["band_low"] > 0, "the market has a band")

    assert "to be halted" in await stage.ask("halt", SYMBOL, "--reason", "split announced")
    await until_status(stage, MarketStatus.HALTED, "by order")
    told = await breakers(stage)
    assert "ordered halt: split announced" in told[SYMBOL]["why"]
    assert told["orders"]["standing"][0]["reason"] == "split announced"

    # A keeper that is killed meanwhile keeps the order.
    stage.keeper.kill()
    stage.keeper.start()
    await stage.until(stage.is_ready, "the next life is ready")
    await stage.until(lambda: wants(stage) == "halted", "the next life wants what was ordered")
    await stage.ask("resume", SYMBOL, "--reason", "it is through")
    await until_status(stage, MarketStatus.OPEN, "resumed")

    await stage.ask("plan", "start", "by_order", "--reason", "rehearsal")
    await until_status(stage, MarketStatus.REDUCE_ONLY, "by the plan's first step")
    told = await breakers(stage)
    assert told[SYMBOL]["by"] == "emergency"
    plan = told["plans"]["by_order"]
    assert (plan["stage"], plan["step"]) == ("running", 1)
    await stage.ask("plan", "stop", "by_order", "--reason", "it was one")
    await until_status(stage, MarketStatus.OPEN, "the plan is over")

    # A guardian's halt by hand is lifted by the command that promises it.
    stage.exchange.halt()
    await stage.until(
        lambda: "somebody else set HALTED" in stage.keeper.log.read_text(), "it is noticed"
    )
    await stage.ask("resume", "ALL", "--reason", "a slip of the hand")
    await until_status(stage, MarketStatus.OPEN, "resumed again")
    assert samples(stage) >= {
        'bellkeeper_breaker_orders_total{order="resume"} 2.0',
        'bellkeeper_breaker_plan_starts_total{plan="by_order",start="operator"} 1.0',
        'bellkeeper_breaker_plan_running{plan="by_order"} 0.0',
    }
    assert await asyncio.to_thread(stage.keeper.terminate) == 0
