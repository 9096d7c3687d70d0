"""Sums over the account book are exact, however large."""

from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.book_totals import largest_share, owed_to_accounts
from risk.units import AccountId, FundingE12, MarketId, QuoteAtoms, Seconds, SizeE8
from tests.builders import make_market

MARKET = make_market().id
LARGE = st.integers(-(2**62), 2**62)


def book_of(*positions: tuple[int, int, int]) -> AccountBook:
    """Make a book of accounts with (cash, size, quote)."""
    book = AccountBook({MARKET: make_market()})
    for number, (cash, size, quote) in enumerate(positions, start=1):
        account = AccountId(number)
        book.set_collateral(account, QuoteAtoms(cash))
        if size:
            book.set_position(
                account,
                MARKET,
                SizeE8(size),
                QuoteAtoms(quote),
                FundingE12(0),
                Seconds(0),
                QuoteAtoms(cash),
            )
    return book


@given(st.lists(st.tuples(LARGE, st.integers(1, 10**9), LARGE), max_size=12))
def test_adds_up_exactly(positions: list[tuple[int, int, int]]) -> None:
    assert owed_to_accounts(book_of(*positions)) == sum(
        cash + quote for cash, _, quote in positions
    )


def test_a_closed_position_is_not_counted() -> None:
    book = book_of((10, 5, -3), (20, -5, 3))
    nothing = (SizeE8(0), QuoteAtoms(0), FundingE12(0), Seconds(0))
    book.set_position(AccountId(1), MARKET, *nothing, QuoteAtoms(12))
    assert owed_to_accounts(book) == 12 + 20 + 3


def test_the_largest_share_is_of_the_open_interest_on_either_side() -> None:
    book = book_of((1, 6, 0), (1, 4, 0), (1, -9, 0), (1, -1, 0))
    assert largest_share(book, MARKET) == 900_000
    assert largest_share(book, MarketId(7)) == 0
    assert largest_share(book_of((1, 1, 0), (1, 2, 0), (1, -3, 0)), MARKET) == 1_000_000
    assert largest_share(book_of((1, 2, 0), (1, 1, 0), (1, -2, 0), (1, -1, 0)), MARKET) == 666_667
