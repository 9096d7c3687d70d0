"""Every path of the integrity breaker, against a memory of all that was seen."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import example, given
from hypothesis import strategies as st

from risk.integrity import UNDOUBTED, IntegrityState, step
from risk.integrity_facts import MarketFacts
from risk.integrity_rules import Action, Cause, CauseRule, IntegrityRules, LadderStage
from risk.units import Ppm, Seconds

LIMIT, BAD, GOOD = 10, 11, 1
NOTHING_KNOWN = MarketFacts(
    price_age=None,
    inputs=None,
    source_deviation=None,
    divergence=None,
    depth_fall=None,
    open_interest_rise=None,
    largest_share=None,
    backlog_blocks=None,
    is_underlying_halted=None,
    limits_changed=None,
)
LONGEST_GAP = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One observation: when, the age of the price, whether an operator released it."""

    now: int
    age: int | None
    is_release: bool = False


STAGES = st.lists(
    st.sampled_from([each for each in Action if each]), unique=True, min_size=1, max_size=4
)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[LadderStage, ...]:
    """Draw a ladder that rises."""
    actions = sorted(draw(STAGES))
    waits = draw(st.lists(st.integers(1, 40), min_size=len(actions), max_size=len(actions)))
    start = draw(st.sampled_from([0, 5]))
    times = itertools.accumulate(waits[1:], initial=start)
    return tuple(
        LadderStage(after=Seconds(after), action=action)
        for after, action in zip(times, actions, strict=True)
    )


@st.composite
def cause_rules(draw: st.DrawFn) -> CauseRule:
    """Draw a rule; one that closes withdrawals needs an operator."""
    stages, unknown = draw(ladders()), draw(st.one_of(st.just(()), ladders()))
    closes = any(each.action is Action.CLOSE_WITHDRAWALS for each in (*stages, *unknown))
    return CauseRule(
        limit=LIMIT,
        ladder=stages,
        unknown=unknown,
        clear_for=Seconds(draw(st.sampled_from([0, 7, 20]))),
        warm_up=draw(st.integers(1, 4)),
        needs_operator=closes or draw(st.booleans()),
    )


@st.composite
def sightings(draw: st.DrawFn) -> tuple[Seen, ...]:
    """Draw observations in stretches, so that ladders are climbed and ways back are walked."""
    now, seen = 1_000, []
    for _ in range(draw(st.integers(1, 8))):
        age = draw(st.sampled_from([GOOD, GOOD, BAD, None]))
        wait = draw(st.sampled_from([0, 1, 1, 5, LONGEST_GAP, LONGEST_GAP + 1]))
        for place in range(draw(st.integers(1, 20))):
            now += wait
            seen.append(Seen(now=now, age=age, is_release=place == 0 and draw(st.booleans())))
    return tuple(seen)


def played(seen: Sequence[Seen], rule: CauseRule) -> list[Action]:
    """Give the action after each observation, and make sure that it is the same twice."""
    rules = IntegrityRules(
        causes={Cause.PRICE_STALE: rule},
        longest_gap=Seconds(LONGEST_GAP),
        tighter_band=Ppm(20_000),
    )
    state, actions = UNDOUBTED, []
    for each in seen:
        age = None if each.age is None else Seconds(each.age)
        facts = replace(NOTHING_KNOWN, price_age=age)
        released = frozenset({Cause.PRICE_STALE}) if each.is_release else frozenset[Cause]()
        first, again = (
            step(state, facts, now=Seconds(each.now), rules=rules, released=released)
            for _ in range(2)
        )
        assert first == again
        state, decision = first
        assert isinstance(state, IntegrityState)
        actions.append(decision.action)
    return actions


def lasted(seen: Sequence[Seen], age: int | None) -> int | None:
    """Give for how long the last observations were such, None if the last one was not.

    What is not known goes on as bad.
    """
    since = None
    for each in reversed(seen):
        if each.age == age:
            since = each.now
        elif age is None or each.age is not None:
            break
    return None if since is None else seen[-1].now - since


def deserved(seen: Sequence[Seen], rule: CauseRule) -> Action:
    """Give what the ladders ask for after these observations."""
    asked = [Action.NONE]
    for stages, age in ((rule.ladder, BAD), (rule.unknown, None)):
        time = lasted(seen, age)
        if time is not None:
            asked += [each.action for each in stages if time >= each.after]
    return max(asked)


def has_earned_a_step(seen: Sequence[Seen], last_change: int, rule: CauseRule) -> bool:
    """Say whether the last observations are clear and watched for long enough to step back."""
    clear = [seen[-1]]
    for each in reversed(seen[:-1]):
        if each.age != GOOD or clear[0].now - each.now > LONGEST_GAP:
            break
        clear.insert(0, each)
    if clear[-1].age != GOOD or clear[-1].now - clear[0].now < rule.clear_for:
        return False
    is_released = any(each.is_release for each in clear) or not rule.needs_operator
    later = [each for each in seen[last_change + 1 :] if each in clear]
    counted = {each.now for each in later if each.now - clear[0].now >= rule.clear_for}
    return is_released and len(counted) >= rule.warm_up


@given(sightings(), cause_rules())
def test_escalates_at_once_and_leaves_nothing_but_by_the_return_rule(
    seen: tuple[Seen, ...], rule: CauseRule
) -> None:
    before, last_change = Action.NONE, -1
    for place, action in enumerate(played(seen, rule)):
        so_far = seen[: place + 1]
        assert action >= deserved(so_far, rule)
        if action > before:
            assert action is deserved(so_far, rule)
        if action < before:
            assert action == before - 1
            assert has_earned_a_step(so_far, last_change, rule)
        if action is not before:
            last_change = place
        before = action


@given(sightings(), cause_rules(), st.data())
def test_what_is_worse_or_not_known_never_makes_anything_looser(
    seen: tuple[Seen, ...], rule: CauseRule, data: st.DataObject
) -> None:
    replaced = data.draw(st.lists(st.integers(0, len(seen) - 1), min_size=1, max_size=12))
    worse = tuple(
        replace(each, age=data.draw(st.sampled_from([None, BAD])))
        if place in replaced and each.age == GOOD
        else each
        for place, each in enumerate(seen)
    )
    for better, now in zip(played(seen, rule), played(worse, rule), strict=True):
        assert now >= better


@given(sightings(), cause_rules(), st.integers(0, 10**9))
def test_only_the_time_that_passes_counts(
    seen: tuple[Seen, ...], rule: CauseRule, shift: int
) -> None:
    later = [replace(each, now=each.now + shift) for each in seen]
    assert played(later, rule) == played(seen, rule)


@given(sightings(), cause_rules())
@example(
    tuple(Seen(now=1_000 + second, age=BAD if second < 2 else GOOD) for second in range(60)),
    CauseRule(
        limit=LIMIT,
        ladder=(LadderStage(after=Seconds(0), action=Action.HALT),),
        clear_for=Seconds(7),
        warm_up=2,
    ),
)
def test_what_stays_good_and_watched_comes_back_in_the_end(
    seen: tuple[Seen, ...], rule: CauseRule
) -> None:
    start = seen[-1].now + 1
    good = tuple(
        Seen(now=start + second, age=GOOD, is_release=second == 1) for second in range(120)
    )
    assert played((*seen, *good), rule)[-1] is Action.NONE
