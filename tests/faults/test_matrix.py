"""A smaller part of the matrix in the gate; `make faults` plays all of it."""

import pytest

from tests.faults.matrix import named
from tests.faults.run import play

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    ("name", "times"),
    [("lying-sends", 3), ("disk-full", 1), ("first-dies", 1), ("foreign-nonce", 1)],
)
def test_nothing_is_lost_doubled_or_out_of_balance(name: str, times: int) -> None:
    (case,) = named([name])
    outcome = play(case, 11, times=times)
    assert outcome.faults >= 1
    assert outcome.is_good, outcome
