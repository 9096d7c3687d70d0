"""From the running process to the facts of the page: read, never changed, a bit at a time.

Between two parts the loop may do something else, so that no look at the page delays a liquidation by
more than one part takes. What is dear (accounts, journal) is read less often, and only for somebody.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from keepers.page.facts import Backlog, MarketLine, PageFacts
from keepers.page.health_facts import health_facts
from keepers.page.journal_tail import Tail, read_tail
from keepers.page.latencies import latencies, skipped, waiting_blocks
from keepers.page.sources import PageSources
from keepers.page.status_words import mapping_at, text_at
from keepers.page.week_facts import WeekPlan
from risk.market import Market
from risk.sessions import Session

JOURNAL_SECONDS: Final = 2.0
MARKETS_AT_ONCE: Final = 20


class Gatherer:
    """Gathers the facts, and keeps what is dear for a while."""

    def __init__(self, sources: PageSources) -> None:
        self._sources = sources
        self._week = WeekPlan(sources.hours)
        self._tail = Tail()
        self._read_at: float | None = None

    async def gather(self) -> PageFacts:
        """Gather what is to be shown now."""
        sources, monitor = self._sources, self._sources.monitor
        told: dict[str, object] = {}
        for duty in sources.duties:
            told.update(duty.status())
            await asyncio.sleep(0)
        heat = await sources.liquidation_map.fresh()
        await self._read_journal()
        lines = await self._markets(told)
        week = self._week.at(monitor.now, [line.symbol for line in lines])
        await asyncio.sleep(0)
        return PageFacts(
            version=sources.version,
            network=sources.network,
            is_dry_run=sources.is_dry_run,
            wall_seconds=sources.clock.now(),
            now=monitor.now,
            distrust=monitor.distrust,
            not_ready=sources.not_ready(),
            markets=lines,
            week=week,
            heat=heat,
            backlog=self._backlog(),
            actions=self._tail.actions,
            trips=self._tail.trips,
            journal_problem=self._tail.problem,
            breakers_run="breakers" in told,
            solvency=mapping_at(told, "solvency") if "solvency" in told else None,
            stress=mapping_at(told, "stress") if "stress" in told else None,
            incentives=mapping_at(told, "incentives") if "incentives" in told else None,
            health=health_facts(sources),
            withdrawals_closed_why=_closed_why(told),
        )

    async def _markets(self, told: Mapping[str, object]) -> list[MarketLine]:
        lines = []
        for place, market in enumerate(sorted(_markets(self._sources), key=_symbol)):
            if place % MARKETS_AT_ONCE == MARKETS_AT_ONCE - 1:
                await asyncio.sleep(0)
            lines.append(self._line(market, mapping_at(told, "breakers", market.symbol)))
        return lines

    def _line(self, market: Market, breaker: Mapping[str, object]) -> MarketLine:
        monitor, hours = self._sources.monitor, self._sources.hours.get(market.symbol)
        now = monitor.now
        doubt = monitor.doubt(market.id)
        return MarketLine(
            id=market.id,
            symbol=market.symbol,
            status=market.status,
            session=Session.UNKNOWN if hours is None else hours.timeline.session_at(now),
            mark=market.mark,
            index=market.index,
            band_low=market.band_low,
            band_high=market.band_high,
            age_seconds=max(0, now - market.price_timestamp),
            is_stale=market.is_stale(now),
            doubt=None if doubt is None else doubt.value.replace("_", " "),
            breaker=text_at(breaker, "why") or None,
            wanted_status=text_at(breaker, "wanted_status") or None,
        )

    def _backlog(self) -> Backlog:
        monitor, registry = self._sources.monitor, self._sources.registry
        oldest = monitor.oldest_under_margin()
        return Backlog(
            accounts=len(monitor.book),
            positions=monitor.book.position_count,
            under_margin=monitor.under_margin_count(),
            oldest_wait_seconds=None if oldest is None else max(0, monitor.now - oldest[0]),
            waiting_blocks=waiting_blocks(registry),
            skipped=skipped(registry),
            applied_block=monitor.applied_block,
            sealed_block=monitor.sealed_block,
            latencies=latencies(registry),
        )

    async def _read_journal(self) -> None:
        now = self._sources.clock.monotonic()
        if self._read_at is None or now - self._read_at >= JOURNAL_SECONDS:
            self._read_at = now
            self._tail = await asyncio.to_thread(read_tail, self._sources.journal)


def _markets(sources: PageSources) -> list[Market]:
    return list(sources.monitor.markets.values())


def _symbol(market: Market) -> str:
    return market.symbol


def _closed_why(told: Mapping[str, object]) -> str | None:
    gate = mapping_at(told, "solvency", "withdrawal_gate")
    if gate.get("should_close") is True:
        return text_at(gate, "sentence")
    for symbol in mapping_at(told, "breakers"):
        breaker = mapping_at(told, "breakers", symbol)
        if breaker.get("closes_withdrawals") is True:
            return text_at(breaker, "closes_withdrawals_why")
    return None
