"""A shocked book against the slow exact judge, account by account, to the atom; and what a shock may not do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.book_copy import BookCopy
from risk.columns import columns_of
from risk.margin import Account, margin_state
from risk.market import Market
from risk.solvency_valuation import Valuation
from risk.stress import NOBODY, Shock, StressedBook, StressOutcome, Toll, outcome, shocked
from risk.stress_look import StressLook, StressMoment, look_at
from risk.units import PPM_SCALE, AccountId, MarketId, MarketStatus, PriceE8, QuoteAtoms
from tests.builders import BACKSTOP_ID, NOW, make_account, make_market, make_position, shares, usd
from tests.risk.strategies import BOOKS, accounts, terms

MOVES = (-300_000, -50_000, 100_000)
UNTOUCHED = Toll()


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Account], Mapping[MarketId, Market], int]:
    """A few accounts near their margin, some of them alike, a backstop among them, and a fund."""
    given_terms = draw(terms())
    drawn = draw(st.lists(accounts(given_terms, lowest=-500, highest=3_000), max_size=6))
    book = [replace(each, id=AccountId(place + 1)) for place, each in enumerate(drawn)]
    pool = draw(accounts(given_terms, lowest=500, highest=20_000))
    book.insert(draw(st.integers(0, len(book))), replace(pool, id=BACKSTOP_ID))
    markets = dict(given_terms.markets)
    if draw(st.booleans()):
        last = max(markets)
        markets[last] = replace(markets[last], status=MarketStatus.SETTLED)
    return book, markets, draw(st.integers(0, usd(10**7)))


def slow_outcome(
    name: str,
    book: Sequence[Account],
    markets: Mapping[MarketId, Market],
    moves: Mapping[MarketId, int],
    fund: int,
) -> StressOutcome:
    """Reckon in Python integers, one account after the other: the oracle."""
    moved = {}
    for number, market in markets.items():
        target, move = market.mark, moves.get(number, 0)
        if move and not market.is_settled:
            exact = market.mark * (PPM_SCALE + move)
            # Away from where it was: a rise up, a fall down.
            target = PriceE8(-(-exact // PPM_SCALE) if move > 0 else exact // PPM_SCALE)
        moved[number] = replace(market, mark=target)
    under = notional = bankrupt = debt = room = 0
    for account in book:
        state = margin_state(account, moved, NOW)
        if account.id == BACKSTOP_ID:
            room = max(0, state.equity - state.initial_margin)
            continue
        if state.is_liquidatable:
            under, notional = under + 1, notional + state.notional
        if state.is_bankrupt:
            bankrupt, debt = bankrupt + 1, debt - state.equity
    return StressOutcome(
        name=name,
        toll=Toll(
            liquidatable_accounts=under,
            liquidatable_notional=QuoteAtoms(notional),
            bankrupt_accounts=bankrupt,
            bad_debt=QuoteAtoms(debt),
        ),
        insurance_left=QuoteAtoms(max(0, fund - debt)),
        backstop_left=QuoteAtoms(max(0, room - max(0, debt - fund))),
        uncovered=QuoteAtoms(max(0, debt - fund - room)),
    )


def look(
    book: Sequence[Account],
    markets: Mapping[MarketId, Market],
    shocks: Sequence[Shock],
    fund: int = 0,
    *,
    page: int = 65_536,
    piece: int = 65_536,
) -> StressLook:
    """Load a live book, copy it, look at the copy."""
    live = AccountBook(markets)
    live.load([columns_of(list(book))])
    copy = BookCopy(live, piece=piece)
    while copy.advance():
        pass
    row = live.row(BACKSTOP_ID)
    moment = StressMoment(
        markets=markets,
        insurance_fund=QuoteAtoms(fund),
        backstop=NOBODY if row is None else row,
        now=NOW,
    )
    found = look_at(copy, moment, shocks, MOVES, lambda: False, page_accounts=page)
    assert found is not None
    return found


@BOOKS
@given(worlds(), st.data())
def test_a_shocked_book_is_what_the_slow_judge_says(
    world: tuple[list[Account], Mapping[MarketId, Market], int], data: st.DataObject
) -> None:
    book, markets, fund = world
    moves = data.draw(
        st.dictionaries(st.sampled_from(sorted(markets)), st.integers(-PPM_SCALE, 3 * PPM_SCALE))
    )
    everything = dict.fromkeys(markets, -150_000)
    shocks = [Shock(name="some", moves=moves), Shock(name="all", moves=everything)]
    page, piece = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    found = look(book, markets, shocks, fund, page=page, piece=piece)
    assert found.accounts == len(book)
    assert found.outcomes == {
        "some": slow_outcome("some", book, markets, moves, fund),
        "all": slow_outcome("all", book, markets, everything, fund),
    }
    live = {number: each for number, each in markets.items() if not each.is_settled}
    assert found.by_market == {
        (each.symbol, move): slow_outcome(each.symbol, book, markets, {number: move}, fund)
        for number, each in live.items()
        for move in MOVES
    }


@BOOKS
@given(worlds())
def test_no_move_is_the_book_as_it_is(
    world: tuple[list[Account], Mapping[MarketId, Market], int],
) -> None:
    book, markets, fund = world
    found = look(book, markets, [Shock(name="none", moves=dict.fromkeys(markets, 0))], fund)
    assert found.outcomes["none"] == slow_outcome("none", book, markets, {}, fund)


def test_amounts_beyond_64_bits_are_shocked_all_the_same() -> None:
    market = make_market(mark=10**15)
    size = 2**62
    book = [make_account(0, [make_position(size, quote=-(2**61))], number=1)]
    markets = {market.id: market}
    moves = {market.id: 10 * PPM_SCALE}
    shock = Shock(name="up", moves=moves)
    assert look(book, markets, [shock]).outcomes["up"] == slow_outcome(
        "up", book, markets, moves, 0
    )


def test_a_move_may_leave_64_bits_where_the_marks_did_not() -> None:
    market = make_market(mark=10**8)
    size = 2**60
    book = [make_account(0, [make_position(-size, quote=2**52)], number=1)]
    markets = {market.id: market}
    assert not Valuation([columns_of(book)], markets, NOW).is_slow
    moves = {market.id: 10 * PPM_SCALE}
    shock = Shock(name="up", moves=moves)
    assert look(book, markets, [shock]).outcomes["up"] == slow_outcome(
        "up", book, markets, moves, 0
    )


def test_the_fund_pays_first_then_the_backstop_and_the_rest_is_uncovered() -> None:
    def paid(debt: int) -> tuple[int, int, int, bool]:
        found = outcome(
            "x",
            replace(UNTOUCHED, bad_debt=QuoteAtoms(debt)),
            insurance_fund=QuoteAtoms(100),
            backstop_headroom=QuoteAtoms(50),
        )
        return found.insurance_left, found.backstop_left, found.uncovered, found.exhausts_fund

    assert paid(0) == (100, 50, 0, False)
    assert paid(99) == (1, 50, 0, False)
    assert paid(100) == (0, 50, 0, True)
    assert paid(120) == (0, 30, 0, True)
    assert paid(151) == (0, 0, 1, True)


def test_an_empty_fund_without_bad_debt_is_not_exhausted_by_a_scenario() -> None:
    nothing = outcome("x", UNTOUCHED, insurance_fund=QuoteAtoms(0), backstop_headroom=QuoteAtoms(0))
    assert not nothing.exhausts_fund


def test_marks_are_rounded_away_from_where_they_were() -> None:
    markets = {MarketId(0): make_market(mark=3)}
    assert shocked(markets, {MarketId(0): 1}) == {MarketId(0): 4}
    assert shocked(markets, {MarketId(0): -1}) == {MarketId(0): 2}
    assert shocked(markets, {MarketId(0): -PPM_SCALE}) == {MarketId(0): 0}
    assert shocked(markets, {MarketId(0): 0, MarketId(7): 5}) == {}


def test_a_price_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="-10\\^6 ppm or more"):
        Shock(name="x", moves={MarketId(0): -PPM_SCALE - 1})


def test_the_boundary_of_liquidation_is_strict() -> None:
    # At 20x of 200 USD a fall of 5 % leaves nothing: equity 0 is no bad debt, and under margin.
    market = make_market()
    held = make_position(shares(10), quote=-usd(2_000))
    account = make_account(usd(100), [held], number=1)
    fall = Shock(name="fall", moves={market.id: -50_000})
    toll = look([account], {market.id: market}, [fall]).outcomes["fall"].toll
    assert (toll.liquidatable_accounts, toll.bankrupt_accounts, toll.bad_debt) == (1, 0, 0)
    assert toll.liquidatable_notional == usd(1_900)
    richer = replace(account, collateral=QuoteAtoms(usd(100) + toll.liquidatable_notional // 40))
    assert look([richer], {market.id: market}, [fall]).outcomes["fall"].toll == UNTOUCHED
    poorer = replace(account, collateral=QuoteAtoms(usd(100) - 1))
    assert look([poorer], {market.id: market}, [fall]).outcomes["fall"].toll.bad_debt == 1


def test_two_positions_of_one_account_in_a_market_are_refused() -> None:
    twice = make_account(usd(1), [make_position(shares(1)), make_position(shares(2))], number=1)
    valued = Valuation([columns_of([twice])], {MarketId(0): make_market()}, NOW)
    with pytest.raises(ValueError, match="one position an account in market 0"):
        StressedBook(valued)


def test_a_look_that_is_stopped_finds_nothing() -> None:
    live = AccountBook({MarketId(0): make_market()})
    live.load([columns_of([make_account(usd(1), [make_position(shares(1))], number=1)])])
    copy = BookCopy(live)
    copy.advance()
    moment = StressMoment(
        markets=live.markets, insurance_fund=QuoteAtoms(0), backstop=NOBODY, now=NOW
    )
    assert look_at(copy, moment, [], MOVES, lambda: True) is None
    unknown = replace(moment, markets={})
    assert look_at(copy, unknown, [], MOVES, lambda: False) is None
