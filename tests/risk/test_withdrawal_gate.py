"""The gate closes for a reason, holds, and says who may open again."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.units import QuoteAtoms, Seconds
from risk.withdrawal_gate import (
    GateCause,
    GateDecision,
    GateFacts,
    GateRules,
    GateState,
    decide,
)
from tests.builders import NOW, usd

RULES = GateRules()
CALM = GateFacts(
    block=1_000,
    now=NOW,
    bankrupt_accounts=0,
    gap=0,
    outage=Seconds(1),
    vault=usd(1_000_000),
    withdrawn=usd(0),
    largest=usd(0),
    since_role_change=None,
    withdrawn_since_role_change=usd(0),
)


def step(state: GateState = GateState(), **facts: Any) -> GateDecision:  # noqa: B008 - frozen
    return decide(state, replace(CALM, **facts), RULES)


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"bankrupt_accounts": 1}, GateCause.NEGATIVE_EQUITY),
        ({"outage": 300}, GateCause.CHAIN_OUTAGE),
        ({"gap": 1}, GateCause.VAULT_GAP),
        ({"withdrawn": usd("200000.000001")}, GateCause.RATE),
        ({"largest": usd("100000.000001")}, GateCause.SIZE),
        (
            {"since_role_change": 86_400, "withdrawn_since_role_change": usd("20000.000001")},
            GateCause.AFTER_ROLE_CHANGE,
        ),
        ({"withdrawn": 1, "vault": 0}, GateCause.RATE),
    ],
)
def test_each_reason_closes_and_is_named(facts: dict[str, int], cause: GateCause) -> None:
    decision = step(**facts)
    assert decision.should_close
    assert cause in decision.seen_now
    assert "only the owner opens them again" in decision.return_rule


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"outage": 299},
        {"gap": -1},
        {"withdrawn": usd(200_000), "largest": usd(100_000)},
        {"since_role_change": 86_400, "withdrawn_since_role_change": usd(20_000)},
        {"since_role_change": 86_401, "withdrawn_since_role_change": usd(900_000)},
        {"vault": None, "withdrawn": usd(10**9)},
        {"bankrupt_accounts": None, "gap": None},
    ],
)
def test_the_edge_of_a_rule_stays_open(facts: dict[str, int]) -> None:
    assert not step(**facts).should_close


def test_holds_for_blocks_and_for_time_after_the_last_sight() -> None:
    closed = step(bankrupt_accounts=1).state
    assert step(closed, block=1_049, now=NOW + 1_000).should_close
    assert step(closed, block=9_000, now=NOW + 59).should_close
    opened = step(closed, block=1_050, now=NOW + 60)
    assert not opened.should_close
    assert opened.state == GateState()


def test_a_second_sight_starts_the_hold_again_and_keeps_both_reasons() -> None:
    closed = step(bankrupt_accounts=1).state
    later = step(closed, block=1_040, now=NOW + 50, gap=1)
    assert later.state.causes == (GateCause.NEGATIVE_EQUITY, GateCause.VAULT_GAP)
    assert later.state.until_block == 1_090
    assert step(later.state, block=1_060, now=NOW + 100).should_close


def test_what_cannot_be_read_never_opens_a_closed_gate() -> None:
    closed = step(bankrupt_accounts=1).state
    unknown = step(closed, block=9_000, now=NOW + 9_000, bankrupt_accounts=None)
    assert unknown.should_close
    assert "could not be read" in unknown.sentence
    assert step(unknown.state, block=9_049, now=NOW + 9_100).should_close
    assert not step(unknown.state, block=9_050, now=NOW + 9_100).should_close


def test_rules_that_hold_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="positive holds"):
        GateRules(hold_blocks=0)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 80)), min_size=1, max_size=30))
def test_never_opens_within_the_hold_of_any_sight(days: list[tuple[bool, int]]) -> None:
    state, block, seen = GateState(), 1_000, None
    for is_bankrupt, blocks in days:
        block += blocks
        now = Seconds(NOW + 2 * block)
        decision = step(state, block=block, now=now, bankrupt_accounts=int(is_bankrupt))
        seen = block if is_bankrupt else seen
        held = seen is not None and (
            block < seen + RULES.hold_blocks or 2 * (block - seen) < RULES.hold_seconds
        )
        assert decision.should_close == held
        state = decision.state


def test_an_amount_of_nothing_is_no_share() -> None:
    assert not step(withdrawn=QuoteAtoms(0), vault=QuoteAtoms(0)).should_close
