"""The composition root: from settings to a daemon. The only place where concrete meets abstract."""

import asyncio
import gc
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import LaneKey, Settings
from keepers.daemon import Daemon, Duties, status_page
from keepers.duties.breaker import BreakerBase, BreakerDuty, open_breaker_duty
from keepers.duties.liquidation import LiquidationDuty, open_liquidation_duty
from keepers.duties.price import (
    PriceDuty,
    PriceSensing,
    SensingParts,
    open_price_duty,
    open_price_sensing,
)
from keepers.duties.price_pages import price_routes
from keepers.duties.price_sources import SourceParts
from keepers.lanes import (
    BREAKER,
    GUARDIAN,
    HOUSEKEEPING,
    PRICER,
    URGENT,
    LaneParts,
    RunningSender,
    open_lane,
    open_shadow,
)
from keepers.sender import Lane, SenderMetrics
from keepers.signing import exchange_address
from keepers.transports import Transports, open_transports
from keepers.version import VERSION
from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from monitors.prices.chainlink_aggregator import EthCall
from risk.account_watch import AccountWatch
from risk.price_guard import PriceRules
from risk.units import Ppm, Seconds
from runtime.clock import Clock, SystemClock
from runtime.errors import OperatorError
from runtime.http import AdminHttp, Check, Readiness
from runtime.journal import Journal
from runtime.metrics import LoopLag, new_registry
from runtime.rpc.errors import BadAnswer
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.feed import ExchangeFeed, FeedSettings
from venues.exchange.metrics import FeedMetrics

LIQUIDATION: Final = "liquidation"
PRICE: Final = "price"
BREAKER_DUTY: Final = "breaker"
DUTIES: Final = (LIQUIDATION, PRICE, BREAKER_DUTY)


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


