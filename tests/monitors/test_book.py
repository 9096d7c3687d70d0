"""The book monitor: what it answers, what it says it does not know, what it exports."""

import pytest

from monitors.book import NO_SAMPLE
from risk.liquidity import measure_book
from risk.market_liquidity import Figure, Reason
from risk.order_book import OrderBook
from risk.sessions import Session
from risk.units import (
    MarketStatus,
    Seconds,
)
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    shares,
    usd,
)
from tests.monitors.book_rig import StagedVenue
from tests.monitors.book_stage import (
    MAKER,
    MARK,
    OF_BOOK,
    OTHER_MAKER,
    TERMS,
    Stage,
    require_reasons,
    settled,
    two_sided,
)

# --- when it samples -------------------------------------------------------------------------------


def test_before_the_first_sample_it_says_why_it_knows_nothing() -> None:
    stage = Stage()
    assert stage.monitor.liquidity("AAPL") is None
    assert stage.monitor.age("AAPL") is None
    assert stage.monitor.why_unknown("AAPL") == NO_SAMPLE
    with pytest.raises(KeyError):
        stage.monitor.liquidity("NVDA")


def test_samples_once_a_second_of_the_venues_clock_and_tells_the_age() -> None:
    stage = Stage()
    stage.venue.tick()
    stage.shelf.books["AAPL"] = two_sided(bid=7)
    stage.venue.tick(0)
    assert stage.known().book == measure_book(two_sided(), MARK, TERMS)
    stage.venue.now = Seconds(stage.venue.now + 3)
    assert stage.monitor.age("AAPL") == 3
    stage.venue.tick(0)
    assert stage.known().book == measure_book(two_sided(bid=7), MARK, TERMS)
    assert stage.monitor.age("AAPL") == 0


def test_while_the_feed_is_interrupted_it_answers_nothing_and_samples_nothing() -> None:
    stage = Stage()
    stage.venue.tick()
    stage.venue.distrust = "the socket was lost"
    assert stage.monitor.liquidity("AAPL") is None
    assert stage.monitor.why_unknown("AAPL") == "the socket was lost"
    stage.venue.tick(5)
    stage.venue.distrust = None
    assert stage.known().sampled_at == NOW + 1


# --- what is not known ------------------------------------------------------------------------------


def test_every_figure_that_is_not_known_has_its_reason() -> None:
    stage = Stage()
    stage.venue.tick()
    assert stage.known().unknown == {
        Figure.BID_RECOVERY: Reason.NO_SHOCK,
        Figure.ASK_RECOVERY: Reason.NO_SHOCK,
        Figure.TRADES: Reason.SHORT_WATCH,
        Figure.MAKERS: Reason.SHORT_WATCH,
        Figure.LARGEST_SHARE: Reason.SHORT_WATCH,
        Figure.SKEW: Reason.NO_REGISTERED_MAKERS,
    }
    require_reasons(stage.known())


@pytest.mark.parametrize(
    ("book", "figures"),
    [
        pytest.param(
            None,
            dict.fromkeys(OF_BOOK, Reason.NO_BOOK),
            id="no book",
        ),
        pytest.param(
            two_sided(bid=0),
            {
                Figure.QUOTED_SPREAD: Reason.NO_MID,
                Figure.BID_EFFECTIVE_SPREAD: Reason.NO_MID,
                Figure.ASK_EFFECTIVE_SPREAD: Reason.NO_MID,
            },
            id="one-sided",
        ),
        pytest.param(
            two_sided(ask=1), {Figure.ASK_EFFECTIVE_SPREAD: Reason.TOO_THIN}, id="thin asks"
        ),
    ],
)
def test_a_book_that_says_less_is_known_for_less(
    book: OrderBook | None, figures: dict[Figure, Reason]
) -> None:
    stage = Stage()
    stage.shelf.books.clear()
    if book is not None:
        stage.shelf.books["AAPL"] = book
    stage.venue.tick()
    of_book = {figure: reason for figure, reason in stage.known().unknown.items()
               if figure in OF_BOOK}  # fmt: skip
    assert of_book == figures
    require_reasons(stage.known())


def test_a_stale_mark_measures_no_depth() -> None:
    stage = Stage(StagedVenue(make_market(expiry=Seconds(60))))
    stage.venue.tick(60)
    assert Figure.BID_DEPTH not in stage.known().unknown
    stage.venue.tick(1)
    known = stage.known()
    assert known.unknown[Figure.BID_DEPTH] is Reason.NO_MARK
    assert known.mark is None
    assert known.book is not None
    assert known.book.quoted_spread == 1_000
    require_reasons(known)


def test_a_settled_market_has_no_mark_to_measure_from() -> None:
    stage = Stage(StagedVenue(make_market(status=MarketStatus.SETTLED)))
    stage.venue.tick()
    assert stage.known().unknown[Figure.BID_DEPTH] is Reason.NO_MARK
    require_reasons(stage.known())


