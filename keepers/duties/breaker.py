"""The breaker duty put together: facts, machines, orders and plans, the keeper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from config.breakers import BREAKERS_FILE, Breakers, load_breakers
from config.calendars import Calendar, calendar_of, load_calendars
from config.exchange_limits import approved_limits
from config.markets import load_exchange_file, load_market
from config.plans import BREAKER_LANE, GUARDIAN_LANE
from config.rulebooks import load_rulebooks, rulebook_named
from config.schema.fields import address_bytes
from config.settings import Settings
from keepers.breaker.keeper import BreakerKeeper, BreakerLimits, BreakerParts
from keepers.breaker.metrics import BreakerMetrics
from keepers.duties.breaker_orders import BreakerOrders, open_breaker_orders
from keepers.duties.price import PriceSensing
from keepers.sender import Sender
from monitors.accounts import AccountsMonitor
from monitors.breakers.chain_watch import ChainWatch, PoolsRead, WatchSettings
from monitors.breakers.panel import BreakerPanel
from monitors.breakers.panel_metrics import PanelMetrics
from monitors.breakers.terms import (
    Actions,
    BreakerRules,
    Halted,
    Senses,
    SlowFacts,
    WatchTerms,
    watchable,
)
from monitors.solvency_proof import SolvencyProof
from risk.band_rules import LuldTier, Rulebook
from risk.guard_rails import Limits, Parameter
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from runtime.clock import Clock
from runtime.journal import Journal
from runtime.supervise import Worker
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.readings import Role

log = structlog.get_logger(__name__)

LULD_TIERS: Final = {1: LuldTier.ONE, 2: LuldTier.TWO}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerDuty:
    """The running breaker duty."""

    panel: BreakerPanel
    watch: ChainWatch
    keeper: BreakerKeeper
    orders: BreakerOrders

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {
            "breaker": self.keeper.run,
            "breaker_readings": self.watch.run,
            **self.orders.workers(),
        }

    def show(self) -> None:
        """Set the gauges."""
        self.panel.show()

    def status(self) -> Mapping[str, object]:
        """Say what each market ought to be, and what orders and plans want, for `/status`."""
        markets = {symbol: self.panel.explain(symbol) for symbol in self.panel.symbols}
        desk = self.orders.desk
        return {
            "breakers": {**markets, "orders": desk.explain(), "plans": desk.explain_plans()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerBase:
    """What the duty shares with the rest of the process."""

    settings: Settings
    monitor: AccountsMonitor
    venue: ExchangeVenue
    journal: Journal
    registry: CollectorRegistry
    clock: Clock
    sensing: PriceSensing | None
    breaker: Sender | None
    guardian: Sender | None
    checked: Callable[[SlowFacts], SlowFacts] | None = None
    """Who checks the slow facts, where solvency is proven in this process."""
    proof: SolvencyProof | None = None
    actions: Actions | None = None
    """Who follows corporate actions and suspects splits, where prices are made in this process."""

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes whose keys the process holds."""
        senders = {BREAKER_LANE: self.breaker, GUARDIAN_LANE: self.guardian}
        return tuple(lane for lane, sender in senders.items() if sender is not None)


