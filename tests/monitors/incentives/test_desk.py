"""The incentive desk: schedule, events, budget and restarts, as judged on a staged venue."""

from dataclasses import replace

import pytest

from monitors.incentives.market_state import UNREAD
from risk.guard_rails import Parameter
from risk.incentive_budget import SpendingMismatch
from risk.incentive_events import Event, EventKind
from risk.incentive_rules import MeasuredLiquidity, UnknownLiquidity
from risk.sessions import Session
from risk.units import FundingE12, MarketStatus, QuoteAtoms, Seconds
from tests.builders import make_position, price, shares, usd
from tests.monitors.breakers.world import Notebook
from tests.monitors.incentives.stage import (
    HOLDER,
    LIMITS,
    NUMBER,
    RATE,
    SYMBOL,
    TERMS,
    Stage,
    Venue,
    at,
    sample,
)

SATURDAY, CLOSE, MONDAY = at(21, 12), at(20, 20), at(23, 10, 30)
EXACT = tuple(each for each in LIMITS if each <= 5 and each is not Parameter.FUNDING_RATE)


def levels(session: Session) -> dict[Parameter, int]:
    return {each: getattr(TERMS.levels[session], each.name.lower()) for each in EXACT}


def on_chain(stage: Stage) -> dict[Parameter, int]:
    return {each: stage.on_chain(each) for each in EXACT}


# --- the schedule -----------------------------------------------------------------------------------


def test_fridays_ramp_has_arrived_when_the_weekend_begins_and_no_step_is_too_large() -> None:
    stage = Stage(at(20, 18, 30))
    done = stage.run(CLOSE)
    weekend = levels(Session.WEEKEND)
    for parameter in (Parameter.INITIAL_MARGIN, Parameter.TAKER_FEE, Parameter.OPEN_INTEREST_CAP):
        assert stage.on_chain(parameter) == weekend[parameter]
    for _, change in done:
        assert abs(change.value - change.before) <= LIMITS[change.parameter].largest_step
    # A rebate loosens: it is never ahead of the schedule, and a cool-down behind it at most.
    stage.run(Seconds(CLOSE + 301))
    assert on_chain(stage) == weekend


def test_never_less_strict_than_the_schedule_of_the_moment() -> None:
    stage = Stage(at(20, 18, 30))
    stage.run(at(20, 18, 50))
    while stage.venue.now < CLOSE:
        stage.run(Seconds(stage.venue.now + 20))
        scheduled = stage.judge().scheduled
        assert stage.on_chain(Parameter.INITIAL_MARGIN) >= scheduled.initial_margin
        assert stage.on_chain(Parameter.OPEN_INTEREST_CAP) <= scheduled.open_interest_cap
        assert stage.on_chain(Parameter.MAKER_FEE) >= scheduled.maker_fee


def test_mondays_ramp_brings_every_lever_home() -> None:
    stage = Stage(at(20, 18, 30))
    stage.run(at(20, 21))
    assert stage.run(at(22, 18), every=300) == []
    stage.run(MONDAY, every=60)
    assert on_chain(stage) == levels(Session.REGULAR)
    assert abs(stage.on_chain(Parameter.FUNDING_RATE) - RATE) < 2_500


def test_a_leftover_that_nobody_remembers_goes_home_by_lawful_steps() -> None:
    stage = Stage(MONDAY)
    weekend = TERMS.levels[Session.WEEKEND]
    stage.venue.change(
        initial_margin=weekend.initial_margin,
        maker_fee=-250,
        taker_fee=weekend.taker_fee,
        open_interest_cap=weekend.open_interest_cap,
        funding_rate=400_000,
    )
    done = stage.run(Seconds(MONDAY + 2_400))
    assert on_chain(stage) == levels(Session.REGULAR)
    for _, change in done:
        assert abs(change.value - change.before) <= LIMITS[change.parameter].largest_step
    # What costs the venue money goes first, whatever else is wrong.
    assert done[0][1].parameter is Parameter.MAKER_FEE


def test_without_a_calendar_the_strictest_levels_hold() -> None:
    stage = Stage(at(18, 12), has_calendar=False)
    judged = stage.judge()
    assert judged.session is Session.UNKNOWN
    assert judged.wanted[Parameter.INITIAL_MARGIN] == 200_000


def test_an_event_tightens_ahead_of_the_news_and_relaxes_after() -> None:
    news = at(18, 12)
    event = Event(kind=EventKind.FOMC, start=news, stop=news)
    stage = Stage(at(18, 10, 45), events=(event,))
    assert stage.judge().wanted[Parameter.INITIAL_MARGIN] == 50_000
    stage.run(news)
    assert stage.on_chain(Parameter.INITIAL_MARGIN) == 100_000
    told = stage.desk.explain(SYMBOL)["next_event"]
    assert told == {
        "kind": "fomc",
        "name": "",
        "symbol": "",
        "starts_seconds": news,
        "stops_seconds": news,
        "is_felt": True,
    }
    stage.run(at(18, 14, 5))
    assert stage.on_chain(Parameter.INITIAL_MARGIN) == 50_000


