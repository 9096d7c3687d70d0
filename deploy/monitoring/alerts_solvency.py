"""Alerts on the exchange's money: what it holds against what it owes, and who may change it."""

from typing import Final

from deploy.monitoring.alert import Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import INSURANCE_FALL_RATIO

_AUTHORITY: Final = "authority_unchanged|token_unchanged"

SOLVENCY_ALERTS: Final = (
    Alert(
        name="SolvencyBreach",
        severity=Severity.PAGE,
        expr=f'min by (invariant) (bellkeeper_solvency_invariant{{invariant!~"{_AUTHORITY}"}}) == 0',
        # A process that has looked at nothing yet says 0 for half a second.
        hold="15s",
        summary="Solvency: {{ $labels.invariant }} is broken",
        description=(
            "Proven from a sealed block: the exchange does not hold what it must. The breaker"
            " duty halts, and withdrawals close where `gate_causes` say so."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_solvency_invariant", "1 0+0x5", invariant="vault_covers_claims"),
            at="3m",
            labels={"invariant": "vault_covers_claims"},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_solvency_invariant", "1 -1+0x5", invariant="vault_covers_claims"),
                **one("bellkeeper_solvency_invariant", "1+0x6", invariant="sizes_balance"),
            },
            at="3m",
        ),
    ),
    Alert(
        name="RoleChanged",
        severity=Severity.PAGE,
        expr=f'min by (invariant) (bellkeeper_solvency_invariant{{invariant=~"{_AUTHORITY}"}}) == 0',
        hold="15s",
        summary="Owner, roles, code or token are not what was approved",
        description=(
            "{{ $labels.invariant }} is broken: somebody holds a right that the profile does not"
            " name. If nobody here did it, it is an attack."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_solvency_invariant", "1 0+0x5", invariant="authority_unchanged"),
            at="3m",
            labels={"invariant": "authority_unchanged"},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_solvency_invariant", "1 -1+0x5", invariant="authority_unchanged"),
                **one("bellkeeper_solvency_invariant", "1+0x6", invariant="token_unchanged"),
            },
            at="3m",
        ),
    ),
    Alert(
        name="SolvencyUnproven",
        severity=Severity.TICKET,
        expr="max by (invariant) (bellkeeper_solvency_invariant) == -1",
        hold="15m",
        summary="Nobody knows whether {{ $labels.invariant }} holds",
        description=(
            "It could not be judged for a quarter of an hour: readings fail, or the profile names"
            " no `[roles]`, `token_address` or code to compare with."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_solvency_invariant", "1 -1+0x20", invariant="sizes_balance"),
            at="17m",
            labels={"invariant": "sizes_balance"},
        ),
        quiet=Story(
            series=one("bellkeeper_solvency_invariant", "-1 1+0x20", invariant="sizes_balance"),
            at="17m",
        ),
    ),
    Alert(
        name="BadDebt",
        severity=Severity.PAGE,
        expr="max(bellkeeper_solvency_bad_debt_usd) > 0",
        hold="2m",
        summary="Accounts owe more than they have: {{ $value }} USD",
        description=(
            "Bankrupt accounts that no liquidation has closed. The insurance fund pays when they"
            " are closed, then the backstop, then deleveraging."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_solvency_bad_debt_usd", "0 250+0x9"), at="4m", value="250"
        ),
        quiet=Story(series=one("bellkeeper_solvency_bad_debt_usd", "0 250 0+0x9"), at="4m"),
    ),
    Alert(
        name="BackstopBelowZero",
        severity=Severity.PAGE,
        expr='min(bellkeeper_solvency_funds_usd{fund="backstop"}) < 0',
        hold="1m",
        summary="The backstop owes more than it has: {{ $value }} USD",
        description=(
            "The exchange takes no liquidation over into it, no trade of it that leaves it worse,"
            " and deleverages it against nobody. Only the owner's money, or the price, frees it."
        ),
        board=Board.LIQUIDATIONS,
        fires=Story(
            series=one("bellkeeper_solvency_funds_usd", "10 -250+0x9", fund="backstop"),
            at="3m",
            value="-250",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_solvency_funds_usd", "10 -250 10+0x9", fund="backstop"),
                **one("bellkeeper_solvency_funds_usd", "-250+0x9", fund="fees"),
            },
            at="3m",
        ),
    ),
    Alert(
        name="InsuranceFundFalling",
        severity=Severity.PAGE,
        expr=(
            "(\n  max(bellkeeper_insurance_fund_usd offset 1h) - max(bellkeeper_insurance_fund_usd)\n)\n"
            f"/ (max(bellkeeper_insurance_fund_usd offset 1h) > 0)\n> {INSURANCE_FALL_RATIO}"
        ),
        hold="1m",
        summary="The insurance fund lost {{ $value | humanizePercentage }} in an hour",
        description=(
            "It pays the shortfall of bankrupt accounts; when it is empty, winners are"
            " deleveraged. A withdrawal by the owner looks the same."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_insurance_fund_usd", "1000+0x59 800+0x9"), at="63m", value="20%"
        ),
        quiet=Story(series=one("bellkeeper_insurance_fund_usd", "1000+0x59 900+0x9"), at="63m"),
    ),
    Alert(
        name="StressExhaustsFund",
        severity=Severity.TICKET,
        expr='max by (scenario) (bellkeeper_stress_fund_exhausted{scenario!~"equities_.*"}) == 1',
        hold="10m",
        summary="{{ $labels.scenario }} would take the whole insurance fund",
        description=(
            "Nothing has happened yet. If the marks moved as this scenario says, with the book as it"
            " is now, the bad debt would be more than the insurance fund holds; the backstop pays"
            " next, then winners are deleveraged."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_stress_fund_exhausted", "0 1+0x14", scenario="sunday_gap"),
            at="13m",
            labels={"scenario": "sunday_gap"},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_stress_fund_exhausted", "1+0x5 0+0x9", scenario="sunday_gap"),
                **one(
                    "bellkeeper_stress_fund_exhausted",
                    "1+0x14",
                    scenario="equities_down_30_percent",
                ),
            },
            at="13m",
        ),
    ),
    Alert(
        name="WithdrawalsClosed",
        severity=Severity.PAGE,
        expr=(
            "max(bellkeeper_withdrawal_gate_closed) == 1\n"
            # A breaker closes them for a changed role or a broken proof, whatever the gate says.
            'or\nsum(increase(bellkeeper_breaker_done_total{what="withdrawals"}[1h])) > 0'
        ),
        hold="0s",
        summary="Withdrawals are closed, or ought to be",
        description=(
            "The gate's rules say so, or a breaker closed them within the hour. Traders cannot take"
            " their money out, and only the owner can open again."
        ),
        board=Board.SAFE,
        fires=Story(
            series={
                **one("bellkeeper_withdrawal_gate_closed", "0+0x6"),
                **one("bellkeeper_breaker_done_total", "0 0 1+0x5", what="withdrawals"),
            },
            at="4m",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_withdrawal_gate_closed", "0+0x6"),
                **one("bellkeeper_breaker_done_total", "1+0x6", what="withdrawals"),
                **one("bellkeeper_breaker_done_total", "0+1x6", what="band"),
            },
            at="4m",
        ),
    ),
)
