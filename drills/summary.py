"""What a drill reports: numbers counted from the chain, with units in their names.

latency_ms is taken over all liquidations: from the block in which the account became due to the
block that liquidated it (drills/waits.py says what due means), by the block producer's clock.
bad_debt_usd is what liquidated accounts owed beyond what they had; insurance fund and backstop
paid it, which the invariants check.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drills import weekend
from drills.breaks import Breaks
from drills.invariants import Findings, check_invariants
from drills.observer import Observer
from risk.units import ATOMS_PER_USD, MarketStatus

PERCENTILES = {"p50": 0.50, "p99": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the drill knows of itself."""

    seed: int
    insurance_before: int
    """Atoms, before the day began."""
    keeper_kills: int
    setup_seconds: float
    total_seconds: float
    reopening: Mapping[str, object]
    """How well the weekend's mark foresaw the outside price (drills/reopening.py)."""


def summarise(
    found: Findings, observer: Observer, circumstances: Circumstances
) -> dict[str, object]:
    """Put together the report; its keys are stable."""
    tally, evidence = found.tally, found.evidence
    longest_blocks, longest_ms = observer.longest_wait()
    latencies = observer.latencies_ms()
    return {
        "accounts": len(found.state.accounts),
        "positions": sum(len(account.positions) for account in found.state.accounts),
        "seed": circumstances.seed,
        "keeper_kills": circumstances.keeper_kills,
        "setup_seconds": round(circumstances.setup_seconds, 1),
        "total_seconds": round(circumstances.total_seconds, 1),
        "prices": {"published": tally.prices, "refused": tally.prices_refused},
        "reopening": dict(circumstances.reopening),
        "breakers": _breakers(found.breaks),
        "splits": {
            found.state.markets[number].symbol: str(ratio)
            for number, ratio in found.replay.ratios.items()
        },
        "liquidations": {
            "total": tally.liquidations,
            "full": tally.full,
            "partial": tally.partial,
            "sliced": tally.sliced,
            "with_shortfall": tally.with_shortfall,
        },
        "refused_items": dict(sorted(tally.refused.items())),
        "rewards_usd": usd(tally.reward_sum),
        "bad_debt_usd": usd(tally.shortfalls),
        "insurance_before_usd": usd(circumstances.insurance_before),
        "insurance_after_usd": usd(found.state.funds["insurance_fund"]),
        "longest_wait_blocks": longest_blocks,
        "longest_wait_ms": longest_ms,
        "transactions": {
            "sent": evidence.sent,
            "mined": evidence.mined,
            "replaced": evidence.replaced,
            "failed": evidence.failed,
        },
        "latency_ms": {name: percentile(latencies, part) for name, part in PERCENTILES.items()},
        "invariants": check_invariants(found),
    }


def _breakers(breaks: Breaks) -> dict[str, object]:
    return {
        "bands_drawn": breaks.bands_drawn,
        "at_discovery_bound_on_sunday": breaks.touched(weekend.NEWS, weekend.REOPEN),
        "limit_states": breaks.statuses[MarketStatus.LIMIT],
        "halts": breaks.statuses[MarketStatus.HALTED],
        "reopenings": len(breaks.halts),
        "longest_halt_seconds": max(breaks.halts, default=0),
    }


def is_good(report: Mapping[str, object]) -> bool:
    """Say whether every invariant holds."""
    invariants = report["invariants"]
    assert isinstance(invariants, Mapping)
    return all(invariants.values())


def percentile(ordered: Sequence[int], part: float) -> int | None:
    """Give the nearest-rank percentile of numbers in order; None of none."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None


def usd(atoms: int) -> float:
    """Write atoms in dollars, for people and JSON."""
    return atoms / ATOMS_PER_USD


def as_text(report: Mapping[str, object]) -> list[str]:
    """Write the report for people, a line for each number."""
    lines: list[str] = []
    for key, value in report.items():
        if isinstance(value, Mapping):
            parts = (f"{name} {_shown(part)}" for name, part in value.items())
            shown = ", ".join(parts) or "none"
        else:
            shown = _shown(value)
        if key == "invariants":
            continue
        lines.append(f"{key:22} {shown}")
    invariants = report["invariants"]
    assert isinstance(invariants, Mapping)
    lines += [f"{'holds' if holds else 'BROKEN':22} {name}" for name, holds in invariants.items()]
    return lines


def as_json(report: Mapping[str, object]) -> str:
    """Write the report for machines."""
    return json.dumps(report, indent=2) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