def test_before_the_limits_were_read_nothing_is_judged() -> None:
    stage = Stage(SATURDAY)
    stage.rails.known = None
    stage.judge_nothing()
    assert stage.desk.explain(SYMBOL) == {"why": UNREAD}


def test_a_market_that_the_exchange_does_not_list_is_named() -> None:
    stage = Stage(SATURDAY)
    stage.venue.change(symbol="OTHER")
    assert list(stage.desk.to_step()) == []
    assert stage.desk.explain(SYMBOL) == {"why": "the exchange lists no such market"}


def test_each_market_is_judged_once_a_second() -> None:
    stage = Stage(SATURDAY)
    assert list(stage.desk.to_step()) == [NUMBER]
    stage.desk.step(NUMBER)
    assert list(stage.desk.to_step()) == []
    stage.venue.now = Seconds(SATURDAY + 1)
    assert list(stage.desk.to_step()) == [NUMBER]


def test_funding_waits_until_enough_of_the_premium_was_seen() -> None:
    stage = Stage(SATURDAY)
    assert Parameter.FUNDING_RATE not in stage.judge().wanted
    assert Parameter.FUNDING_RATE not in stage.judge(Seconds(SATURDAY + 299)).wanted
    judged = stage.judge(Seconds(SATURDAY + 300))
    assert judged.base_rate == RATE
    # Half of it on a weekend.
    assert judged.wanted[Parameter.FUNDING_RATE] == RATE // 2
    stage.books.sample = sample(stage.venue.now, bid=10**6, ask=10**6, skew=400_000)
    with_skew = stage.judge(Seconds(SATURDAY + 301)).wanted[Parameter.FUNDING_RATE]
    assert with_skew == RATE // 2 + 60_000


def test_a_funding_rate_that_would_liquidate_is_not_written_in_full() -> None:
    stage = Stage(SATURDAY)
    stage.venue.change(
        **{each.name.lower(): value for each, value in levels(Session.WEEKEND).items()}
    )
    # 100 shares long at 180 must keep 450 USD; this account has a cent more.
    stage.venue.watch.set_position(
        HOLDER,
        NUMBER,
        size=shares(100),
        quote=make_position(shares(100), entry=price(180)).quote,
        funding=FundingE12(0),
        slice_time=Seconds(0),
        collateral=QuoteAtoms(usd(450) + 10_000),
    )
    stage.judge()
    stage.venue.now = Seconds(SATURDAY + 300)
    stage.books.sample = sample(stage.venue.now, bid=10**6, ask=10**6, skew=10**6)
    judged = stage.judge()
    assert judged.simulated is not None
    assert judged.simulated.liquidatable == 0
    change = judged.write.change
    assert change is not None
    assert change.parameter is Parameter.FUNDING_RATE
    # The owner's step is 100 000 ppb an hour; a cent of 18 000 USD is gone in 6 minutes at far less.
    assert 0 < change.value < 100_000
    assert "would make 1 accounts liquidatable" in judged.write.why


# --- measurement and budget ----------------------------------------------------------------------


def test_a_shortage_pays_more_and_enough_depth_takes_it_back() -> None:
    stage = Stage(SATURDAY)
    stage.run(Seconds(SATURDAY + 3_600))
    assert stage.on_chain(Parameter.MAKER_FEE) == -200
    for minute in range(180):
        now = Seconds(SATURDAY + 3_600 + 60 * minute)
        stage.venue.now = max(stage.venue.now, now)
        stage.books.sample = sample(stage.venue.now, bid=10_000, ask=10_000)
        stage.write()
    assert stage.on_chain(Parameter.MAKER_FEE) == -250
    for minute in range(180, 600):
        stage.venue.now = Seconds(SATURDAY + 3_600 + 60 * minute)
        stage.books.sample = sample(stage.venue.now, bid=900_000, ask=900_000)
        stage.write()
    assert stage.on_chain(Parameter.MAKER_FEE) == -200


def test_spent_money_takes_the_rebate_home() -> None:
    stage = Stage(SATURDAY)
    stage.run(Seconds(SATURDAY + 3_600))
    assert stage.on_chain(Parameter.MAKER_FEE) == -200
    assert stage.count.spending is not None
    stage.count.spending = replace(stage.count.spending, by_market={NUMBER: usd(25_000)})
    stage.run(Seconds(SATURDAY + 5_400))
    assert stage.on_chain(Parameter.MAKER_FEE) == -100
    assert stage.value("left_usd", market=SYMBOL) == 0
    assert stage.value("spent_usd", market=SYMBOL) == 25_000


