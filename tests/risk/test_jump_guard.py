"""One print, one provider, or haste never moves a market far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.jump_guard import UNSEEN, JumpRules, JumpState, OperatorWord, Step, consider
from risk.units import PriceE8, Seconds
from tests.builders import price

RULES = JumpRules()
AT_100 = JumpState(accepted=price(100), anchor=price(100), anchored_at=Seconds(0))


def walk(
    prices: list[tuple[int, str]], providers: int = 1, state: JumpState = AT_100
) -> list[tuple[Step, PriceE8 | None]]:
    """Give step and accepted price after each (seconds, dollars)."""
    seen = []
    for now, dollars in prices:
        state, step = consider(state, price(dollars), providers, now=Seconds(now), rules=RULES)
        seen.append((step, state.accepted))
    return seen


@pytest.mark.parametrize(
    ("dollars", "providers", "step"),
    [
        ("103", 1, Step.SMALL),
        ("97", 1, Step.SMALL),
        ("103.01", 1, Step.WAITING),
        ("103.01", 2, Step.CONFIRMED),
        ("110", 2, Step.CONFIRMED),
        ("110.01", 2, Step.REFUSED),
        ("110.01", 3, Step.CONFIRMED),
        ("89.99", 1, Step.REFUSED),
    ],
)
def test_farther_needs_more_providers(dollars: str, providers: int, step: Step) -> None:
    (seen,) = walk([(1, dollars)], providers)
    assert seen == (step, price(dollars) if step.is_accepted else price(100))


def test_one_share_printed_at_minus_thirty_percent_moves_nothing() -> None:
    seen = walk([(1, "100"), (2, "70.01"), (3, "100"), (4, "99.9")])
    assert [step for step, _ in seen] == [Step.SMALL, Step.REFUSED, Step.SMALL, Step.SMALL]


def test_one_provider_at_minus_thirty_percent_is_never_believed_however_long() -> None:
    assert {step for step, _ in walk([(second, "70") for second in range(600)])} == {Step.REFUSED}


def test_a_jump_that_holds_is_accepted_after_the_time() -> None:
    seen = walk([(second, "95") for second in range(10, 56)])
    assert {step for step, _ in seen[:-1]} == {Step.WAITING}
    assert seen[-1] == (Step.PERSISTED, price(95))


def test_only_what_held_all_the_time_is_accepted() -> None:
    seen = walk([(0, "96"), (20, "91"), (44, "95"), (45, "90")])
    assert seen[-1] == (Step.PERSISTED, price(96))


@pytest.mark.parametrize("between", ["100", "105", "80"])
def test_a_claim_that_is_broken_starts_anew(between: str) -> None:
    seen = walk([(0, "95"), (30, between), (31, "95"), (50, "95"), (75, "95"), (76, "95")])
    assert [step for step, _ in seen[2:]] == [
        Step.WAITING,
        Step.WAITING,
        Step.WAITING,
        Step.PERSISTED,
    ]


def test_small_steps_in_haste_are_a_jump() -> None:
    seen = walk([(1, "98"), (2, "97"), (3, "96"), (4, "95")])
    assert seen[-1] == (Step.WAITING, price(97))


def test_several_providers_may_walk() -> None:
    seen = walk([(1, "98"), (2, "95.5"), (3, "93")], providers=2)
    assert {step for step, _ in seen} == {Step.SMALL}


def test_a_halted_underlying_freezes_the_price() -> None:
    state, step = consider(AT_100, price(101), 3, now=Seconds(9), rules=RULES, is_halted=True)
    assert (step, state.accepted) == (Step.HALTED, price(100))


def test_an_operators_word_holds_within_its_range_and_time() -> None:
    word = OperatorWord(low=price(60), high=price(75), until=Seconds(100))
    for dollars, now, step in (
        (70, 100, Step.BY_OPERATOR),
        (70, 101, Step.REFUSED),
        (59, 9, Step.REFUSED),
    ):
        _, seen = consider(AT_100, price(dollars), 1, now=Seconds(now), rules=RULES, word=word)
        assert seen is step


def test_the_first_price_ever_needs_three_providers() -> None:
    assert walk([(0, "70")], 2, UNSEEN) == [(Step.WAITING, None)]
    assert walk([(0, "70")], 3, UNSEEN) == [(Step.FIRST, price(70))]


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(50, 200)),
        min_size=1,
        max_size=80,
    )
)
def test_one_provider_moves_a_market_by_a_tenth_in_the_time_of_a_claim_at_most(
    steps: list[tuple[int, int]],
) -> None:
    now, state = 0, AT_100
    history: list[tuple[int, PriceE8]] = [(0, price(100))]
    for wait, dollars in steps:
        now += wait
        state, _ = consider(state, price(dollars), 1, now=Seconds(now), rules=RULES)
        assert state.accepted is not None
        history.append((now, state.accepted))
        # From 3 % above an anchor to 3 % below the next, which a claim put a tenth lower.
        recent = [each for then, each in history if now - then < RULES.persistence]
        assert max(recent) * 100 <= min(recent) * 118
