"""What leaves the exchange: how fast, how much at once, to whom after a role changed.

Listens to the solvency monitor's sealed blocks and steps the withdrawal gate with each. Decides
nothing on chain: the gate says that withdrawals ought to be closed and why; a guardian closes them,
and only the owner opens them again.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from monitors.solvency import SolvencyMonitor
from monitors.solvency_trail import Look
from risk.solvency_finding import Invariant, Verdict
from risk.solvency_flows import WITHDRAWAL, Event
from risk.units import (
    ATOMS_PER_USD,
    AccountId,
    QuoteAtoms,
    Seconds,
    account_label,
)
from risk.withdrawal_gate import (
    GateCause,
    GateDecision,
    GateFacts,
    GateRules,
    GateState,
    decide,
)
from runtime.metrics import gauge

MOST_REMEMBERED: Final = 100_000
"""Withdrawals kept of one window; more than that is an alarm of its own, by the rate."""
_AUTHORITY_EVENTS: Final = frozenset({"RoleChanged", "OwnerChanged", "OwnerProposed"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Money that left the vault."""

    at: Seconds
    amount: QuoteAtoms
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalMetrics:
    """Gauges of what leaves."""

    withdrawn: Gauge
    largest: Gauge
    closed: Gauge
    cause: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "WithdrawalMetrics":
        """Register them, each label from the start."""
        return cls(
            withdrawn=gauge(
                registry,
                "bellkeeper_withdrawals_window_usd",
                "Money that left the exchange in the gate's window.",
            ),
            largest=gauge(
                registry,
                "bellkeeper_withdrawals_largest_usd",
                "The largest single amount that left in the window.",
            ),
            closed=gauge(
                registry,
                "bellkeeper_withdrawal_gate_closed",
                "1 while withdrawals ought to be closed.",
            ),
            cause=gauge(
                registry,
                "bellkeeper_withdrawal_gate_cause",
                "1 for each reason of the present closure.",
                {"cause": [cause.value for cause in GateCause]},
            ),
        )


class WithdrawalWatch:
    """Follows withdrawals block by block; `decision` is the newest."""

    def __init__(self, rules: GateRules, metrics: WithdrawalMetrics) -> None:
        self._rules, self._metrics = rules, metrics
        self._state = GateState()
        self._recent: deque[Withdrawal] = deque(maxlen=MOST_REMEMBERED)
        self._role_changed_at: Seconds | None = None
        self._since_change = 0
        self.decision: GateDecision | None = None

    def attach(self, monitor: SolvencyMonitor) -> None:
        """Follow a solvency monitor, block by block."""

        def learn(look: Look) -> None:
            base, pools = monitor.base, look.sheet.pools
            claims = None if base is None else base.claims
            is_known = monitor.finding(Invariant.BAD_DEBT_COVERED).verdict is not Verdict.UNKNOWN
            self.on_block(
                look.events,
                block=look.sheet.block,
                now=look.sheet.timestamp,
                vault=None if pools is None else pools.vault_balance,
                gap=look.sheet.gap,
                bankrupt_accounts=claims.bankrupt_count if claims and is_known else None,
                outage=look.outage,
            )

        monitor.on_look(learn)

    def on_block(
        self,
        events: Sequence[Event],
        *,
        block: int,
        now: Seconds,
        vault: QuoteAtoms | None,
        gap: int | None,
        bankrupt_accounts: int | None,
        outage: Seconds,
    ) -> GateDecision:
        """Learn of the events up to a sealed block and what was read at it; None is not known.

        `outage` is for how long no block came after the one before.
        """
        for event in events:
            self._learn(event, now)
        while self._recent and self._recent[0].at < now - self._rules.window:
            self._recent.popleft()
        withdrawn = sum(each.amount for each in self._recent)
        changed = self._role_changed_at
        facts = GateFacts(
            block=block,
            now=now,
            bankrupt_accounts=bankrupt_accounts,
            gap=gap,
            outage=outage,
            vault=None if vault is None else QuoteAtoms(vault + withdrawn),
            withdrawn=QuoteAtoms(withdrawn),
            largest=QuoteAtoms(max((each.amount for each in self._recent), default=0)),
            since_role_change=None if changed is None else Seconds(now - changed),
            withdrawn_since_role_change=QuoteAtoms(self._since_change),
        )
        decision = decide(self._state, facts, self._rules)
        self._say(decision, facts)
        self._state, self.decision = decision.state, decision
        return decision

    def _learn(self, event: Event, now: Seconds) -> None:
        if event.name in _AUTHORITY_EVENTS:
            self._role_changed_at, self._since_change = now, 0
            return
        left = withdrawal_of(event, now)
        if left is None:
            return
        self._recent.append(left)
        if self._role_changed_at is not None:
            self._since_change += left.amount
            log.warning(
                "withdrawn_after_role_change",
                amount_atoms=left.amount,
                to=left.to,
                seconds_after=now - self._role_changed_at,
            )

    def _say(self, decision: GateDecision, facts: GateFacts) -> None:
        before = None if self.decision is None else self.decision.state.causes
        if decision.state.causes != (before or ()):
            level = log.error if decision.should_close else log.warning
            level(
                "withdrawal_gate",
                should_close=decision.should_close,
                sentence=decision.sentence,
                return_rule=decision.return_rule,
                block=facts.block,
                withdrawn_atoms=facts.withdrawn,
            )
        metrics = self._metrics
        metrics.withdrawn.set(facts.withdrawn / ATOMS_PER_USD)
        metrics.largest.set(facts.largest / ATOMS_PER_USD)
        metrics.closed.set(decision.should_close)
        for cause in GateCause:
            metrics.cause.labels(cause.value).set(cause in decision.state.causes)


def withdrawal_of(event: Event, now: Seconds) -> Withdrawal | None:
    """Read an event as money that left the vault; None for any other."""
    values = event.values
    if event.name == "CollateralChanged" and values["reason"] == WITHDRAWAL:
        to = account_label(AccountId(values["account"]))
        return Withdrawal(at=now, amount=QuoteAtoms(-values["delta"]), to=to)
    if event.name == "FeesWithdrawn":
        return Withdrawal(at=now, amount=QuoteAtoms(values["amount"]), to=f"0x{values['to'].hex()}")
    if event.name == "RewardsClaimed":
        keeper = f"0x{values['keeper'].hex()}"
        return Withdrawal(at=now, amount=QuoteAtoms(values["amount"]), to=keeper)
    return None