def duties_to_run(settings: Settings, asked: frozenset[str]) -> frozenset[str]:
    """Say which duties run: those asked for, or all for which the profile is set up.

    Raises OperatorError for a duty that the profile lacks something for.
    """
    has_prices = bool(settings.prices.sources)
    if PRICE in asked and not has_prices:
        raise OperatorError(
            "expected price sources in [prices] for the duty price, found none: add them, or run"
            f" `bellkeeper run {LIQUIDATION}`"
        )
    keys = settings.keys
    if BREAKER_DUTY in asked and keys.breaker is None and keys.guardian is None:
        raise OperatorError(
            "expected [keys.breaker] or [keys.guardian] for the duty breaker, found neither: give"
            " it a key that holds the role"
        )
    if asked:
        return asked
    set_up = {LIQUIDATION: True, PRICE: has_prices, BREAKER_DUTY: settings.breaker.watches}
    return frozenset(duty for duty, is_set_up in set_up.items() if is_set_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What every duty stands on."""

    settings: Settings
    transports: Transports
    monitor: AccountsMonitor
    venue: ExchangeVenue
    journal: Journal
    senders: dict[str, RunningSender]
    registry: CollectorRegistry
    session: aiohttp.ClientSession
    clock: Clock
    stack: AsyncExitStack


async def compose(settings: Settings, stack: AsyncExitStack, options: RunOptions) -> Daemon:
    """Build a daemon; `stack` closes what must be closed at the end."""
    wanted = duties_to_run(settings, options.duties)
    clock, random, registry = SystemClock(), SystemRandom(), new_registry(version=VERSION)
    transports = open_transports(settings.network, registry=registry, clock=clock, random=random)
    journal = Journal.open(settings.journal.path, clock)
    stack.callback(journal.close)
    session = await stack.enter_async_context(aiohttp.ClientSession())
    address, abi = exchange_address(settings), load_abi()
    lanes = _lanes(settings, wanted)
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
            lane: await open_lane(lane, _key_of(settings, lane), lane_parts) for lane in lanes
        }
    base = _Base(
        settings=settings,
        transports=transports,
        monitor=_monitor(settings, transports, registry),
        venue=ExchangeVenue(transports.pool, address=address, abi=abi),
        journal=journal,
        senders=senders,
        registry=registry,
        session=session,
        clock=clock,
        stack=stack,
    )
    parts = _sensing(base, wanted)
    sensing = None if parts is None else open_price_sensing(parts, takes_quotes=PRICE in wanted)
    liquidation = _liquidation(base) if LIQUIDATION in wanted else None
    running = (
        liquidation,
        sensing,
        _prices(base, parts, sensing) if PRICE in wanted else None,
        _breaker(base, sensing) if BREAKER_DUTY in wanted else None,
    )
    duties = Duties(
        monitor=base.monitor,
        feed=_feed(base),
        senders=senders,
        liquidation=liquidation,
        running=[duty for duty in running if duty is not None],
    )
    http = AdminHttp(
        settings.http.listen,
        registry=registry,
        readiness=_readiness(duties, sensing, transports),
        status=lambda: status_page(settings, duties, transports, is_dry_run=options.is_dry_run),
        routes=[] if sensing is None else price_routes(sensing.desk),
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


def _lanes(settings: Settings, wanted: frozenset[str]) -> tuple[str, ...]:
    """Name the lanes that these duties need."""
    lanes: tuple[str, ...] = (URGENT,) if LIQUIDATION in wanted else ()
    if LIQUIDATION in wanted and settings.keys.housekeeping is not None:
        lanes += (HOUSEKEEPING,)
    if PRICE in wanted:
        lanes += (PRICER,)
    if BREAKER_DUTY in wanted:
        keys = {BREAKER: settings.keys.breaker, GUARDIAN: settings.keys.guardian}
        lanes += tuple(lane for lane, key in keys.items() if key is not None)
    return lanes


def _key_of(settings: Settings, lane: str) -> LaneKey | None:
    keys = settings.keys
    return {
        URGENT: keys.urgent,
        HOUSEKEEPING: keys.housekeeping,
        PRICER: keys.pricer,
        BREAKER: keys.breaker,
        GUARDIAN: keys.guardian,
    }[lane]


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


def _liquidation(base: _Base) -> LiquidationDuty:
    return open_liquidation_duty(
        base.settings,
        monitor=base.monitor,
        venue=base.venue,
        sender=base.senders[URGENT],
        journal=base.journal,
        registry=base.registry,
        clock=base.clock,
    )


def _sensing(base: _Base, wanted: frozenset[str]) -> SensingParts | None:
    """Give what sees prices its parts, once for the duties that need it."""
    if not base.settings.prices.sources or not wanted & {PRICE, BREAKER_DUTY}:
        return None
    return SensingParts(
        settings=base.settings,
        venue_state=base.monitor,
        journal=base.journal,
        registry=base.registry,
        source_parts=SourceParts(
            session=base.session,
            eth_call=_eth_call(base.transports),
            clock=base.clock,
            random=base.transports.pool.random,
        ),
        stack=base.stack,
    )


def _prices(base: _Base, parts: SensingParts | None, sensing: PriceSensing | None) -> PriceDuty:
    assert parts is not None, "the duty price has sources"
    assert sensing is not None, "what has parts is open"
    duty = open_price_duty(parts, sensing, venue=base.venue, sender=base.senders[PRICER])
    base.monitor.on_clock(duty.keeper.wake)
    return duty


def _breaker(base: _Base, sensing: PriceSensing | None) -> BreakerDuty:
    return open_breaker_duty(
        BreakerBase(
            settings=base.settings,
            monitor=base.monitor,
            venue=base.venue,
            journal=base.journal,
            registry=base.registry,
            clock=base.clock,
            sensing=sensing,
            breaker=base.senders.get(BREAKER),
            guardian=base.senders.get(GUARDIAN),
        )
    )


def _eth_call(transports: Transports) -> EthCall:
    """Call contracts that are not the exchange, at the newest block."""

    async def call(to: bytes, data: bytes) -> bytes:
        asked = {"to": f"0x{to.hex()}", "data": f"0x{data.hex()}"}
        answer = await transports.pool.call("eth_call", [asked, "latest"])
        try:
            return bytes.fromhex(str(answer).removeprefix("0x"))
        except ValueError:
            raise BadAnswer("expected bytes from eth_call, found something else") from None

    return call


def _feed(base: _Base) -> ExchangeFeed:
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


def _readiness(duties: Duties, sensing: PriceSensing | None, transports: Transports) -> Readiness:
    readiness = Readiness()
    readiness.register("feed", lambda: duties.monitor.distrust)
    readiness.register("rpc", transports.pool.why_not_ready)
    if sensing is not None:
        readiness.register("prices", sensing.why_not_ready)
    for name, sender in duties.senders.items():
        if isinstance(sender, Lane):
            readiness.register(f"lane_{name}", _halt_check(sender))
    return readiness


def _halt_check(lane: Lane) -> Check:
    return lambda: lane.why_halted or None
