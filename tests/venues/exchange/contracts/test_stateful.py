"""Random lives of the exchange: the invariants after every step.

The same lives each time, so that a change is judged by what it changed.
BELLKEEPER_STATEFUL_EXAMPLES and BELLKEEPER_STATEFUL_STEPS make a longer, random night of it.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.venues.exchange.contracts.harness import Exchange
from tests.venues.exchange.contracts.machine import MarketLife
from tests.venues.exchange.contracts.operator_life import OperatorLife

EXAMPLES = os.environ.get("BELLKEEPER_STATEFUL_EXAMPLES")
STEPS = int(os.environ.get("BELLKEEPER_STATEFUL_STEPS", "25"))


@pytest.mark.timeout(0 if EXAMPLES else 300)
@pytest.mark.parametrize("life", [MarketLife, OperatorLife])
def test_the_invariants_hold_whatever_happens(deployed: Exchange, life: type[MarketLife]) -> None:
    life.codes.clear()
    run_state_machine_as_test(
        lambda: life(deployed),  # type: ignore[arg-type]  # any callable that makes one
        settings=settings(
            max_examples=int(EXAMPLES or 15),
            stateful_step_count=STEPS,
            derandomize=EXAMPLES is None,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            # a failing life is told as it was: shrinking on a real node takes very long
            phases=[Phase.generate],
        ),
    )
    for result, times in sorted(life.codes.items()):
        print(f"{times:6} {result}")
    assert life.codes["liquidate 0"] > 0, "nobody was ever liquidated"
