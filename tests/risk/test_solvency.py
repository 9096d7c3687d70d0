"""A sheet that balances proves; whatever is tampered with is noticed, and by its own name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.integrity_rules import Action
from risk.solvency import ALL, prove
from risk.solvency_finding import Finding, Invariant, Verdict
from risk.solvency_price_trail import CorporateAction, PriceStep
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import GENESIS, BalanceSheet, StressedLoss, UnderMargin
from risk.units import MarketId, Ppm, PriceE8, QuoteAtoms, Seconds, SizeE8
from tests.builders import NOW, make_account_id, price, usd
from tests.risk.solvency_books import (
    APPROVED,
    BLOCK,
    PRICER,
    RULES,
    STRANGER,
    Book,
    books,
    plain_book,
    with_account,
)
from tests.risk.strategies import BOOKS

PLAIN = plain_book().sheet()
Tampering = Callable[[BalanceSheet], BalanceSheet]


def judge(sheet: BalanceSheet, previous: BalanceSheet | None = GENESIS) -> dict[Invariant, Finding]:
    return {each.invariant: each for each in prove(sheet, previous, APPROVED, RULES)}


def broken(sheet: BalanceSheet) -> set[Invariant]:
    return {name for name, each in judge(sheet).items() if each.verdict is Verdict.BREACH}


def change(part: str, **facts: Any) -> Tampering:
    """Change fields of one part of the sheet."""
    return lambda sheet: replace(sheet, **{part: replace(getattr(sheet, part), **facts)})


def shift(part: str, name: str, by: int) -> Tampering:
    """Change one number of one part by so much."""
    return lambda sheet: change(part, **{name: getattr(getattr(sheet, part), name) + by})(sheet)


def market(**facts: Any) -> Tampering:
    """Change the market."""
    return lambda sheet: replace(
        sheet, markets={MarketId(0): replace(sheet.markets[MarketId(0)], **facts)}
    )


def of_market(**facts: Any) -> Tampering:
    """Change what the accounts say of the market."""
    return lambda sheet: change(
        "claims", markets={MarketId(0): replace(sheet.claims.markets[MarketId(0)], **facts)}
    )(sheet)


def action(**facts: int) -> Tampering:
    """Let a corporate action have happened: by default a right split of 2 for 1."""
    figures = {
        "mark_before": 400,
        "mark_after": 200,
        "wanted_mark": 200,
        "open_interest_before": 1_000_000,
        "open_interest_after": 2_000_000,
        "numerator": 2,
        "denominator": 1,
    }
    done = CorporateAction(name="split", market=MarketId(0), **(figures | facts))
    return change("flows", actions=(done,))


def waiting(since: int, **facts: Any) -> Tampering:
    """Let somebody be under margin since a block."""
    figures = {"equity": -1, "maintenance_margin": 10, "notional": 100, "may_liquidate": True}
    one = UnderMargin(account=make_account_id(3), since_block=since, **(figures | facts))
    return change("claims", under_margin=(one,))


def loss(name: str, bad_debt: int) -> Tampering:
    """Let a jump leave so much unpaid, with nothing left in the backstop."""
    lost = StressedLoss(
        name=name,
        bad_debt=QuoteAtoms(bad_debt),
        largest_account=make_account_id(1),
        largest_loss=QuoteAtoms(bad_debt),
        backstop_headroom=QuoteAtoms(0),
    )
    return change("claims", stress=(lost,))


I = Invariant  # noqa: E741 - the table reads by it
CASES: dict[str, tuple[Tampering, Invariant, Action]] = {
    "an atom is stolen": (
        shift("pools", "vault_balance", -1), I.VAULT_COVERS_CLAIMS, Action.CLOSE_WITHDRAWALS
    ),
    "an atom left without an event": (
        shift("pools", "vault_balance", -1), I.POOLS_MATCH_EVENTS, Action.CLOSE_WITHDRAWALS
    ),
    "a claim is invented": (
        shift("pools", "rewards_owed", 1), I.VAULT_COVERS_CLAIMS, Action.CLOSE_WITHDRAWALS
    ),
    "accounts and events differ": (
        shift("book", "collateral", -1), I.VAULT_COVERS_CLAIMS, Action.HALT
    ),
    "the insurance fund shrank": (
        shift("pools", "insurance_fund", -1), I.POOLS_MATCH_EVENTS, Action.HALT
    ),
    "the fee pool grew": (shift("pools", "fee_pool", 1), I.POOLS_MATCH_EVENTS, Action.HALT),
    "a transfer made money": (change("flows", transfers=1), I.POOLS_MATCH_EVENTS, Action.HALT),
    "a pool was below zero": (change("flows", lowest_pool=-1), I.POOLS_MATCH_EVENTS, Action.HALT),
    "bad debt beyond the pools": (
        change("claims", bad_debt=usd(2_000_000)), I.BAD_DEBT_COVERED, Action.HALT
    ),
    "the bound is not carried": (
        loss("bound_up", usd(50_001)), I.BAD_DEBT_COVERED, Action.TIGHTER_BAND
    ),
    "open interest differs": (
        market(open_interest=SizeE8(10**9 + 1)), I.SIZES_BALANCE, Action.HALT
    ),
    "somebody waits": (
        waiting(BLOCK - RULES.wait_blocks - 1), I.NOBODY_WAITS, Action.REDUCE_ONLY
    ),
    "a mark away from its index": (
        market(mark=price(221)), I.PRICES_BOUNDED, Action.REDUCE_ONLY
    ),
    "a mark outside its band": (
        market(band_low=price(201), band_high=price(202)), I.PRICES_BOUNDED, Action.HALT
    ),
    "a step beyond the clamp": (
        change("flows", steps={MarketId(0): PriceStep(before=PriceE8(10**6), after=PriceE8(994_999))}),
        I.PRICES_BOUNDED, Action.HALT,
    ),
    "a wider clamp": (market(clamp=Ppm(5_001)), I.PRICES_BOUNDED, Action.REDUCE_ONLY),
    "a price of tomorrow": (
        market(price_timestamp=Seconds(NOW + 1)), I.PRICES_TIMELY, Action.HALT
    ),
    "an old price": (
        market(price_timestamp=Seconds(NOW - 61)), I.PRICES_TIMELY, Action.REDUCE_ONLY
    ),
    "funding paid out twice": (
        shift("pools", "funding_pool", -1), I.FUNDING_BALANCES, Action.HALT
    ),
    "funding kept": (shift("pools", "funding_pool", 1_000), I.FUNDING_BALANCES, Action.HALT),
    "a rate beyond its limit": (
        market(funding_rate=500_001), I.FUNDING_BALANCES, Action.REDUCE_ONLY
    ),
    "open interest above its cap": (
        market(open_interest_cap=usd(1)), I.CONCENTRATION_BOUNDED, Action.TIGHTER_BAND
    ),
    "another owner": (
        change("authority", owner=STRANGER), I.AUTHORITY_UNCHANGED, Action.CLOSE_WITHDRAWALS
    ),
    "an owner proposed": (
        change("authority", proposed_owner=STRANGER), I.AUTHORITY_UNCHANGED,
        Action.CLOSE_WITHDRAWALS,
    ),
    "a stranger with a role": (
        change("authority", roles={PRICER: "pricer", STRANGER: "pricer"}), I.AUTHORITY_UNCHANGED,
        Action.HALT,
    ),
    "a role taken away": (
        change("authority", roles={}), I.AUTHORITY_UNCHANGED, Action.REDUCE_ONLY
    ),
    "other code": (
        change("code", code_hash=b"\0" * 32), I.AUTHORITY_UNCHANGED, Action.CLOSE_WITHDRAWALS
    ),
    "a proxy": (
        change("code", implementation=STRANGER), I.AUTHORITY_UNCHANGED,
        Action.CLOSE_WITHDRAWALS,
    ),
    "another token": (
        change("token", address=STRANGER), I.TOKEN_UNCHANGED, Action.CLOSE_WITHDRAWALS
    ),
    "other decimals": (change("token", decimals=18), I.TOKEN_UNCHANGED, Action.CLOSE_WITHDRAWALS),
    "other token code": (
        change("token", code_hash=b"\0" * 32), I.TOKEN_UNCHANGED, Action.CLOSE_WITHDRAWALS
    ),
    "equity out of nothing": (
        shift("claims", "equity", 100), I.EQUITY_CONSERVED, Action.HALT
    ),
    "a split at the wrong price": (action(mark_after=201), I.EQUITY_CONSERVED, Action.HALT),
    "a split that lost shares": (
        action(open_interest_after=1_999_000), I.EQUITY_CONSERVED, Action.HALT
    ),
}  # fmt: skip


def test_a_sheet_that_balances_holds_everywhere() -> None:
    found = judge(PLAIN)
    assert tuple(found) == ALL
    assert [each.sentence for each in found.values() if not each.holds] == []
    assert all(each.action is Action.NONE for each in found.values())
    assert found[Invariant.VAULT_COVERS_CLAIMS].numbers["gap_atoms"] == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "-"))
def test_every_tampering_is_noticed_and_named(case: str) -> None:
    tamper, invariant, wanted = CASES[case]
    finding = judge(tamper(PLAIN))[invariant]
    assert finding.verdict is Verdict.BREACH, case
    assert finding.action is wanted, finding.sentence


def test_one_holder_of_a_large_market_is_named() -> None:
    rules = replace(RULES, concentration_floor=QuoteAtoms(0), top_one=Ppm(999_999))
    (finding,) = prove(
        PLAIN, GENESIS, APPROVED, rules, invariants=[Invariant.CONCENTRATION_BOUNDED]
    )
    assert finding.verdict is Verdict.BREACH
    assert "one account holds 1000000 ppm" in finding.sentence


@pytest.mark.parametrize(
    "tamper",
    [
        waiting(BLOCK - RULES.wait_blocks),
        waiting(0, may_liquidate=False),
        loss("bound_up", usd(50_000)),
        loss("up_10_percent", usd(10**9)),
        shift("pools", "vault_balance", 1),
        market(mark=price(220)),
        market(clamp=Ppm(5_000)),
        market(price_timestamp=Seconds(NOW - 60)),
        market(funding_rate=500_000),
        action(),
    ],
)
def test_the_edge_of_a_rule_holds(tamper: Tampering) -> None:
    assert broken(tamper(PLAIN)) == set()


def test_tokens_sent_to_the_vault_are_told_and_no_breach() -> None:
    finding = judge(shift("pools", "vault_balance", 5)(PLAIN))[Invariant.VAULT_COVERS_CLAIMS]
    assert finding.holds
    assert "0.000005 USD that nobody claims" in finding.sentence


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("pools", {"vault_covers_claims", "bad_debt_covered", "funding_balances",
                   "pools_match_events"}),
        ("markets", {"sizes_balance", "prices_bounded", "prices_timely", "funding_balances",
                     "concentration_bounded", "equity_conserved"}),
        ("book", {"sizes_balance", "vault_covers_claims"}),
        ("claims", {"bad_debt_covered", "nobody_waits", "funding_balances",
                    "concentration_bounded", "equity_conserved"}),
        ("authority", {"authority_unchanged"}),
        ("code", {"authority_unchanged"}),
        ("token", {"token_unchanged"}),
        ("flows", {"prices_bounded", "pools_match_events", "equity_conserved"}),
    ],
)  # fmt: skip
def test_what_was_not_read_is_unknown_and_never_good(part: str, expected: set[str]) -> None:
    found = judge(replace(PLAIN, **{part: None}))
    assert {name.value for name, each in found.items() if not each.holds} == expected
    assert all(found[Invariant(name)].verdict is Verdict.UNKNOWN for name in expected)


def test_what_nobody_approved_is_unknown() -> None:
    bare = replace(APPROVED, owner=None, roles={}, token=None)
    found = {each.invariant: each for each in prove(PLAIN, GENESIS, bare, RULES)}
    assert found[Invariant.AUTHORITY_UNCHANGED].verdict is Verdict.UNKNOWN
    assert "[roles] pricer" in found[Invariant.AUTHORITY_UNCHANGED].sentence
    assert found[Invariant.TOKEN_UNCHANGED].verdict is Verdict.UNKNOWN


def test_rules_that_bound_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="expected jumps"):
        SolvencyRules(gaps=(Ppm(1_000_000),))


@BOOKS
@given(books())
def test_every_balanced_book_proves(book: Book) -> None:
    assert [each.sentence for each in judge(book.sheet()).values() if not each.holds] == []


@BOOKS
@given(books(), st.data())
def test_one_atom_or_unit_in_any_account_is_noticed(book: Book, data: st.DataObject) -> None:
    sheet = book.sheet()
    row = data.draw(st.integers(0, len(book.accounts) - 1))
    by = data.draw(st.sampled_from([-1, 1]))
    account = book.accounts[row]
    what = data.draw(st.sampled_from(["cash", "quote", "size"] if account.positions else ["cash"]))
    if what == "cash":
        changed = with_account(book, row, collateral=account.collateral + by)
    else:
        first, *others = account.positions
        moved = replace(first, **{what: getattr(first, what) + by})
        changed = with_account(book, row, positions=(moved, *others))
    other = changed.sheet()
    # The chain's vault, pools and events stay; only the accounts read another way.
    tampered = replace(sheet, claims=other.claims, book=other.book)
    named = broken(tampered)
    assert (Invariant.SIZES_BALANCE if what == "size" else Invariant.POOLS_MATCH_EVENTS) in named
    if what != "size" and by == 1:
        assert Invariant.VAULT_COVERS_CLAIMS in named