def test_a_market_that_the_exchange_does_not_list_is_known_by_its_book_alone() -> None:
    stage = Stage(StagedVenue(make_market(5, symbol="NVDA")), makers=(MAKER,))
    stage.venue.tick()
    known = stage.known()
    assert known.book is not None
    assert known.unknown[Figure.ASK_DEPTH] is Reason.NOT_LISTED
    assert known.unknown[Figure.MAKERS] is Reason.NOT_LISTED
    assert known.unknown[Figure.SKEW] is Reason.NOT_LISTED
    require_reasons(known)


# --- trades ----------------------------------------------------------------------------------------


def test_makers_are_known_once_the_whole_window_was_watched() -> None:
    stage = Stage()
    stage.venue.tick(30)
    stage.venue.settle(settled(3, maker_fee=-60))
    stage.venue.settle(settled(-1, maker=OTHER_MAKER, maker_fee=-20))
    stage.venue.settle(settled(100, market=9))
    stage.venue.tick(29)
    assert stage.known().shares is None
    stage.venue.tick(1)
    found = stage.known().shares
    assert found is not None
    assert (found.makers, found.largest_share) == (2, 750_000)
    assert (found.volume, found.rebates) == (usd(800), 80)
    require_reasons(stage.known())


def test_a_window_without_trades_is_known_to_have_no_volume_and_no_largest_share() -> None:
    stage = Stage()
    stage.venue.tick(60)
    known = stage.known()
    assert known.shares is not None
    assert (known.shares.volume, known.shares.makers) == (0, 0)
    assert known.unknown[Figure.LARGEST_SHARE] is Reason.NO_MAKER_VOLUME
    require_reasons(known)


def test_a_new_snapshot_forgets_trades_until_the_window_is_whole_again() -> None:
    stage = Stage()
    stage.venue.tick(55)
    stage.venue.settle(settled(3))
    stage.venue.tick(5)
    assert stage.known().shares is not None
    stage.venue.replace()
    stage.venue.tick(59)
    assert stage.known().unknown[Figure.TRADES] is Reason.SHORT_WATCH
    stage.venue.tick(1)
    found = stage.known().shares
    assert found is not None
    assert found.volume == 0


def test_skew_is_what_others_hold_against_the_registered_makers() -> None:
    market = make_market(open_interest=shares(10), expiry=Seconds(600))
    stage = Stage(StagedVenue(market), makers=(MAKER, OTHER_MAKER, make_account_id(77)))
    stage.venue.accounts = {
        MAKER: make_account(usd(1), [make_position(shares(-4))]),
        OTHER_MAKER: make_account(usd(1), [make_position(shares(1))]),
    }
    stage.venue.tick()
    assert stage.known().skew == 300_000
    assert stage.value("open_interest_skew_ratio") == 0.3


def test_without_open_interest_there_is_no_skew() -> None:
    stage = Stage(makers=(MAKER,))
    stage.venue.tick()
    assert stage.known().skew is None
    assert stage.known().unknown[Figure.SKEW] is Reason.NO_OPEN_INTEREST


# --- over time --------------------------------------------------------------------------------------


def test_tells_how_long_the_side_that_was_taken_needs_to_come_back() -> None:
    stage = Stage()
    stage.venue.tick()
    stage.venue.settle(settled(60))
    for size, seconds in ((40, 1), (40, 4), (95, 2)):
        stage.shelf.books["AAPL"] = two_sided(ask=size)
        stage.venue.tick(seconds)
    assert stage.known().ask_recovery == 7
    assert stage.known().bid_recovery is None
    assert stage.value("recovery_seconds", side="ask") == 7
    require_reasons(stage.known())


@pytest.mark.parametrize("sight_is_lost_by", ["a snapshot", "a pause"])
def test_a_shock_that_was_not_watched_to_its_end_counts_for_nothing(sight_is_lost_by: str) -> None:
    stage = Stage()
    stage.venue.tick()
    stage.venue.settle(settled(60))
    stage.shelf.books["AAPL"] = two_sided(ask=40)
    stage.venue.tick()
    if sight_is_lost_by == "a snapshot":
        stage.venue.replace()
    stage.shelf.books["AAPL"] = two_sided()
    stage.venue.tick(16 if sight_is_lost_by == "a pause" else 1)
    assert stage.known().ask_recovery is None


def test_averages_follow_the_session_and_unknown_time_is_told() -> None:
    stage = Stage()
    stage.venue.tick()
    stage.venue.tick(4)
    del stage.shelf.books["AAPL"]
    stage.venue.tick(2)
    stage.venue.tick(3)
    running = stage.known().average
    assert running is not None
    assert (running.observed, running.unknown) == (6, 3)
    assert running.bid.depth[0].value == usd(19_990)
    assert stage.value("session_unknown_seconds") == 3
    stage.session = Session.WEEKEND
    stage.venue.tick(1)
    done = stage.known().completed[Session.REGULAR]
    assert (done.start, done.end, done.unknown) == (NOW + 1, NOW + 11, 4)
