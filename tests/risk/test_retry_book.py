"""Accounts that cannot be liquidated: spaced, never dropped, reported."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.liquidation import LiquidationCode
from risk.margin import Account
from risk.retry_book import Circumstances, RetryBook, RetryRules, circumstances
from risk.units import Seconds
from tests.builders import (
    NOW,
    make_account,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)

FULL = LiquidationCode.BACKSTOP_FULL
ACCOUNT = make_account(usd(40), [make_position(shares(10))])


def seen_at(mark: int = price(200), account: Account = ACCOUNT) -> Circumstances:
    return circumstances(account, make_markets(make_market(mark=mark)))


def failed(times: int, book: RetryBook | None = None, mark: int = price(200)) -> RetryBook:
    book = book or RetryBook()
    for _ in range(times):
        book = book.noted([(ACCOUNT.id, FULL, seen_at(mark))], NOW)
    return book


@pytest.mark.parametrize(
    ("times", "pause"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (7, 30), (100, 30)]
)
def test_tries_are_spaced_exponentially_up_to_a_cap(times: int, pause: int) -> None:
    assert failed(times).entries[ACCOUNT.id].next_time == NOW + pause


def test_success_forgets_the_account() -> None:
    book = failed(3).noted([(ACCOUNT.id, LiquidationCode.LIQUIDATED, seen_at())], NOW)
    assert book.entries == {}


def test_a_success_among_several_items_counts() -> None:
    results = [(ACCOUNT.id, code, seen_at()) for code in (FULL, LiquidationCode.LIQUIDATED, FULL)]
    assert RetryBook().noted(results, NOW).entries == {}


def test_an_account_can_be_forgotten() -> None:
    assert failed(1).without(ACCOUNT.id).entries == {}


@pytest.mark.parametrize(
    ("mark", "holds"),
    [(price("200.5"), True), (price("200.5") + 1, False), (price("199.5") - 1, False)],
)
def test_a_moved_price_starts_the_account_afresh(mark: int, *, holds: bool) -> None:
    assert (failed(3).entry(ACCOUNT.id, seen_at(mark)) is not None) is holds


@pytest.mark.parametrize(
    "changed",
    [
        replace(ACCOUNT, collateral=usd(39)),
        replace(ACCOUNT, positions=(make_position(shares(9)),)),
        replace(ACCOUNT, positions=()),
    ],
)
def test_a_changed_account_starts_afresh(changed: Account) -> None:
    assert failed(3).entry(ACCOUNT.id, seen_at(account=changed)) is None


def test_an_unknown_account_has_no_entry() -> None:
    assert RetryBook().entry(ACCOUNT.id, seen_at()) is None


def test_moving_prices_shorten_the_pause_but_do_not_silence_the_alarm() -> None:
    book = failed(1)
    for dollars in (210, 220):
        book = failed(1, book, price(dollars))
    entry = book.entries[ACCOUNT.id]
    assert (entry.attempts, entry.failures, entry.since) == (1, 3, NOW)
    assert book.is_stuck(entry)


@pytest.mark.parametrize(("times", "is_stuck"), [(2, False), (3, True)])
def test_an_account_is_stuck_after_some_failures(times: int, *, is_stuck: bool) -> None:
    book = failed(times)
    assert book.is_stuck(book.entries[ACCOUNT.id]) is is_stuck


@pytest.mark.parametrize(("later", "is_kept"), [(3_600, True), (3_601, False)])
def test_what_nobody_asked_about_for_long_is_forgotten(later: int, *, is_kept: bool) -> None:
    book = failed(1).noted([], Seconds(NOW + 1 + later))
    assert (ACCOUNT.id in book.entries) is is_kept


@given(st.lists(st.integers(0, 100), min_size=1, max_size=60))
def test_no_sequence_of_failures_locks_an_account_out(pauses: list[int]) -> None:
    book, now = RetryBook(rules=RetryRules(cap=Seconds(17))), NOW
    for pause in pauses:
        now = Seconds(now + pause)
        book = book.noted([(ACCOUNT.id, FULL, seen_at())], now)
        entry = book.entry(ACCOUNT.id, seen_at())
        assert entry is not None
        assert now < entry.next_time <= now + 17


def test_the_order_of_positions_is_no_change() -> None:
    positions = (make_position(shares(1)), make_position(shares(2), market=1))
    markets = make_markets(make_market(), make_market(1))
    one, other = (make_account(0, held) for held in (positions, positions[::-1]))
    assert circumstances(one, markets) == circumstances(other, markets)
