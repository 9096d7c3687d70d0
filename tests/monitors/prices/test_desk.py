"""The desk joins what was said with the session, plays a round a second, and says why."""

from dataclasses import replace

import orjson
import pytest

from monitors.participants.store import Reopening
from monitors.prices.explanation import REASONS
from monitors.prices.resumption import Earlier, earlier_of
from monitors.prices.trading_halts import TradingHalt
from risk.discovery_bound import BoundState
from risk.jump_guard import OperatorWord
from risk.price_support import Rung
from risk.sessions import Session
from risk.units import PriceE8, Seconds
from tests.builders import NOW, price
from tests.monitors.prices.desk_rig import (
    CLOSES,
    ELSEWHERE,
    REOPENS,
    SOURCES,
    SYMBOL,
    Rig,
    weekend_book,
)


def test_follows_the_sources_while_the_market_is_open() -> None:
    rig = Rig()
    rig.world.say("201", NOW)
    assert rig.at(NOW) == (price(201), price(201), Rung.FULL)
    assert rig.why["mode"] == "external"


def test_plays_one_round_for_each_second_of_the_venues_clock() -> None:
    rig = Rig()
    rig.world.say("201", NOW)
    for _ in range(5):
        rig.at(NOW)
    assert rig.value("rounds_total", market=SYMBOL) == 1
    rig.at(NOW + 1)
    assert rig.value("rounds_total", market=SYMBOL) == 2


def test_a_market_without_terms_has_no_price() -> None:
    rig = Rig()
    rig.venue.market = replace(rig.venue.market, symbol="NVDA")
    assert rig.desk.fair_prices() == []
    assert rig.desk.missing_markets() == (SYMBOL,)


def test_starts_from_the_index_that_the_venue_holds() -> None:
    rig = Rig()
    rig.venue.now = Seconds(CLOSES + 100)
    assert rig.at(CLOSES + 100)[:2] == (price(200), price(200))
    # A single source that comes after the restart with a far price is not believed.
    rig = Rig()
    rig.world.say("150", NOW, "one", "two")
    assert rig.at(NOW)[1] == price(200)
    assert rig.why["jump"] == "refused"


def test_says_nothing_where_there_was_never_a_price() -> None:
    rig = Rig(dollars="0")
    rig.venue.now = NOW
    assert rig.desk.fair_prices() == []
    assert rig.why["why"] == "there was never a price to start from"


def test_a_source_that_knows_of_a_closed_exchange_wins_over_the_calendar() -> None:
    rig = Rig()
    rig.world.say("201", NOW, "one", session=Session.WEEKEND)
    rig.world.say("201", NOW, "two", "three")
    rig.at(NOW)
    assert (rig.why["session"], rig.why["calendar_session"]) == ("weekend", "regular")
    assert rig.why["session_disputed"] is True
    assert rig.why["mode"] == "internal"
    rig.desk.show()
    assert rig.value("session_disputed", market=SYMBOL) == 1
    assert rig.value("session", market=SYMBOL, session="weekend") == 1
    assert rig.value("session", market=SYMBOL, session="regular") == 0


@pytest.mark.parametrize("source", ["two", "one"])
def test_an_old_word_or_one_that_does_not_count_disputes_nothing(source: str) -> None:
    rig = Rig()
    rig.world.say("201", NOW)
    rig.world.say("201", NOW - 31 if source == "one" else NOW, source, session=Session.WEEKEND)
    rig.at(NOW)
    assert rig.why["session_disputed"] is False


def test_a_halt_of_the_underlying_freezes_the_outside_price() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    rig.world.halts = {
        SYMBOL: TradingHalt(symbol=SYMBOL, reason="T1", halted_at=NOW, resumes_at=None)
    }
    rig.world.say("202", NOW + 4)
    assert rig.at(NOW + 4)[1] == price(200)
    assert rig.why["why"] == "the underlying is halted"


def test_an_operators_word_lets_a_far_price_through() -> None:
    rig = Rig()
    rig.world.say("150", NOW, "one", "two")
    rig.world.operator = OperatorWord(low=price(149), high=price(151), until=Seconds(NOW + 60))
    assert rig.at(NOW)[1] == price(150)
    assert rig.why["jump"] == "by_operator"


def test_fewer_sources_ask_for_reduce_only_and_then_fall_silent() -> None:
    rig = Rig()
    rungs: list[tuple[str, Rung]] = []
    rig.desk.on_rung(lambda symbol, rung: rungs.append((symbol, rung)))
    rig.run_open("200", NOW, NOW + 3)
    for now in range(NOW + 4, NOW + 140):
        rig.world.say("200", now, "one")
        rig.at(now)
        if now == NOW + 60:
            assert rig.desk.reduce_only_wanted() == {SYMBOL}
    assert [rung for _, rung in rungs] == [
        Rung.FULL,
        Rung.WIDENED,
        Rung.REDUCE_ONLY,
        Rung.SILENT,
    ]


def test_an_outside_price_ages_from_when_it_was_accepted() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    rig.venue.now = Seconds(NOW + 20)
    (held,) = rig.desk.fair_prices()
    assert held.timestamp == NOW + 3
    rig.venue.now = Seconds(CLOSES + 100)
    (internal,) = rig.desk.fair_prices()
    assert internal.timestamp == CLOSES + 100


