"""A round from sources to price: what is bad is left out with its reason, and the attacks get nowhere."""

from dataclasses import replace

import pytest

from risk.discovery_bound import BoundRules
from risk.internal_price import ImpactPrices
from risk.jump_guard import Step
from risk.mark_price import BookPrices, MarkRules, Mode
from risk.price_quorum import Agreement, QuorumRules
from risk.price_report import Micros, PriceReport
from risk.price_round import (
    RoundInputs,
    RoundOutcome,
    RoundRules,
    RoundState,
    SourceTerms,
    price_round,
)
from risk.price_support import Rung, SupportRules
from risk.sessions import Session
from risk.source_validity import SourceRules, Validity
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import NOW, price

SOURCES = ("chainlink", "hermes", "venue_b")
TERMS = SourceRules(max_age=Seconds(10))
RULES = RoundRules(
    sources={name: SourceTerms(provider=name, weight=1, rules=TERMS) for name in SOURCES},
    quorum=QuorumRules(wanted=3, minimum=2, max_deviation=Ppm(25_000)),
    mark=MarkRules(bound=BoundRules(bound=Ppm(50_000))),
    support=SupportRules(
        wanted=3,
        minimum=2,
        reduce_only_after=Seconds(30),
        silent_after=Seconds(120),
        recovery_rounds=3,
    ),
)


def reports(now: int, prices: dict[str, str]) -> list[PriceReport]:
    return [
        PriceReport(
            source=source,
            symbol="NVDA",
            price=price(dollars),
            confidence=price("0.02"),
            observed_at=Seconds(now),
            order=Micros(now * 10**6),
        )
        for source, dollars in prices.items()
    ]


def all_at(dollars: str) -> dict[str, str]:
    return dict.fromkeys(SOURCES, dollars)


def play(
    script: list[tuple[int, dict[str, str]]],
    *,
    session: Session = Session.OVERNIGHT,
    state: RoundState | None = None,
) -> tuple[RoundState, list[RoundOutcome]]:
    """Play (seconds since the start, price of each source that speaks) rounds."""
    state, outcomes = state or RoundState(), []
    for second, prices in script:
        now = NOW + second
        inputs = RoundInputs(reports=reports(now, prices), session=session)
        state, outcome = price_round(state, inputs, now=Seconds(now), rules=RULES)
        outcomes.append(outcome)
    return state, outcomes


def index_of(outcome: RoundOutcome) -> PriceE8:
    assert outcome.result is not None
    return outcome.result.index


def test_three_sources_that_agree_make_a_price() -> None:
    _, (outcome,) = play([(0, all_at("100"))])
    assert outcome.combined.agreement is Agreement.FULL
    assert outcome.step is Step.FIRST
    assert outcome.rung is Rung.FULL
    assert index_of(outcome) == price(100)


def test_one_share_at_minus_thirty_percent_on_one_source_moves_nothing() -> None:
    attack = {**all_at("100"), "hermes": "70"}
    _, outcomes = play([(0, all_at("100")), *((second, attack) for second in range(3, 600, 3))])
    assert {index_of(outcome) for outcome in outcomes} == {price(100)}
    assert outcomes[1].combined.outliers == ("hermes",)
    assert outcomes[1].rung is Rung.WIDENED


def test_two_sources_that_quarrel_hold_the_price_and_lead_to_silence() -> None:
    quarrel = {"chainlink": "100", "hermes": "70"}
    _, outcomes = play([(0, all_at("100")), *((second, quarrel) for second in range(3, 200, 3))])
    assert {index_of(outcome) for outcome in outcomes} == {price(100)}
    rungs = [outcome.rung for outcome in outcomes]
    assert rungs == sorted(rungs)
    assert set(rungs) == set(Rung)


def test_a_report_from_the_future_is_left_out_with_its_reason() -> None:
    good = reports(NOW, all_at("100"))
    future = replace(good[1], observed_at=Seconds(NOW + 60), price=price(500))
    inputs = RoundInputs(reports=[good[0], future, good[2]], session=Session.REGULAR)
    state, _ = play([(-3, all_at("100"))])
    _, outcome = price_round(state, inputs, now=NOW, rules=RULES)
    assert dict(outcome.validities)["hermes"] is Validity.FUTURE_DATED
    assert index_of(outcome) == price(100)


def test_all_sources_frozen_in_the_regular_session_are_not_believed() -> None:
    frozen = [(second, all_at("100")) for second in range(0, 300, 3)]
    _, outcomes = play(frozen, session=Session.REGULAR)
    assert {validity for _, validity in outcomes[-1].validities} == {Validity.UNCHANGED}
    assert outcomes[-1].result is not None
    assert outcomes[-1].result.mode is Mode.INTERNAL
    # Unchanged for 120 s, then too few inputs for 120 s.
    assert [outcome.rung for outcome in outcomes[::20]] == [
        Rung.FULL,
        Rung.FULL,
        Rung.FULL,
        Rung.REDUCE_ONLY,
        Rung.REDUCE_ONLY,
    ]
    assert outcomes[82].rung is Rung.SILENT


def test_a_real_fall_that_all_sources_see_is_followed_at_once() -> None:
    _, outcomes = play([(0, all_at("100")), (3, all_at("85"))])
    assert outcomes[1].step is Step.CONFIRMED
    assert index_of(outcomes[1]) == price(85)


def test_a_halted_underlying_freezes_the_outside_price() -> None:
    state, _ = play([(0, all_at("100"))])
    inputs = RoundInputs(
        reports=reports(NOW + 3, all_at("90")), session=Session.REGULAR, is_underlying_halted=True
    )
    _, outcome = price_round(state, inputs, now=Seconds(NOW + 3), rules=RULES)
    assert outcome.step is Step.HALTED
    assert index_of(outcome) == price(100)


@pytest.mark.parametrize(
    ("bid", "ask", "rung"),
    [("99.9", "100.1", Rung.FULL), ("99.9", None, Rung.WIDENED), (None, None, Rung.WIDENED)],
)
def test_on_a_weekend_the_book_and_the_last_close_stand_behind_the_price(
    bid: str | None, ask: str | None, rung: Rung
) -> None:
    state, _ = play([(0, all_at("100"))])
    sides = ImpactPrices(
        bid=None if bid is None else price(bid), ask=None if ask is None else price(ask)
    )
    inputs = RoundInputs(reports=[], session=Session.WEEKEND, book=BookPrices(impact=sides))
    _, outcome = price_round(state, inputs, now=Seconds(NOW + 3), rules=RULES)
    assert outcome.rung is rung
    assert index_of(outcome) == price(100)


def test_without_any_price_ever_there_is_none() -> None:
    _, (outcome,) = play([(0, {})], session=Session.WEEKEND)
    assert outcome.result is None
    assert outcome.rung is Rung.SILENT
