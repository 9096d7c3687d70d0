"""What a drill reports."""

import json

from drills.summary import as_json, as_text, is_good, percentile

REPORT: dict[str, object] = {
    "accounts": 2_000,
    "rewards_usd": 1_234.5,
    "latency_ms": {"p50": 12, "p99": None},
    "refused_items": {},
    "invariants": {"sizes_sum_to_zero": True, "nobody_is_bankrupt": False},
}


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile(range(1, 101), 0.50) == 50
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([7], 0.99) == 7
    assert percentile([], 0.5) is None


def test_one_broken_invariant_spoils_the_report() -> None:
    assert not is_good(REPORT)
    assert is_good({**REPORT, "invariants": {"sizes_sum_to_zero": True}})


def test_the_text_names_a_broken_invariant_in_capitals() -> None:
    lines = as_text(REPORT)
    assert any(line.split() == ["BROKEN", "nobody_is_bankrupt"] for line in lines)
    assert any(line.split() == ["accounts", "2,000"] for line in lines)
    assert any(line.split() == ["refused_items", "none"] for line in lines)


def test_the_json_says_the_same_as_the_report() -> None:
    assert json.loads(as_json(REPORT)) == REPORT
