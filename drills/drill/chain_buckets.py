"""Liquidations of a drill on a chain, in even buckets, from the exchange's events and the observer's waits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from drills.block_notes import BlockNotes
from drills.chain_events import ChainEvent
from drills.report.record import Bucket, Latency
from drills.scenario.values import Scenario
from drills.summary import percentile
from drills.tally import SHORTFALL_BY_BACKSTOP
from drills.waits import Wait
from risk.units import QuoteAtoms, Seconds, div_ceil, div_floor

MOST: Final = 120


@dataclass(slots=True)
class _Open:
    """One bucket; money in atoms."""

    waits: list[Wait] = field(default_factory=list)
    liquidations: int = 0
    planned: int = 0
    value: int = 0
    bad_debt: int = 0
    insurance: int = 0


def buckets(
    events: Iterable[ChainEvent],
    waits: Iterable[Wait],
    notes: BlockNotes,
    scenario: Scenario,
    *,
    insurance_before: QuoteAtoms,
    backstop: QuoteAtoms,
) -> tuple[Bucket, ...]:
    """Give the buckets; waits are on the chain's clock, which leaps, latencies on ours.

    `backstop` is its equity at the end, the only one that is read. How many were under margin at one time is
    not counted here: the observer judges after every block and keeps no history; those who waited are counted.
    """
    span = scenario.end - scenario.start
    length = max(1, div_ceil(span, MOST))
    found = [_Open() for _ in range(div_ceil(span, length))]
    for event in events:
        place = div_floor(event.timestamp - scenario.start, length)
        if 0 <= place < len(found):
            _count(found[place], event)
    for wait in waits:
        place = div_floor(notes.timestamp(wait.last_block) - scenario.start, length)
        if 0 <= place < len(found):
            found[place].waits.append(wait)
    fund, made = int(insurance_before), []
    for place, bucket in enumerate(found):
        fund += bucket.insurance
        start = Seconds(scenario.start + place * length)
        stop = Seconds(min(start + length, scenario.end))
        made.append(_bucket(bucket, start, stop, notes, QuoteAtoms(fund), backstop))
    return tuple(made)


def _count(bucket: _Open, event: ChainEvent) -> None:
    values: Mapping[str, int] = event.values
    match event.name:
        case "LiquidationResult":
            bucket.planned += 1
            if values["code"] == 0:
                bucket.liquidations += 1
                bucket.value += abs(values["value"])
                bucket.bad_debt += values["shortfall"]
                bucket.insurance += values["penalty"] - values["reward"] - values["shortfall"]
        case "CollateralChanged" if values["reason"] == SHORTFALL_BY_BACKSTOP:
            bucket.insurance += abs(values["delta"])
        case _:
            pass


def _bucket(
    bucket: _Open,
    start: Seconds,
    stop: Seconds,
    notes: BlockNotes,
    fund: QuoteAtoms,
    backstop: QuoteAtoms,
) -> Bucket:
    waits = bucket.waits
    latencies = sorted(
        notes.milliseconds(each.first_block, each.last_block)
        for each in waits
        if each.is_liquidated
    )
    seconds = (
        notes.timestamp(each.last_block) - notes.timestamp(each.first_block) for each in waits
    )
    waiting = len({each.account for each in waits})
    return Bucket(
        start=start,
        stop=stop,
        liquidations=bucket.liquidations,
        liquidated_atoms=QuoteAtoms(bucket.value),
        worst_wait_seconds=max(seconds, default=None),
        worst_wait_blocks=max((each.blocks for each in waits), default=None),
        most_under_margin=waiting,
        most_liquidatable=waiting,
        insurance_fund_atoms=fund,
        backstop_equity_atoms=backstop,
        bad_debt_atoms=QuoteAtoms(bucket.bad_debt),
        latency=Latency(
            planned=bucket.planned,
            p50_ms=percentile(latencies, 0.50),
            p99_ms=percentile(latencies, 0.99),
        ),
    )
