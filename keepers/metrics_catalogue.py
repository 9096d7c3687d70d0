"""The list of all metrics, as each duty's own /metrics gives it.

Nobody keeps this list by hand: every duty is composed as `bellkeeper run` composes it, dry and undialled, from
a profile in which all is switched on, and asked for its page. What a new duty exports is in the list as
soon as the duty is.
"""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from config.loader import load
from config.markets import liquidation_rules, load_exchange_file
from keepers.bootstrap import RunOptions, compose
from keepers.daemon import Daemon
from keepers.duty_choice import DUTIES
from keepers.sender import SenderMetrics
from risk.market import Market, make_tiers
from risk.units import AccountId, MarketId, Ppm, PriceE8, QuoteAtoms, Seconds
from runtime.errors import OperatorError
from venues.port import BlockRef, Funds, Snapshot

PROFILE: Final = Path(__file__).with_name("metrics_profile.toml")
SYMBOL: Final = "NVDA"
"""The one market of that profile."""
HISTOGRAM: Final = "histogram"
COUNTER: Final = "counter"
EVERYWHERE: Final = "every process"
_NOT_SERIES: Final = ("le", "quantile")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricEntry:
    """One metric: what an alert may rely on."""

    name: str
    """As a query names it: a counter with `_total`, a histogram without `_bucket`."""
    kind: str
    text: str
    labels: Mapping[str, tuple[str, ...]]
    """Each label with all of its values, in the order of the page."""
    edges: tuple[float, ...]
    """Upper edges of a histogram's buckets, without infinity."""
    series: int
    """Label combinations that exist from the start; a histogram's buckets are not counted."""
    duties: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Name the duties that export it."""
        return EVERYWHERE if set(self.duties) == set(DUTIES) else ", ".join(self.duties)

    @property
    def is_complete(self) -> bool:
        """Say whether every combination of the labels' values exists from the start."""
        return self.series == prod(map(len, self.labels.values()))


async def catalogue() -> tuple[MetricEntry, ...]:
    """Give every metric of every duty, by name. Raises OperatorError if a duty lacks a setting."""
    entries = read_page(await page_of(frozenset(DUTIES)))
    shares = await _shares(entries)
    told = [
        replace(each, duties=tuple(duty for duty in DUTIES if each.name in shares[duty]))
        for each in entries
    ]
    return tuple(sorted(told, key=lambda entry: entry.name))


async def _shares(together: Sequence[MetricEntry]) -> dict[str, frozenset[str]]:
    """Name what each duty exports: alone, or, if it runs beside others only, what they lack without it."""
    alone: dict[str, frozenset[str]] = {}
    beside: dict[str, frozenset[str]] = {}
    for duty in DUTIES:
        try:
            entries = read_page(await page_of(frozenset({duty})))
        except OperatorError:
            without = read_page(await page_of(frozenset(DUTIES) - {duty}))
            series = {each.name: each.series for each in without}
            beside[duty] = frozenset(
                each.name for each in together if each.series > series.get(each.name, 0)
            )
        else:
            alone[duty] = frozenset(each.name for each in entries)
    everywhere = frozenset.intersection(*alone.values())
    return alone | {duty: names | everywhere for duty, names in beside.items()}


async def page_of(duties: frozenset[str]) -> str:
    """Give the /metrics of a process that runs these duties, before anything happened."""
    with TemporaryDirectory() as name:
        path = Path(name) / "profile.toml"
        shutil.copyfile(PROFILE, path)
        settings = load(path, environment={}).settings
        async with AsyncExitStack() as stack:
            daemon = await compose(settings, stack, RunOptions(duties=duties, is_dry_run=True))
            daemon.duties.monitor.on_snapshot(_first_snapshot())
            for duty in daemon.duties.running:
                duty.show()
            page = await _scrape(daemon)
            # A dry run has no lanes; a real one has those of its duties.
            lanes = CollectorRegistry()
            if daemon.duties.senders:
                SenderMetrics.create(lanes, lanes=tuple(daemon.duties.senders))
            return page + generate_latest(lanes).decode()


async def _scrape(daemon: Daemon) -> str:
    """Ask the process itself, over HTTP, as Prometheus does."""
    stop = asyncio.Event()
    serving = asyncio.create_task(daemon.http.run(stop))
    try:
        await daemon.http.started.wait()
        url = f"http://127.0.0.1:{daemon.http.port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()
    finally:
        stop.set()
        await serving


def read_page(page: str) -> list[MetricEntry]:
    """Read a page in Prometheus's text format; `duties` stays empty."""
    entries = []
    for family in text_string_to_metric_families(page):
        name = f"{family.name}_total" if family.type == COUNTER else family.name
        values: dict[str, dict[str, None]] = {}
        edges: dict[float, None] = {}
        combinations = set()
        for sample in family.samples:
            own = {key: each for key, each in sample.labels.items() if key not in _NOT_SERIES}
            combinations.add(tuple(own.values()))
            for key, each in own.items():
                values.setdefault(key, {})[each] = None
            edge = float(sample.labels.get("le", "inf"))
            if edge != float("inf"):
                edges[edge] = None
        entries.append(
            MetricEntry(
                name=name,
                kind=family.type,
                text=family.documentation,
                labels={key: tuple(found) for key, found in values.items()},
                edges=tuple(sorted(edges)),
                series=len(combinations),
            )
        )
    return entries


def _first_snapshot() -> Snapshot:
    """Give an exchange with one market and nobody in it: a market's series begin with the first one."""
    nobody = QuoteAtoms(0)
    market = Market(
        id=MarketId(0),
        symbol=SYMBOL,
        mark=PriceE8(0),
        index=PriceE8(0),
        price_timestamp=Seconds(0),
        updated_at=Seconds(0),
        funding_time=Seconds(0),
        initial_margin=Ppm(50_000),
        taker_fee=Ppm(0),
        maker_fee=Ppm(0),
        open_interest_cap=nobody,
        clamp=Ppm(0),
        min_interval=Seconds(0),
        expiry=Seconds(0),
        min_position_notional=nobody,
        slice_threshold=nobody,
        penalty=Ppm(0),
        spread_max=Ppm(0),
        backstop_cap=nobody,
        tiers=make_tiers([(0, 25_000)]),
    )
    return Snapshot(
        block=BlockRef(number=1, timestamp=Seconds(1), hash=None),
        markets={market.id: market},
        accounts=[],
        funds=Funds(
            insurance_fund=nobody, fee_pool=nobody, funding_pool=nobody, rewards_owed=nobody
        ),
        rules=liquidation_rules(load_exchange_file()),
        backstop_account=AccountId(0),
    )
