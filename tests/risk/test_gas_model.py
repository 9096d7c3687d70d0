"""Gas of batches, learned from receipts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.gas_model import COLD_GAS, GasModel, GasParts, cold_model, learned, ran_out

TRUE = GasParts(base=250_000, item=75_000, position=5_000)


def used(items: int, positions: int) -> int:
    return TRUE.base + items * TRUE.item + positions * TRUE.position


def test_the_bound_is_the_estimate_with_headroom_rounded_up() -> None:
    model = cold_model(GasParts(base=1, item=10, position=2))
    assert model.estimate(items=2, positions=3) == 27
    assert model.bound(items=2, positions=3) == 41


def test_a_cold_model_bounds_more_than_a_batch_needs() -> None:
    assert GasModel().bound(items=10, positions=20) > used(10, 20)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 4)), min_size=60, max_size=90))
def test_receipts_bring_the_estimate_near_and_the_bound_stays_above(
    batches: list[tuple[int, int]],
) -> None:
    model = GasModel()
    for items, held in batches:
        positions = items * held
        assert model.bound(items=items, positions=positions) >= used(items, positions)
        model = learned(model, items=items, positions=positions, gas_used=used(items, positions))
    items, held = batches[-1]
    assert model.estimate(items=items, positions=items * held) <= 2 * used(items, items * held)
    assert model.receipts == len(batches)


@pytest.mark.parametrize(("gas_used", "share"), [(2_000_000, 2), (500_000, 8)])
def test_it_learns_upward_fast_and_downward_slowly(gas_used: int, share: int) -> None:
    # The base stands above its floor, so that it can go down too.
    model = GasModel(parts=replace(COLD_GAS, base=2 * COLD_GAS.base))
    before = model.estimate(items=2, positions=2)
    after = learned(model, items=2, positions=2, gas_used=gas_used).estimate(items=2, positions=2)
    assert after - before == pytest.approx((gas_used - before) / share, abs=10)


def test_an_estimate_never_falls_through_the_floor() -> None:
    model = GasModel()
    for _ in range(500):
        model = learned(model, items=1, positions=1, gas_used=0)
    assert model.parts.item >= COLD_GAS.item // 10


def test_a_batch_in_which_nothing_was_liquidated_teaches_nothing() -> None:
    model = GasModel()
    assert learned(model, items=0, positions=0, gas_used=50_000) is model


@given(st.integers(1, 60), st.integers(1, 200), st.integers(1, 50_000_000))
def test_after_running_out_the_next_limit_is_a_quarter_higher(
    items: int, positions: int, gas_limit: int
) -> None:
    model = ran_out(GasModel(), items=items, positions=positions, gas_limit=gas_limit)
    assert model.bound(items=items, positions=positions) * 4 > gas_limit * 5


def test_running_out_under_an_estimate_that_was_raised_meanwhile_changes_nothing() -> None:
    model = GasModel()
    assert ran_out(model, items=1, positions=1, gas_limit=21_000) is model


def test_large_batches_do_not_starve_a_lone_item() -> None:
    model = GasModel()
    for _ in range(100):
        model = learned(model, items=40, positions=80, gas_used=3_000_000)
    # What a lone item took on anvil: 330,000 to 350,000.
    assert model.bound(items=1, positions=1) > 390_000
    assert model.bound(items=40, positions=80) < 6_000_000
