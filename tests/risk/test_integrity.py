"""Escalation is immediate, return is earned step by step, and what is not known opens nothing."""

from collections.abc import Sequence
from dataclasses import fields, replace

import pytest

from risk.integrity import (
    UNDOUBTED,
    IntegrityDecision,
    IntegrityState,
    step,
    strictest_of,
)
from risk.integrity_facts import ExchangeFacts, MarketFacts
from risk.integrity_rules import (
    ACTION_CAUSES,
    EXCHANGE_CAUSES,
    MARKET_CAUSES,
    Action,
    Cause,
    CauseRule,
    IntegrityRules,
    LadderStage,
)
from risk.units import MarketStatus, Ppm, QuoteAtoms, Seconds

GOOD_MARKET = MarketFacts(
    price_age=Seconds(1),
    inputs=4,
    source_deviation=Ppm(100),
    divergence=Ppm(100),
    depth_fall=Ppm(0),
    open_interest_rise=Ppm(0),
    largest_share=Ppm(1_000),
    backlog_blocks=0,
    is_underlying_halted=False,
    limits_changed=0,
    risk_asks=0,
)
GOOD_EXCHANGE = ExchangeFacts(
    insurance_fall=Ppm(0),
    solvency_gap=QuoteAtoms(-5),
    roles_changed=0,
    head_age=Seconds(1),
    proof_asks=0,
)


def ladder(*stages: tuple[int, Action]) -> tuple[LadderStage, ...]:
    return tuple(LadderStage(after=Seconds(after), action=action) for after, action in stages)


STALE = CauseRule(
    limit=10,
    ladder=ladder((5, Action.TIGHTER_BAND), (20, Action.REDUCE_ONLY), (60, Action.HALT)),
    unknown=ladder((30, Action.REDUCE_ONLY)),
    clear_for=Seconds(10),
    warm_up=3,
)


def rules(rule: CauseRule = STALE, cause: Cause = Cause.PRICE_STALE) -> IntegrityRules:
    return IntegrityRules(causes={cause: rule}, longest_gap=Seconds(30), tighter_band=Ppm(20_000))


def aged(age: int | None) -> MarketFacts:
    """Say that the venue's price is so old."""
    return replace(GOOD_MARKET, price_age=None if age is None else Seconds(age))


def walk(
    ages: Sequence[tuple[int, int | None]],
    state: IntegrityState = UNDOUBTED,
    used: IntegrityRules | None = None,
    *,
    releases: Sequence[int] = (),
) -> list[Action]:
    """Give the action after each (seconds, age of the price)."""
    actions = []
    for now, age in ages:
        released = frozenset(Cause) if now in releases else frozenset[Cause]()
        state, decision = step(
            state, aged(age), now=Seconds(now), rules=used or rules(), released=released
        )
        actions.append(decision.action)
    return actions


def steadily(begin: int, end: int, age: int | None) -> list[tuple[int, int | None]]:
    """Give one observation in each second from `begin` up to `end`."""
    return [(second, age) for second in range(begin, end)]


@pytest.mark.parametrize(
    ("seconds", "action"),
    [
        (4, Action.NONE),
        (5, Action.TIGHTER_BAND),
        (19, Action.TIGHTER_BAND),
        (20, Action.REDUCE_ONLY),
        (59, Action.REDUCE_ONLY),
        (60, Action.HALT),
        (900, Action.HALT),
    ],
)
def test_the_longer_a_cause_lasts_the_stricter_it_acts(seconds: int, action: Action) -> None:
    assert walk([(100, 11), (100 + seconds, 11)])[-1] is action


def test_the_limit_itself_is_good() -> None:
    assert set(walk(steadily(100, 200, 10))) == {Action.NONE}


def test_what_does_not_last_does_nothing() -> None:
    flapping = [(second, 10 if second % 5 == 0 else 11) for second in range(100, 200)]
    assert set(walk(flapping)) == {Action.NONE}


HALTED = [(100, 11), (160, 11)]


