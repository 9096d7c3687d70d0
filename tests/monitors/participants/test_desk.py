"""The desk: what stands, what a restart keeps, and whose word loses weight."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitors.participants.desk import Participant
from monitors.participants.store import Reopening
from risk.participant_quotes import Quote, QuoteVerdict
from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError
from tests.builders import NOW, price
from tests.monitors.participants.rig import (
    FIRM,
    OTHER,
    OTHER_KEY,
    QUOTE,
    Desk,
    World,
    open_desk,
    sign,
)


def said(participant: str, mid: str, sequence: int, **facts: Any) -> Quote:
    middle = price(mid)
    return replace(
        QUOTE,
        participant=participant,
        bid=PriceE8(middle - 10**6),
        ask=PriceE8(middle + 10**6),
        sequence=sequence,
        **facts,
    )


def reopening(close: str, reopened: str, *, symbol: str = "NVDA", at: int = NOW + 10) -> Reopening:
    return Reopening(
        symbol=symbol,
        closed_at=NOW,
        opened_at=Seconds(at),
        close=price(close),
        price=price(reopened),
    )


def test_two_firms_make_a_price_until_one_of_them_expires(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "178", 1))
        assert desk.desk.price("NVDA").price is None
        desk.take(said("other", "180", 1, expires_at=Seconds(NOW + 5)))
        assert desk.desk.price("NVDA").price == price(179)
        gauge = "bellkeeper_participant_standing_quotes"
        assert desk.registry.get_sample_value(gauge, {"market": "NVDA"}) == 2
        desk.world.venue_time = Seconds(NOW + 5)
        assert desk.desk.price("NVDA").price is None
        assert desk.desk.price("AAPL").price is None
        assert desk.registry.get_sample_value(gauge, {"market": "NVDA"}) == 0


def test_a_refused_quote_leaves_the_one_before_standing(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        good = said("firm", "178", 1)
        desk.take(good)
        assert desk.take(said("firm", "300", 2)) is QuoteVerdict.TOO_FAR
        assert desk.desk.standing_quotes("NVDA") == (good,)
        # But its sequence is used up: when the reference has moved there, nobody can send it again.
        desk.world.references["NVDA"] = price(300)
        assert desk.take(said("firm", "300", 2)) is QuoteVerdict.OLD_SEQUENCE


def test_the_sequence_runs_over_all_markets_of_a_firm(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "178", 5))
        assert desk.take(said("firm", "200", 5, symbol="AAPL")) is QuoteVerdict.OLD_SEQUENCE
        assert desk.take(said("firm", "200", 6, symbol="AAPL")) is QuoteVerdict.ACCEPTED
        assert desk.take(said("other", "178", 1)) is QuoteVerdict.ACCEPTED


def test_forgeries_take_neither_sequence_nor_rate_nor_reputation(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        for sequence in range(1, 50):
            forged = said("firm", "178", sequence)
            assert desk.take(forged, sign(forged, OTHER_KEY)) is QuoteVerdict.BAD_SIGNATURE
        assert desk.take(said("firm", "178", 1)) is QuoteVerdict.ACCEPTED
        assert desk.desk.scores()["firm"].rejected == 0
        assert desk.count("firm", QuoteVerdict.BAD_SIGNATURE) == 49


def test_a_firm_over_its_rate_costs_no_recovery_and_no_sequence(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        for sequence in range(1, FIRM.burst + 1):
            assert desk.take(said("firm", "178", sequence)) is QuoteVerdict.ACCEPTED
        late = said("firm", "178", 9)
        assert desk.take(late) is QuoteVerdict.RATE_LIMITED
        assert desk.world.recovered == FIRM.burst
        assert desk.take(said("other", "178", 1)) is QuoteVerdict.ACCEPTED
        desk.world.seconds += 1 / FIRM.quotes_per_second
        assert desk.take(late) is QuoteVerdict.ACCEPTED


def restarted(folder: Path, *participants: Participant, at: int = NOW) -> tuple[Quote, ...]:
    world = World(venue_time=Seconds(at))
    with open_desk(folder, world, participants or (FIRM, OTHER)) as desk:
        return desk.desk.standing_quotes("NVDA")


def test_a_restart_keeps_what_stands_and_nothing_else(tmp_path: Path) -> None:
    old = said("firm", "178", 1, expires_at=Seconds(NOW + 30))
    new = said("firm", "179", 2, expires_at=Seconds(NOW + 10))
    with open_desk(tmp_path) as desk:
        desk.take(old)
        desk.take(new)
        desk.take(said("firm", "300", 3))
    assert restarted(tmp_path) == (new,)
    # The newer expired first; the one that it replaced must not come back.
    assert restarted(tmp_path, at=NOW + 10) == ()


@pytest.mark.parametrize(
    "changed",
    [
        OTHER,
        replace(FIRM, markets=frozenset({"AAPL"})),
        replace(FIRM, address=b"\x77" * 20),
    ],
    ids=["struck off", "market withdrawn", "key changed"],
)
def test_a_restart_drops_the_quotes_of_who_may_no_longer_quote(
    tmp_path: Path, changed: Participant
) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "178", 1))
    assert restarted(tmp_path) != ()
    assert restarted(tmp_path, changed) == ()


def test_a_new_key_begins_its_own_sequence(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "178", 1_000))
    rotated = replace(FIRM, address=OTHER.address)
    with open_desk(tmp_path, participants=(rotated,)) as desk:
        first = said("firm", "178", 1)
        assert desk.take(first, sign(first, OTHER_KEY)) is QuoteVerdict.ACCEPTED


def lie_and_reopen(desk: Desk, weekend: int) -> None:
    """Let a firm foresee a reopening and the other claim the opposite, then reopen."""
    start = Seconds(NOW + weekend * 7 * 86_400)
    desk.world.venue_time = start
    desk.world.seconds += 100
    times = {"issued_at": start, "expires_at": Seconds(start + 30)}
    assert desk.take(said("firm", "182", weekend + 1, **times)) is QuoteVerdict.ACCEPTED
    assert desk.take(said("other", "174", weekend + 1, **times)) is QuoteVerdict.ACCEPTED
    desk.desk.reopened(
        [
            Reopening(
                symbol="NVDA",
                closed_at=start,
                opened_at=Seconds(start + 50_000),
                close=price(178),
                price=price(182),
            )
        ]
    )


def test_a_liar_loses_its_weight_and_does_not_get_it_back_by_a_restart(tmp_path: Path) -> None:
    world = World()
    with open_desk(tmp_path, world) as desk:
        before = desk.desk.weights()
        assert before["firm"] == before["other"]
        for weekend in range(8):
            lie_and_reopen(desk, weekend)
        weights = desk.desk.weights()
        assert weights["other"] * 4 < weights["firm"]
        ratio = desk.registry.get_sample_value(
            "bellkeeper_participant_score_ratio", {"participant": "other"}
        )
        assert ratio == desk.desk.scores()["other"].score / 10**6 < 0.1
    with open_desk(tmp_path, world) as desk:
        assert desk.desk.weights() == weights
        assert desk.desk.scores()["other"].reopenings == 8


def test_a_closed_session_is_scored_once_even_after_a_restart(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "178", 1))
        desk.desk.reopened([reopening("178", "182")])
        scored = desk.desk.scores()
        assert scored["firm"].reopenings == 1
        assert scored["other"].reopenings == 0
        desk.desk.reopened([reopening("178", "182")])
        assert desk.desk.scores() == scored
    with open_desk(tmp_path) as desk:
        desk.desk.reopened([reopening("178", "182")])
        assert desk.desk.scores() == scored


def test_the_last_word_of_the_session_counts_though_it_expired(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "182", 1, expires_at=Seconds(NOW + 1)))
        desk.take(said("firm", "300", 2, expires_at=Seconds(NOW + 1)))
        desk.world.venue_time = Seconds(NOW + 10)
        # What is said at the reopening itself comes too late.
        late = said("firm", "178", 3, issued_at=Seconds(NOW + 10))
        assert desk.take(late) is QuoteVerdict.ACCEPTED
        desk.desk.reopened([reopening("178", "182", at=NOW + 10)])
        assert desk.desk.scores()["firm"].score == 600_000


def test_what_was_said_before_the_close_is_not_scored(tmp_path: Path) -> None:
    with open_desk(tmp_path, World(venue_time=Seconds(NOW - 1))) as desk:
        desk.take(said("firm", "182", 1, issued_at=Seconds(NOW - 1)))
        desk.desk.reopened([reopening("178", "182")])
        assert desk.desk.scores()["firm"].reopenings == 0


def test_all_markets_of_a_reopening_are_one_step(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.take(said("firm", "182", 1))
        desk.take(said("firm", "200", 2, symbol="AAPL"))
        desk.desk.reopened([reopening("178", "182"), reopening("200", "210", symbol="AAPL")])
        score = desk.desk.scores()["firm"]
        # One foreseen, one not: half and half is where it began.
        assert (score.score, score.reopenings) == (500_000, 1)


@pytest.mark.parametrize("twin", [replace(OTHER, name="firm"), replace(FIRM, name="double")])
def test_two_firms_never_share_a_name_or_an_address(tmp_path: Path, twin: Participant) -> None:
    with (
        pytest.raises(OperatorError, match="its own name and address"),
        open_desk(tmp_path, participants=(FIRM, twin)),
    ):
        pass


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "Firm"},
        {"name": ""},
        {"name": "a" * 33},
        {"name": "unknown"},
        {"name": "firm\n"},
        {"address": b"\x01" * 19},
        {"address": bytes(20)},
        {"weight": 0},
        {"quotes_per_second": 0.0},
        {"burst": 0},
    ],
)
def test_a_participant_that_cannot_be_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        replace(FIRM, **facts)
