"""A copy of the book: the same positions, whatever was freed, taken again or added before and meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.book_copy import BookCopy
from risk.margin import Account
from risk.units import AccountId, FundingE12, MarketId, QuoteAtoms, Seconds, SizeE8
from tests.builders import make_market
from tests.risk.strategies import BOOKS

MARKETS = {MarketId(number): make_market(number) for number in range(3)}
Change = tuple[int, int, int]

changes = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 2), st.integers(-3, 3)), max_size=40)


def apply(book: AccountBook, told: list[Change]) -> None:
    for account, market, size in told:
        book.set_position(
            AccountId(account),
            MarketId(market),
            SizeE8(size),
            QuoteAtoms(-size * account),
            FundingE12(size),
            Seconds(0),
            QuoteAtoms(1_000 * account + size),
        )


def copied(copy: BookCopy, page: int) -> list[Account]:
    """Give the accounts of a whole copy: their ids are rows."""
    found: list[Account] = []
    for first, accounts in copy.pages(page):
        assert first == len(found)
        found += accounts.accounts()
    return found


def plain(account: Account) -> tuple[int, list[tuple[int, ...]]]:
    held = [(each.market, each.size, each.quote, each.funding) for each in account.positions]
    return account.collateral, sorted(held)


@BOOKS
@given(changes, st.integers(1, 5), st.integers(1, 5))
def test_a_copy_holds_what_the_book_holds(told: list[Change], piece: int, page: int) -> None:
    book = AccountBook(MARKETS)
    apply(book, told)
    copy = BookCopy(book, piece=piece)
    while copy.advance():
        pass
    expected = [plain(book.account(book.id_at(row))) for row in range(len(book))]
    assert list(map(plain, copied(copy, page))) == expected


@BOOKS
@given(changes, changes, st.integers(1, 4))
def test_what_changes_between_two_pieces_is_told_before_or_after_it_never_half(
    before: list[Change], meanwhile: list[Change], piece: int
) -> None:
    book = AccountBook(MARKETS)
    apply(book, before)
    count = len(book)
    old = [plain(book.account(book.id_at(row))) for row in range(count)]
    copy = BookCopy(book, piece=piece)
    is_left = copy.advance()
    apply(book, meanwhile)
    while is_left:
        is_left = copy.advance()
    new = [plain(book.account(book.id_at(row))) for row in range(count)]
    found = list(map(plain, copied(copy, 3)))
    # A later account is left out, even where it took a slot that one of these had freed.
    assert len(found) == count
    known = {
        row: {held for _, positions in (old[row], new[row]) for held in positions}
        for row in range(count)
    }
    for row, (cash, positions) in enumerate(found):
        assert cash in {old[row][0], new[row][0]}
        assert set(positions) <= known[row]


def test_an_empty_book_has_no_pages() -> None:
    copy = BookCopy(AccountBook(MARKETS))
    assert copy.advance() is False
    assert list(copy.pages()) == []
