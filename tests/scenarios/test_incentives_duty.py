"""`bellkeeper run incentives` over a weekend on a real chain: ramps, a hand-over, and a leftover that heals.

One weekend for all of it, since it takes half a minute. The first keeper moves two markets on Friday and
is killed. One market has a second keeper beside it, which takes over; nobody looks after the other
until a keeper with an empty journal starts on Monday.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from config.incentives import load_incentives
from drills.dev_keys import TUNER
from drills.weekend import ZONE, Leg
from risk.guard_rails import Parameter
from risk.sessions import Session
from risk.units import Seconds
from tests.scenarios.incentive_stage import AAPL, NVDA, IncentiveStage, Write, incentive_stage
from tests.scenarios.keeper import command

EXACT = (
    Parameter.INITIAL_MARGIN,
    Parameter.TAKER_FEE,
    Parameter.MAKER_FEE,
    Parameter.OPEN_INTEREST_CAP,
)
STRICTER = (Parameter.INITIAL_MARGIN, Parameter.TAKER_FEE, Parameter.OPEN_INTEREST_CAP)
"""What the weekend tightens; a rebate loosens, and so arrives a cool-down after the close."""
FUNDING_TOLERANCE = 2_500
REACTION = 300
"""Generous: at these paces a venue's second is a few of our milliseconds."""


def at(day: int, hour: int, minute: int = 0) -> Seconds:
    """Give a moment of the weekend of 20 November 2026, New York time."""
    return Seconds(int(datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp()))


START, CLOSE, REOPEN, MORNING = at(20, 19, 5), at(20, 20), at(22, 20), at(23, 9, 30)
NO_WRITES_UNTIL = REOPEN - 60 * 60
LEGS = (
    Leg(until=at(20, 20, 10), pace=450, name="Friday's ramp"),
    Leg(until=at(22, 19), pace=40_000, name="the weekend"),
    Leg(until=at(22, 20, 50), pace=1_800, name="the reopening"),
    Leg(until=at(23, 2, 50), pace=15_000, name="the night"),
    Leg(until=at(23, 9, 20), pace=5_000, name="before the bell"),
    Leg(until=at(23, 11, 15), pace=900, name="Monday"),
)


def levels(symbol: str, session: Session) -> dict[Parameter, int]:
    scheduled = load_incentives().markets[symbol].terms.levels[session]
    return {each: getattr(scheduled, each.name.lower()) for each in EXACT}


def exact(stage: IncentiveStage, symbol: str) -> dict[Parameter, int]:
    levers = stage.levers(symbol)
    return {each: levers[each] for each in EXACT}


def of(
    writes: Sequence[Write], symbol: str, parameter: Parameter, start: int, stop: int
) -> list[int]:
    return [
        each.value
        for each in writes
        if (each.symbol, each.parameter) == (symbol, parameter) and start <= each.time < stop
    ]


def turns(values: Sequence[int]) -> int:
    """Count how often a path changes its direction."""
    moves = [after - before for before, after in itertools.pairwise(values)]
    return sum((one > 0) != (other > 0) for one, other in itertools.pairwise(moves))


def test_a_weekend_with_a_hand_over_and_a_leftover(tmp_path: Path) -> None:
    with incentive_stage(tmp_path, START) as stage:
        first = stage.keeper("first", NVDA, AAPL, reaction_seconds=REACTION)
        second = stage.keeper(
            "second",
            NVDA,
            address=stage.grant_second_tuner(),
            reaction_seconds=REACTION,
            standby_seconds=200,
        )
        for keeper in (first, second):
            keeper.start()
        for keeper in (first, second):
            keeper.wait_ready()
        stage.clock.set_out(LEGS)
        weekend = {symbol: levels(symbol, Session.WEEKEND) for symbol in (NVDA, AAPL)}
        stage.until(CLOSE)
        for symbol, wanted in weekend.items():
            found = exact(stage, symbol)
            assert [found[each] for each in STRICTER] == [wanted[each] for each in STRICTER]
        assert min(stage.slacks()) > 0

        stage.until(at(21, 12))
        assert {symbol: exact(stage, symbol) for symbol in (NVDA, AAPL)} == weekend
        shown = command("incentives", "show", "--config", str(first.profile)).stdout
        first.kill()

        # On Monday before dawn: with another's ramps behind it, and the way home still ahead.
        stage.until(at(23, 2, 50))
        assert exact(stage, AAPL) == weekend[AAPL]
        monday = stage.keeper("monday", AAPL, reaction_seconds=REACTION)
        monday.start()
        stage.until(at(23, 11, 10))
        for symbol in (NVDA, AAPL):
            assert exact(stage, symbol) == levels(symbol, Session.REGULAR)
            rate = stage.levers(symbol)[Parameter.FUNDING_RATE]
            assert abs(rate - 12_500) < FUNDING_TOLERANCE
        assert min(stage.slacks()) > 0
        writes = stage.writes()
        assert (second.terminate(), monday.terminate()) == (0, 0)

    assert f"{NVDA}: weekend" in shown
    assert "open_interest_cap  24000000.00 USD  24000000.00 USD  24000000.00 USD" in shown
    log = first.log.read_text()
    assert (
        "because as scheduled; the owner allows 25000 to 500000, at most 25000 every 300 s" in log
    )
    require_one_way(writes, weekend)
    # The second keeper leaves all to the first as long as that lives, and then does all of it.
    of_nvda = [each for each in writes if each.symbol == NVDA]
    assert {each.sender for each in of_nvda if each.time < CLOSE} == {TUNER.lower()}
    after = {each.sender for each in of_nvda if each.time > REOPEN}
    assert len(after) == 1
    assert TUNER.lower() not in after


def require_one_way(writes: Sequence[Write], weekend: dict[str, dict[Parameter, int]]) -> None:
    """No value ever goes back and forth, and over the weekend nothing moves."""
    for symbol, parameter in itertools.product(weekend, EXACT):
        into = of(writes, symbol, parameter, START, NO_WRITES_UNTIL)
        assert turns(into) == 0, (symbol, parameter, into)
        assert into[-1] == weekend[symbol][parameter]
        if parameter in STRICTER:
            assert of(writes, symbol, parameter, CLOSE, NO_WRITES_UNTIL) == []
        home = of(writes, symbol, parameter, NO_WRITES_UNTIL, MORNING + 7_200)
        assert turns([weekend[symbol][parameter], *home]) == 0, (symbol, parameter, home)
    margins = of(writes, NVDA, Parameter.INITIAL_MARGIN, START, CLOSE)
    steps = [after - before for before, after in itertools.pairwise(margins)]
    assert len(margins) >= 5
    assert all(0 < step <= 25_000 for step in steps)
