"""Whoever foresees reopenings gains weight, whoever lies loses it, and both slowly."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.participant_quotes import QuoteVerdict
from risk.participant_scores import (
    ForeseenPrice,
    ParticipantScore,
    ScoreRules,
    after_reopening,
    after_verdict,
    foresight,
    fresh_score,
    scored_weight,
)
from risk.units import Ppm, PriceE8
from tests.builders import price

RULES: Final = ScoreRules(
    start=Ppm(500_000), pace=Ppm(200_000), floor=Ppm(100_000), smallest_move=Ppm(2_000)
)
prices = st.integers(1, 10**15).map(PriceE8)
scores = st.integers(0, 10**6).map(lambda ppm: ParticipantScore(score=Ppm(ppm)))


def foreseen(
    mid: int | str, *, close: int | str = 100, reopening: int | str = 110
) -> ForeseenPrice:
    return ForeseenPrice(mid=price(mid), close=price(close), reopening=price(reopening))


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (foreseen(110), 1_000_000),
        (foreseen(100), 0),
        (foreseen(105), 500_000),
        (foreseen(115), 500_000),
        (foreseen(90), 0),
        (foreseen(300), 0),
        # The market did not move: it counts as having moved by 0.2 %.
        (foreseen(100, reopening=100), 1_000_000),
        (foreseen("100.1", reopening=100), 500_000),
        (foreseen("100.2", reopening=100), 0),
        (foreseen("99.9", reopening=100), 500_000),
        # Exactly at the smallest move, and a little beyond.
        (foreseen("100.1", reopening="100.2"), 500_000),
        (foreseen("100.1", reopening="100.4"), 250_000),
    ],
)
def test_the_result_is_the_share_of_the_move_that_was_foreseen(
    said: ForeseenPrice, result: int
) -> None:
    assert foresight(said, RULES) == result


def test_a_result_rounds_down() -> None:
    third = ForeseenPrice(mid=PriceE8(101), close=PriceE8(100), reopening=PriceE8(103))
    assert foresight(third, RULES) == 333_333


def test_one_reopening_is_one_step_however_many_markets() -> None:
    start = fresh_score(RULES)
    once = after_reopening(start, [foreseen(110)], RULES)
    assert once == ParticipantScore(score=Ppm(600_000), reopenings=1)
    assert after_reopening(start, [foreseen(110)] * 50, RULES) == once
    mixed = after_reopening(start, [foreseen(110), foreseen(100)], RULES)
    assert mixed == ParticipantScore(score=Ppm(500_000), reopenings=1)


def test_a_score_rounds_down() -> None:
    score = ParticipantScore(score=Ppm(500_001))
    assert after_reopening(score, [foreseen(100)], RULES).score == 400_000
    assert after_reopening(score, [foreseen(110)], RULES).score == 600_000


def test_who_said_nothing_keeps_its_score() -> None:
    score = ParticipantScore(score=Ppm(123_456), reopenings=3)
    assert after_reopening(score, [], RULES) is score


def test_a_liar_loses_its_weight_and_an_honest_firm_gains() -> None:
    liar = honest = fresh_score(RULES)
    weights = [scored_weight(1, liar, RULES)]
    for _ in range(12):
        liar = after_reopening(liar, [foreseen(95)], RULES)
        honest = after_reopening(honest, [foreseen(109)], RULES)
        weights.append(scored_weight(1, liar, RULES))
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(weights)
    assert scored_weight(4, liar, RULES) < scored_weight(1, honest, RULES)


def test_four_bad_reopenings_more_than_halve_a_score() -> None:
    score = fresh_score(ScoreRules())
    for _ in range(4):
        score = after_reopening(score, [foreseen(100)], ScoreRules())
    assert score.score * 2 < ScoreRules().start


def test_a_quiet_weekend_costs_a_liar_too() -> None:
    score = after_reopening(fresh_score(RULES), [foreseen(101, reopening=100)], RULES)
    assert score.score == 400_000


@pytest.mark.parametrize(
    ("score", "weight"), [(0, 300_000), (500_000, 1_650_000), (10**6, 3 * 10**6)]
)
def test_the_score_scales_the_weight_between_the_floor_and_one(score: int, weight: int) -> None:
    assert scored_weight(3, ParticipantScore(score=Ppm(score)), RULES) == weight


def test_quotes_are_counted_by_what_became_of_them() -> None:
    score = fresh_score(RULES)
    for verdict in (QuoteVerdict.ACCEPTED, QuoteVerdict.TOO_FAR, QuoteVerdict.CROSSED):
        score = after_verdict(score, verdict)
    assert score == replace(fresh_score(RULES), accepted=1, rejected=2)


@pytest.mark.parametrize("facts", [{"close": 0}, {"reopening": 0}, {"reopening": -1}])
def test_what_is_no_price_cannot_score(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a positive close and reopening price"):
        foresight(foreseen(100, **facts), RULES)


@pytest.mark.parametrize(
    "facts",
    [{"start": 1_000_001}, {"start": -1}, {"pace": 0}, {"floor": 0}, {"smallest_move": 0}],
)
def test_rules_that_cannot_stand_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        replace(RULES, **facts)


@given(score=scores, mid=prices, nearer=prices, close=prices, reopening=prices)
def test_nearer_is_never_worse_and_nothing_leaves_its_bounds(
    score: ParticipantScore, mid: PriceE8, nearer: PriceE8, close: PriceE8, reopening: PriceE8
) -> None:
    if abs(nearer - reopening) > abs(mid - reopening):
        mid, nearer = nearer, mid
    said = ForeseenPrice(mid=mid, close=close, reopening=reopening)
    better = after_reopening(score, [replace(said, mid=nearer)], RULES)
    worse = after_reopening(score, [said], RULES)
    assert 0 <= worse.score <= better.score <= 10**6
    assert RULES.floor <= scored_weight(1, worse, RULES) <= scored_weight(1, better, RULES) <= 10**6
