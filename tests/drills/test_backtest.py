"""The backtest of the weekend mark, on series that are made here."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from drills.backtest.book_model import BookRules, draw_world, latent_prices, looks
from drills.backtest.data import Weekend
from drills.backtest.replay import (
    Method,
    Moment,
    Outcome,
    ReplayRules,
    error,
    play,
    replay,
)
from drills.backtest.table import bound_facts, rows
from risk.internal_price import BOOK_ALONE, InternalRules
from risk.jump_guard import JumpState
from risk.mark_price import starting_from
from risk.price_quorum import QuorumRules
from risk.price_round import RoundInputs, RoundRules, RoundState, price_round
from risk.price_support import SupportRules
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import price

FRIDAY = date(2024, 3, 1)
E8_PER_PPM = 10_000
"""Of a price of 100."""
BP = 10_000
"""In parts of 1e-8, as errors are."""
EVERY_10_MINUTES = ReplayRules(book=BookRules(step=Seconds(600)))
FLAWLESS = ReplayRules(
    book=BookRules(
        noise_bp=0,
        jitter_bp=0,
        half_spread_bp=1,
        impact_bp=1,
        no_depth=0,
        no_quote=0,
    )
)
"""A book that is exactly at its fair price, with a spread of next to nothing."""


def weekend(ppm: int, *, weeks: int = 0, volatility: float = 0.005) -> Weekend:
    """Move by so many ppm over a weekend, starting from 100."""
    friday = FRIDAY + timedelta(weeks=weeks)
    return Weekend(
        closed_on=friday,
        reopened_on=friday + timedelta(days=3),
        close=price(100),
        open=PriceE8(price(100) + E8_PER_PPM * ppm),
        volatility=volatility,
    )


def many(count: int, deviation_ppm: int) -> list[Weekend]:
    random = Random(5)
    return [weekend(round(random.gauss(0, deviation_ppm)), weeks=week) for week in range(count)]


def of(found: Sequence[Outcome], knowledge: float) -> list[Outcome]:
    return [outcome for outcome in found if outcome.knowledge == knowledge]


def total(found: Sequence[Outcome], method: Method) -> int:
    return sum(outcome.errors[method] for outcome in found)


def test_the_same_seed_gives_the_same_result_with_one_process_or_two() -> None:
    some = many(6, 5_000)
    once = replay(some, seed=3, rules=EVERY_10_MINUTES)
    assert replay(some, seed=3, rules=EVERY_10_MINUTES, jobs=2) == once
    assert replay(some, seed=4, rules=EVERY_10_MINUTES) != once


def test_a_weekend_is_drawn_alike_whatever_else_is_played() -> None:
    some = many(6, 5_000)
    alone = replay(some[4:5], seed=3, rules=EVERY_10_MINUTES)
    assert replay(some, seed=3, rules=EVERY_10_MINUTES)[12:15] == alone


def test_the_latent_value_goes_from_the_close_to_the_open() -> None:
    drawn = draw_world(weekend(20_000), seed=1, rules=BookRules())
    path = latent_prices(drawn)
    assert len(path) == 65.5 * 60 - 1
    # One look from either end the bridge has hardly room: 0.5 % of volatility over 3,930 looks.
    assert abs(path[0] - price(100)) < price("0.05")
    assert abs(path[-1] - price(102)) < price("0.05")


def test_a_book_that_knows_all_is_followed_but_for_the_weight_of_the_close() -> None:
    weights = FLAWLESS.mark.internal.weights
    for each in many(20, 10_000):
        drawn = draw_world(each, seed=1, rules=FLAWLESS.book)
        errors = play(each, drawn, 1.0, FLAWLESS).errors
        # What participants do not say pulls nowhere; book and close share the rest by weight.
        held = errors[Method.FROZEN] * weights.last_close // (weights.book + weights.last_close)
        assert abs(errors[Method.INDEX] - held) < 20 * BP
        assert errors[Method.MARK] <= max(errors[Method.INDEX], errors[Method.MID])
        if errors[Method.FROZEN] > 100 * BP:
            assert errors[Method.INDEX] * 3 < errors[Method.FROZEN]
            assert errors[Method.MARK] * 10 < errors[Method.FROZEN]


def test_without_the_weight_of_the_close_the_index_ends_at_the_open() -> None:
    internal = InternalRules(weights=BOOK_ALONE)
    rules = replace(FLAWLESS, mark=replace(FLAWLESS.mark, internal=internal))
    for each in many(20, 10_000):
        drawn = draw_world(each, seed=1, rules=rules.book)
        assert play(each, drawn, 1.0, rules).errors[Method.INDEX] < 20 * BP


def test_a_book_that_knows_nothing_makes_the_frozen_close_the_best_guess() -> None:
    noisy = ReplayRules(book=BookRules(step=Seconds(600), noise_bp=60))
    found = of(replay(many(40, 1_000), seed=1, rules=noisy), 0.0)
    for method in Method:
        if method is not Method.FROZEN:
            assert total(found, method) > total(found, Method.FROZEN), method
            worse = sum(each.errors[method] > each.errors[Method.FROZEN] for each in found)
            assert worse > len(found) / 2, method


def test_what_is_known_makes_ours_better_than_the_frozen_close() -> None:
    found = replay(many(20, 15_000), seed=1, rules=EVERY_10_MINUTES)
    half, most = of(found, 0.5), of(found, 0.9)
    for method in (Method.INDEX, Method.MARK):
        assert total(most, method) < total(half, method) < total(half, Method.FROZEN)


@pytest.mark.parametrize("ppm", [-300_000, 300_000])
def test_the_discovery_bound_hides_what_lies_beyond_its_last_reset(ppm: int) -> None:
    gap = weekend(ppm)
    played = play(gap, draw_world(gap, seed=1, rules=FLAWLESS.book), 1.0, FLAWLESS)
    assert played.resets == 2
    assert played.is_at_bound
    assert played.looks_at_bound > 60
    farthest = PriceE8(10**4 * (105**3 if ppm > 0 else 95**3))
    assert played.errors[Method.MARK] == pytest.approx(error(farthest, gap.open), abs=10)
    assert played.errors[Method.EMA] < played.errors[Method.MARK]


def test_the_round_of_prices_gives_what_the_replay_gives() -> None:
    each, rules = weekend(15_000), EVERY_10_MINUTES
    drawn = draw_world(each, seed=1, rules=rules.book)
    trace: list[Moment] = []
    play(each, drawn, 0.9, rules, trace)
    start = Seconds(1_700_000_000)
    state = RoundState(
        jump=JumpState(accepted=each.close, accepted_at=start),
        mark=starting_from(each.close, now=start, external_at=start),
    )
    round_rules = RoundRules(
        sources={},
        quorum=QuorumRules(wanted=1, minimum=1, max_deviation=Ppm(5_000)),
        mark=rules.mark,
        support=SupportRules(
            wanted=1,
            minimum=1,
            reduce_only_after=Seconds(60),
            silent_after=Seconds(120),
            recovery_rounds=1,
        ),
    )
    for moment, book in zip(trace, looks(drawn, 0.9, rules.book), strict=True):
        inputs = RoundInputs(
            reports=(),
            session=Session.WEEKEND,
            book=book,
            seconds_since_boundary=moment.at,
        )
        state, came = price_round(state, inputs, now=Seconds(start + moment.at), rules=round_rules)
        assert came.result is not None
        assert (came.result.index, came.result.mark) == (moment.index, moment.mark)


def outcome(frozen_bp: int, index_bp: int, *, year: int = 2024, ppm: int = 1) -> Outcome:
    gap = weekend(ppm)
    errors = dict.fromkeys(Method, frozen_bp * BP) | {Method.INDEX: index_bp * BP}
    return Outcome(
        weekend=replace(gap, reopened_on=gap.reopened_on.replace(year=year)),
        knowledge=0.5,
        errors=errors,
        resets=0,
        looks_at_bound=0,
        is_at_bound=False,
    )


def row(found: Sequence[Outcome], **wanted: object) -> dict[str, Any]:
    wanted = {"knowledge": 0.5, **wanted}
    (only,) = [each for each in rows(found) if wanted.items() <= each.items()]
    return only


def test_percentiles_are_errors_that_happened_and_equal_is_not_worse() -> None:
    found = [outcome(50, index_bp) for index_bp in range(100, 0, -1)]
    figures = row(found, part="all weekends")["methods"]["index"]
    assert figures == {
        "median_bp": 50.0,
        "p95_bp": 95.0,
        "largest_bp": 100.0,
        "worse_than_frozen": 50,
    }


def test_years_and_parts_are_told_apart() -> None:
    found = [
        outcome(0, 7, year=2023, ppm=0),
        outcome(20, 8, year=2023),
        outcome(100, 9, year=2024),
    ]
    assert row(found, year=2023)["weekends"] == 2
    assert row(found, year=2023)["open_equals_close"] == 1
    assert row(found, year=2024)["methods"]["index"]["median_bp"] == 9.0
    assert row(found, part="open differs from close")["weekends"] == 2
    assert row(found, part="open 100 bp or more away")["weekends"] == 1


def test_opens_beyond_the_bound_are_counted() -> None:
    gaps = [weekend(ppm, weeks=week) for week, ppm in enumerate((-60_000, 50_000, 160_000))]
    coarse = ReplayRules(book=BookRules(step=Seconds(3_600), trade_every=Seconds(3_600)))
    counted = bound_facts(replay(gaps, seed=1, rules=coarse), coarse)
    assert counted["opens_beyond_the_bound"] == 2
    assert counted["opens_beyond_all_resets"] == 1
