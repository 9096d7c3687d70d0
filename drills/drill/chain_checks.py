"""What must hold after a drill on a chain, with the figures that were compared at one pinned block.

The demo's invariants (`drills.invariants`) but for two that belong to a weekend which ends with everybody trading:
a scenario may end in a halt, and in a halted market nobody who is bankrupt can be liquidated.
"""

from collections.abc import Callable, Mapping
from typing import Final

from drills.invariants import Findings, accounts_due, check_invariants, ledger_sum
from drills.report.record import Invariant
from risk.units import ATOMS_PER_USD, div_trunc

OF_A_WEEKEND: Final = frozenset({"nobody_is_bankrupt", "no_market_is_left_halted"})


def chain_invariants(found: Findings) -> tuple[Invariant, ...]:
    """Check all that a scenario owes."""
    return tuple(
        Invariant(
            name=name.replace("_", " "),
            holds=holds,
            found=f"{_FIGURES[name](found)}, block {found.state.block:,}",
        )
        for name, holds in check_invariants(found).items()
        if name not in OF_A_WEEKEND
    )


def _positions(found: Findings) -> str:
    held = sum(len(account.positions) for account in found.state.accounts)
    return f"{held:,} positions in {len(found.state.markets)} markets"


def _ledger(found: Findings) -> str:
    claims, vault = _usd(ledger_sum(found.state)), _usd(found.state.vault_balance)
    return f"claims of {claims} USD, {vault} USD in the vault"


def _dust(found: Findings) -> str:
    return (
        f"{found.state.funds['funding_pool']:,} atoms in the pool after"
        f" {found.tally.position_changes:,} settlements"
    )


def _rewards(found: Findings) -> str:
    owed, told = _usd(found.state.funds["rewards_owed"]), _usd(found.tally.reward_sum)
    return f"{owed} USD owed, {told} USD told by events"


def _insurance(found: Findings) -> str:
    held, told = _usd(found.state.funds["insurance_fund"]), _usd(found.tally.insurance_fund)
    return f"{held} USD held, {told} USD by the events"


def _debts(found: Findings) -> str:
    return f"{_usd(found.tally.shortfalls)} USD of bad debt, {_insurance(found)}"


def _transactions(found: Findings) -> str:
    evidence = found.evidence
    return f"{evidence.mined:,} mined of {evidence.sent:,} sent, {evidence.failed:,} reverted"


_FIGURES: Final[Mapping[str, Callable[[Findings], str]]] = {
    "sizes_sum_to_zero": _positions,
    "open_interest_is_the_sum_of_longs": _positions,
    "ledger_equals_vault_balance": _ledger,
    "funding_dust_is_bounded": _dust,
    "nobody_is_left_to_liquidate": lambda found: f"{len(accounts_due(found)):,} accounts due",
    "rewards_equal_events": _rewards,
    "insurance_fund_equals_events": _insurance,
    "bad_debt_is_covered": _debts,
    "events_rebuild_the_state": lambda found: f"{len(found.replay.accounts):,} accounts replayed",
    "each_nonce_is_mined_once": _transactions,
    "nobody_was_liquidated_in_a_halt": lambda found: (
        f"{found.breaks.liquidated_in_a_halt:,} of {found.tally.liquidations:,} liquidations"
    ),
    "no_transaction_failed": _transactions,
}


def _usd(atoms: int) -> str:
    return f"{div_trunc(atoms, ATOMS_PER_USD):,}"
