"""Every write of a corporate action is made once, and an operator may take it back."""

from dataclasses import replace
from typing import Any

import pytest

from risk.corporate_state import (
    Stage,
)
from risk.corporate_writes import (
    BeginSplit,
    ContinueSplit,
)
from risk.units import MarketStatus
from tests.builders import price
from tests.risk.corporate_lives import (
    DIVIDEND,
    SPLIT,
    applied,
    halted,
)
from tests.risk.corporate_world import (
    EFFECTIVE,
    RULES,
    World,
    agreed,
    word,
)


def test_nothing_is_written_before_its_moment() -> None:
    world = halted()
    for moment in range(EFFECTIVE - RULES.halt_lead, EFFECTIVE):
        decision = world.at(moment).turn()
        assert (decision.write, decision.value_at) == (None, None)
    assert world.written == []
    world.at(EFFECTIVE).until(Stage.APPLIED)
    assert world.written != []


def test_nothing_is_written_before_the_halt_is_on_chain_nor_after_it_was_lifted() -> None:
    world = halted(obeys=False)
    assert world.turn(100).write is None
    world.market = replace(world.market, status=MarketStatus.HALTED)
    world.turn()
    assert world.turn().write is not None
    world.market = replace(world.market, status=MarketStatus.OPEN)
    assert world.turn().write is None


@pytest.mark.parametrize(("mark", "is_split"), [("200", True), ("142", True), ("141", False)])
def test_the_basis_of_the_mark_is_told_by_ratio(mark: str, *, is_split: bool) -> None:
    world = halted()
    world.market = replace(world.market, mark=price(mark))
    for _ in range(4):
        world.turn()
    assert (world.written != []) == is_split


def test_a_write_that_landed_is_not_made_again_whoever_lost_the_receipt() -> None:
    world = halted(obeys=False)
    world.market = replace(world.market, status=MarketStatus.HALTED)
    world.turn()
    first = world.turn()
    assert isinstance(first.write, BeginSplit)
    assert (
        world.turn().write == first.write
    )  # not seen to land: the same again, with the same epoch
    world.epoch += 1
    world.market = replace(world.market, is_splitting=True)
    assert world.turn().write == ContinueSplit(count=RULES.chunk)
    world.market = replace(world.market, is_splitting=False, mark=price(100))
    assert world.turn().stage is Stage.APPLIED


def test_an_epoch_that_somebody_else_moved_stops_everything() -> None:
    world = halted(obeys=False)
    world.market = replace(world.market, status=MarketStatus.HALTED)
    world.turn()
    world.turn()
    world.epoch += 2
    decision = world.turn()
    assert (decision.write, decision.is_alarm) == (None, True)
    assert "somebody else" in decision.why


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        pytest.param({"mark": price(100)}, "on the new basis already", id="split before a restart"),
        pytest.param({"is_splitting": True}, "being split, and not by this", id="being split"),
        pytest.param({"status": MarketStatus.SETTLED}, "settled, and not by this", id="settled"),
    ],
)
def test_a_market_that_was_changed_unknown_to_us_is_not_split_again(
    facts: dict[str, Any], sentence: str
) -> None:
    world = halted(obeys=False)
    known: dict[str, Any] = {"status": MarketStatus.HALTED}
    world.market = replace(world.market, **(known | facts))
    decision = world.turn()
    assert (decision.write, decision.is_alarm) == (None, True)
    assert sentence in decision.why


def test_writes_that_do_not_get_through_call_somebody() -> None:
    world = halted(obeys=False)
    world.market = replace(world.market, status=MarketStatus.HALTED)
    world.turn()
    assert not world.turn().is_alarm
    assert world.turn(RULES.apply_wait + 1).is_alarm


@pytest.mark.parametrize("stage", [Stage.ANNOUNCED, Stage.CONFIRMED, Stage.ARMED, Stage.HALTED])
def test_before_the_first_write_an_abort_ends_it(stage: Stage) -> None:
    world = World(agreement=agreed(SPLIT)).at(EFFECTIVE - 600)
    if stage is not Stage.ANNOUNCED:
        world.until(stage)
    world.abort = word(world.now)
    decision = world.turn()
    assert (decision.stage, decision.status) == (Stage.ABORTED, MarketStatus.OPEN)
    assert decision.why == "night-desk aborted action: it is right"
    assert world.written == []


@pytest.mark.parametrize("stage", [Stage.APPLIED, Stage.FIRST_PRICE, Stage.VERIFIED])
def test_a_split_is_taken_back_by_its_inverse(stage: Stage) -> None:
    world = applied()
    sizes = [account.positions[0].size for account in world.accounts.values()]
    world.now += 60
    if stage is not Stage.APPLIED:
        world.price_comes("100")
        world.until(stage)
    written = len(world.written)
    world.abort = word(world.now)
    decision = world.turn()
    assert (decision.stage, decision.status) == (Stage.UNDOING, MarketStatus.HALTED)
    world.until(Stage.ABORTED)
    assert world.written[written] == BeginSplit(numerator=1, denominator=2, expected_epoch=8)
    assert world.market.mark == price(200)
    halves = [account.positions[0].size for account in world.accounts.values()]
    assert [size // 2 for size in sizes] == halves


def test_in_the_middle_of_a_split_an_abort_waits_for_its_end() -> None:
    world = halted()
    world.until(Stage.HALTED)
    while not world.market.is_splitting:
        world.turn()
    world.abort = word(world.now)
    world.until(Stage.ABORTED)
    assert [type(each) for each in world.written] == [
        BeginSplit,
        ContinueSplit,
        ContinueSplit,
        BeginSplit,
        ContinueSplit,
        ContinueSplit,
    ]


def test_a_dividend_that_was_paid_cannot_be_aborted() -> None:
    world = applied(DIVIDEND)
    world.abort = word(world.now)
    decision = world.turn()
    assert (decision.stage, decision.is_alarm) == (Stage.APPLIED, True)
    assert "cannot be taken back" in decision.why


@pytest.mark.parametrize(
    ("world", "inverse"),
    [
        pytest.param(World(agreement=agreed(SPLIT)), "forget the action", id="announced"),
        pytest.param(
            halted(obeys=False),
            "trade again: the exchange knows nothing of the action yet",
            id="halted",
        ),
        pytest.param(applied(), "the inverse split 1:2, once this one is through", id="applied"),
        pytest.param(
            applied(DIVIDEND),
            "none on chain: longs would have to pay it back by funding, within the tuner's limits",
            id="paid",
        ),
    ],
)
def test_every_stage_names_its_inverse(world: World, inverse: str) -> None:
    world.obeys = False
    assert world.turn().inverse == inverse
