"""What the solvency monitor exports: each invariant, and the balance sheet in dollars."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from risk.solvency_finding import Finding, Invariant, Verdict
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import BalanceSheet
from risk.solvency_stress import scenarios
from risk.units import ATOMS_PER_USD
from runtime.metrics import counter, gauge

_NUMBER_OF: Final = {Verdict.HOLDS: 1, Verdict.BREACH: 0, Verdict.UNKNOWN: -1}
FUNDS: Final = ("vault", "accounts", "insurance", "fees", "funding", "rewards", "backstop")


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvencyMetrics:
    """Collectors of the solvency monitor."""

    invariant: Gauge
    gap: Gauge
    funds: Gauge
    bad_debt: Gauge
    stressed: Gauge
    under_margin: Gauge
    under_margin_notional: Gauge
    block: Gauge
    accounts_block: Gauge
    readings_failed: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry, rules: SolvencyRules) -> "SolvencyMetrics":
        """Register them, with every label there is."""
        invariant = gauge(
            registry,
            "bellkeeper_solvency_invariant",
            "1 where an invariant holds, 0 in breach, -1 where nobody knows.",
            {"invariant": [each.value for each in Invariant]},
        )
        for each in Invariant:
            # A gauge begins at 0, which would be a breach that nobody has seen.
            invariant.labels(each.value).set(-1)
        return cls(
            invariant=invariant,
            gap=gauge(
                registry,
                "bellkeeper_solvency_gap_usd",
                "What the vault lacks to pay everybody; negative when it holds more.",
            ),
            funds=gauge(
                registry,
                "bellkeeper_solvency_funds_usd",
                "The vault and what it owes: accounts (backstop included), pools; backstop is equity.",
                {"fund": FUNDS},
            ),
            bad_debt=gauge(
                registry, "bellkeeper_solvency_bad_debt_usd", "What bankrupt accounts owe."
            ),
            stressed=gauge(
                registry,
                "bellkeeper_solvency_stressed_bad_debt_usd",
                "What bankrupt accounts would owe after a jump of all prices.",
                {"jump": list(scenarios(rules))},
            ),
            under_margin=gauge(
                registry,
                "bellkeeper_solvency_under_margin_accounts",
                "Accounts below maintenance margin at the last reading of all accounts.",
            ),
            under_margin_notional=gauge(
                registry,
                "bellkeeper_solvency_under_margin_notional_usd",
                "Notional of the accounts below maintenance margin.",
            ),
            block=gauge(
                registry, "bellkeeper_solvency_block", "Newest sealed block that was looked at."
            ),
            accounts_block=gauge(
                registry,
                "bellkeeper_solvency_accounts_block",
                "Block of the last reading of all accounts.",
            ),
            readings_failed=counter(
                registry,
                "bellkeeper_solvency_readings_failed_total",
                "Readings that failed: what they were for is unknown until the next.",
                {"reading": ["block", "accounts"]},
            ),
        )

    def show(self, findings: Iterable[Finding], sheet: BalanceSheet | None) -> None:
        """Set the gauges of the invariants, and of the sheet at the newest block."""
        for finding in findings:
            self.invariant.labels(finding.invariant.value).set(_NUMBER_OF[finding.verdict])
        if sheet is None:
            return
        self.block.set(sheet.block)
        if sheet.gap is not None:
            self.gap.set(sheet.gap / ATOMS_PER_USD)
        if sheet.book is not None:
            self.funds.labels("accounts").set(sheet.book.owed_to_accounts / ATOMS_PER_USD)
        pools = sheet.pools
        if pools is not None:
            for name, atoms in (
                ("vault", pools.vault_balance),
                ("insurance", pools.insurance_fund),
                ("fees", pools.fee_pool),
                ("funding", pools.funding_pool),
                ("rewards", pools.rewards_owed),
            ):
                self.funds.labels(name).set(atoms / ATOMS_PER_USD)

    def show_accounts(self, sheet: BalanceSheet) -> None:
        """Set the gauges of a reading of all accounts."""
        claims = sheet.claims
        assert claims is not None, "expected a sheet with all accounts"
        self.accounts_block.set(sheet.block)
        self.bad_debt.set(claims.bad_debt / ATOMS_PER_USD)
        self.funds.labels("backstop").set(claims.backstop_equity / ATOMS_PER_USD)
        for loss in claims.stress:
            self.stressed.labels(loss.name).set(loss.bad_debt / ATOMS_PER_USD)
        self.under_margin.set(len(claims.under_margin))
        notional = sum(each.notional for each in claims.under_margin)
        self.under_margin_notional.set(notional / ATOMS_PER_USD)
