"""Build the duties that a process runs, each on what all of them share and on those it stands on."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.daemon import Duty
from keepers.duties.breaker import BreakerBase, BreakerDuty, open_breaker_duty
from keepers.duties.corporate import CorporateBase, CorporateDuty, open_corporate_duty
from keepers.duties.deleverage import DeleverageBase, DeleverageDuty, open_deleverage_duty
from keepers.duties.incentives import IncentiveBase, IncentiveDuty, open_incentive_duty
from keepers.duties.liquidation import LiquidationDuty, open_liquidation_duty
from keepers.duties.price import (
    PriceDuty,
    PriceSensing,
    SensingParts,
    open_price_duty,
    open_price_sensing,
)
from keepers.duties.price_sources import SourceParts
from keepers.duties.solvency import SolvencyDuty, open_solvency_duty
from keepers.duty_choice import (
    BREAKER_DUTY,
    CORPORATE_DUTY,
    DELEVERAGE,
    INCENTIVES,
    LIQUIDATION,
    PRICE,
    SOLVENCY,
)
from keepers.lanes import (
    BREAKER,
    CORPORATE,
    DELEVERAGER,
    GUARDIAN,
    PRICER,
    TUNER,
    URGENT,
    RunningSender,
)
from keepers.signing import exchange_address
from keepers.transports import Transports
from monitors.accounts import AccountsMonitor
from monitors.corporate.wishes import ActionWishes
from monitors.prices.chainlink_aggregator import EthCall
from runtime.clock import Clock
from runtime.journal import Journal
from runtime.rpc.errors import BadAnswer
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.trade_log import TradeLog


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyBase:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltDuties:
    """The duties of a process, and the two that more than one part of it needs by name."""

    liquidation: LiquidationDuty | None
    sensing: PriceSensing | None
    acting: Sequence[Duty]
    """All of them, these two included."""


def build_duties(base: DutyBase, wanted: frozenset[str]) -> BuiltDuties:
    """Build the duties that are wanted. Raises OperatorError for settings that one cannot work with."""
    parts = _sensing_parts(base, wanted)
    sensing = None if parts is None else open_price_sensing(parts, takes_quotes=PRICE in wanted)
    if sensing is not None:
        base.monitor.on_rebased(sensing.rebase)
    liquidation = _liquidation(base) if LIQUIDATION in wanted else None
    solvency = _solvency(base) if SOLVENCY in wanted else None
    corporate = _corporate(base, sensing) if CORPORATE_DUTY in wanted else None
    built = (
        liquidation,
        sensing,
        _prices(base, parts, sensing) if PRICE in wanted else None,
        solvency,
        corporate,
        _breaker(base, sensing, solvency, corporate) if BREAKER_DUTY in wanted else None,
        _incentives(base, sensing) if INCENTIVES in wanted else None,
        _deleverage(base, liquidation) if DELEVERAGE in wanted else None,
    )
    return BuiltDuties(
        liquidation=liquidation,
        sensing=sensing,
        acting=[duty for duty in built if duty is not None],
    )


def _liquidation(base: DutyBase) -> LiquidationDuty:
    return open_liquidation_duty(
        base.settings,
        monitor=base.monitor,
        venue=base.venue,
        sender=base.senders[URGENT],
        journal=base.journal,
        registry=base.registry,
        clock=base.clock,
    )


def _sensing_parts(base: DutyBase, wanted: frozenset[str]) -> SensingParts | None:
    """Give what sees prices its parts, once for the duties that need it."""
    if not base.settings.prices.sources or not wanted & {PRICE, BREAKER_DUTY, INCENTIVES}:
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


def _prices(base: DutyBase, parts: SensingParts | None, sensing: PriceSensing | None) -> PriceDuty:
    assert parts is not None, "the duty price has sources"
    assert sensing is not None, "what has parts is open"
    duty = open_price_duty(parts, sensing, venue=base.venue, sender=base.senders[PRICER])
    base.monitor.on_clock(duty.keeper.wake)
    return duty


def _solvency(base: DutyBase) -> SolvencyDuty:
    return open_solvency_duty(
        base.settings,
        reader=base.transports.pool,
        view=base.monitor,
        registry=base.registry,
        clock=base.clock,
    )


def _corporate(base: DutyBase, sensing: PriceSensing | None) -> CorporateDuty:
    assert sensing is not None, "the duty corporate runs beside the duty price"
    return open_corporate_duty(
        CorporateBase(
            settings=base.settings,
            monitor=base.monitor,
            venue=base.venue,
            journal=base.journal,
            registry=base.registry,
            clock=base.clock,
            sensing=sensing,
            sender=base.senders[CORPORATE],
        )
    )


def _breaker(
    base: DutyBase,
    sensing: PriceSensing | None,
    solvency: SolvencyDuty | None,
    corporate: CorporateDuty | None,
) -> BreakerDuty:
    desk = None if corporate is None else corporate.desk
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
            checked=None if solvency is None else solvency.checked,
            proof=None if solvency is None else solvency.proof,
            actions=None if sensing is None else ActionWishes(sensing.desk, desk),
        )
    )


def _incentives(base: DutyBase, sensing: PriceSensing | None) -> IncentiveDuty:
    address = exchange_address(base.settings)
    return open_incentive_duty(
        IncentiveBase(
            settings=base.settings,
            monitor=base.monitor,
            venue=base.venue,
            trades=TradeLog(base.transports.pool, address=address, abi=load_abi()),
            journal=base.journal,
            registry=base.registry,
            clock=base.clock,
            sensing=sensing,
            sender=base.senders[TUNER],
        )
    )


def _deleverage(base: DutyBase, liquidation: LiquidationDuty | None) -> DeleverageDuty:
    return open_deleverage_duty(
        DeleverageBase(
            settings=base.settings,
            monitor=base.monitor,
            venue=base.venue,
            sender=base.senders[DELEVERAGER],
            journal=base.journal,
            registry=base.registry,
            clock=base.clock,
            liquidating=None if liquidation is None else liquidation.hand,
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