def test_a_restart_on_sunday_goes_on_inside_the_bound_that_was_used() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES)
    rig.world.book = weekend_book("260")
    for now in range(CLOSES + 180, CLOSES + 36_000, 180):
        rig.at(now)
    before = rig.why["carried"]
    assert isinstance(before, dict)
    assert before["resets_up"] == 2
    told = orjson.loads(orjson.dumps(rig.why))
    earlier = earlier_of(told)
    index = rig.at(CLOSES + 36_000)[1]
    again = Rig(earlier=earlier)
    again.venue.market = replace(again.venue.market, index=index)
    again.world.book = weekend_book("260")
    assert again.at(CLOSES + 36_100)[1] == index
    for now in range(CLOSES + 36_180, CLOSES + 72_000, 180):
        again.at(now)
    # Nobody buys a fresh bound with a restart: the limit is that of Friday's close.
    assert again.at(CLOSES + 72_000)[1] == index == PriceE8(231_52500000)
    assert again.why["carried"] == before | {"basis_e8": again.why["carried"]["basis_e8"]}  # type: ignore[index]


def test_after_a_session_in_between_an_earlier_life_counts_no_more() -> None:
    earlier = Earlier(
        now=Seconds(NOW - 10_000),
        close=price(100),
        basis=7,
        bound=BoundState(reference=price(100), resets_up=2),
        external_at=Seconds(NOW - 20_000),
    )
    rig = Rig(earlier=earlier)
    rig.at(CLOSES + 100)
    carried = rig.why["carried"]
    assert isinstance(carried, dict)
    assert (carried["close_e8"], carried["resets_up"]) == (price(200), 0)


@pytest.mark.parametrize(
    "why",
    [{}, {"carried": None, "now_seconds": 1}, {"carried": {"close_e8": "1"}, "now_seconds": 1}],
)
def test_what_another_make_wrote_down_is_not_carried_on(why: dict[str, object]) -> None:
    assert earlier_of(why) is None


def test_a_split_starts_from_the_new_price_and_waits_for_new_prints() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    rig.venue.market = replace(rig.venue.market, is_splitting=True)
    rig.world.say("200", NOW + 4)
    rig.at(NOW + 4)
    rig.venue.market = replace(rig.venue.market, is_splitting=False, index=price(20))
    rig.world.say("200", NOW + 5)
    assert rig.at(NOW + 5)[1] == price(20)
    sources = rig.why["sources"]
    assert isinstance(sources, list)
    assert {each["verdict"] for each in sources} == {"unchanged"}
    rig.world.say("20.1", NOW + 6)
    assert rig.at(NOW + 6)[1] == price("20.1")


def test_participants_are_scored_by_the_reopening() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.at(CLOSES + 100)
    # In the first minute outside prices are heard and not yet followed.
    for now in range(REOPENS + 1, REOPENS + 63):
        rig.world.say("204", now)
        rig.at(now)
    assert rig.world.reopenings == [
        Reopening(
            symbol=SYMBOL,
            closed_at=Seconds(CLOSES - 1),
            opened_at=Seconds(REOPENS + 60),
            close=price(200),
            price=price(204),
        )
    ]


def test_by_day_a_book_does_not_stand_in_for_lost_sources() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    rig.world.book, rig.world.participants_say = weekend_book("200"), price(200)
    rungs = {now: rig.at(now)[2] for now in range(NOW + 4, NOW + 160)}
    assert rungs[NOW + 60] is Rung.REDUCE_ONLY
    assert rungs[NOW + 150] is Rung.SILENT


def test_over_the_weekend_the_book_carries_the_price() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.world.book = weekend_book("201")
    assert rig.at(CLOSES + 300)[2] is Rung.FULL


def test_a_book_far_from_the_index_is_worth_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.world.book = weekend_book("206")
    rig.at(CLOSES + 3)
    rig.desk.show()
    assert rig.value("book_distance_ratio", market=SYMBOL) == pytest.approx(0.03, abs=0.001)
    assert "book_far=True" in capsys.readouterr().out


def test_tells_each_rejection_with_its_reason() -> None:
    rig = Rig()
    rig.world.say("200", NOW)
    rig.world.say("0", NOW, "two")
    rig.world.say("201", NOW + 60, "three")
    rig.at(NOW)
    sources = rig.why["sources"]
    assert isinstance(sources, list)
    assert [each["verdict"] for each in sources] == ["valid", "future_dated", "non_positive"]
    assert rig.value("source_rejections_total", source="two", reason="non_positive") == 1
    assert rig.value("source_rejections_total", source="one", reason="stale") == 0
    rig.desk.show()
    assert rig.value("source_valid", source="one", market=SYMBOL) == 1
    assert rig.value("source_valid", source="two", market=SYMBOL) == 0
    assert rig.value("source_weight", source="two", market=SYMBOL) == 0
    assert rig.value("halts_age_seconds") == 12
    assert "outlier" in REASONS


def test_a_source_that_is_not_asked_is_not_lost_and_one_that_never_spoke_is() -> None:
    rig = Rig()
    rig.world.say("200", NOW, "one", "two")
    rig.at(NOW)
    rig.desk.show()
    valid = {
        source: rig.value("source_valid", source=source, market=SYMBOL)
        for source in (*SOURCES, ELSEWHERE)
    }
    assert valid == {"one": 1, "two": 1, "three": 0, ELSEWHERE: -1}


def test_an_explanation_is_plain_json() -> None:
    rig = Rig()
    rig.world.say("200", NOW)
    rig.world.book = weekend_book("201")
    rig.world.participants_say = price("199.5")
    rig.at(NOW)
    assert orjson.loads(orjson.dumps(rig.why)) == rig.why
