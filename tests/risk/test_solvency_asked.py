"""What the findings ask for: of all markets, of one, and when nobody can say."""

import pytest

from risk.integrity_rules import Action
from risk.solvency_finding import (
    Finding,
    Invariant,
    Notes,
    asked_everywhere,
    asked_of_market,
    unknown,
)


def finding(invariant: Invariant, *wrong: tuple[str | None, Action], doubts: str = "") -> Finding:
    notes = Notes()
    if doubts:
        notes.unknown.append(doubts)
    for market, action in wrong:
        notes.breach("it is wrong", action, market=market)
    return notes.finding(invariant, "it is good", {"differences": len(wrong)})


def all_good(*found: Finding) -> list[Finding]:
    """Give all twelve; those that are not named hold."""
    named = {each.invariant: each for each in found}
    return [named.get(each) or finding(each) for each in Invariant]


def test_a_sound_exchange_is_asked_for_nothing() -> None:
    assert asked_everywhere(all_good()) is Action.NONE
    assert asked_of_market(all_good(), "NVDA") is Action.NONE


def test_what_is_wrong_in_one_market_is_asked_of_that_market() -> None:
    wrong = finding(
        Invariant.PRICES_BOUNDED,
        ("NVDA", Action.TIGHTER_BAND),
        ("NVDA", Action.HALT),
        ("SPY", Action.REDUCE_ONLY),
    )
    findings = all_good(wrong)
    assert wrong.action is Action.HALT
    assert asked_everywhere(findings) is Action.NONE
    asked = [asked_of_market(findings, symbol) for symbol in ("NVDA", "SPY", "QQQ")]
    assert asked == [Action.HALT, Action.REDUCE_ONLY, Action.NONE]


def test_waits_and_bad_debt_are_felt_by_every_market_and_last_no_longer_than_they() -> None:
    findings = all_good(finding(Invariant.BAD_DEBT_COVERED, (None, Action.HALT)))
    assert asked_everywhere(findings) is Action.NONE
    assert asked_of_market(findings, "QQQ") is Action.HALT


@pytest.mark.parametrize(
    "invariant", [Invariant.VAULT_COVERS_CLAIMS, Invariant.AUTHORITY_UNCHANGED]
)
def test_money_and_authority_are_asked_of_all_and_last(invariant: Invariant) -> None:
    findings = all_good(
        finding(invariant, (None, Action.HALT), (None, Action.CLOSE_WITHDRAWALS)),
        finding(Invariant.NOBODY_WAITS, (None, Action.REDUCE_ONLY)),
    )
    assert asked_everywhere(findings) is Action.CLOSE_WITHDRAWALS
    assert asked_of_market(findings, "NVDA") is Action.REDUCE_ONLY


def test_a_rate_outside_its_limits_is_its_markets_and_kept_funding_is_everybodys() -> None:
    both = finding(Invariant.FUNDING_BALANCES, ("NVDA", Action.REDUCE_ONLY), (None, Action.HALT))
    assert asked_everywhere(all_good(both)) is Action.HALT
    assert asked_of_market(all_good(both), "NVDA") is Action.REDUCE_ONLY
    assert asked_of_market(all_good(both), "SPY") is Action.NONE


def test_what_could_not_be_read_is_not_good_and_what_nobody_approved_is_no_hindrance() -> None:
    unread = all_good(unknown(Invariant.VAULT_COVERS_CLAIMS, "the server is away"))
    assert asked_everywhere(unread) is None
    assert asked_of_market(unread, "NVDA") is Action.NONE
    unread = all_good(unknown(Invariant.PRICES_BOUNDED, "the server is away"))
    assert asked_everywhere(unread) is Action.NONE
    assert asked_of_market(unread, "NVDA") is None
    unnamed = all_good(finding(Invariant.AUTHORITY_UNCHANGED, doubts="the profile names nobody"))
    assert asked_everywhere(unnamed) is Action.NONE
    # A breach is told whatever else could not be read.
    worse = [*unread, finding(Invariant.TOKEN_UNCHANGED, (None, Action.CLOSE_WITHDRAWALS))]
    assert asked_everywhere(worse) is Action.CLOSE_WITHDRAWALS
