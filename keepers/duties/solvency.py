"""The solvency duty put together: reads of its own, the monitor, the withdrawal gate, the live what-if.

It has no key. The proof takes nothing from the keeper's own book; the what-if takes nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from config.markets import load_exchange_file
from config.settings import Settings
from config.stress import STRESS_DIRECTORY, asset_classes, is_equity, load_scenarios
from keepers.approved import approved_by
from keepers.signing import exchange_address
from monitors.breakers.terms import SlowFacts
from monitors.solvency import SolvencyMonitor
from monitors.solvency_facts import ProvenFacts
from monitors.solvency_metrics import SolvencyMetrics
from monitors.solvency_proof import SolvencyProof
from monitors.solvency_trail import SolvencySettings
from monitors.stress import StressMonitor, StressPlan, StressView
from monitors.stress_metrics import StressMetrics
from monitors.withdrawals import WithdrawalMetrics, WithdrawalWatch
from risk.solvency_finding import dollars
from risk.solvency_sheet import BalanceSheet
from risk.withdrawal_gate import GateDecision
from runtime.clock import Clock
from runtime.supervise import Worker
from venues.exchange.abi import load_abi
from venues.exchange.chain import ChainReader
from venues.exchange.solvency_reads import ReadSettings, SolvencyReads

NOTHING_READ: Final = "nothing was read yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvencyDuty:
    """The running solvency duty."""

    monitor: SolvencyMonitor
    withdrawals: WithdrawalWatch
    proof: SolvencyProof
    """What it asks of the breakers, if they run in this process."""
    stress: StressMonitor

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {**self.monitor.workers(), "stress": self.stress.run}

    def show(self) -> None:
        """Age the gauges of the invariants: what was not judged lately is unknown."""
        self.monitor.show()
        self.stress.show()

    def status(self) -> Mapping[str, object]:
        """Give each invariant's verdict and sentence, the sheet, the gate and the what-if, for `/status`."""
        return {
            "solvency": {
                "invariants": {
                    finding.invariant.value: {
                        "verdict": finding.verdict.value,
                        "sentence": finding.sentence,
                        "action": finding.action.name.lower(),
                    }
                    for finding in self.monitor.findings
                },
                "sheet": _sheet(self.monitor.sheet, self.monitor.base),
                "withdrawal_gate": _gate(self.withdrawals.decision),
            },
            "stress": self.stress.status(),
        }

    def checked(self, own: SlowFacts) -> ProvenFacts:
        """Give a breaker's own slow facts, checked by the proof."""
        return ProvenFacts(own, self.monitor)


def open_solvency_duty(
    settings: Settings,
    *,
    reader: ChainReader,
    view: StressView,
    registry: CollectorRegistry,
    clock: Clock,
) -> SolvencyDuty:
    """Put the duty together; raises OperatorError with one sentence for what is wrong with it."""
    knobs = settings.solvency
    rules = knobs.rules
    reads = SolvencyReads(
        reader,
        address=exchange_address(settings),
        abi=load_abi(),
        clock=clock,
        settings=ReadSettings(
            pages_per_second=knobs.pages_per_second, gas=settings.network.view_gas
        ),
    )
    monitor = SolvencyMonitor(
        reads,
        approved=approved_by(settings, load_exchange_file().markets, code_hash=knobs.approved_code),
        rules=rules,
        settings=SolvencySettings(
            look_seconds=knobs.look_seconds,
            accounts_seconds=knobs.accounts_seconds,
            roles_from=settings.exchange.deployed_at_block,
        ),
        metrics=SolvencyMetrics.create(registry, rules),
        clock=clock,
    )
    withdrawals = WithdrawalWatch(knobs.gate_rules, WithdrawalMetrics.create(registry))
    withdrawals.attach(monitor)
    proof = SolvencyProof(monitor, withdrawals)
    plan = stress_plan(settings)
    stress = StressMonitor(
        view, plan, metrics=StressMetrics.create(registry, plan.names), clock=clock
    )
    return SolvencyDuty(monitor=monitor, withdrawals=withdrawals, proof=proof, stress=stress)


def stress_plan(settings: Settings) -> StressPlan:
    """Give what the profile shocks the book with; raises OperatorError as loading does."""
    knobs, classes = settings.stress, asset_classes()
    return StressPlan(
        steps=knobs.steps_ppm,
        scenarios=load_scenarios(knobs.scenario_directory or STRESS_DIRECTORY),
        class_of=lambda symbol: classes.get(symbol, ""),
        is_equity=lambda symbol: is_equity(symbol, classes),
        period_seconds=knobs.period_seconds,
    )


def _sheet(newest: BalanceSheet | None, base: BalanceSheet | None) -> Mapping[str, object]:
    """Tell the newest block's money in USD, and of the last reading what only it knows."""
    if newest is None:
        return {"why": NOTHING_READ}
    told: dict[str, object] = {"block": newest.block, "timestamp_seconds": newest.timestamp}
    pools, book = newest.pools, newest.book
    money: dict[str, int] = {}
    if pools is not None:
        money |= {
            "vault": pools.vault_balance,
            "insurance_fund": pools.insurance_fund,
            "fee_pool": pools.fee_pool,
            "funding_pool": pools.funding_pool,
            "keeper_rewards": pools.rewards_owed,
        }
        told["withdrawals_open"] = pools.withdrawals_open
    if book is not None:
        money["owed_to_accounts"] = book.owed_to_accounts
    if newest.gap is not None:
        money["gap"] = newest.gap
    claims = None if base is None else base.claims
    if base is not None and claims is not None:
        told |= {
            "accounts_block": base.block,
            "accounts": claims.account_count,
            "positions": claims.position_count,
            "under_margin_accounts": len(claims.under_margin),
        }
        money |= {
            "equity": claims.equity,
            "bad_debt": claims.bad_debt,
            "backstop_equity": claims.backstop_equity,
        }
    return told | {f"{name}_usd": _usd(atoms) for name, atoms in money.items()}


def _usd(atoms: int) -> str:
    """Write an amount exactly, as a decimal: a JSON number would round it."""
    return dollars(atoms).removesuffix(" USD").replace(",", "")


def _gate(decision: GateDecision | None) -> Mapping[str, object]:
    if decision is None:
        return {"why": NOTHING_READ}
    return {
        "should_close": decision.should_close,
        "causes": [cause.value for cause in decision.state.causes],
        "sentence": decision.sentence,
        "return_rule": decision.return_rule,
    }
