"""The machine follows each rule, arrow by arrow. Rules: section 2 of the mechanics reference."""

from dataclasses import replace
from typing import Any

import pytest

from risk.band_rules import PriceBand, StaticBand
from risk.band_state import BandFacts, BandState, Stage, begin
from risk.bands import step
from risk.sessions import Session
from risk.units import MarketStatus, Ppm, Seconds
from tests.builders import price
from tests.risk.banding import CME, LULD, STATIC, facts, stages, walk

FREE = (0, facts(100))
AT_LOW = facts(95, 93)
PAUSED = [FREE, (1, AT_LOW), (16, AT_LOW)]
"""Paused at second 16 until 316."""


def since_open(*steps: tuple[int, BandFacts]) -> list[str]:
    """Give the stages after an opening at 100 USD at second 0."""
    return stages([FREE, *steps])[1:]


def held(low: int | str, high: int | str) -> dict[str, Any]:
    """Give the band that the venue has, which may be off by 0.1 % of the mark."""
    return {"held": (price(str(low)), price(str(high))), "held_tolerance": Ppm(1_000)}


@pytest.mark.parametrize(
    ("seen", "stage", "status"),
    [
        pytest.param(facts(100), Stage.NORMAL, MarketStatus.OPEN, id="inside"),
        pytest.param(facts("95.00000001"), Stage.NORMAL, MarketStatus.OPEN, id="just inside"),
        # Limit state (luldplan.com): the offer is at the lower band, or the bid at the upper one.
        pytest.param(facts(95), Stage.LIMIT, MarketStatus.LIMIT, id="at the lower edge"),
        pytest.param(facts(105), Stage.LIMIT, MarketStatus.LIMIT, id="at the upper edge"),
        pytest.param(
            facts(95, opposite_side_quotes=True), Stage.STRADDLE, MarketStatus.OPEN, id="trades"
        ),
        # The venue's own edge stops the mark a tolerance before the band's.
        pytest.param(
            facts("95.05", 94, **held("95.05", 105)), Stage.LIMIT, MarketStatus.LIMIT, id="held low"
        ),
        pytest.param(
            facts("104.95", 106, **held(95, "104.95")),
            Stage.LIMIT,
            MarketStatus.LIMIT,
            id="held high",
        ),
        pytest.param(
            facts("95.05", 94, **held("95.04", 105)),
            Stage.STRADDLE,
            MarketStatus.OPEN,
            id="still falling",
        ),
        # An edge that is nearer than that is another machine's.
        pytest.param(
            facts(97, 94, **held(97, 101)), Stage.STRADDLE, MarketStatus.OPEN, id="another's edge"
        ),
        # Straddle state (recalled): outside the band on one side, but not in a limit state.
        pytest.param(facts(96, 94), Stage.STRADDLE, MarketStatus.OPEN, id="index below"),
        pytest.param(facts(96, 106), Stage.STRADDLE, MarketStatus.OPEN, id="index above"),
        pytest.param(
            facts(96, 94, has_good_price=False), Stage.NORMAL, MarketStatus.OPEN, id="no good index"
        ),
    ],
)
def test_a_stage_is_where_mark_and_index_stand(
    seen: BandFacts, stage: Stage, status: MarketStatus
) -> None:
    _, decisions = walk([FREE, (1, seen)])
    assert (decisions[1].stage, decisions[1].status) == (stage, status)
    assert (decisions[1].band.low, decisions[1].band.high) == (price(95), price(105))


def test_a_limit_state_of_15_seconds_pauses() -> None:
    # luldplan.com: 15 s, then a pause of 5 minutes.
    assert since_open((1, AT_LOW), (15, AT_LOW), (16, AT_LOW)) == ["limit", "limit", "paused"]


def test_a_limit_state_that_clears_starts_its_clock_anew() -> None:
    cleared = [(1, AT_LOW), (10, facts(96)), (11, AT_LOW), (25, AT_LOW), (26, AT_LOW)]
    assert since_open(*cleared) == ["limit", "normal", "limit", "limit", "paused"]


def test_a_straddle_state_pauses_only_where_the_rules_say_so() -> None:
    straddling = [FREE, (1, facts(96, 94)), (21, facts(96, 94))]
    assert stages(straddling)[1:] == ["straddle", "straddle"]
    strict = replace(LULD, limit=replace(LULD.limit, straddle_pause_after=Seconds(20)))
    assert stages(straddling, strict)[1:] == ["straddle", "paused"]


def test_the_reference_follows_the_mean_by_a_percent_after_thirty_seconds() -> None:
    def reference(*steps: tuple[int, BandFacts]) -> int:
        return walk([FREE, *steps])[1][-1].band.reference

    assert reference((29, facts(104))) == price(100)
    assert reference((30, facts(104))) == price(102)
    assert reference((30, facts("101.9"))) == price(100)
    assert reference((30, facts(104, has_good_price=False))) == price(100)


def test_in_a_limit_state_the_reference_stays() -> None:
    slow = replace(LULD, limit=replace(LULD.limit, pause_after=Seconds(250)))
    held = [FREE, (1, AT_LOW), *((second, AT_LOW) for second in range(2, 200))]
    _, decisions = walk(held, slow)
    assert {str(decision.stage) for decision in decisions[1:]} == {"limit"}
    assert {decision.band.reference for decision in decisions} == {price(100)}


