"""Runs of the matrix that once found a defect, kept: each failed before its cause was mended."""

import pytest

from tests.faults.case import Case, Outcome
from tests.faults.cases_kill import live_through
from tests.faults.matrix import named
from tests.faults.run import play
from tests.faults.stage import Stage

pytestmark = pytest.mark.timeout(300)


def run(name: str, seed: int, times: int) -> Outcome:
    (case,) = named([name])
    outcome = play(case, seed, times=times)
    assert outcome.faults == times
    return outcome


def test_killed_between_a_receipt_and_what_was_made_of_it() -> None:
    """Intents were in flight for ever, and their accounts with them."""

    def die_after_a_receipt(stage: Stage, _: int) -> None:
        live_through(stage, ["mined:after:1", "settle_all:inside:1"])

    case = Case(name="kept", what="", play=die_after_a_receipt, times=2)
    outcome = play(case, 1)
    assert outcome.is_good, outcome


def test_a_reorganisation_takes_back_what_was_final() -> None:
    """The lane stood still for ever behind a nonce that was free again; seed 3 found it."""
    outcome = run("reorg", 3, 2)
    assert outcome.notes == ("1 of them took back what the keeper held final",)
    assert outcome.is_good, outcome


def test_a_wallet_topped_up_at_once() -> None:
    """The lane took the new balance for the empty one, and waited for more; seed 1 found it."""
    outcome = run("empty-wallet", 1, 2)
    assert outcome.is_good, outcome
