"""Where winners stand in the queue, in fifths, and how many stand where."""

from hypothesis import given
from hypothesis import strategies as st

from risk.deleverage_queue import BUCKETS, bucket_of, queue, queue_position
from risk.units import MarketId
from tests.builders import NOW, make_account_id, make_market, price, shares, usd
from tests.risk.deleveraging import make_book, winner

M0 = MarketId(0)


def test_the_queue_counts_each_side_in_fifths() -> None:
    shorts = [winner(-shares(number), number=number, equity=usd(50_000)) for number in range(1, 11)]
    others = [
        winner(-shares(7), number=20, entry=price(100)),
        winner(shares(62), number=21, entry=price(210)),
        winner(-shares(9), number=22),
    ]
    book = make_book([*shorts, *others], make_market(), make_market(1))
    without = [make_account_id(22), make_account_id(99)]
    longs, sold = queue(book, M0, NOW, without=without)
    assert (longs.counts, longs.sizes) == ((1, 0, 0, 0, 0, 0), (shares(62), 0, 0, 0, 0, 0))
    assert sold.counts == (1, 2, 2, 2, 2, 2)
    assert sold.sizes == tuple(shares(size) for size in (7, 3, 7, 11, 15, 19))


def test_an_account_learns_its_own_place() -> None:
    shorts = [winner(-shares(number), number=number) for number in range(1, 11)]
    loser = winner(-shares(7), number=20, entry=price(100))
    book = make_book([*shorts, loser], make_market(), make_market(1))

    def place(number: int) -> tuple[int, int | None] | None:
        found = queue_position(book, make_account_id(number), M0, NOW)
        return None if found is None else (found.bucket, found.rank)

    assert [place(number) for number in (10, 9, 8, 1, 20, 77)] == [
        (5, 0),
        (5, 1),
        (4, 2),
        (1, 9),
        (0, None),
        None,
    ]


@given(st.integers(1, 1_000))
def test_buckets_are_even_and_never_rise(count: int) -> None:
    buckets = [bucket_of(rank, count) for rank in range(count)]
    assert buckets == sorted(buckets, reverse=True)
    assert buckets[0] == BUCKETS
    sizes = [buckets.count(bucket) for bucket in range(1, BUCKETS + 1)]
    assert max(sizes) - min(sizes) <= 1
