"""Before a write is sent, everybody whom it would touch is found: as many as brute force finds."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.columns import columns_of
from risk.guard_rails import Limits, Parameter
from risk.incentive_simulation import changed_market, plan_safe_write, simulate
from risk.incentive_write import ParameterChange, TunerState
from risk.liquidation import LiquidationTerms
from risk.margin import Account, margin_state
from risk.units import MarketId, PpbPerHour, QuoteAtoms, Seconds
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)
from tests.risk.strategies import BOOKS, accounts, terms

P = Parameter
FIRST = MarketId(0)
HORIZON = Seconds(330)


def book_of(held: list[Account], *markets: object) -> AccountBook:
    book = AccountBook(make_markets(*markets))  # type: ignore[arg-type]
    book.load([columns_of(held)])
    return book


def change(parameter: P, before: int, value: int) -> ParameterChange:
    return ParameterChange(parameter=parameter, before=before, value=value, wanted=value)


def brute(
    book: AccountBook, wanted: ParameterChange, horizon: int, backstop: object = None
) -> tuple[set[int], set[int], set[int]]:
    """Judge all accounts in integers: who is shut out, who falls, and who falls anyway."""
    market = changed_market(book.markets[FIRST], wanted.parameter, wanted.value, NOW)
    after = {**book.markets, FIRST: market}
    shut, fallen, anyway = set(), set(), set()
    for row in range(len(book)):
        account = book.account(book.id_at(row))
        if account.position(FIRST) is None or account.id == backstop:
            continue
        now_before, now_after = (
            margin_state(account, markets, NOW) for markets in (book.markets, after)
        )
        could = now_before.equity >= now_before.initial_margin
        if could and now_after.equity < now_after.initial_margin:
            shut.add(row)
        end_before, end_after = (
            margin_state(account, markets, Seconds(NOW + horizon))
            for markets in (book.markets, after)
        )
        if end_before.is_liquidatable:
            anyway.add(row)
        elif end_after.is_liquidatable:
            fallen.add(row)
    return shut, fallen, anyway


LONG = make_position(shares(100))
"""20,000 USD at the mark: maintenance 500 USD, initial 1,000 USD."""


def test_a_larger_margin_shuts_out_whoever_has_less_and_liquidates_nobody() -> None:
    book = book_of(
        [
            make_account(usd(equity), [LONG], number=number)
            for number, equity in enumerate((501, 999, 1_000, 1_199, 1_200, 5_000), start=1)
        ]
    )
    seen = simulate(book, FIRST, change(P.INITIAL_MARGIN, 50_000, 60_000), now=NOW, horizon=HORIZON)
    assert (seen.holders, seen.cannot_open, seen.liquidatable) == (6, 2, 0)
    assert seen.is_harmless


def test_a_rate_is_judged_until_it_can_be_written_again() -> None:
    """0.05 % an hour on 20,000 USD is 10 USD; in six minutes a long pays 1 USD."""
    book = book_of(
        [
            make_account(usd("500.999999"), [LONG], number=1),
            make_account(usd(501), [LONG], number=2),
            make_account(usd("500.5"), [make_position(shares(-100))], number=3),
            make_account(usd("499"), [LONG], number=4),
        ]
    )
    rate = change(P.FUNDING_RATE, 0, 500_000)
    seen = simulate(book, FIRST, rate, now=NOW, horizon=Seconds(360))
    assert (seen.liquidatable, seen.liquidatable_anyway) == (1, 1)
    assert seen.examples == (make_account_id(1),)
    other_way = replace(rate, value=-500_000, wanted=-500_000)
    assert simulate(book, FIRST, other_way, now=NOW, horizon=Seconds(360)).liquidatable == 1
    assert simulate(book, FIRST, rate, now=NOW, horizon=Seconds(0)).is_harmless


def test_fees_and_caps_touch_nobody() -> None:
    book = book_of([make_account(usd(500), [LONG])])
    for parameter in (P.TAKER_FEE, P.MAKER_FEE, P.OPEN_INTEREST_CAP):
        seen = simulate(book, FIRST, change(parameter, 0, 500), now=NOW, horizon=HORIZON)
        assert (seen.holders, seen.cannot_open, seen.liquidatable) == (1, 0, 0)


def test_a_market_that_nobody_holds_harms_nobody() -> None:
    book = book_of([make_account(usd(500), [])])
    for parameter in (P.INITIAL_MARGIN, P.FUNDING_RATE):
        seen = simulate(book, FIRST, change(parameter, 0, 10**6), now=NOW, horizon=HORIZON)
        assert (seen.holders, seen.is_harmless) == (0, True)


def test_the_backstop_keeps_its_initial_margin() -> None:
    book = book_of([make_account(usd(1_100), [LONG], number=9), make_account(usd(900), [LONG])])
    margin = change(P.INITIAL_MARGIN, 50_000, 60_000)
    seen = simulate(book, FIRST, margin, now=NOW, horizon=HORIZON, backstop=make_account_id(9))
    assert (seen.cannot_open, seen.is_backstop_short, seen.is_harmless) == (0, True, False)
    write, simulated = plan_safe_write(
        book,
        FIRST,
        {P.INITIAL_MARGIN: 60_000},
        TUNER,
        now=NOW,
        reaction=Seconds(30),
        backstop=make_account_id(9),
    )
    assert write.change is not None
    assert write.change.value == 55_000
    assert "would leave the backstop below its initial margin" in write.why
    assert simulated is not None
    assert simulated.is_harmless


TUNER = TunerState(
    limits={
        P.INITIAL_MARGIN: Limits(
            minimum=25_000, maximum=500_000, largest_step=25_000, cool_down=Seconds(300)
        ),
        P.FUNDING_RATE: Limits(
            minimum=-500_000, maximum=500_000, largest_step=500_000, cool_down=Seconds(330)
        ),
        P.TAKER_FEE: Limits(minimum=0, maximum=900, largest_step=900, cool_down=Seconds(0)),
    },
    last_written={},
    is_in_flight=False,
)


def test_the_largest_step_that_harms_nobody_is_written() -> None:
    """Over 360 s a rate of 250,000 takes exactly the half dollar that one account has to spare."""
    book = book_of([make_account(usd("500.5"), [LONG]), make_account(usd(800), [LONG], number=2)])
    write, simulated = plan_safe_write(
        book, FIRST, {P.FUNDING_RATE: 400_000}, TUNER, now=NOW, reaction=Seconds(30)
    )
    assert write.change is not None
    assert write.change.value == 250_000
    assert simulated is not None
    assert simulated.is_harmless
    assert "would make 1 accounts liquidatable within 360 s" in write.why
    worse = replace(write.change, value=250_001)
    assert simulate(book, FIRST, worse, now=NOW, horizon=Seconds(360)).liquidatable == 1


def test_what_harms_at_any_step_is_left_and_the_next_is_written() -> None:
    book = book_of([make_account(usd(500), [LONG])])
    only, simulated = plan_safe_write(
        book, FIRST, {P.FUNDING_RATE: 400_000}, TUNER, now=NOW, reaction=Seconds(30)
    )
    assert only.change is None
    assert "and so would any smaller step" in only.why
    assert simulated is not None
    assert simulated.liquidatable == 1
    both, _ = plan_safe_write(
        book,
        FIRST,
        {P.FUNDING_RATE: 400_000, P.TAKER_FEE: 400},
        TUNER,
        now=NOW,
        reaction=Seconds(30),
    )
    assert both.change is not None
    assert both.change.parameter is P.TAKER_FEE


def test_nothing_wanted_is_nothing_simulated() -> None:
    book = book_of([make_account(usd(500), [LONG])])
    write, simulated = plan_safe_write(
        book, FIRST, {P.INITIAL_MARGIN: 50_000}, TUNER, now=NOW, reaction=Seconds(30)
    )
    assert (write.change, simulated) == (None, None)
    assert write.why == "every parameter is as wanted"


@st.composite
def near_books(draw: st.DrawFn) -> AccountBook:
    """Books of accounts some atoms from a line: of maintenance at the end, or of initial margin."""
    given_terms: LiquidationTerms = draw(terms())
    book = AccountBook(given_terms.markets)
    seen: dict[int, Account] = {}
    for _ in range(draw(st.integers(0, 8))):
        account = draw(accounts(given_terms, lowest=-200, highest=3_000))
        moment = Seconds(NOW + draw(st.sampled_from([0, HORIZON])))
        state = margin_state(account, given_terms.markets, moment)
        line = draw(st.sampled_from([state.maintenance_margin, state.initial_margin, None]))
        if line is not None:
            near = account.collateral + line - state.equity + draw(st.integers(-3, 3))
            account = replace(account, collateral=QuoteAtoms(near))
        seen[account.id] = account
    book.load([columns_of(list(seen.values()))])
    return book


@BOOKS
@given(
    book=near_books(),
    margin=st.integers(1, 10**6),
    rate=st.one_of(st.integers(-2_000_000, 2_000_000), st.integers(-(10**9), 10**9)),
)
def test_the_simulation_finds_what_brute_force_finds(
    book: AccountBook, margin: int, rate: int
) -> None:
    some = book.id_at(0) if len(book) else None
    for backstop in (None, some):
        for wanted in (change(P.INITIAL_MARGIN, 0, margin), change(P.FUNDING_RATE, 0, rate)):
            seen = simulate(book, FIRST, wanted, now=NOW, horizon=HORIZON, backstop=backstop)
            shut, fallen, anyway = brute(book, wanted, HORIZON, backstop)
            assert seen.cannot_open == len(shut)
            assert seen.liquidatable == len(fallen)
            assert seen.liquidatable_anyway == len(anyway)
            assert {book.row(each) for each in seen.examples} <= fallen


@BOOKS
@given(book=near_books(), wanted=st.integers(-(10**7), 10**7))
def test_a_smaller_step_is_the_largest_that_harms_nobody(book: AccountBook, wanted: int) -> None:
    wide = Limits(minimum=-(10**9), maximum=10**9, largest_step=10**9, cool_down=Seconds(300))
    tuner = TunerState(limits={P.FUNDING_RATE: wide}, last_written={}, is_in_flight=False)
    before = book.markets[FIRST].funding_rate
    write, _ = plan_safe_write(
        book, FIRST, {P.FUNDING_RATE: wanted}, tuner, now=NOW, reaction=Seconds(30)
    )
    value = before if write.change is None else write.change.value
    assert not brute(book, change(P.FUNDING_RATE, before, value), HORIZON)[1]
    if value != wanted:
        beyond = value + (1 if wanted > before else -1)
        assert brute(book, change(P.FUNDING_RATE, before, beyond), HORIZON)[1]


def test_a_change_accrues_what_was_owed_before_it() -> None:
    market = make_market(
        funding_rate=PpbPerHour(300_000), funding_time=Seconds(NOW - 7_200), index=price(200)
    )
    later = Seconds(NOW + 3_600)
    changed = changed_market(market, P.FUNDING_RATE, -100_000, NOW)
    assert changed.funding_index(NOW) == market.funding_index(NOW)
    hour = market.funding_index(NOW) // 2
    assert changed.funding_index(later) == market.funding_index(NOW) - hour // 3
