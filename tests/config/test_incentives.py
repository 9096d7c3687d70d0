"""The shipped schedule of incentives over a year, and every way in which one can be refused."""

import itertools
import shutil
from datetime import date
from pathlib import Path

import pytest

from config.calendars import Calendar, calendar_of, load_calendars, midnight
from config.exchange_limits import approved_limits
from config.incentives import INCENTIVES_DIRECTORY, Incentives, load_incentives
from config.markets import load_exchange_file, load_market
from risk.guard_rails import Parameter
from risk.incentive_schedule import next_ramp, scheduled
from risk.incentive_terms import Lever
from risk.sessions import Session
from risk.units import Seconds
from runtime.errors import OperatorError
from tests.config.bad_incentives import BAD_INCENTIVES
from tests.config.golden import write_incentives_2026 as golden
from tests.risk.scheduling import FIELDS, steepest


@pytest.fixture(scope="module")
def calendars() -> tuple[Calendar, ...]:
    return load_calendars()


@pytest.fixture(scope="module")
def incentives(calendars: tuple[Calendar, ...]) -> Incentives:
    return load_incentives(calendars=calendars)


@pytest.mark.parametrize("name", golden.WEEKS)
def test_two_weeks_of_levers_are_as_somebody_last_read_them(name: str) -> None:
    assert (golden.FOLDER / name).read_text().splitlines() == golden.week(name)


def test_every_market_of_the_exchange_has_incentives(incentives: Incentives) -> None:
    assert set(incentives.markets) == set(load_exchange_file().markets)
    for market in incentives.markets.values():
        assert set(market.controller) == set(Lever)
        assert 0 < market.weekly_budget <= incentives.weekly_budget


@pytest.mark.parametrize("symbol", ["AAPL", "SPY", "IBIT", "GLD", "WTI", "TBILL"])
def test_no_lever_jumps_in_a_year_of_the_calendar(
    incentives: Incentives, calendars: tuple[Calendar, ...], symbol: str
) -> None:
    market = incentives.markets[symbol]
    calendar = calendar_of(symbol, market.asset_class, calendars)
    assert calendar is not None
    terms, timeline = market.terms, calendar.timeline
    start, stop = (midnight(date(year, 1, 1), calendar.zone) for year in (2026, 2027))
    borders = [each.start for each in timeline.between(start, stop)]
    every = {
        # Where a ramp begins, at each border, and where a ramp ends; then all of the year.
        *(at + side for at in borders for side in (-terms.ramp_in, -1, 0, terms.ramp_back)),
        *range(start, stop, 1_200),
    }
    assert len(borders) > 500
    moments = sorted(every)
    levers = [scheduled(timeline, terms, Seconds(now)) for now in moments]
    for (early, before), (late, after) in itertools.pairwise(zip(moments, levers, strict=True)):
        for field in FIELDS:
            moved = abs(getattr(after, field) - getattr(before, field))
            assert moved <= (late - early) * steepest(terms, field), (field, early)


def test_each_session_has_what_its_file_says_when_it_begins(
    incentives: Incentives, calendars: tuple[Calendar, ...]
) -> None:
    market = incentives.markets["AAPL"]
    timeline = calendar_of("AAPL", "stock", calendars).timeline  # type: ignore[union-attr]
    for border in timeline.boundaries[1:]:
        asked = market.terms.levels[border.session]
        found = scheduled(timeline, market.terms, border.start)
        assert found.initial_margin >= asked.initial_margin
        assert found.open_interest_cap <= asked.open_interest_cap
        if border.session in {Session.WEEKEND, Session.HOLIDAY}:
            assert found == asked


def test_thanksgiving_is_announced_on_wednesday(
    incentives: Incentives, calendars: tuple[Calendar, ...]
) -> None:
    calendar = calendar_of("AAPL", "stock", calendars)
    assert calendar is not None
    thursday = midnight(date(2026, 11, 26), calendar.zone)
    ramp = next_ramp(
        calendar.timeline, incentives.markets["AAPL"].terms, Seconds(thursday - 6 * 3_600)
    )
    assert ramp is not None
    assert (ramp.to_session, ramp.stop) == (Session.HOLIDAY, thursday - 4 * 3_600)
    assert ramp.levers.initial_margin == 200_000


