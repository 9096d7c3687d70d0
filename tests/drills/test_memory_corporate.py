"""A split carried through by the real desk and keeper on the exchange in memory, from the halt to the sums."""

from pathlib import Path
from typing import Any, cast

from drills.memory.duties import open_corporate
from drills.memory.settings import StageSettings
from drills.memory.stage import ROLE_TO_ADDRESS, MemoryStage, StepInput, Wish
from risk.corporate_state import Stage
from risk.units import MarketStatus, Seconds
from tests.builders import make_market, price, shares, usd
from tests.monitors.corporate.stage import SYMBOL, World
from tests.risk.corporate_world import EFFECTIVE
from tests.venues.memory.world import LONG, MARKET, SHORT, make_exchange
from venues.exchange.readings import Role
from venues.memory.blocks import ChainPace
from venues.memory.requests import Restrict

START = Seconds(EFFECTIVE - 86_500)
SECONDS = 30


def make_stage() -> MemoryStage:
    market = make_market(
        symbol=SYMBOL,
        price_timestamp=START,
        updated_at=START,
        funding_time=START,
        expiry=Seconds(10**6),
    )
    pace = ChainPace(block_milliseconds=SECONDS * 1_000)
    state = make_exchange(market=market).state
    state.roles.clear()
    return MemoryStage(state, now=START, settings=StageSettings(pace=pace))


async def test_an_agreed_split_is_carried_through_and_equity_stays(tmp_path: Path) -> None:
    stage, world = make_stage(), World(tmp_path)
    world.venue = cast("Any", stage.monitor)
    world.restart()
    world.tell("alpaca", "polygon")
    open_corporate(stage, world.desk)
    equity = {each: stage.monitor.state(each).equity for each in (LONG, SHORT)}
    money, halt = stage.exchange.money(), Restrict(market=MARKET, status=3)
    guardian = Wish(caller=ROLE_TO_ADDRESS[Role.GUARDIAN], request=halt)
    told: list[Stage] = []
    while stage.chain.now < EFFECTIVE + 1_200:
        wish = world.desk.wish(SYMBOL)
        is_open = stage.exchange.state.markets[MARKET].status is MarketStatus.OPEN
        must_halt = is_open and wish is not None and wish.status is MarketStatus.HALTED
        await stage.step(StepInput(wishes=[guardian] if must_halt else []))
        if stage.chain.now > EFFECTIVE - 86_400 and told[-1:] != [world.stage()]:
            told.append(world.stage())
    market = stage.exchange.state.markets[MARKET]
    assert market.mark == price(100)
    assert not market.is_splitting
    sizes = [stage.monitor.account(each).positions[0].size for each in (LONG, SHORT)]
    assert sizes == [shares(20), shares(-20)]
    assert {each: stage.monitor.state(each).equity for each in equity} == equity
    assert stage.exchange.money() == money
    assert told[-1] in {Stage.APPLIED, Stage.VERIFIED}
    assert equity[LONG] == usd(400)
