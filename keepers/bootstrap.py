"""The composition root: from settings to a daemon. The only place where concrete meets abstract."""

import asyncio
import gc
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import SystemRandom

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.daemon import Daemon, Duties, status_page
from keepers.lanes import (
    HOUSEKEEPING,
    URGENT,
    LaneParts,
    RunningSender,
    open_lane,
    open_shadow,
)
from keepers.liquidation.hand import Hand
from keepers.liquidation.keeper import KeeperLimits, LiquidationKeeper
from keepers.liquidation.metrics import LiquidationMetrics
from keepers.sender import Lane, SenderMetrics
from keepers.signing import exchange_address
from keepers.transports import Transports, open_transports
from keepers.version import VERSION
from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from risk.account_watch import AccountWatch
from risk.gas_model import GasModel
from risk.liquidation_values import PlanLimits
from risk.price_guard import PriceRules
from risk.retry_book import RetryBook, RetryRules
from risk.units import Ppm, QuoteAtoms, Seconds
from runtime.clock import Clock, SystemClock
from runtime.http import AdminHttp, Check, Readiness
from runtime.journal import Journal
from runtime.metrics import LoopLag, new_registry
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.feed import ExchangeFeed, FeedSettings
from venues.exchange.metrics import FeedMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What an operator says at the start, beside the profile."""

    is_dry_run: bool = False
    acknowledge_foreign: bool = False
    """Go on although somebody else used a lane's nonces: the operator has looked into it."""


async def run_daemon(settings: Settings, options: RunOptions) -> None:
    """Run the liquidation duty until SIGTERM or SIGINT. Raises OperatorError at start-up."""
    async with AsyncExitStack() as stack:
        daemon = await compose(settings, stack, options)
        # What was imported and built lives as long as the process: no collection need look at it.
        gc.collect()
        gc.freeze()
        await daemon.run(asyncio.Event())


async def compose(settings: Settings, stack: AsyncExitStack, options: RunOptions) -> Daemon:
    """Build a daemon; `stack` closes what must be closed at the end."""
    clock, random, registry = SystemClock(), SystemRandom(), new_registry(version=VERSION)
    transports = open_transports(settings.network, registry=registry, clock=clock, random=random)
    journal = Journal.open(settings.journal.path, clock)
    stack.callback(journal.close)
    senders: dict[str, RunningSender] = {URGENT: open_shadow(journal, clock)}
    if not options.is_dry_run:
        parts = LaneParts(
            settings=settings,
            transports=transports,
            journal=journal,
            metrics=SenderMetrics.create(registry, lanes=[URGENT, HOUSEKEEPING]),
            clock=clock,
            abi=load_abi(),
            session=await stack.enter_async_context(aiohttp.ClientSession()),
            acknowledge_foreign=options.acknowledge_foreign,
        )
        senders = await _open_lanes(parts)
    duties = _duties(settings, transports, senders, journal, registry, clock)
    http = AdminHttp(
        settings.http.listen,
        registry=registry,
        readiness=_readiness(duties, transports),
        status=lambda: status_page(settings, duties, transports, is_dry_run=options.is_dry_run),
    )
    return Daemon(
        settings=settings,
        clock=clock,
        transports=transports,
        journal=journal,
        duties=duties,
        http=http,
        loop_lag=LoopLag(registry, clock=clock),
    )


async def _open_lanes(parts: LaneParts) -> dict[str, RunningSender]:
    keys = parts.settings.keys
    lanes: dict[str, RunningSender] = {
        URGENT: await open_lane(URGENT, keys.urgent, ["liquidate"], parts)
    }
    if keys.housekeeping is not None:
        lanes[HOUSEKEEPING] = await open_lane(
            HOUSEKEEPING, keys.housekeeping, ["close_settled"], parts
        )
    return lanes


def _duties(
    settings: Settings,
    transports: Transports,
    senders: dict[str, RunningSender],
    journal: Journal,
    registry: CollectorRegistry,
    clock: Clock,
) -> Duties:
    knobs, address, abi = settings.liquidation, exchange_address(settings), load_abi()
    monitor = AccountsMonitor(
        watch=AccountWatch(),
        price_rules=PriceRules(
            max_divergence=Ppm(knobs.max_divergence_ppm),
            warm_up_updates=knobs.warm_up_updates,
            future_tolerance=Seconds(knobs.future_tolerance_seconds),
        ),
        metrics=AccountMetrics.create(registry),
        random=transports.pool.random,
    )
    hand = Hand(_retry_book(settings), GasModel())
    keeper = LiquidationKeeper(
        view=monitor,
        venue=ExchangeVenue(transports.pool, address=address, abi=abi),
        sender=senders[URGENT],
        address=_address_of(senders[URGENT]),
        journal=journal,
        hand=hand,
        limits=_limits(settings),
        metrics=LiquidationMetrics.create(registry),
        clock=clock,
    )
    monitor.on_wake(keeper.wake)
    monitor.on_settled(keeper.on_settled)
    feed = ExchangeFeed(
        transports.pool,
        transports.pool.feed,
        address=address,
        abi=abi,
        metrics=FeedMetrics.create(registry),
        clock=clock,
        random=transports.pool.random,
        high_water=transports.pool.high_water,
        settings=FeedSettings(
            subscribe_pending=settings.network.subscribe_pending,
            stall_seconds=settings.network.stall_seconds,
            gas=settings.network.view_gas,
            state_audit_period_seconds=settings.audit.period_seconds,
            state_audit_accounts=settings.audit.accounts_per_round,
        ),
    )
    return Duties(monitor=monitor, feed=feed, hand=hand, keeper=keeper, senders=senders)


def _address_of(sender: RunningSender) -> bytes:
    """Give the address that signs; a dry run has none."""
    return sender.address if isinstance(sender, Lane) else b""


def _limits(settings: Settings) -> KeeperLimits:
    knobs = settings.liquidation
    return KeeperLimits(
        plan=PlanLimits(
            max_items=knobs.max_items_per_transaction,
            max_batches=knobs.max_batches_in_flight,
            max_gas=knobs.max_gas_per_transaction,
            default_stress=Ppm(knobs.stress_ppm),
            min_notional=QuoteAtoms(knobs.min_notional_atoms),
        ),
        expiry_seconds=int(settings.sender.expiry_seconds),
    )


def _retry_book(settings: Settings) -> RetryBook:
    knobs = settings.liquidation
    return RetryBook(
        rules=RetryRules(
            first=Seconds(max(1, int(knobs.retry_spacing_seconds))),
            stuck_after=knobs.alarm_after_attempts,
        )
    )


def _readiness(duties: Duties, transports: Transports) -> Readiness:
    readiness = Readiness()
    readiness.register("feed", lambda: duties.monitor.distrust)
    readiness.register("rpc", transports.pool.why_not_ready)
    for name, sender in duties.senders.items():
        if isinstance(sender, Lane):
            readiness.register(f"lane_{name}", _halt_check(sender))
    return readiness


def _halt_check(lane: Lane) -> Check:
    return lambda: lane.why_halted or None