def test_a_mismatch_stops_rebates_from_rising_and_lets_them_fall() -> None:
    stage = Stage(at(20, 18, 30))
    stage.count.mismatch = SpendingMismatch(markets={NUMBER: (usd(1), usd(2))})
    stage.run(at(20, 21))
    assert stage.on_chain(Parameter.MAKER_FEE) == -100
    assert stage.on_chain(Parameter.INITIAL_MARGIN) == 200_000
    why = stage.desk.explain(SYMBOL)["budget"]
    assert "the chain says 2.00 USD" in str(why)
    stage.count.mismatch = None
    stage.run(at(20, 23))
    assert stage.on_chain(Parameter.MAKER_FEE) == -200


def test_nothing_rises_while_nobody_counts_and_rebates_go_home_when_that_lasts() -> None:
    stage = Stage(SATURDAY)
    stage.venue.change(maker_fee=-180)
    stage.count.spending, stage.count.why_unknown = None, "not counted yet"
    stage.run(Seconds(SATURDAY + 3_600))
    assert stage.on_chain(Parameter.MAKER_FEE) == -180
    stage.count.is_silent = True
    stage.run(Seconds(SATURDAY + 7_200))
    assert stage.on_chain(Parameter.MAKER_FEE) == -100


@pytest.mark.parametrize(
    ("spread", "bid", "known"),
    [
        pytest.param(None, 0, True, id="one-sided is as wide as can be"),
        pytest.param(None, 5, False, id="crossed"),
        pytest.param(300, 5, True, id="two-sided"),
    ],
)
def test_a_book_is_measured_or_unknown(spread: int | None, bid: int, known: bool) -> None:  # noqa: FBT001
    stage = Stage(SATURDAY)
    stage.books.sample = sample(SATURDAY, bid=bid, ask=7, spread=spread)
    found = stage.judge().liquidity
    if not known:
        assert found == UnknownLiquidity(reason="the book is crossed")
        return
    assert isinstance(found, MeasuredLiquidity)
    assert (found.bid_depth, found.ask_depth) == (usd(bid), usd(7))
    assert found.spread == (spread or 10**6)


def test_an_old_sample_says_nothing() -> None:
    stage = Stage(SATURDAY)
    stage.books.sample = sample(Seconds(SATURDAY - 16), bid=1, ask=1)
    assert stage.judge().liquidity == UnknownLiquidity(reason="the last sample is 16 s old")
    assert stage.value("is_unknown", market=SYMBOL) == 1


def test_a_market_that_is_reduce_only_buys_no_makers() -> None:
    stage = Stage(SATURDAY)
    stage.venue.change(status=MarketStatus.REDUCE_ONLY)
    stage.books.sample = sample(SATURDAY, bid=1, ask=1)
    assert stage.judge().decision.shortage is None


# --- restarts and other keepers ----------------------------------------------------------------------


def test_what_was_earned_and_written_survives_a_restart() -> None:
    notes = Notebook()
    stage = Stage(SATURDAY, notes=notes)
    for minute in range(120):
        stage.venue.now = Seconds(SATURDAY + 60 * minute)
        stage.books.sample = sample(stage.venue.now, bid=10_000, ask=10_000)
        stage.write()
    fee = stage.on_chain(Parameter.MAKER_FEE)
    assert fee < -200
    again = Stage(stage.venue.now, notes=notes, venue=stage.venue)
    again.books.sample = sample(stage.venue.now, bid=10_000, ask=10_000)
    judged = again.judge()
    assert judged.wanted[Parameter.MAKER_FEE] <= fee
    assert judged.base_rate == RATE


def test_a_memory_of_another_make_is_refused_as_a_whole() -> None:
    notes = Notebook(texts={f"incentives/{SYMBOL}": '{"controller": 3}'})
    assert Stage(SATURDAY, notes=notes).judge().premium is None


def test_two_desks_that_measure_differently_do_not_fight() -> None:
    venue = Venue(SATURDAY)
    one, other = Stage(SATURDAY, venue=venue), Stage(SATURDAY, venue=venue)
    path = [venue.markets[NUMBER].maker_fee]
    for minute in range(600):
        venue.now = Seconds(SATURDAY + 60 * minute)
        # The second sees twice the depth of the first: each would set another rebate by itself.
        for stage, depth in ((one, 60_000), (other, 120_000)):
            stage.books.sample = sample(venue.now, bid=depth, ask=depth)
            stage.write()
            fee = venue.markets[NUMBER].maker_fee
            if fee != path[-1]:
                path.append(fee)
    assert path[-1] == -250
    assert path == sorted(path, reverse=True)


def test_exports_levers_in_ratios_and_usd() -> None:
    stage = Stage(SATURDAY)
    stage.judge()
    assert stage.value("lever_wanted", market=SYMBOL, parameter="initial_margin") == 0.2
    assert stage.value("lever_on_chain", market=SYMBOL, parameter="initial_margin") == 0.05
    cap = stage.value("lever_wanted", market=SYMBOL, parameter="open_interest_cap")
    assert cap == 24_000_000