BOUND = PriceBand(reference=price(100), low=price(80), high=price(120))


@pytest.mark.parametrize("session", [each for each in Session if each is not Session.REGULAR])
def test_off_hours_the_discovery_bound_is_the_band(session: Session) -> None:
    _, decisions = walk([FREE, (1, facts(97, session=session)), (2, facts(79, session=session))])
    assert [each.stage for each in decisions[1:]] == [Stage.OFF_HOURS] * 2
    assert [each.band for each in decisions[1:]] == [BOUND] * 2
    assert [each.status for each in decisions[1:]] == [MarketStatus.OPEN, MarketStatus.LIMIT]


def test_a_limit_state_ends_with_its_session() -> None:
    assert since_open((1, AT_LOW), (16, facts(95, session=Session.POST))) == ["limit", "off_hours"]


def test_a_session_begins_with_its_first_good_price_and_a_mark_that_has_come_to_it() -> None:
    opening = [
        (0, facts(100, 90, has_good_price=False)),
        (1, facts(100, 90)),
        (2, facts(95, 90)),
        (3, facts(94, 90)),
    ]
    assert stages(opening) == ["off_hours", "off_hours", "off_hours", "normal"]
    _, decisions = walk(opening)
    assert decisions[-1].band == PriceBand(
        reference=price(90), low=price("85.5"), high=price("94.5")
    )


def test_a_market_never_priced_does_not_open() -> None:
    assert stages([(0, facts(0, 100))]) == ["off_hours"]


NIGHT: dict[str, Any] = {"session": Session.OVERNIGHT}


def test_at_a_static_limit_without_a_pause_the_market_stays_open() -> None:
    # cmegroup.com: outside US hours the market stays open at its limit of 7 %.
    slow = replace(CME, dynamic=None)
    steps = [(0, facts(100, **NIGHT)), (1, facts(93, 90, **NIGHT)), (9_999, facts(93, 90, **NIGHT))]
    _, decisions = walk(steps, slow)
    assert [each.stage for each in decisions[1:]] == [Stage.LIMIT] * 2
    assert [each.status for each in decisions[1:]] == [MarketStatus.LIMIT] * 2


def test_a_static_band_is_around_the_previous_close_from_the_first_second() -> None:
    assert isinstance(STATIC.band, StaticBand)
    state, decisions = walk([(0, facts(111)), (1, facts(111)), (16, facts(111))], STATIC)
    assert [str(each.stage) for each in decisions] == ["normal", "limit", "paused"]
    assert decisions[1].band == PriceBand(reference=price(100), low=price(90), high=price(110))
    assert state.reference is None


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (MarketStatus.OPEN, Stage.OFF_HOURS),
        (MarketStatus.REDUCE_ONLY, Stage.OFF_HOURS),
        (MarketStatus.HALTED, Stage.PAUSED),
    ],
)
def test_a_restart_neither_opens_a_halted_market_nor_halts_another(
    status: MarketStatus, stage: Stage
) -> None:
    state = begin(status, now=Seconds(1_000), pause=Seconds(300))
    assert state.stage is stage
    _, decisions = walk([(1_000, facts(100)), (1_299, facts(100))], state=state)
    wanted = MarketStatus.HALTED if stage is Stage.PAUSED else MarketStatus.OPEN
    assert [each.status for each in decisions] == [wanted] * 2


def test_a_time_before_the_last_one_is_no_time_at_all() -> None:
    state, _ = walk([*PAUSED, (200, facts(93))])
    back, decision = step(state, facts(93), now=Seconds(100), rules=LULD)
    assert back == state
    assert decision.why == "paused for 116 s more"


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([FREE], "session regular opened at 100.00"),
        ([FREE, (1, facts(100))], "the mark is inside its band"),
        ([FREE, (1, AT_LOW)], "mark 95.00 is at the edge of 95.00 to 105.00 with nobody opposite"),
        (PAUSED, "limit state for 15 s at mark 95.00: paused for 300 s"),
        (
            [*PAUSED, (316, facts(90, 89))],
            "no orderly price at the end: pause extended by 300 s",
        ),
        (
            [*PAUSED, (316, facts(93, seconds_to_close=Seconds(500)))],
            "paused until the close, 500 s away",
        ),
        (
            [FREE, (1, facts(100, session=Session.WEEKEND))],
            "us_luld does not hold in session weekend: discovery bound",
        ),
        (
            [(0, facts(100, 90))],
            "mark 100.00 has yet to reach the opening price 90.00: discovery bound",
        ),
    ],
)
def test_says_why_in_one_sentence(steps: list[tuple[int, BandFacts]], sentence: str) -> None:
    assert walk(steps)[1][-1].why == sentence


@pytest.mark.parametrize("broken", [{"previous_close": 0}, {"leverage": 0}, {"index": 0}])
def test_facts_that_cannot_be_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a"):
        facts(**broken)


def test_a_state_is_a_value() -> None:
    first: BandState = walk(PAUSED)[0]
    assert first == walk(PAUSED)[0]
    assert hash(first) == hash(walk(PAUSED)[0])
