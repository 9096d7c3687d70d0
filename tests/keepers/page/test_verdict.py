"""Is the network safe? The gravest thing is said first, and nothing grave is passed over."""

from dataclasses import replace
from typing import Any

import pytest

from keepers.page.facts import LaneLine
from keepers.page.verdict import WAITING_BLOCKS, Level, judge
from risk.units import MarketStatus
from tests.keepers.page.values import NVDA, SPY, backlog, facts, health


def test_a_quiet_monday_is_safe() -> None:
    verdict = judge(facts())
    assert verdict.level is Level.SAFE
    assert verdict.sentence.startswith("Yes: 2 markets open with fresh prices")


def test_before_the_first_snapshot_nothing_is_known() -> None:
    verdict = judge(facts(markets=[], distrust="no snapshot yet"))
    assert verdict.level is Level.UNKNOWN
    assert verdict.sentence == "Not known yet: no snapshot yet."


BREACH = {"invariants": {"bad_debt_covered": {"verdict": "breach", "sentence": "7 USD lack"}}}
UNPROVEN = {"invariants": {"bad_debt_covered": {"verdict": "unknown", "sentence": "not read"}}}
HALTED = LaneLine(name="urgent", next_nonce=7, in_flight=0, halted="nonce 7 is not ours")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"distrust": "the feed is 9 s behind"}, "may not be acted on", id="feed"),
        pytest.param({"solvency": BREACH}, "solvency is breached (bad debt covered)", id="breach"),
        pytest.param({"health": health(lanes=[HALTED])}, "lane urgent signs nothing", id="lane"),
        pytest.param({"not_ready": {"rpc": "no endpoint"}}, "not ready (rpc)", id="ready"),
        pytest.param(
            {"health": health(workers={"feed": False})}, "worker feed does not run", id="worker"
        ),
    ],
)
def test_what_endangers_the_network_is_said_with_its_reason(
    changes: dict[str, Any], words: str
) -> None:
    verdict = judge(facts(**changes))
    assert verdict.level is Level.DANGER
    assert words in verdict.sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"markets": [replace(NVDA, status=MarketStatus.HALTED, breaker="paused"), SPY]},
            "NVDA is halted: paused",
            id="halted",
        ),
        pytest.param({"markets": [replace(NVDA, is_stale=True), SPY]}, "too old", id="stale"),
        pytest.param({"markets": [replace(NVDA, doubt="jump")]}, "not trusted", id="doubt"),
        pytest.param({"solvency": UNPROVEN}, "not proven: bad debt covered", id="unproven"),
        pytest.param({"withdrawals_closed_why": "a gap"}, "a gap", id="withdrawals"),
        pytest.param({"backlog": backlog(under_margin=1)}, "1 account is under margin", id="under"),
    ],
)
def test_what_restricts_it_is_said_with_its_reason(changes: dict[str, Any], words: str) -> None:
    verdict = judge(facts(**changes))
    assert verdict.level is Level.GUARDED
    assert words in verdict.sentence


def test_the_strictest_status_is_told_and_the_others_are_counted() -> None:
    markets = [
        replace(SPY, status=MarketStatus.LIMIT),
        replace(NVDA, status=MarketStatus.HALTED),
    ]
    sentence = judge(facts(markets=markets)).sentence
    assert sentence.startswith("Yes, but NVDA is halted")
    assert sentence.endswith("(and 1 more).")


def test_who_waits_is_late_only_after_the_promise_and_when_the_rules_let_him_be_liquidated() -> (
    None
):
    def level(blocks: int, **skipped: int) -> Level:
        waits = backlog(under_margin=3, waiting_blocks=blocks, skipped=skipped)
        return judge(facts(backlog=waits)).level

    assert level(WAITING_BLOCKS) is Level.GUARDED
    assert level(WAITING_BLOCKS + 1) is Level.DANGER
    assert level(WAITING_BLOCKS + 1, warming_up=2, cooling_down=1) is Level.GUARDED
    assert level(WAITING_BLOCKS + 1, warming_up=2) is Level.DANGER
    assert level(WAITING_BLOCKS + 1, backstop_full=3) is Level.DANGER
