"""Operators' orders reach the markets once each, over restarts too, and lift what they promise to."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitors.breakers.memory import SpokenOrder, read_spoken
from monitors.breakers.orders import ORDERS_KEY
from monitors.operator_orders import ALL, OperatorOrders, OrderKind, render_orders
from risk.units import MarketStatus
from tests.monitors.breakers.world import NVDA, SPY, Said, World

HALT, REDUCE_ONLY, RESUME = OrderKind.HALT, OrderKind.REDUCE_ONLY, OrderKind.RESUME
OPEN, HALTED = MarketStatus.OPEN, MarketStatus.HALTED


@pytest.fixture
def world() -> World:
    """Give a quiet market that has what it wants."""
    world = World()
    world.run(5)
    world.obey()
    return world


def by_hand(world: World, status: MarketStatus = HALTED) -> None:
    """Let a guardian set a status."""
    world.venue.change(NVDA, status=status)


def spoken(world: World) -> tuple[SpokenOrder, ...]:
    """Read from the notes what was obeyed."""
    return read_spoken(world.notes.texts[ORDERS_KEY])


def page(world: World) -> dict[str, Any]:
    """Give what `/status` tells of orders."""
    return dict(world.desk.explain())


def test_an_order_holds_at_once_and_until_it_is_taken_back(world: World) -> None:
    assert world.order(HALT) is HALTED
    assert world.status(SPY) is OPEN
    assert world.why()["by"] == "operator"
    assert world.why()["why"] == "alice ordered halt: because of 1"
    assert set(world.obeying(500)) == {HALTED}
    assert world.order(REDUCE_ONLY) is MarketStatus.REDUCE_ONLY
    assert world.order(RESUME) is OPEN


def test_an_order_for_all_is_for_each(world: World) -> None:
    world.order(HALT, ALL)
    assert (world.status(), world.status(SPY)) == (HALTED, HALTED)
    world.order(RESUME, "SPY")
    assert (world.status(), world.status(SPY)) == (HALTED, OPEN)
    # Each order is told once, however many markets hear it.
    assert [each.order for each in spoken(world)] == [HALT, RESUME]
    assert world.count("orders_total", order="halt") == 1


def test_a_restart_keeps_what_was_ordered_and_says_it_no_second_time(world: World) -> None:
    world.order(HALT)
    world.obey()
    world.restart()
    assert world.run(5)[-1] is HALTED
    assert world.count("orders_total", order="halt") == 0
    assert [each.sequence for each in spoken(world)] == [1]
    assert world.order(RESUME) is OPEN


def test_a_halt_outlives_its_file(world: World) -> None:
    world.order(HALT)
    world.said.orders.clear()
    world.restart()
    assert world.run(5)[-1] is HALTED


def test_a_halt_that_was_ordered_while_nobody_ran_holds_from_the_first_step(world: World) -> None:
    world.said.say(HALT)
    world.restart()
    assert world.run(1) == [HALTED]


def test_an_old_resumption_does_not_undo_a_later_halt_by_hand(world: World) -> None:
    world.order(HALT)
    world.order(RESUME)
    world.obeying(3)
    by_hand(world)
    assert set(world.obeying(100)) == {HALTED}
    world.restart()
    assert set(world.obeying(100)) == {HALTED}


def test_a_resumption_lifts_a_halt_by_hand(world: World) -> None:
    by_hand(world)
    assert world.run(2)[-1] is HALTED
    assert "`bellkeeper resume` lifts it" in str(world.why()["why"])
    assert world.order(RESUME) is OPEN
    # Also before the chain has followed, and after a restart in between.
    assert world.run(3)[-1] is OPEN
    world.restart()
    assert world.run(3)[-1] is OPEN
    world.obey()
    assert world.venue.markets[NVDA].status is OPEN
    world.run(1)
    # The next halt by hand is a new one.
    by_hand(world)
    assert world.run(3)[-1] is HALTED


def test_a_resumption_for_all_lifts_a_halt_by_hand_after_a_restart(world: World) -> None:
    by_hand(world)
    world.run(2)
    world.restart()
    world.said.say(RESUME, ALL)
    assert world.run(1) == [OPEN]


def test_a_halt_by_hand_that_is_first_seen_with_a_resumption_stands(world: World) -> None:
    # While nobody ran: which of the two came later cannot be known.
    world.said.say(RESUME)
    by_hand(world)
    world.restart()
    assert world.run(5)[-1] is HALTED
    assert world.order(RESUME) is OPEN


def test_a_lost_journal_does_not_make_an_old_resumption_new(world: World) -> None:
    world.order(RESUME)
    by_hand(world)
    world.notes.texts.clear()
    world.restart()
    assert world.run(5)[-1] is HALTED


def test_a_softer_order_is_no_resumption_of_a_halt_by_hand(world: World) -> None:
    by_hand(world)
    world.run(2)
    assert world.order(REDUCE_ONLY) is HALTED
    assert world.run(5)[-1] is HALTED
    assert world.order(RESUME) is OPEN


def test_a_resumption_does_not_lift_what_a_band_or_the_index_holds(world: World) -> None:
    world.obeying(2, NVDA=90)
    assert world.obeying(16, NVDA=90)[-1] is HALTED
    assert world.order(RESUME) is HALTED
    assert world.why()["by"] == "band"
    other = World()
    other.run(5)
    other.run(3, SPY=92.9)
    assert other.order(RESUME, ALL) is HALTED
    assert other.why()["by"] == "market_wide"


def test_a_resumption_releases_the_causes_of_its_market_once(world: World) -> None:
    world.slow.changed_limits = 1
    assert world.obeying(3)[-1] is MarketStatus.REDUCE_ONLY
    world.slow.changed_limits = 0
    assert world.obeying(200)[-1] is MarketStatus.REDUCE_ONLY
    # The rule asks for more than the word: two steps back, each after good observations.
    assert world.order(RESUME) is MarketStatus.REDUCE_ONLY
    assert world.obeying(20)[-1] is OPEN
    assert world.status(SPY) is MarketStatus.REDUCE_ONLY
    # What comes again needs another word.
    world.slow.changed_limits = 1
    world.obeying(3)
    world.slow.changed_limits = 0
    assert world.obeying(200)[-1] is MarketStatus.REDUCE_ONLY


def test_a_release_outlives_a_restart(world: World) -> None:
    world.slow.changed_limits = 1
    world.obeying(3)
    world.slow.changed_limits = 0
    world.obeying(200)
    world.order(RESUME)
    world.restart()
    assert world.obeying(100)[-1] is OPEN


def test_only_a_resumption_for_all_releases_what_the_exchange_doubts(world: World) -> None:
    world.slow.roles_changed = 1
    assert world.obeying(3)[-1] is HALTED
    assert world.panel.wanted()[NVDA].closes_withdrawals
    world.slow.roles_changed = 0
    world.order(RESUME, "NVDA")
    assert world.obeying(300)[-1] is HALTED
    world.order(RESUME, ALL)
    world.restart()
    assert world.obeying(200)[-1] is OPEN
    assert not world.panel.wanted()[NVDA].closes_withdrawals


def test_a_resumption_that_came_too_early_releases_nothing_later(world: World) -> None:
    world.order(RESUME, ALL)
    world.slow.roles_changed = world.slow.changed_limits = 1
    world.obeying(3)
    world.order(RESUME, ALL)
    world.slow.roles_changed = world.slow.changed_limits = 0
    world.restart()
    assert world.obeying(300)[-1] is HALTED
    causes = world.why()["causes"]
    assert isinstance(causes, list)
    assert {each["cause"] for each in causes} == {"role_changed", "limit_changed"}


def test_a_restriction_releases_nothing(world: World) -> None:
    world.slow.changed_limits = 1
    world.obeying(3)
    world.slow.changed_limits = 0
    world.order(REDUCE_ONLY)
    world.obeying(300)
    assert "limit_changed" in str(world.why()["causes"])


def test_an_order_about_a_market_that_is_not_watched_is_told(world: World) -> None:
    with capture_logs() as lines:
        world.order(HALT, "NVDX")
        world.run(3)
    told = [line for line in lines if line["event"] == "operator_order_unheeded"]
    assert len(told) == 1
    assert "expected a market among ALL, NVDA, SPY" in told[0]["why"]
    assert page(world)["unheeded"] == [told[0]["why"]]
    assert world.status() is OPEN


def test_an_order_older_than_what_was_obeyed_is_told(world: World) -> None:
    world.said.say(RESUME, sequence=900)
    world.run(1)
    # The file was lost, and the clock of who orders is slow.
    world.said.orders.clear()
    assert world.order(HALT) is OPEN
    (told,) = page(world)["unheeded"]
    assert told == (
        "expected an order about NVDA later than 900, which was obeyed already, found 1: set the"
        " clock where orders are given, and give it again"
    )


def test_tells_what_stands_and_what_was_obeyed(world: World) -> None:
    world.order(HALT)
    told = page(world)
    assert told["standing"] == [
        {
            "sequence": 1,
            "order": "halt",
            "subject": "NVDA",
            "by": "alice",
            "reason": "because of 1",
            "at_seconds": world.said.orders[0].at,
        }
    ]
    (line,) = told["last_spoken"]
    assert (line["by"], line["spoken_at_seconds"]) == ("alice", world.venue.now)
    assert told["unheeded"] == []


def test_a_file_that_cannot_be_read_is_told_and_opens_nothing(tmp_path: Path) -> None:
    path, said = tmp_path / "orders.json", Said()
    said.say(HALT)
    path.write_bytes(render_orders(tuple(said.orders)))
    file, woken = OperatorOrders(path), []
    file.on_read(lambda: woken.append(file.revision))
    file.read()
    world = World()
    world.said = file  # type: ignore[assignment]
    world.restart()
    assert world.run(1) == [HALTED]
    path.write_text("no orders")
    file.read()
    file.read()
    assert woken == [1]
    assert world.run(1) == [HALTED]
    assert "expected JSON" in page(world)["file_problem"]