def test_the_way_back_is_one_step_at_a_time_and_each_is_earned() -> None:
    actions = walk([*HALTED, *steadily(161, 190, 1)])
    # Clear for 10 s, the tenth being the first good observation that counts; then 3 for each step.
    assert actions[2:] == [
        *[Action.HALT] * 12,
        *[Action.REDUCE_ONLY] * 3,
        *[Action.TIGHTER_BAND] * 3,
        *[Action.NONE] * 11,
    ]


@pytest.mark.parametrize("relapse", [11, None], ids=["bad", "unknown"])
def test_a_relapse_keeps_what_there_is_and_begins_the_way_back_anew(relapse: int | None) -> None:
    back = [*HALTED, *steadily(161, 174, 1), (174, relapse), *steadily(175, 188, 1)]
    actions = walk(back)
    assert actions[14:16] == [Action.REDUCE_ONLY, Action.REDUCE_ONLY]
    assert actions[16:] == [*[Action.REDUCE_ONLY] * 12, Action.TIGHTER_BAND]


def test_what_was_not_watched_was_not_clear() -> None:
    # Two good observations ten minutes apart say nothing of the time between.
    actions = walk([*HALTED, (161, 1), (800, 1), (801, 1), (802, 1), (803, 1)])
    assert set(actions[2:]) == {Action.HALT}


def test_observations_at_the_longest_gap_are_watched() -> None:
    halted_to_reduce = [(161, 1), (191, 1), (221, 1), (251, 1)]
    assert walk([*HALTED, *halted_to_reduce])[-2:] == [Action.HALT, Action.REDUCE_ONLY]


def test_seconds_that_a_clock_replays_do_not_count_again() -> None:
    replayed = [(90, 1), (171, 1), (172, 1)]
    assert set(walk([*HALTED, *steadily(161, 173, 1), *replayed])[2:]) == {Action.HALT}


def test_observations_of_one_second_count_once() -> None:
    assert set(walk([*HALTED, *steadily(161, 172, 1), *[(172, 1)] * 20])[2:]) == {Action.HALT}


def test_the_unknown_acts_after_its_own_time_where_the_rule_says_so() -> None:
    assert walk([(100, None), (129, None), (130, None)])[1:] == [Action.NONE, Action.REDUCE_ONLY]
    silent = rules(replace(STALE, unknown=()))
    assert set(walk(steadily(100, 400, None), used=silent)) == {Action.NONE}


def test_a_bad_cause_that_becomes_unknown_goes_on_as_bad() -> None:
    silent = rules(replace(STALE, unknown=()))
    assert walk([(100, 11), (101, None), (160, None)], used=silent)[-1] is Action.HALT


def test_the_unknown_never_leads_back() -> None:
    assert set(walk([*HALTED, *steadily(161, 900, None)])[1:]) == {Action.HALT}


SOLVENCY = CauseRule(
    limit=10,
    ladder=ladder((0, Action.CLOSE_WITHDRAWALS)),
    clear_for=Seconds(10),
    warm_up=3,
    needs_operator=True,
)


def test_some_causes_wait_for_an_operator_and_then_still_earn_each_step() -> None:
    used = rules(SOLVENCY)
    bad_then_good = [(100, 11), *steadily(101, 400, 1)]
    assert set(walk(bad_then_good, used=used)) == {Action.CLOSE_WITHDRAWALS}
    actions = walk(bad_then_good, used=used, releases=[300])
    changes = [
        (now, action)
        for (now, _), action, before in zip(bad_then_good[1:], actions[1:], actions, strict=False)
        if action is not before
    ]
    assert changes == [
        (302, Action.HALT),
        (305, Action.REDUCE_ONLY),
        (308, Action.TIGHTER_BAND),
        (311, Action.NONE),
    ]


@pytest.mark.parametrize("relapse", [11, None], ids=["bad", "unknown"])
def test_a_release_does_not_outlive_a_relapse(relapse: int | None) -> None:
    used = rules(SOLVENCY)
    steps = [(100, 11), *steadily(101, 120, 1), (120, relapse), *steadily(121, 400, 1)]
    assert walk(steps, used=used, releases=[119])[-1] is Action.CLOSE_WITHDRAWALS


