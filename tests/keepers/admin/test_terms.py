"""What may be asked: every action's fields, and one sentence for whatever else is said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.admin.reasons import LONGEST_REASON
from keepers.admin.terms import (
    TERMS,
    Action,
    BadRequestError,
    check_key,
    parse_request,
)

FULL = {
    "market": "NVDA",
    "plan": "chain_outage",
    "low": "1",
    "high": "2",
    "action": "NVDA split 2199-06-10",
    "lane": "urgent",
    "level": "debug",
}


@pytest.mark.parametrize("action", Action)
def test_an_action_takes_what_it_needs_and_nothing_less(action: Action) -> None:
    body: dict[str, object] = {name: FULL[name] for name in TERMS[action].needs}
    request = parse_request(action.value, {**body, "reason": "drill"})
    assert (request.action, request.fields, request.reason) == (action, body, "drill")
    for name in (*body, "reason"):
        lacking = {
            each: value for each, value in {**body, "reason": "drill"}.items() if each != name
        }
        with pytest.raises(BadRequestError, match=f"expected a field {name} for {action}"):
            parse_request(action.value, lacking)
    with pytest.raises(BadRequestError, match="found 'force': correct the name, or leave it out"):
        parse_request(action.value, {**body, "reason": "drill", "force": True})


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"market": "NVDA", "reason": " \n\t "}, "expected reason, found an empty one"),
        ({"market": "NVDA", "reason": ""}, "expected reason, found an empty one"),
        ({"market": "NVDA", "reason": "x" * (LONGEST_REASON + 1)}, "at most 200 printable"),
        ({"market": "NVDA", "reason": "a\x1b[2Jb"}, "at most 200 printable"),
        ({"market": "NVDA", "reason": 7}, "expected reason as a text, found 7"),
        ({"market": ["NVDA"], "reason": "x"}, "expected market as a text"),
        ({"market": None, "reason": "x"}, "expected market as a text"),
        ({"market": json.loads("[" * 900 + "]" * 900), "reason": "x"}, "expected market as a text"),
    ],
)
def test_what_is_said_wrongly_is_one_sentence(body: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadRequestError, match=sentence):
        parse_request("halt", body)


def test_minutes_are_a_whole_number() -> None:
    body = {"market": "NVDA", "low": "1", "high": "2", "reason": "x"}
    assert parse_request("vouch", {**body, "minutes": 30}).fields["minutes"] == 30
    for wrong in ("30", 1.5, True, None):
        with pytest.raises(BadRequestError, match="minutes as a whole number"):
            parse_request("vouch", {**body, "minutes": wrong})


def test_an_action_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(BadRequestError, match=r"halt, reduce-only, .* found 'shutdown'"):
        parse_request("shutdown", {"reason": "x"})


@given(
    st.dictionaries(
        st.text(max_size=12), st.none() | st.integers() | st.text() | st.lists(st.integers())
    )
)
def test_no_body_is_taken_for_an_order_without_a_reason(body: dict[str, object]) -> None:
    body.pop("reason", None)
    for action in Action:
        with pytest.raises(BadRequestError):
            parse_request(action.value, body)


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "a/b", "ä", "a\n"])
def test_a_key_that_no_record_would_hold_is_refused(key: str) -> None:
    with pytest.raises(BadRequestError, match="idempotency key of 1 to 64"):
        check_key(key)


def test_a_key_may_be_left_out() -> None:
    check_key(None)
    check_key("3f2b.A-_9")
