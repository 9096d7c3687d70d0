"""How soon depth is back after a trade: what begins a shock, what ends it, what is not counted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.resilience import Resilience, ResilienceRules, median_recovery, with_sample
from risk.units import PPM_SCALE, Ppm, QuoteAtoms, Seconds

RULES = ResilienceRules(
    recovered=Ppm(900_000), memory=Seconds(3), give_up=Seconds(60), kept=3, span=Seconds(1_000)
)
Sample = tuple[int, int | None, bool]


def run(samples: Sequence[Sample], rules: ResilienceRules = RULES) -> Resilience:
    state = Resilience()
    for now, depth, is_traded in samples:
        state = with_sample(
            state,
            now=Seconds(now),
            depth=None if depth is None else QuoteAtoms(depth),
            is_traded=is_traded,
            rules=rules,
        )
    return state


def took(samples: Sequence[Sample]) -> list[tuple[int, bool]]:
    return [(each.took, each.is_recovered) for each in run(samples).recoveries]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([(0, 100, False), (1, 40, True), (2, 60, False), (5, 90, False)], [(5, True)],
                     id="back at exactly the stated part"),
        pytest.param([(0, 100, False), (1, 40, True), (5, 89, False)], [],
                     id="not yet back, one below"),
        pytest.param([(0, 100, False), (1, 90, True), (2, 100, False)], [],
                     id="a trade that took too little"),
        pytest.param([(0, 100, False), (1, 40, False), (5, 100, False)], [],
                     id="makers withdrew, nobody traded"),
        pytest.param([(0, 100, False), (1, 40, False), (3, 40, True), (7, 95, False)], [(7, True)],
                     id="the trade is heard of after the depth went"),
        pytest.param([(0, 100, True), (3, 40, False), (4, 100, False)], [(4, True)],
                     id="the depth goes after the trade was heard of"),
        pytest.param([(0, 100, True), (4, 40, False), (5, 100, False)], [],
                     id="too long after the trade to be its work"),
        pytest.param([(0, 100, False), (1, 40, True), (2, 10, True), (9, 91, False)], [(9, True)],
                     id="a second trade prolongs the same shock"),
        pytest.param([(0, 100, False), (1, 40, True), (2, None, False), (5, 100, False)], [],
                     id="nobody saw what happened meanwhile"),
        pytest.param([(0, 100, False), (1, 40, True), (59, 89, False)], [],
                     id="not yet given up"),
        pytest.param([(0, 100, False), (1, 40, True), (60, 89, False)], [(60, False)],
                     id="given up"),
        pytest.param([(0, None, False), (1, 40, True), (2, 90, False)], [],
                     id="what was before is not known"),
        pytest.param([(0, 0, False), (1, 0, True), (2, 0, True)], [],
                     id="from nothing nothing is taken"),
    ],
)  # fmt: skip
def test_a_shock_lasts_from_the_last_whole_depth_to_the_first_that_is_back(
    samples: list[Sample], expected: list[tuple[int, bool]]
) -> None:
    assert took(samples) == expected


def test_after_giving_up_the_thin_depth_is_what_the_next_shock_is_compared_with() -> None:
    state = run([(0, 100, False), (1, 40, True), (60, 50, False), (61, 20, True), (63, 45, False)])
    assert [(each.shock.before, each.took) for each in state.recoveries] == [(100, 60), (50, 3)]


def test_remembers_the_lowest_depth() -> None:
    state = run([(0, 100, False), (1, 40, True), (2, 10, False), (3, 30, False)])
    assert state.shock is not None
    assert (state.shock.before, state.shock.lowest, state.shock.started) == (100, 10, 0)


def shocks(*lasting: int) -> Resilience:
    samples: list[Sample] = []
    for place, seconds in enumerate(lasting):
        start = 100 * place
        samples += [(start, 100, False), (start + 1, 10, True), (start + seconds, 100, False)]
    return run(samples)


def test_the_median_is_the_slower_of_two_in_the_middle() -> None:
    assert median_recovery(shocks(), now=Seconds(500), rules=RULES) is None
    assert median_recovery(shocks(4, 9), now=Seconds(500), rules=RULES) == 9
    assert median_recovery(shocks(4, 9, 6), now=Seconds(500), rules=RULES) == 6


def test_only_so_many_shocks_and_only_recent_ones_count() -> None:
    state = shocks(50, 50, 4, 5, 6)
    assert [each.took for each in state.recoveries] == [4, 5, 6]
    assert median_recovery(state, now=Seconds(1_305), rules=RULES) == 6
    assert median_recovery(state, now=Seconds(1_406), rules=RULES) == 6
    assert median_recovery(state, now=Seconds(1_407), rules=RULES) is None


@pytest.mark.parametrize(
    "facts", [{"recovered": Ppm(0)}, {"recovered": Ppm(1_000_001)}, {"give_up": Seconds(0)}]
)
def test_refuses_rules_by_which_nothing_would_end(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected a part"):
        ResilienceRules(**facts)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4), st.none() | st.integers(0, 200), st.sampled_from([False, True])
        ),
        max_size=60,
    )
)
def test_every_recovery_is_one_that_the_samples_show(
    steps: list[tuple[int, int | None, bool]],
) -> None:
    now, samples = 0, list[Sample]()
    for wait, depth, is_traded in steps:
        now += wait
        samples.append((now, depth, is_traded))
    depth_at = {time: depth for time, depth, _ in samples}
    state = run(samples)
    for each in state.recoveries:
        before, after = depth_at[each.shock.started], depth_at[each.ended]
        assert before is not None
        assert after is not None
        limit = each.shock.before * RULES.recovered
        # Whole at its start, back at its end, gone all the time between, and a trade near its start.
        assert before * PPM_SCALE >= limit
        assert (after * PPM_SCALE >= limit) == each.is_recovered
        assert all(
            depth is not None and depth * PPM_SCALE < limit
            for time, depth in depth_at.items()
            if each.shock.started < time < each.ended
        )
        gone = next(time for time in depth_at if time > each.shock.started)
        assert any(
            is_traded and abs(time - gone) <= 2 * RULES.memory for time, _, is_traded in samples
        )
    assert len(state.recent) <= RULES.memory + 1