def open_breaker_duty(base: BreakerBase) -> BreakerDuty:
    """Put the duty together; raises OperatorError with one sentence for what is wrong with it."""
    settings = base.settings
    rules = load_breakers(settings.breaker.rules_file or BREAKERS_FILE)
    symbols = watched_symbols(settings)
    watch = ChainWatch(
        _Reads(base),
        base.monitor,
        settings=WatchSettings(
            period_seconds=settings.breaker.reading_seconds, approved=approved_limits(symbols)
        ),
        clock=base.clock,
    )
    sensing = base.sensing
    seen, blind = watchable(
        rules.integrity,
        has_rounds=sensing is not None,
        has_books=sensing is not None and sensing.books is not None,
        has_halts=sensing is not None and sensing.halts is not None,
        has_proof=base.proof is not None,
    )
    if blind:
        log.warning("breaker_is_blind_to", causes=sorted(cause.value for cause in blind))
    orders = open_breaker_orders(
        settings,
        rules,
        symbols=symbols,
        lanes=base.lanes,
        blind=blind,
        journal=base.journal,
        registry=base.registry,
    )
    panel = BreakerPanel(
        Senses(
            venue=base.monitor,
            slow=watch if base.checked is None else base.checked(watch),
            proof=base.proof,
            actions=base.actions,
            rounds=None if sensing is None else sensing.desk,
            books=None if sensing is None else sensing.books,
            book_symbols=() if sensing is None or sensing.books is None else sensing.books.symbols,
            halted=_halted(sensing),
        ),
        terms=watch_terms(settings, symbols, rules),
        rules=BreakerRules(groups=rules.groups, integrity=seen, windows=rules.windows),
        notes=base.journal,
        metrics=PanelMetrics.create(base.registry, symbols=symbols),
        orders=orders.desk,
    )
    keeper = BreakerKeeper(
        BreakerParts(
            view=panel,
            facts=watch,
            venue=base.venue,
            breaker=base.breaker,
            guardian=base.guardian,
            journal=base.journal,
            limits=BreakerLimits(
                band_tolerance=Ppm(settings.breaker.band_tolerance_ppm),
                gas=settings.breaker.gas,
                expiry_seconds=int(settings.sender.expiry_seconds),
                retry_seconds=settings.breaker.retry_seconds,
                standby_seconds=settings.breaker.standby_seconds,
            ),
            metrics=BreakerMetrics.create(base.registry),
            clock=base.clock,
        )
    )
    base.monitor.on_rebased(panel.rebase)
    base.monitor.on_clock(watch.on_head)
    base.monitor.on_clock(keeper.wake)
    base.monitor.on_market(keeper.wake)
    if base.proof is not None:
        base.proof.on_look(keeper.wake)
    orders.on_read(keeper.wake)
    return BreakerDuty(panel=panel, watch=watch, keeper=keeper, orders=orders)


def watched_symbols(settings: Settings) -> tuple[str, ...]:
    """Name the markets that are watched: those that are priced, else all that are shipped."""
    return settings.prices.symbols or load_exchange_file().markets


def watch_terms(
    settings: Settings, symbols: tuple[str, ...], rules: Breakers
) -> dict[str, WatchTerms]:
    """Give the terms of every watched market; raises OperatorError with one sentence."""
    calendars, rulebooks = load_calendars(), load_rulebooks()
    own = {each.symbol: each.rulebook for each in settings.breaker.rulebooks}
    terms = {}
    for symbol in symbols:
        market = load_market(symbol)
        calendar = calendar_of(symbol, market.asset_class, calendars)
        terms[symbol] = WatchTerms(
            rulebook=_rulebook(own.get(symbol), calendar, rulebooks),
            timeline=None if calendar is None else calendar.timeline,
            tier=LULD_TIERS[market.luld_tier],
            groups=rules.groups_of(symbol, market.asset_class),
            band_tolerance=Ppm(settings.breaker.band_tolerance_ppm),
        )
    return terms


def _rulebook(
    own: str | None, calendar: Calendar | None, rulebooks: dict[str, Rulebook]
) -> Rulebook:
    name = own or ("static" if calendar is None else calendar.file.rulebook)
    return rulebook_named(name.replace("-", "_"), rulebooks)


def _halted(sensing: PriceSensing | None) -> Halted:
    """Say what is known of halts of the underlyings: nothing before they were read."""
    halts = None if sensing is None else sensing.halts

    def halted(symbol: str, now: Seconds) -> bool | None:
        if halts is None or halts.age_seconds() is None:
            return None
        return symbol in halts.halted(now)

    return halted


class _Reads:
    """`ChainReads` of one exchange, against what the profile approves."""

    def __init__(self, base: BreakerBase) -> None:
        self._venue, self._roles = base.venue, base.settings.roles

    async def roles_changed(self) -> int:
        """Count the holders of [roles] who do not hold their role now."""
        changed = 0
        for role, holder in self._roles:
            if holder is None:
                continue
            address = address_bytes(holder)
            if role == "owner":
                changed += await self._venue.owner() != address
            else:
                changed += await self._venue.role_of(address) is not Role[role.upper()]
        return changed

    async def limits(self, market: MarketId) -> Mapping[Parameter, Limits]:
        """Give the owner's limits of a market."""
        return await self._venue.all_limits(market)

    async def pools(self, block: int | None) -> PoolsRead:
        """Give the pools and the vault, at a block if one is named."""
        pools = await self._venue.pools(block=block)
        return PoolsRead(
            owed_by_pools=QuoteAtoms(
                pools.insurance_fund + pools.fee_pool + pools.funding_pool + pools.rewards_owed
            ),
            vault_balance=pools.vault_balance,
            insurance_fund=pools.insurance_fund,
            withdrawals_open=pools.withdrawals_open,
        )
