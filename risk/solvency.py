"""The proof of solvency: one finding for each invariant, from a balance sheet and the one before.

Pure: what was read goes in, what to believe comes out. A sheet may hold less than all (between two
readings of all accounts it does): then only the invariants it can bear are asked for.
"""

from collections.abc import Callable, Collection
from typing import Final, TypeAlias

from risk.solvency_authority import authority_unchanged, token_unchanged
from risk.solvency_finding import Finding, Invariant
from risk.solvency_markets import (
    concentration_bounded,
    nobody_waits,
    prices_bounded,
    prices_timely,
    sizes_balance,
)
from risk.solvency_money import (
    bad_debt_covered,
    equity_conserved,
    funding_balances,
    pools_match_events,
    vault_covers_claims,
)
from risk.solvency_rules import Approved, SolvencyRules
from risk.solvency_sheet import BalanceSheet

ALL: Final = tuple(Invariant)
CHEAP: Final = (
    Invariant.SIZES_BALANCE,
    Invariant.VAULT_COVERS_CLAIMS,
    Invariant.PRICES_BOUNDED,
    Invariant.PRICES_TIMELY,
    Invariant.POOLS_MATCH_EVENTS,
    Invariant.AUTHORITY_UNCHANGED,
    Invariant.TOKEN_UNCHANGED,
)
"""Those that need no reading of all accounts: totals kept by events are enough."""

_Check: TypeAlias = Callable[[BalanceSheet, BalanceSheet | None, Approved, SolvencyRules], Finding]

_CHECKS: Final[dict[Invariant, _Check]] = {
    Invariant.SIZES_BALANCE: lambda sheet, *_: sizes_balance(sheet),
    Invariant.VAULT_COVERS_CLAIMS: lambda sheet, *_: vault_covers_claims(sheet),
    Invariant.BAD_DEBT_COVERED: lambda sheet, *_: bad_debt_covered(sheet),
    Invariant.NOBODY_WAITS: lambda sheet, _before, _approved, rules: nobody_waits(sheet, rules),
    Invariant.PRICES_BOUNDED: lambda sheet, _, approved, rules: prices_bounded(
        sheet, approved, rules
    ),
    Invariant.PRICES_TIMELY: lambda sheet, before, _, rules: prices_timely(sheet, before, rules),
    Invariant.FUNDING_BALANCES: lambda sheet, before, approved, _: funding_balances(
        sheet, before, approved
    ),
    Invariant.POOLS_MATCH_EVENTS: lambda sheet, before, *_: pools_match_events(sheet, before),
    Invariant.CONCENTRATION_BOUNDED: lambda sheet, _before, _approved, rules: concentration_bounded(
        sheet, rules
    ),
    Invariant.AUTHORITY_UNCHANGED: lambda sheet, before, approved, _: authority_unchanged(
        sheet, before, approved
    ),
    Invariant.TOKEN_UNCHANGED: lambda sheet, before, approved, _: token_unchanged(
        sheet, before, approved
    ),
    Invariant.EQUITY_CONSERVED: lambda sheet, before, *_: equity_conserved(sheet, before),
}


def prove(
    sheet: BalanceSheet,
    previous: BalanceSheet | None,
    approved: Approved,
    rules: SolvencyRules,
    *,
    invariants: Collection[Invariant] = ALL,
) -> tuple[Finding, ...]:
    """Judge the invariants in their own order; `previous` is what the sheet's flows start from."""
    return tuple(
        _CHECKS[each](sheet, previous, approved, rules) for each in ALL if each in invariants
    )
