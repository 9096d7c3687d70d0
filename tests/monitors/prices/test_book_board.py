"""What the board makes of messages: the mark's inputs, and a true book or none."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.matching_engine import BookChange, Event
from monitors.prices.book_board import (
    BookMessage,
    BookTrade,
    BookUpdate,
)
from risk.internal_price import ImpactPrices
from risk.mark_price import BookPrices
from risk.order_book import OrderBook
from risk.units import Seconds
from tests.builders import NOW, price, shares
from tests.monitors.prices.book_stage import (
    NOW_MS,
    SNAPSHOT,
    TRADE,
    UPDATE,
    Board,
    make_engine,
    order_at_random,
)


def told(*messages: BookMessage) -> Board:
    board = Board("AAPL")
    for message in messages:
        board.take(message)
    return board


def test_gives_the_mark_what_it_wants_to_know() -> None:
    prices = told(SNAPSHOT, TRADE).prices("AAPL", NOW)
    # 1,500 dollars are ten shares at 100 and 500 dollars at 99; ten at 101 and 490 at 102.
    assert prices.impact.bid == price("99.66442953")
    assert prices.impact.ask == price("101.32450332")
    assert (prices.best_bid, prices.best_ask) == (price(100), price(101))
    assert prices.last_trade == price(101)
    assert prices.mid == price("100.5")


def test_impact_is_computed_once_for_each_state_of_the_book() -> None:
    board = told(SNAPSHOT)
    first = board.prices("AAPL", NOW).impact
    board.take(TRADE)
    board.heard(NOW_MS + 1_000)
    assert board.prices("AAPL", Seconds(NOW + 1)).impact is first
    board.take(replace(UPDATE, sequence=9, previous=8))
    # Four shares at 100 and ten at 99 are less than 1,500 dollars.
    assert board.prices("AAPL", NOW).impact == ImpactPrices(bid=None, ask=first.ask)


@pytest.mark.parametrize(
    ("seconds", "is_there"), [(0, True), (10, True), (11, False), (-10, True), (-11, False)]
)
def test_a_book_long_unconfirmed_or_from_the_future_is_none(
    seconds: int, *, is_there: bool
) -> None:
    board = told(SNAPSHOT)
    board.now = Seconds(NOW + seconds)
    assert (board.book("AAPL") is not None) is is_there
    assert (board.mid("AAPL") is not None) is is_there
    found = board.prices("AAPL", board.now)
    assert (found.best_bid is not None) is is_there
    assert (found.impact.ask is not None) is is_there


@pytest.mark.parametrize(("seconds", "is_there"), [(60, True), (61, False), (-61, False)])
def test_a_trade_long_past_is_none(seconds: int, *, is_there: bool) -> None:
    board, now = told(SNAPSHOT, TRADE), Seconds(NOW + seconds)
    assert (board.prices("AAPL", now).last_trade is not None) is is_there


def test_one_time_from_the_future_does_not_keep_a_book_fresh() -> None:
    board = told(SNAPSHOT, replace(UPDATE, time_ms=NOW_MS + 86_400_000))
    assert board.book("AAPL") is None
    board.take(replace(UPDATE, sequence=9, previous=8, time_ms=NOW_MS))
    assert board.book("AAPL") is not None
    board.now = Seconds(NOW + 11)
    assert board.book("AAPL") is None


def test_no_heartbeat_brings_back_a_book_that_was_dropped() -> None:
    board = told(SNAPSHOT, replace(UPDATE, sequence=10, previous=9))
    board.heard(NOW_MS)
    board.take(replace(UPDATE, sequence=11, previous=10))
    assert board.book("AAPL") is None
    assert board.count("followed") == 0
    board.take(replace(SNAPSHOT, sequence=11))
    assert board.book("AAPL") == OrderBook(bids=SNAPSHOT.bids, asks=SNAPSHOT.asks)
    assert board.count("followed") == 1


def history(random: Random) -> list[tuple[BookMessage, OrderBook]]:
    """Let an engine run; give each message with the book as published after it."""
    engine, told_so_far = make_engine(), list[tuple[BookMessage, OrderBook]]()
    book = OrderBook()

    def note(event: Event) -> None:
        facts = {key: getattr(event, key) for key in ("market", "sequence", "previous", "time_ms")}
        message: BookMessage
        if isinstance(event, BookChange):
            book.apply(bids=event.bids, asks=event.asks)
            message = BookUpdate(**facts, bids=event.bids, asks=event.asks)
        else:
            message = BookTrade(**facts, price=event.price)
        told_so_far.append((message, OrderBook(bids=book.bids, asks=book.asks)))

    engine.subscribe(note)
    for _ in range(30):
        order_at_random(engine, random)
    return told_so_far


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 59), st.booleans()), max_size=60))
def test_whatever_is_lost_repeated_or_late_a_followed_book_is_true(
    seed: int, steps: list[tuple[int, bool]]
) -> None:
    told_in_order = history(Random(seed))
    truth = {message.sequence: book for message, book in told_in_order}
    board, place = Board("AAPL"), 0
    for chance, is_snapshot in steps:
        # Mostly the next message, sometimes any other one.
        place = place + 1 if chance < 40 else chance * len(told_in_order) // 60
        message, book = told_in_order[place % len(told_in_order)]
        if is_snapshot:
            message = replace(SNAPSHOT, sequence=message.sequence, bids=book.bids, asks=book.asks)
        board.take(message)
        held = board.book("AAPL")
        assert held is None or held == truth[board._held["AAPL"].sequence]


def test_a_trade_that_reveals_a_gap_is_taken_all_the_same() -> None:
    board = told(SNAPSHOT, replace(TRADE, sequence=10, previous=9))
    assert board.prices("AAPL", NOW) == BookPrices(last_trade=price(101))
    assert board.count("gaps_total") == 1


def test_an_older_snapshot_does_not_turn_back_the_book() -> None:
    board = told(SNAPSHOT, UPDATE, SNAPSHOT)
    book = board.book("AAPL")
    assert book is not None
    assert book.bids[0] == (price(100), shares(4))
    assert board.count("out_of_order_total") == 1


def test_a_snapshot_that_is_crossed_is_no_book() -> None:
    board = told(replace(SNAPSHOT, bids=((price(101), shares(1)),)))
    assert board.book("AAPL") is None
    assert not board.is_followed("AAPL")


def test_levels_that_cannot_be_leave_no_book() -> None:
    board = told(SNAPSHOT)
    twice = (SNAPSHOT.bids[0], SNAPSHOT.bids[0])
    with pytest.raises(ValueError, match="expected each price once"):
        board.take(replace(SNAPSHOT, bids=twice))
    assert board.book("AAPL") is None


def test_a_market_without_an_impact_notional_is_a_bug() -> None:
    with pytest.raises(KeyError):
        told().prices("DOGE", NOW)
