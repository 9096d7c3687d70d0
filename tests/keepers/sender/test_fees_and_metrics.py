"""Fees follow the base fee within their bounds; every series exists from the start."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from keepers.sender import FeeBook, FeeRules, Refusal, SenderMetrics
from keepers.sender.metrics import Event, Halt
from keepers.sender.policy import Fees


@pytest.mark.parametrize(
    ("base_fee", "max_fee"), [(0, 50), (20, 50), (24, 51), (100, 203), (499, 1_000), (9_999, 1_000)]
)
def test_the_fee_is_twice_the_base_fee_and_the_tip_within_floor_and_cap(
    base_fee: int, max_fee: int
) -> None:
    book = FeeBook(FeeRules(floor=50, cap=1_000, tip=3))
    book.note_base_fee(base_fee)
    assert book.suggested == Fees(max_fee=max_fee, tip=3)


def test_a_tip_is_never_above_the_fee() -> None:
    book = FeeBook(FeeRules(floor=0, cap=5, tip=9))
    book.note_base_fee(1)
    assert book.suggested == Fees(max_fee=5, tip=5)


def test_every_series_exists_from_the_start() -> None:
    registry = CollectorRegistry()
    SenderMetrics.create(registry, lanes=["urgent", "housekeeping"])
    text = generate_latest(registry).decode()
    for lane in ("urgent", "housekeeping"):
        for event in Event:
            name = "bellkeeper_sender_transactions_total"
            assert f'{name}{{event="{event}",lane="{lane}"}} 0.0' in text
        for refusal in Refusal:
            name = "bellkeeper_sender_refusals_total"
            assert f'{name}{{lane="{lane}",refusal="{refusal}"}} 0.0' in text
        for halt in Halt:
            assert f'bellkeeper_sender_halted{{lane="{lane}",reason="{halt}"}} 0.0' in text
        assert f'bellkeeper_sender_foreign_nonces_total{{lane="{lane}"}} 0.0' in text