@pytest.mark.parametrize("moment", [100, 105], ids=["before", "during"])
def test_a_release_of_what_is_not_clear_is_no_release(moment: int) -> None:
    used = rules(SOLVENCY)
    steps = [(100, 1), *steadily(101, 110, 11), *steadily(110, 400, 1)]
    assert walk(steps, used=used, releases=[moment])[-1] is Action.CLOSE_WITHDRAWALS


def test_a_clock_that_goes_back_opens_nothing() -> None:
    assert set(walk([*HALTED, (90, 11), (90, 1), (91, 1), (92, 1)])[1:]) == {Action.HALT}


BAD_MARKET = MarketFacts(
    price_age=Seconds(11),
    inputs=9,
    source_deviation=Ppm(11),
    divergence=Ppm(11),
    depth_fall=Ppm(11),
    open_interest_rise=Ppm(11),
    largest_share=Ppm(11),
    backlog_blocks=11,
    is_underlying_halted=True,
    limits_changed=11,
    risk_asks=Action.HALT,
)
BAD_EXCHANGE = ExchangeFacts(
    insurance_fall=Ppm(11),
    solvency_gap=QuoteAtoms(11),
    roles_changed=11,
    head_age=Seconds(11),
    proof_asks=Action.CLOSE_WITHDRAWALS,
)


def decide(facts: MarketFacts | ExchangeFacts, cause: Cause, limit: int) -> IntegrityDecision:
    rule = CauseRule(
        limit=limit,
        ladder=ladder((0, Action.HALT)),
        clear_for=Seconds(0),
        warm_up=1,
        needs_operator=True,
    )
    _, decision = step(UNDOUBTED, facts, now=Seconds(1), rules=rules(rule, cause))
    return decision


SENTENCES = {
    Cause.PRICE_STALE: "the age of the price is 11 s, good is at most 10 s",
    Cause.BELOW_QUORUM: "the number of inputs behind the price is 9, good is at least 10",
    Cause.SOURCES_DIVERGE: "the distance between sources is 0.0011 %, good is at most 0.001 %",
    Cause.MARK_INDEX_DIVERGENCE: (
        "the distance between mark and index is 0.0011 %, good is at most 0.001 %"
    ),
    Cause.BOOK_EMPTIED: "the fall of the book's depth is 0.0011 %, good is at most 0.001 %",
    Cause.OPEN_INTEREST_JUMP: "the rise of the open interest is 0.0011 %, good is at most 0.001 %",
    Cause.CONCENTRATION: (
        "the largest account's part of the open interest is 0.0011 %, good is at most 0.001 %"
    ),
    Cause.LIQUIDATION_BACKLOG: (
        "the age in blocks of the oldest account under margin is 11, good is at most 10"
    ),
    Cause.UNDERLYING_HALTED: "the trading halt of the underlying is on",
    Cause.LIMIT_CHANGED: "the number of limits that nobody approved is 11, good is at most 10",
    Cause.INSURANCE_FALLING: "the fall of the insurance fund is 0.0011 %, good is at most 0.001 %",
    Cause.SOLVENCY_BREACH: "what the vault lacks is 0.000011 USD, good is at most 0.00001 USD",
    Cause.ROLE_CHANGED: (
        "the number of role holders that nobody approved is 11, good is at most 10"
    ),
    Cause.CHAIN_STALLED: "the time without a block is 11 s, good is at most 10 s",
    Cause.PROOF_BROKEN: (
        "the proof of solvency is broken and asks for: close withdrawals (its sentence is in"
        " /status, solvency)"
    ),
    Cause.RISK_UNPROVEN: (
        "the proof of the market's risk is broken and asks for: halt (its sentence is in /status,"
        " solvency)"
    ),
}


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_its_fact_its_direction_and_its_sentence(cause: Cause) -> None:
    limit = 0 if cause in {Cause.UNDERLYING_HALTED, *ACTION_CAUSES} else 10
    bad, good = (
        (BAD_MARKET, GOOD_MARKET) if cause in MARKET_CAUSES else (BAD_EXCHANGE, GOOD_EXCHANGE)
    )
    if cause in {Cause.SOURCES_DIVERGE, Cause.MARK_INDEX_DIVERGENCE, Cause.CONCENTRATION}:
        good = BAD_MARKET
        assert decide(good, cause, 11).action is Action.NONE
    else:
        assert decide(good, cause, 3).action is Action.NONE
    decision = decide(bad, cause, limit)
    assert decision.action is Action.HALT
    assert [(each.cause, each.why) for each in decision.causes] == [(cause, SENTENCES[cause])]
    assert decision.why == SENTENCES[cause]


