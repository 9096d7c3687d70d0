"""The book is what the snapshot and the changes say, best levels first, and knows when it is crossed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.order_book import Level, OrderBook
from risk.units import PriceE8, SizeE8
from tests.builders import price, shares

PRICES = st.integers(1, 12)
CHANGES = st.lists(st.tuples(PRICES, st.integers(0, 3)), max_size=30)


def level(dollars: int | str, amount: int | str) -> Level:
    return price(dollars), shares(amount)


def typed(levels: list[tuple[int, int]]) -> list[Level]:
    return [(PriceE8(at), SizeE8(size)) for at, size in levels]


BOOK = {
    "bids": [level("99.50", 4), level("99.75", 2)],
    "asks": [level("100.50", 5), level("100.25", 3)],
}


@given(CHANGES, CHANGES)
def test_equals_the_last_word_about_each_price(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    book = OrderBook()
    for bid in bids:
        book.apply(bids=typed([bid]))
    book.apply(asks=typed(asks))
    held = [{at: size for at, size in dict(side).items() if size} for side in (bids, asks)]
    assert list(book.bids) == sorted(held[0].items(), reverse=True)
    assert list(book.asks) == sorted(held[1].items())
    assert book.best_bid == max(held[0], default=None)
    assert book.best_ask == min(held[1], default=None)
    assert book == OrderBook(bids=book.bids, asks=book.asks)
    assert tuple(book.walk_bids()) == book.bids
    assert tuple(book.walk_asks()) == book.asks


def test_a_snapshot_is_read_best_first_whatever_its_order() -> None:
    book = OrderBook(**BOOK)
    assert book.bids == (level("99.75", 2), level("99.50", 4))
    assert book.asks == (level("100.25", 3), level("100.50", 5))
    assert book.mid == price(100)
    assert not book.is_crossed


def test_a_size_of_zero_takes_a_level_away_and_one_that_is_not_there_is_nothing() -> None:
    book = OrderBook(**BOOK)
    book.apply(bids=[level("99.75", 0), level(98, 0)], asks=[level("100.25", 1)])
    assert book.bids == (level("99.50", 4),)
    assert book.asks[0] == level("100.25", 1)


@pytest.mark.parametrize(
    ("bid", "is_crossed", "mid"),
    [("100.24", False, "100.245"), ("100.25", True, None), ("100.26", True, None)],
)
def test_a_bid_at_the_ask_or_above_it_crosses_the_book(
    bid: str, *, is_crossed: bool, mid: str | None
) -> None:
    book = OrderBook(**BOOK)
    book.apply(bids=[level(bid, 1)])
    assert book.is_crossed is is_crossed
    assert book.mid == (None if mid is None else price(mid))


def test_the_middle_is_rounded_down() -> None:
    book = OrderBook(bids=typed([(3, 1)]), asks=typed([(6, 1)]))
    assert book.mid == 4


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_one_side_alone_has_no_middle_and_crosses_nothing(side: str) -> None:
    book = OrderBook(**{side: BOOK[side]})
    assert book.mid is None
    assert not book.is_crossed
    assert (book.best_bid is None) != (book.best_ask is None)


@pytest.mark.parametrize("levels", [[(0, 1)], [(-1, 1)], [(1, -1)], [(1, 0)], [(1, 1), (1, 2)]])
def test_a_snapshot_that_cannot_be_is_refused(levels: list[tuple[int, int]]) -> None:
    for side in ("bids", "asks"):
        with pytest.raises(ValueError, match=r"^expected .*, found "):
            OrderBook(**{side: typed(levels)})


@pytest.mark.parametrize("levels", [[(0, 1)], [(-1, 0)], [(1, -1)]])
def test_a_change_that_cannot_be_is_refused(levels: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match=r"^expected .*, found "):
        OrderBook().apply(asks=typed(levels))