def test_every_level_of_every_market_is_within_its_owners_limits(incentives: Incentives) -> None:
    limits = approved_limits(incentives.markets)
    for symbol, market in incentives.markets.items():
        tier = load_market(symbol).tiers[0].maintenance_margin_ppm
        for levels in market.terms.levels.values():
            for parameter, value in (
                (Parameter.INITIAL_MARGIN, levels.initial_margin),
                (Parameter.MAKER_FEE, levels.maker_fee),
                (Parameter.TAKER_FEE, levels.taker_fee),
                (Parameter.OPEN_INTEREST_CAP, levels.open_interest_cap),
            ):
                rail = limits[symbol][parameter]
                assert rail.minimum <= value <= rail.maximum, (symbol, parameter)
            assert levels.initial_margin >= tier


def test_a_market_that_allows_less_than_the_session_keeps_its_own_margin(
    incentives: Incentives,
) -> None:
    # COIN allows 10 x on weekdays, and the night allows as much.
    levels = incentives.markets["COIN"].terms.levels
    assert levels[Session.REGULAR].initial_margin == levels[Session.OVERNIGHT].initial_margin
    assert levels[Session.WEEKEND].initial_margin == 200_000


def test_an_unknown_session_is_the_strictest_of_all(incentives: Incentives) -> None:
    for market in incentives.markets.values():
        unknown = market.terms.levels[Session.UNKNOWN]
        for levels in market.terms.levels.values():
            assert unknown.initial_margin >= levels.initial_margin
            assert unknown.open_interest_cap <= levels.open_interest_cap
            assert unknown.maker_fee >= levels.maker_fee
            assert unknown.taker_fee >= levels.taker_fee


def test_a_pause_that_is_listed_is_not_taken_for_a_doubt(incentives: Incentives) -> None:
    assert incentives.markets["WTI"].terms.levels[Session.HALTED].initial_margin == 100_000
    stock = incentives.markets["AAPL"].terms.levels
    assert stock[Session.HALTED] == stock[Session.UNKNOWN]


def test_a_market_without_a_calendar_can_be_loaded() -> None:
    # Its session is unknown, so the strictest levels hold until somebody names its calendar.
    assert load_incentives(calendars=()).markets["AAPL"].terms.ramp_in == 3_600


@pytest.mark.parametrize(("old", "new", "parts"), BAD_INCENTIVES.values(), ids=BAD_INCENTIVES)
def test_a_schedule_that_the_exchange_would_refuse_is_one_sentence(
    tmp_path: Path, calendars: tuple[Calendar, ...], old: str, new: str, parts: list[str]
) -> None:
    sentence = refusal(tmp_path, calendars, "stock.toml", old, new)
    assert sentence.startswith(str(tmp_path / "incentives" / "stock.toml"))
    for part in parts:
        assert part in sentence


def test_an_event_that_the_steps_cannot_climb_is_refused(
    tmp_path: Path, calendars: tuple[Calendar, ...]
) -> None:
    old, new = "before_minutes = 60\nhold_minutes = 60", "before_minutes = 30\nhold_minutes = 60"
    sentence = refusal(tmp_path, calendars, "all_markets.toml", old, new)
    assert "[events.fomc] must have ramps in which the owner's steps of initial_margin" in sentence
    assert "found 30 minutes where 40 are needed" in sentence


def refusal(tmp_path: Path, calendars: tuple[Calendar, ...], name: str, old: str, new: str) -> str:
    """Change one thing in one shipped file; give the sentence that refuses it."""
    folder = shutil.copytree(INCENTIVES_DIRECTORY, tmp_path / "incentives")
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    with pytest.raises(OperatorError) as caught:
        load_incentives(folder, calendars=calendars)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_no_class_of_market_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(INCENTIVES_DIRECTORY, tmp_path / "incentives")
    (folder / "stocks.toml").write_text((folder / "stock.toml").read_text())
    with pytest.raises(OperatorError, match=r"found stocks\.toml: rename or remove it"):
        load_incentives(folder)


def test_a_missing_class_is_one_sentence(tmp_path: Path) -> None:
    folder = shutil.copytree(INCENTIVES_DIRECTORY, tmp_path / "incentives")
    (folder / "etf.toml").unlink()
    with pytest.raises(OperatorError, match=r"expected a configuration file at .*etf\.toml"):
        load_incentives(folder)
