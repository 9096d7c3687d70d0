"""What `bellkeeper audit` prints: the proof, the balance sheet, and whose money is whose."""

from collections.abc import Mapping, Sequence

from keepers.commands.reporting import columns
from risk.solvency_finding import Finding, Verdict, dollars
from risk.solvency_sheet import BalanceSheet, Claims, VaultPools
from risk.units import account_label

_MARK = {Verdict.HOLDS: "ok     ", Verdict.BREACH: "BREACH ", Verdict.UNKNOWN: "unknown"}
ONE_VAULT = (
    "All of it lies in one vault, the exchange's own token balance: the separation is by its books"
    " and not by addresses. The contract lets customers' money out to customers only, fees to the"
    " owner's choice, rewards to keepers, and the backstop's free collateral to the owner; the"
    " insurance fund pays for bankrupt accounts only. Whoever could move the vault's tokens past"
    " the contract would move everybody's."
)


def text_of(sheet: BalanceSheet, findings: Sequence[Finding]) -> list[str]:
    """Give the lines for a person."""
    lines = [f"block {sheet.block}, {sheet.timestamp} on the venue's clock", "", "The proof"]
    lines += columns(
        [
            (_MARK[finding.verdict], finding.invariant.value, finding.sentence)
            for finding in findings
        ]
    )
    lines += [
        f"  {finding.invariant.value} asks for: {finding.action.name.lower().replace('_', ' ')}"
        for finding in findings
        if finding.verdict is Verdict.BREACH
    ]
    claims, pools = sheet.claims, sheet.pools
    if claims is not None and pools is not None:
        lines += ["", "The balance sheet", *_balance(claims, pools)]
        lines += ["", "Whose money it is", *_segregation_text(claims, pools), ONE_VAULT]
        lines += ["", "If all prices jumped at once", *_stress(claims, pools)]
    counts = {each: sum(finding.verdict is each for finding in findings) for each in Verdict}
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())
    return [*lines, "", f"{len(findings)} invariants: {told}"]


def report_of(sheet: BalanceSheet, findings: Sequence[Finding]) -> dict[str, object]:
    """Give the same as JSON: stable keys, numbers with their units in the key."""
    claims, pools = sheet.claims, sheet.pools
    report: dict[str, object] = {
        "block": sheet.block,
        "timestamp_seconds": sheet.timestamp,
        "all_hold": all(finding.holds for finding in findings),
        "invariants": {
            finding.invariant.value: {
                "verdict": finding.verdict.value,
                "sentence": finding.sentence,
                "action": finding.action.name.lower(),
                "numbers": dict(finding.numbers),
            }
            for finding in findings
        },
    }
    if claims is None or pools is None:
        return report
    report["balance_sheet"] = {
        "accounts": claims.account_count,
        "positions": claims.position_count,
        "equity_atoms": claims.equity,
        "positive_equity_atoms": claims.positive_equity,
        "bad_debt_atoms": claims.bad_debt,
        "backstop_equity_atoms": claims.backstop_equity,
        "backstop_headroom_atoms": claims.backstop_headroom,
        "gap_atoms": sheet.gap,
    }
    report["segregation"] = {
        f"{name}_atoms": atoms for name, atoms in _parts(claims, pools).items()
    }
    report["segregation_means"] = ONE_VAULT
    report["markets"] = _markets(sheet, claims)
    report["stress"] = {
        loss.name: {
            "bad_debt_atoms": loss.bad_debt,
            "largest_loss_atoms": loss.largest_loss,
            "largest_account": None
            if loss.largest_account is None
            else account_label(loss.largest_account),
            "backstop_headroom_atoms": loss.backstop_headroom,
        }
        for loss in claims.stress
    }
    return report


def _markets(sheet: BalanceSheet, claims: Claims) -> dict[str, Mapping[str, object]]:
    return {
        market.symbol: {
            "open_interest_e8": market.open_interest,
            "positions": claims.markets[number].position_count,
            "longs_e8": claims.book.sides[number].longs,
            "shorts_e8": claims.book.sides[number].shorts,
            "funding_owed_atoms": claims.markets[number].funding_owed,
            "top_one_ppm": claims.markets[number].top_one,
            "top_five_ppm": claims.markets[number].top_five,
            "herfindahl_ppm": claims.markets[number].herfindahl,
        }
        for number, market in (sheet.markets or {}).items()
    }


def _parts(claims: Claims, pools: VaultPools) -> dict[str, int]:
    """Divide the vault: each part is a figure that the chain itself holds."""
    return {
        "customers": claims.book.owed_to_accounts - claims.backstop_cash,
        "backstop": claims.backstop_cash,
        "insurance_fund": pools.insurance_fund,
        "fee_pool": pools.fee_pool,
        "funding_pool": pools.funding_pool,
        "keeper_rewards": pools.rewards_owed,
        "vault_balance": pools.vault_balance,
    }


def _balance(claims: Claims, pools: VaultPools) -> list[str]:
    owed = claims.book.owed_to_accounts + pools.owed
    return columns(
        [
            ("  accounts", f"{claims.account_count} with {claims.position_count} positions"),
            ("  equity of all accounts", dollars(claims.equity)),
            ("  asked for if all left now", dollars(claims.positive_equity + pools.owed)),
            ("  bad debt", f"{dollars(claims.bad_debt)} of {claims.bankrupt_count} accounts"),
            ("  backstop's headroom", dollars(claims.backstop_headroom)),
            ("  owed by the books", dollars(owed)),
            ("  in the vault", dollars(pools.vault_balance)),
            ("  withdrawals", "open" if pools.withdrawals_open else "closed"),
        ]
    )


def _segregation_text(claims: Claims, pools: VaultPools) -> list[str]:
    parts = _parts(claims, pools)
    return columns([(f"  {name.replace('_', ' ')}", dollars(parts[name])) for name in parts])


def _stress(claims: Claims, pools: VaultPools) -> list[str]:
    rows = [("  jump", "unpaid", "largest account's", "fund and backstop could pay")]
    rows += [
        (
            f"  {loss.name}",
            dollars(loss.bad_debt),
            dollars(loss.largest_loss),
            dollars(max(0, pools.insurance_fund) + loss.backstop_headroom),
        )
        for loss in claims.stress
    ]
    return columns(rows)
