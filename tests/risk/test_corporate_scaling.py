"""A split changes nothing but the unit: equity, notional and verdicts stay, to a dust that is proven."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.corporate_scaling import SplitBook, slack_dust, split_account, split_book
from risk.corporate_totals import difference, market_totals, split_dust
from risk.corporate_values import Ratio, ratio_of
from risk.margin import Account, margin_state
from risk.market import Market
from risk.split_suspicion import KNOWN_RATIOS
from risk.units import (
    AccountId,
    MarketId,
    MarketStatus,
    PpbPerHour,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)
from tests.risk.corporate_world import make_action
from tests.risk.strategies import BOOKS, markets

FINISHED = Seconds(NOW + 300)
OTHER = MarketId(1)
ODD = st.builds(ratio_of, st.integers(1, 10**6), st.integers(1, 10**6))
RATIOS = st.one_of(st.sampled_from(KNOWN_RATIOS), ODD)
Book = dict[AccountId, Account]


@st.composite
def books(draw: st.DrawFn) -> tuple[Book, Market, Market, Ratio]:
    """Draw accounts that add up to zero, in a market that is split and in another one."""
    market, other = draw(markets(0)), draw(markets(1))
    ratio = draw(RATIOS)
    count = draw(st.integers(1, 6))
    sizes = [draw(st.integers(-(10**13), 10**13)) for _ in range(count)]
    sizes += [draw(st.integers(-3, 3)), 0]
    sizes[-1] = -sum(sizes)
    book: Book = {BACKSTOP_ID: replace(make_account(usd(10**7)), id=BACKSTOP_ID)}
    for number, size in enumerate(sizes, start=1):
        held = [make_position(draw(st.integers(1, 10**10)), market=OTHER, entry=other.mark)]
        if size:
            funding = draw(st.integers(-(10**12), 10**12))
            quote = draw(st.integers(-usd(10**6), usd(10**6)))
            held.append(make_position(size, quote=quote, funding=funding))
        cash = draw(st.integers(-usd(10**6), usd(10**6)))
        account = make_account(cash, held, number=number)
        book[account.id] = account
    return book, market, other, ratio


def split(book: Book, market: Market, ratio: Ratio) -> SplitBook:
    return split_book(book, market, ratio, backstop=BACKSTOP_ID, begun_at=NOW, now=FINISHED)


@BOOKS
@given(books())
def test_no_account_gains_or_loses_more_than_the_dust(
    drawn: tuple[Book, Market, Market, Ratio],
) -> None:
    book, market, other, ratio = drawn
    still = replace(other, funding_rate=PpbPerHour(0))
    before_markets = make_markets(market, still)
    after = split(book, market, ratio)
    after_markets = make_markets(after.market, still)
    for account in book.values():
        held = account.position(market.id)
        was = margin_state(account, before_markets, NOW)
        is_now = margin_state(after.accounts[account.id], after_markets, FINISHED)
        if held is None:
            if account.id != BACKSTOP_ID:
                assert (is_now.equity, is_now.slack) == (was.equity, was.slack)
            continue
        dust = split_dust(ratio, size=held.size, price_after=after.market.mark)
        assert abs(is_now.equity - was.equity) <= dust
        assert abs(is_now.notional - was.notional) <= dust
        room = slack_dust(market, ratio, size=held.size)
        assert abs(is_now.slack - was.slack) <= room
        if abs(was.slack) > room:
            assert is_now.is_liquidatable == was.is_liquidatable


@BOOKS
@given(books())
def test_sizes_add_up_to_zero_and_no_money_is_made(
    drawn: tuple[Book, Market, Market, Ratio],
) -> None:
    book, market, _, ratio = drawn
    after = split(book, market, ratio)
    sizes = [account.position(market.id) for account in after.accounts.values()]
    assert sum(each.size for each in sizes if each is not None) == 0
    assert after.market.open_interest == sum(
        max(each.size, 0) for each in sizes if each is not None
    )

    def money(accounts: Book) -> int:
        quotes = sum(held.quote for each in accounts.values() for held in each.positions)
        return sum(each.collateral for each in accounts.values()) + quotes

    assert money(dict(after.accounts)) + after.funding_paid == money(book)
    assert abs(after.dust) <= len(book)


@BOOKS
@given(books())
def test_the_sums_that_are_verified_stay_within_their_dust(
    drawn: tuple[Book, Market, Market, Ratio],
) -> None:
    book, market, _, ratio = drawn
    if ratio == ratio.inverse:
        return
    after = split(book, market, ratio)
    action = make_action(ratio=ratio)
    without = [account for number, account in book.items() if number != BACKSTOP_ID]
    left = [account for number, account in after.accounts.items() if number != BACKSTOP_ID]
    before_totals = market_totals(without, market, price=market.mark, now=NOW, ratio=ratio)
    after_totals = market_totals(left, after.market, price=after.market.mark, now=FINISHED)
    assert difference(before_totals, after_totals, action) is None
    if before_totals.notional > usd(1_000):
        worse = replace(after_totals, notional=QuoteAtoms(after_totals.notional * 101 // 100))
        dust = split_dust(
            ratio,
            size=before_totals.long_size + before_totals.short_size,
            price_after=after.market.mark,
            positions=before_totals.positions,
        )
        if worse.notional - before_totals.notional > dust:
            assert "notional" in (difference(before_totals, worse, action) or "")


@settings(BOOKS, max_examples=25)
@given(books(), st.lists(st.integers(-300_000, 300_000), max_size=4))
def test_the_trigger_index_goes_on_as_if_it_had_been_built_anew(
    drawn: tuple[Book, Market, Market, Ratio], moves: list[int]
) -> None:
    book, market, other, ratio = drawn
    halted = replace(market, status=MarketStatus.HALTED)
    watch = AccountWatch()
    watch.load(make_markets(halted, other), [columns_of(list(book.values()))], NOW)
    after = split(book, halted, ratio)
    watch.set_market(replace(halted, is_splitting=True), NOW)
    for account in after.accounts.values():
        was = book[account.id].position(market.id)
        held = account.position(market.id)
        if was is None and held is None:
            continue
        size, quote, funding, slice_time = (
            (0, 0, 0, 0) if held is None else (held.size, held.quote, held.funding, held.slice_time)
        )
        watch.set_position(
            account.id,
            market.id,
            SizeE8(size),
            QuoteAtoms(quote),
            funding,  # type: ignore[arg-type]
            Seconds(slice_time),
            account.collateral,
        )
    now, market_now = FINISHED, after.market
    for moved in (0, *moves):
        mark = max(1, market_now.mark + market_now.mark * moved // 10**6)
        market_now = replace(market_now, mark=PriceE8(mark))
        watch.set_market(market_now, now)
        every = make_markets(market_now, other)
        expected = {
            each.id
            for each in after.accounts.values()
            if margin_state(each, every, watch.now).is_liquidatable
        }
        assert set(watch.under_margin) == expected
        now = Seconds(now + 1)


@pytest.mark.parametrize(
    ("size", "ratio", "left"),
    [
        ("1", (2, 1), "2"),
        ("-1.00000001", (3, 2), "-1.50000001"),
        ("0.00000007", (1, 10), None),
        ("-0.00000019", (1, 10), "-0.00000001"),
    ],
)
def test_sizes_round_toward_zero_and_what_vanishes_becomes_cash(
    size: str, ratio: tuple[int, int], left: str | None
) -> None:
    account = make_account(usd(10), [make_position(shares(size), quote=usd("-0.5"), slice_time=9)])
    after = split_account(account, make_market(), ratio_of(*ratio), begun_at=NOW)
    if left is None:
        assert after.account == make_account(usd("9.5"))
    else:
        (held,) = after.account.positions
        assert (held.size, held.quote, held.slice_time) == (shares(left), usd("-0.5"), 9)
        assert after.account.collateral == usd(10)


def test_funding_is_settled_up_to_the_beginning_and_starts_from_zero() -> None:
    market = make_market(funding_rate=100_000, funding_time=NOW - 3_600)
    account = make_account(usd(10), [make_position(shares(10))])
    after = split_account(account, market, ratio_of(2, 1), begun_at=NOW)
    owed = margin_state(account, make_markets(market), NOW).positions[0].funding_owed
    assert after.funding_paid == owed == usd("0.2")
    assert after.account.collateral == usd("9.8")
    assert after.account.positions[0].funding == 0


def test_the_bands_the_index_and_the_mark_are_divided_and_money_is_not() -> None:
    market = make_market(
        mark=price(201), index=price(199), band_low=price(190), band_high=price(210)
    )
    after = split({BACKSTOP_ID: make_account(0)}, market, ratio_of(20, 1)).market
    assert (after.mark, after.index) == (price("10.05"), price("9.95"))
    assert (after.band_low, after.band_high) == (price("9.5"), price("10.5"))
    for name in ("open_interest_cap", "min_position_notional", "tiers", "backstop_cap"):
        assert getattr(after, name) == getattr(market, name)


def test_sums_at_a_price_of_another_worth_are_a_broken_precondition() -> None:
    market = make_market()
    totals = market_totals((), market, price=market.mark, now=NOW)
    with pytest.raises(ValueError, match=r"expected sums at 100.00, found them at 200.00"):
        difference(totals, totals, make_action())
