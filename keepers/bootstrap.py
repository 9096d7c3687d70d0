"""The composition root: from settings to a daemon. The only place where concrete meets abstract."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.admin.feed import ResyncableFeed
from keepers.admin.opening import AdminParts, open_admin
from keepers.daemon import Daemon, Duties, status_page
from keepers.duties.deleverage_pages import deleverage_routes
from keepers.duties.price import PriceSensing
from keepers.duties.price_pages import price_routes
from keepers.duty_building import DutyBase, build_duties
from keepers.duty_choice import DELEVERAGE, INCENTIVES, duties_to_run, key_of, lanes_of
from keepers.lanes import LaneParts, RunningSender, open_lane, open_shadow
from keepers.notify.opening import NotifyParts, open_notifier
from keepers.page.opening import PageParts, open_status_page
from keepers.sender import Lane, SenderMetrics
from keepers.signing import exchange_address
from keepers.tracing import open_tracing
from keepers.transports import Transports, open_transports
from keepers.version import VERSION
from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from risk.account_watch import AccountWatch
from risk.price_guard import PriceRules
from risk.units import Ppm, Seconds
from runtime.clock import SystemClock
from runtime.http import AdminHttp, Check, Readiness
from runtime.journal import Journal
from runtime.metrics import LoopLag, new_registry
from runtime.supervise import Worker
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.feed import ExchangeFeed, FeedSettings
from venues.exchange.metrics import FeedMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What an operator says at the start, beside the profile."""

    duties: frozenset[str] = field(default_factory=frozenset)
    """Which duties to run; empty: all for which the profile is set up."""
    is_dry_run: bool = False
    acknowledge_foreign: bool = False
    """Go on although somebody else used a lane's nonces: the operator has looked into it."""


async def run_daemon(settings: Settings, options: RunOptions) -> None:
    """Run the duties until SIGTERM or SIGINT. Raises OperatorError at start-up."""
    async with AsyncExitStack() as stack:
        daemon = await compose(settings, stack, options)
        # What was imported and built lives as long as the process: no collection need look at it.
        gc.collect()
        gc.freeze()
        await daemon.run(asyncio.Event())


async def compose(settings: Settings, stack: AsyncExitStack, options: RunOptions) -> Daemon:
    """Build a daemon; `stack` closes what must be closed at the end."""
    wanted = duties_to_run(settings, options.duties)
    base = await _base(settings, stack, options, wanted)
    built = build_duties(base, wanted)
    readiness = Readiness()
    page = open_status_page(
        PageParts(
            settings=settings,
            monitor=base.monitor,
            duties=built.acting,
            senders=base.senders,
            transports=base.transports,
            registry=base.registry,
            clock=base.clock,
            not_ready=readiness.reasons,
            with_ramps=INCENTIVES in wanted,
            is_dry_run=options.is_dry_run,
        )
    )
    tracing = open_tracing(
        settings,
        session=base.session,
        registry=base.registry,
        random=base.transports.pool.random,
    )
    feed = ResyncableFeed(_feed(base))
    duties = Duties(
        monitor=base.monitor,
        feed=feed,
        senders=base.senders,
        liquidation=built.liquidation,
        running=[*built.acting, page, *([] if tracing is None else [tracing])],
    )
    _register(readiness, duties, built.sensing, base.transports)
    status = partial(status_page, settings, duties, base.transports, is_dry_run=options.is_dry_run)
    http = AdminHttp(
        settings.http.listen,
        registry=base.registry,
        readiness=readiness,
        status=status,
        routes=[
            *page.routes,
            *([] if built.sensing is None else price_routes(built.sensing.desk)),
            *(deleverage_routes(base.monitor) if DELEVERAGE in wanted else ()),
        ],
    )
    return Daemon(
        settings=settings,
        clock=base.clock,
        transports=base.transports,
        journal=base.journal,
        duties=duties,
        http=http,
        attending=_attending(base, status, feed),
        loop_lag=LoopLag(base.registry, clock=base.clock),
    )


