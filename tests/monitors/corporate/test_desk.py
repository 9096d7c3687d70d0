"""The desk joins what is told with what the chain says, and remembers it before anybody acts on it."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitors.corporate.orders import (
    ActionOrderKind,
)
from monitors.corporate.sources import Told
from monitors.corporate.sums import survey
from monitors.corporate.wishes import ActionWishes
from risk.account_book import AccountBook
from risk.corporate_state import Stage
from risk.corporate_values import ActionKind, Ratio
from risk.corporate_writes import BeginSplit
from risk.split_suspicion import Suspicion
from risk.units import (
    AccountId,
    FundingE12,
    MarketStatus,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from runtime.errors import OperatorError
from tests.builders import make_market, price, shares
from tests.monitors.corporate.stage import SYMBOL, World, to_the_write
from tests.risk.corporate_world import EFFECTIVE, make_action, make_report


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_market_without_actions_is_left_alone(world: World) -> None:
    assert world.desk.to_step() == []
    assert world.status() is MarketStatus.OPEN
    assert world.desk.holds_price(SYMBOL) is None


def test_one_step_a_second_and_again_when_something_is_read(world: World) -> None:
    world.tell("alpaca")
    assert len(world.desk.to_step()) == 1
    world.at(EFFECTIVE - 90_000)
    assert world.desk.to_step() == []
    world.tell("alpaca", "polygon")
    assert len(world.desk.to_step()) == 1
    world.at(EFFECTIVE - 90_000)
    assert world.stage() is Stage.CONFIRMED
    world.desk.again()
    assert len(world.desk.to_step()) == 1


def test_what_only_one_tells_holds_the_market_when_its_moment_comes(world: World) -> None:
    world.tell("alpaca")
    world.at(EFFECTIVE - 90_000)
    assert world.status() is MarketStatus.OPEN
    world.at(EFFECTIVE)
    assert world.status() is MarketStatus.HALTED
    assert world.desk.holds_price(SYMBOL) is not None
    assert world.desk.ratio_ahead(SYMBOL) == Ratio(numerator=2, denominator=1)
    world.desk.show()
    assert world.value("needs_operator", market=SYMBOL) == 1
    # A restart opens nothing, and tells nothing before it has looked.
    world.restart()
    assert world.desk.wish(SYMBOL) is None
    assert world.desk.holds_price(SYMBOL) is not None
    world.at(EFFECTIVE + 1)
    assert world.status() is MarketStatus.HALTED
    world.order(ActionOrderKind.RESUME)
    world.at(EFFECTIVE + 2)
    assert world.status() is MarketStatus.OPEN


def test_an_approval_counts_from_when_it_was_heard_over_a_restart(world: World) -> None:
    world.tell("alpaca")
    world.order(ActionOrderKind.APPROVE)
    world.at(EFFECTIVE - 90_000)
    world.restart()
    world.at(EFFECTIVE - 80_000)
    world.at(EFFECTIVE - 79_999)
    assert world.stage() is Stage.ARMED
    world.order(ActionOrderKind.ABORT)
    world.at(EFFECTIVE - 79_998)
    assert world.stage() is Stage.ABORTED


def test_the_epoch_is_durable_before_the_write_is_given_out(world: World) -> None:
    decision = to_the_write(world)
    assert decision.write == BeginSplit(numerator=2, denominator=1, expected_epoch=4)
    world.restart()
    # The write has landed while nobody looked: it is not made again.
    world.epoch = 5
    again = world.at(EFFECTIVE + 2)
    assert again is None
    assert world.stage() is Stage.APPLIED
    assert world.value("stages_total", stage="applied") == 1


def test_a_write_that_may_still_land_is_not_made_again(world: World) -> None:
    to_the_write(world)
    world.restart()
    world.is_write_in_flight = True
    assert world.at(EFFECTIVE + 2) is None
    world.is_write_in_flight = False
    again = world.at(EFFECTIVE + 3)
    assert again is not None
    assert again.write == BeginSplit(numerator=2, denominator=1, expected_epoch=4)


def test_notes_of_another_make_are_refused(world: World) -> None:
    world.notes.note(f"corporate/{SYMBOL}", '{"states": 7}')
    with pytest.raises(OperatorError, match="found another"):
        world.restart()


def test_the_wish_of_a_suspicion_outlasts_the_desk_s_and_is_lifted_by_an_operator(
    world: World,
) -> None:
    wishes = ActionWishes(world.prices, world.desk)
    world.prices.found = Suspicion(
        ratio=Ratio(numerator=10, denominator=1), sources=("a",), why="w"
    )
    wish = wishes.wish(SYMBOL)
    assert wish is not None
    assert wish.status is MarketStatus.HALTED
    assert "`bellkeeper resume` lifts it" in wish.why
    wishes.resume(SYMBOL)
    wish = wishes.wish(SYMBOL)
    assert wish is not None
    assert wish.status is MarketStatus.OPEN
    # Where nobody follows actions, nothing is said: what an earlier life wished stands.
    assert ActionWishes(world.prices).wish(SYMBOL) is None


async def test_the_survey_leaves_the_backstop_out_of_the_sums_and_names_it_as_holder() -> None:
    market = replace(make_market(), symbol=SYMBOL)
    book = AccountBook({market.id: market})
    sizes = {1: shares(3), 2: -shares(2), 3: -shares(1)}
    for account, size in sizes.items():
        book.set_position(
            AccountId(account),
            market.id,
            SizeE8(size),
            QuoteAtoms(0),
            FundingE12(0),
            Seconds(0),
            QuoteAtoms(5),
        )
    book.set_collateral(AccountId(4), QuoteAtoms(-7))
    found = await survey(
        book,
        market,
        price=price(200),
        now=Seconds(EFFECTIVE),
        backstop=AccountId(3),
        ratio=None,
    )
    assert (found.totals.long_size, found.totals.short_size) == (shares(3), shares(2))
    assert found.holders == (1, 2, 3)
    assert found.indebted == (4,)


def test_a_symbol_change_that_nobody_follows_yet_waits(world: World) -> None:
    action = make_action(ActionKind.SYMBOL_CHANGE)
    world.told = Told(reports=tuple(make_report(name, action) for name in ("alpaca", "polygon")))
    (world.folder / "named.toml").write_text("told")
    world.sources.read()
    for now in (EFFECTIVE - 86_000, EFFECTIVE - 85_999, EFFECTIVE - 800):
        world.at(now)
    assert world.status() is MarketStatus.HALTED
