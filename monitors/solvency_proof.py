"""What the proof of solvency and the withdrawal gate ask of the breakers, kept from block to block.

Money and authority ask of all markets, waits and prices of the market they are about; each with the
smallest action that is enough. The gate asks for nothing but that withdrawals close.
"""

from collections.abc import Callable

from monitors.solvency import SolvencyMonitor
from monitors.withdrawals import WithdrawalWatch
from risk.integrity_rules import Action
from risk.solvency_finding import Finding, asked_everywhere, asked_of_market
from risk.withdrawal_gate import GateDecision


class SolvencyProof:
    """`Proof` of the breaker panel."""

    def __init__(self, monitor: SolvencyMonitor, withdrawals: WithdrawalWatch) -> None:
        self._monitor, self._withdrawals = monitor, withdrawals
        self._findings: tuple[Finding, ...] = monitor.findings
        """As of the last revision: a step of the breakers judges all markets by the same."""
        self._asked: object = None
        self._revision = 0

    def on_look(self, wake: Callable[[], None]) -> None:
        """Wake somebody after every sealed block that was looked at; the gate must follow it already."""
        self._monitor.on_look(lambda _: wake())

    @property
    def revision(self) -> int:
        """Another number whenever something else may be asked for."""
        self._findings = self._monitor.findings
        gate = self._withdrawals.decision
        asked = (
            [(each.verdict, each.everywhere, each.by_market) for each in self._findings],
            None if gate is None else gate.state.causes,
        )
        if asked != self._asked:
            self._asked, self._revision = asked, self._revision + 1
        return self._revision

    @property
    def asked_everywhere(self) -> Action | None:
        """What money and authority ask of all markets; None: nobody can say."""
        return asked_everywhere(self._findings)

    def asked_of(self, symbol: str) -> Action | None:
        """What is asked of one market; None: nobody can say."""
        return asked_of_market(self._findings, symbol)

    @property
    def gate(self) -> GateDecision | None:
        """What the withdrawal gate decided last; None before its first block."""
        return self._withdrawals.decision
