"""A Friday evening of the real incentive desk and keeper on the exchange in memory: levers ramp on chain."""

from itertools import pairwise
from typing import Any, cast

from drills.memory.duties import open_incentives
from drills.memory.settings import StageSettings
from drills.memory.stage import MemoryStage, StepInput
from risk.columns import columns_of
from risk.guard_rails import Parameter
from risk.incentive_write import value_on_chain
from risk.margin import Account
from tests.builders import make_rules, usd
from tests.monitors.incentives.stage import LIMITS, NUMBER, Stage, Venue, at
from tests.venues.memory.world import OWNER
from venues.exchange.readings import Role
from venues.memory.blocks import ChainPace
from venues.memory.state import EXCHANGE_ADDRESS, backstop_of, build_state
from venues.port import Funds

BEFORE, AFTER = at(20, 15), at(20, 21)
"""Friday in New York: the market trades, and the weekend has begun."""
SECONDS = 20
TOLERANCES = {Parameter.FUNDING_RATE: 2_500}
"""As the staged desk's: how far a lever may be off before a write is worth it."""


def make_stage() -> MemoryStage:
    market = Venue(BEFORE).markets[NUMBER]
    backstop = Account(id=backstop_of(EXCHANGE_ADDRESS), collateral=usd(1_000))
    zero = usd(0)
    state = build_state(
        [market],
        [columns_of([backstop])],
        funds=Funds(insurance_fund=zero, fee_pool=zero, funding_pool=zero, rewards_owed=zero),
        rules=make_rules(),
        owner=OWNER,
    )
    state.limits.update({(NUMBER, parameter): limits for parameter, limits in LIMITS.items()})
    pace = ChainPace(block_milliseconds=SECONDS * 1_000)
    return MemoryStage(state, now=BEFORE, settings=StageSettings(pace=pace))


async def test_the_weekends_levers_are_written_step_by_step_within_the_owners_limits() -> None:
    stage = make_stage()
    desk = Stage(BEFORE, venue=cast("Any", stage.monitor)).desk
    open_incentives(stage, desk)
    before = stage.exchange.state.markets[NUMBER]
    seen = [before]
    while stage.chain.now < AFTER:
        report = await stage.step(StepInput())
        assert report.refused == ()
        seen.append(stage.exchange.state.markets[NUMBER])
    after, judged = seen[-1], desk.judgement(NUMBER)
    assert judged is not None
    assert after.initial_margin > before.initial_margin
    for parameter, wanted in judged.wanted.items():
        assert abs(value_on_chain(after, parameter) - wanted) < TOLERANCES.get(parameter, 1)
    limits = LIMITS[Parameter.INITIAL_MARGIN]
    margins = [market.initial_margin for market in seen]
    steps = [abs(new - old) for old, new in pairwise(margins)]
    assert max(steps) <= limits.largest_step
    assert all(limits.minimum <= margin <= limits.maximum for margin in margins[1:])
    writes = stage.exchange.state.epochs[NUMBER, Role.TUNER]
    assert sum(stage.journal.outcomes.values()) == writes
    assert stage.monitor.markets[NUMBER] == after
