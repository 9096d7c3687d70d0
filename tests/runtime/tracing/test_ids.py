"""Names of traces: from the key alone, and a share of them that every keeper chooses alike."""

import io
import json

import structlog

from runtime.journal import Intent
from runtime.logging import configure_logging
from runtime.tracing.ids import is_sampled, span_id_of, trace_id_of

KEYS = [f"liquidation|TSLA|0xbb/{number}|block 7" for number in range(4_000)]


def test_a_trace_has_the_same_name_in_every_version() -> None:
    # A stored trace must be found again after an upgrade: this figure never changes.
    assert trace_id_of("liquidation|TSLA|0xbb/0|block 7") == "ecc147d017aaac6564fee4d0f94eae57"
    assert len(span_id_of(trace_id_of(KEYS[0]), "mine", 3)) == 16


def test_different_intents_have_different_traces() -> None:
    assert len({trace_id_of(key) for key in KEYS}) == len(KEYS)


def test_a_larger_share_holds_every_trace_of_a_smaller_one() -> None:
    few, more = (
        {key for key in KEYS if is_sampled(trace_id_of(key), ratio)} for ratio in (0.1, 0.5)
    )
    assert few < more
    assert 0.07 < len(few) / len(KEYS) < 0.13
    assert all(is_sampled(trace_id_of(key), 1.0) for key in KEYS)


def test_a_line_about_an_intent_names_its_trace() -> None:
    out = io.StringIO()
    configure_logging(stream=out, as_json=True)
    try:
        structlog.get_logger("x").error("result_missing", intent=KEYS[0])
        structlog.get_logger("x").error("other", intents=3)
    finally:
        configure_logging()
    first, other = (json.loads(line) for line in out.getvalue().splitlines())
    assert first["trace_id"] == trace_id_of(KEYS[0])
    assert "trace_id" not in other


def test_an_intent_knows_its_trace() -> None:
    intent = Intent(
        kind="a", market="b", account="c", judged_on="d", expires_at=1, payload={"reason": "r"}
    )
    assert intent.trace_id == trace_id_of("a|b|c|d")