async def _base(
    settings: Settings, stack: AsyncExitStack, options: RunOptions, wanted: frozenset[str]
) -> DutyBase:
    """Open what every duty stands on."""
    clock, random, registry = SystemClock(), SystemRandom(), new_registry(version=VERSION)
    transports = open_transports(settings.network, registry=registry, clock=clock, random=random)
    journal = Journal.open(settings.journal.path, clock)
    stack.callback(journal.close)
    session = await stack.enter_async_context(aiohttp.ClientSession())
    abi, lanes = load_abi(), lanes_of(settings, wanted)
    senders: dict[str, RunningSender]
    if options.is_dry_run:
        senders = {lane: open_shadow(lane, journal, clock) for lane in lanes}
    else:
        lane_parts = LaneParts(
            settings=settings,
            transports=transports,
            journal=journal,
            metrics=SenderMetrics.create(registry, lanes=lanes),
            clock=clock,
            abi=abi,
            session=session,
            acknowledge_foreign=options.acknowledge_foreign,
        )
        senders = {
            lane: await open_lane(lane, key_of(settings, lane), lane_parts) for lane in lanes
        }
    return DutyBase(
        settings=settings,
        transports=transports,
        monitor=_monitor(settings, transports, registry),
        venue=ExchangeVenue(transports.pool, address=exchange_address(settings), abi=abi),
        journal=journal,
        senders=senders,
        registry=registry,
        session=session,
        clock=clock,
        stack=stack,
    )


def _attending(
    base: DutyBase, status: Callable[[], dict[str, object]], feed: ResyncableFeed
) -> dict[str, Worker]:
    """Name the workers that speak with people, as far as the profile asks for them."""
    notifier = open_notifier(
        NotifyParts(
            settings=base.settings,
            session=base.session,
            status=status,
            registry=base.registry,
            clock=base.clock,
            random=base.transports.pool.random,
        )
    )
    admin = open_admin(
        AdminParts(
            settings=base.settings,
            journal=base.journal,
            lanes={name: lane for name, lane in base.senders.items() if isinstance(lane, Lane)},
            resync=feed.resync,
            registry=base.registry,
            clock=base.clock,
            tell=None if notifier is None else notifier.tell_action,
        )
    )
    return {
        **({} if notifier is None else notifier.workers()),
        **({} if admin is None else {"admin": admin.run}),
    }


def _monitor(
    settings: Settings, transports: Transports, registry: CollectorRegistry
) -> AccountsMonitor:
    knobs = settings.liquidation
    return AccountsMonitor(
        watch=AccountWatch(),
        price_rules=PriceRules(
            max_divergence=Ppm(knobs.max_divergence_ppm),
            warm_up_updates=knobs.warm_up_updates,
            future_tolerance=Seconds(knobs.future_tolerance_seconds),
        ),
        metrics=AccountMetrics.create(registry),
        random=transports.pool.random,
    )


def _feed(base: DutyBase) -> ExchangeFeed:
    settings, pool = base.settings, base.transports.pool
    return ExchangeFeed(
        pool,
        pool.feed,
        address=exchange_address(settings),
        abi=load_abi(),
        metrics=FeedMetrics.create(base.registry),
        clock=base.clock,
        random=pool.random,
        high_water=pool.high_water,
        settings=FeedSettings(
            subscribe_pending=settings.network.subscribe_pending,
            stall_seconds=settings.network.stall_seconds,
            gas=settings.network.view_gas,
            state_audit_period_seconds=settings.audit.period_seconds,
            state_audit_accounts=settings.audit.accounts_per_round,
        ),
    )


def _register(
    readiness: Readiness, duties: Duties, sensing: PriceSensing | None, transports: Transports
) -> None:
    """Say what must be well before the process is ready."""
    readiness.register("feed", lambda: duties.monitor.distrust)
    readiness.register("rpc", transports.pool.why_not_ready)
    if sensing is not None:
        readiness.register("prices", sensing.why_not_ready)
    for name, sender in duties.senders.items():
        if isinstance(sender, Lane):
            readiness.register(f"lane_{name}", _halt_check(sender))


def _halt_check(lane: Lane) -> Check:
    return lambda: lane.why_halted or None
