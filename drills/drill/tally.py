"""What happened, in buckets and summed up: liquidations, waits, debts, deleveraging, halts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import Final

from drills.drill.waiting import DueAccounts
from drills.memory.stage import MemoryStage, StepReport
from drills.report.record import Bucket, Deleverage, Latency, Totals
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import DeleverageCode
from risk.liquidation import LiquidationCode
from risk.units import (
    PPM_SCALE,
    AccountId,
    MarketStatus,
    Ppm,
    QuoteAtoms,
    Seconds,
    div_ceil,
    notional,
    signed_value,
)
from venues.port import DeleverageSettled, LiquidationSettled

BUSY_SECONDS: Final = 60
QUIET_SECONDS: Final = 900
"""A bucket in which nothing happened goes on for so long."""
MILLISECONDS: Final = 1_000


@dataclass(slots=True)
class _Asked:
    """What was asked of others, in atoms."""

    need: int = 0
    closed: int = 0
    given_up: int = 0

    def told(self, policy: RankPolicy) -> tuple[Deleverage, ...]:
        """Give it as the record wants it; nothing where nothing was asked."""
        if not self.closed:
            return ()
        ratio = div_ceil(self.given_up * PPM_SCALE, self.need) if self.need > 0 else None
        return (
            Deleverage(
                policy=policy,
                need_atoms=QuoteAtoms(self.need),
                closed_atoms=QuoteAtoms(self.closed),
                haircut_over_need_ppm=None if ratio is None else Ppm(ratio),
            ),
        )


@dataclass(slots=True)
class _Open:
    """The bucket that runs."""

    start: Seconds
    liquidations: int = 0
    planned: int = 0
    value: int = 0
    bad_debt: int = 0
    under: int = 0
    due: int = 0
    waits: list[tuple[int, int]] = field(default_factory=list)
    asked: _Asked = field(default_factory=_Asked)

    @property
    def is_busy(self) -> bool:
        """Whether anything happened in it."""
        return bool(self.planned or self.under or self.asked.closed)


class Tally:
    """Counts blocks."""

    def __init__(self, stage: MemoryStage, due: DueAccounts, *, begin: Seconds) -> None:
        self._stage, self._due = stage, due
        self._open = _Open(begin)
        self._buckets: list[Bucket] = []
        self._waits: list[tuple[int, int]] = []
        self._accounts: set[AccountId] = set()
        self._taken: set[AccountId] = set()
        self._asked = _Asked()
        self._value = self._liquidations = self._bad_debt = 0
        self._insurance = stage.monitor.insurance_fund
        self._backstop = self._backstop_equity()
        self._statuses = {
            number: market.status for number, market in stage.exchange.state.markets.items()
        }
        self.halts = self.halted_seconds = self.restricted_seconds = 0

    def count(self, report: StepReport, *, step: int) -> None:
        """Count one block, `step` seconds after the one before."""
        done = [each for each in report.liquidations if each.code is LiquidationCode.LIQUIDATED]
        waits = self._due.after_block(report.block, (each.account for each in done))
        bucket = self._open
        bucket.planned += len(report.liquidations)
        bucket.waits += waits
        bucket.under = max(bucket.under, report.under_margin)
        bucket.due = max(bucket.due, self._due.count)
        self._waits += waits
        for each in done:
            self._liquidated(each)
        self._deleveraged(report.deleverages)
        self._statuses_now(step)
        length = report.block.timestamp - bucket.start
        if length >= QUIET_SECONDS or (length >= BUSY_SECONDS and bucket.is_busy):
            self.close(report)

    def close(self, report: StepReport) -> None:
        """End the bucket that runs, if it has any length."""
        bucket, stop = self._open, report.block.timestamp
        if stop <= bucket.start:
            return
        waiting = self._due.longest(report.block)
        known = bucket.waits if waiting is None else [*bucket.waits, waiting]
        self._buckets.append(
            Bucket(
                start=bucket.start,
                stop=stop,
                liquidations=bucket.liquidations,
                liquidated_atoms=QuoteAtoms(bucket.value),
                worst_wait_seconds=max((seconds for seconds, _ in known), default=None),
                worst_wait_blocks=max((blocks for _, blocks in known), default=None),
                most_under_margin=bucket.under,
                most_liquidatable=bucket.due,
                insurance_fund_atoms=report.insurance_fund,
                backstop_equity_atoms=self._backstop_equity(),
                bad_debt_atoms=QuoteAtoms(bucket.bad_debt),
                latency=Latency(
                    planned=bucket.planned,
                    p50_ms=_percentile(bucket.waits, 0.50),
                    p99_ms=_percentile(bucket.waits, 0.99),
                ),
                deleverages=bucket.asked.told(self._policy),
            )
        )
        self._open = _Open(stop)

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Give the buckets that ended."""
        return tuple(self._buckets)

    @property
    def liquidations(self) -> int:
        """Count those that closed something."""
        return self._liquidations

    def totals(self, *, spent: QuoteAtoms | None) -> Totals:
        """Sum it all up; `spent` is what makers were paid beyond weekday terms."""
        lasting = self._due.longest(self._stage.chain.head)
        known = self._waits if lasting is None else [*self._waits, lasting]
        return Totals(
            liquidations=self._liquidations,
            liquidated_accounts=len(self._accounts),
            liquidated_atoms=QuoteAtoms(self._value),
            median_wait_seconds=median_low(each for each, _ in known) if known else None,
            worst_wait_seconds=max((each for each, _ in known), default=None),
            worst_wait_blocks=max((each for _, each in known), default=None),
            still_under_margin=self._stage.monitor.under_margin_count(),
            bad_debt_atoms=QuoteAtoms(self._bad_debt),
            insurance_before_atoms=self._insurance,
            insurance_after_atoms=self._stage.monitor.insurance_fund,
            backstop_before_atoms=self._backstop,
            backstop_after_atoms=self._backstop_equity(),
            deleverages=self._asked.told(self._policy),
            deleveraged_accounts=len(self._taken),
            halts=self.halts,
            halted_seconds=self.halted_seconds,
            restricted_seconds=self.restricted_seconds,
            maker_cost_atoms=spent,
        )

    # --- within ----------------------------------------------------------------------------------

    @property
    def _policy(self) -> RankPolicy:
        return self._stage.settings.deleverage.policy

    def _backstop_equity(self) -> QuoteAtoms:
        monitor = self._stage.monitor
        return monitor.state(monitor.backstop_account).equity

    def _liquidated(self, each: LiquidationSettled) -> None:
        worth = abs(each.value)
        self._open.liquidations += 1
        self._open.value += worth
        self._open.bad_debt += each.shortfall
        self._liquidations += 1
        self._value += worth
        self._bad_debt += each.shortfall
        self._accounts.add(each.account)

    def _deleveraged(self, settled: Sequence[DeleverageSettled]) -> None:
        """Count what items took: relief is what the bankrupt gained against the mark, the other lost it."""
        relieved: dict[AccountId, int] = {}
        monitor = self._stage.monitor
        for each in settled:
            if each.code is not DeleverageCode.DELEVERAGED:
                continue
            mark = monitor.markets[each.market].mark
            relief = signed_value(each.size, mark) + each.cash
            relieved[each.account] = relieved.get(each.account, 0) + relief
            closed = notional(each.size, mark)
            self._taken.add(each.counterparty)
            for asked in (self._open.asked, self._asked):
                asked.closed += closed
                asked.given_up += relief
        for account, relief in relieved.items():
            # What is left above zero was taken without need.
            needed = max(0, relief - max(0, monitor.state(account).equity))
            for asked in (self._open.asked, self._asked):
                asked.need += needed

    def _statuses_now(self, step: int) -> None:
        for number, market in self._stage.exchange.state.markets.items():
            before, self._statuses[number] = self._statuses[number], market.status
            if market.status is MarketStatus.HALTED:
                self.halts += before is not MarketStatus.HALTED
                self.halted_seconds += step
            elif market.status in {MarketStatus.LIMIT, MarketStatus.REDUCE_ONLY}:
                self.restricted_seconds += step


def _percentile(waits: Sequence[tuple[int, int]], part: float) -> int | None:
    """Give the nearest rank's wait in milliseconds; None of none."""
    if not waits:
        return None
    ordered = sorted(seconds for seconds, _ in waits)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] * MILLISECONDS