PROOF = CauseRule(
    limit=0,
    ladder=ladder((0, Action.HALT), (20, Action.CLOSE_WITHDRAWALS)),
    clear_for=Seconds(0),
    warm_up=1,
    needs_operator=True,
)


def test_a_proof_gets_the_action_that_it_asks_for_and_at_most_the_ladders() -> None:
    used = rules(PROOF, Cause.PROOF_BROKEN)
    state, told = UNDOUBTED, []
    for moment, asked in [(0, 0), (1, 1), (2, 2), (3, 1), (4, None), (9, 4), (21, 4), (22, None)]:
        facts = replace(GOOD_EXCHANGE, proof_asks=asked)
        state, decision = step(state, facts, now=Seconds(moment), rules=used)
        told.append(decision.action)
    assert told == [
        Action.NONE,
        Action.TIGHTER_BAND,
        Action.REDUCE_ONLY,
        Action.REDUCE_ONLY,
        Action.REDUCE_ONLY,
        Action.HALT,
        Action.CLOSE_WITHDRAWALS,
        Action.CLOSE_WITHDRAWALS,
    ]


def test_a_market_and_the_exchange_measure_every_cause_once() -> None:
    assert set(GOOD_MARKET.measured) == MARKET_CAUSES
    assert set(GOOD_EXCHANGE.measured) == EXCHANGE_CAUSES
    assert len(fields(MarketFacts)) == len(MARKET_CAUSES)
    assert len(fields(ExchangeFacts)) == len(EXCHANGE_CAUSES)


def test_a_cause_without_a_rule_is_not_watched() -> None:
    _, decision = step(UNDOUBTED, BAD_EXCHANGE, now=Seconds(1), rules=rules())
    assert (decision.action, decision.why) == (Action.NONE, "nothing is in doubt")


def test_tells_what_it_is_waiting_for() -> None:
    state, _ = step(UNDOUBTED, aged(None), now=Seconds(100), rules=rules())
    state, unknown = step(state, aged(None), now=Seconds(130), rules=rules())
    _, back = step(state, aged(1), now=Seconds(131), rules=rules())
    assert unknown.why == "the age of the price is not known"
    assert back.why == "the age of the price is good again, waiting for it to stay so"
    state, _ = step(UNDOUBTED, aged(11), now=Seconds(100), rules=rules(SOLVENCY))
    _, held = step(state, aged(1), now=Seconds(101), rules=rules(SOLVENCY))
    assert held.why.endswith("waiting for an operator's release")


def test_a_market_feels_its_own_causes_and_the_exchanges_strictest_first() -> None:
    _, market = step(
        UNDOUBTED,
        BAD_MARKET,
        now=Seconds(1),
        rules=rules(replace(STALE, ladder=ladder((0, Action.TIGHTER_BAND)))),
    )
    exchange = decide(BAD_EXCHANGE, Cause.SOLVENCY_BREACH, 10)
    joined = strictest_of(market, exchange)
    assert joined.action is Action.HALT
    assert [each.cause for each in joined.causes] == [Cause.SOLVENCY_BREACH, Cause.PRICE_STALE]
    assert joined.why == exchange.why
    assert strictest_of().action is Action.NONE


@pytest.mark.parametrize(
    ("action", "status", "tightens"),
    [
        (Action.NONE, MarketStatus.OPEN, False),
        (Action.TIGHTER_BAND, MarketStatus.OPEN, True),
        (Action.REDUCE_ONLY, MarketStatus.REDUCE_ONLY, True),
        (Action.HALT, MarketStatus.HALTED, False),
        (Action.CLOSE_WITHDRAWALS, MarketStatus.HALTED, False),
    ],
)
def test_an_action_is_a_status_and_perhaps_a_band(
    action: Action, status: MarketStatus, *, tightens: bool
) -> None:
    assert (action.status, action.tightens_band) == (status, tightens)
