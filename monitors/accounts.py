"""What the venue looks like now: every account, every market, and who is under margin.

Sits at the end of a venue's feed (`venues.port.FeedSink`) and before the keepers. It applies changes
to the account watch (book and trigger index), counts how far each price may be trusted, and wakes
whoever asked. Its one rule: while the feed is interrupted nothing here may be acted on, and
`distrust` says so in words.
Times are on the venue's clock; waiting times of accounts also carry the number of the block.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, TypeVar

import structlog

from monitors.account_metrics import AccountMetrics
from risk.account_book import AccountBook
from risk.account_watch import AccountWatch
from risk.columns import AccountColumns
from risk.corporate_gap import rebase_between
from risk.corporate_prices import Rebase
from risk.deleverage_need import bankrupt_rows
from risk.liquidation import LiquidationRules
from risk.margin import Account, MarginState
from risk.market import Market
from risk.price_guard import Doubt, PriceRules, doubt_about, updates_needed
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds
from venues.port import (
    BlockRef,
    CollateralChanged,
    DeleverageSettled,
    Funds,
    FundsChanged,
    LiquidationSettled,
    MarketChanged,
    OtherEvent,
    PositionChanged,
    RulesChanged,
    Snapshot,
    StampedChange,
    TradeSettled,
)

FEW: Final = 8
"""Accounts under margin that are ranked one by one."""

Told = TypeVar("Told")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is known of the exchange as a whole at this moment."""

    funds: Funds
    rules: LiquidationRules
    backstop_account: AccountId


class AccountsMonitor:
    """Hold the venue's state as the feed tells it, and wake the keepers when it matters."""

    def __init__(
        self,
        *,
        watch: AccountWatch,
        price_rules: PriceRules,
        metrics: AccountMetrics,
        random: Random,
    ) -> None:
        self.watch = watch
        self.exchange: Exchange | None = None
        self.distrust: str | None = "no snapshot yet"
        self.now = Seconds(0)
        self.applied_block = 0
        self.sealed_block = 0
        self._price_rules = price_rules
        self._metrics = metrics
        self._random = random
        self._updates_needed: dict[MarketId, int] = {}
        self.first_snapshot = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._market_listeners: list[Callable[[], None]] = []
        self._clock_listeners: list[Callable[[], None]] = []
        self._settled_listeners: list[Callable[[LiquidationSettled], None]] = []
        self._deleveraged_listeners: list[Callable[[DeleverageSettled], None]] = []
        self._trade_listeners: list[Callable[[TradeSettled], None]] = []
        self._replaced_listeners: list[Callable[[], None]] = []
        self._rebase_listeners: list[Callable[[Market, Rebase], None]] = []

    # --- for the keepers ---------------------------------------------------------------------

    def on_wake(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever something may have to be done; it must return at once."""
        self._listeners.append(listener)

    def on_clock(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the venue's clock may have moved; it must return at once."""
        self._clock_listeners.append(listener)

    def on_market(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a market was told anew; it must return at once."""
        self._market_listeners.append(listener)

    def on_settled(self, listener: Callable[[LiquidationSettled], None]) -> None:
        """Call `listener` with every liquidation result seen on chain, ours or not."""
        self._settled_listeners.append(listener)

    def on_deleveraged(self, listener: Callable[[DeleverageSettled], None]) -> None:
        """Call `listener` with every deleverage result seen on chain, ours or not."""
        self._deleveraged_listeners.append(listener)

    def on_trade(self, listener: Callable[[TradeSettled], None]) -> None:
        """Call `listener` with every trade settled on chain, once each between two snapshots."""
        self._trade_listeners.append(listener)

    def on_replaced(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a snapshot replaced all that was told, before anybody is woken.

        Trades up to the snapshot may have been missed, and trades after it are told again.
        """
        self._replaced_listeners.append(listener)

    def on_rebased(self, listener: Callable[[Market, Rebase], None]) -> None:
        """Call `listener` when a split ended or a dividend was paid, with the market as it is now.

        Before anybody is woken: no memory of prices of the old basis may meet a price of the new one.
        """
        self._rebase_listeners.append(listener)

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as they are now."""
        return self.watch.book.markets

    def account(self, account: AccountId) -> Account:
        """Give one account as it is held; KeyError when it was never seen."""
        return self.watch.book.account(account)

    def state(self, account: AccountId) -> MarginState:
        """Judge one account exactly, on the venue's clock."""
        return self.watch.book.state(account, self.now)

    @property
    def rules(self) -> LiquidationRules:
        """The exchange-wide liquidation rules. Raises RuntimeError before the first snapshot."""
        return self._known.rules

    @property
    def insurance_fund(self) -> QuoteAtoms:
        """The insurance fund. Raises RuntimeError before the first snapshot."""
        return self._known.funds.insurance_fund

    @property
    def backstop_account(self) -> AccountId:
        """The pool's account. Raises RuntimeError before the first snapshot."""
        return self._known.backstop_account

    def under_margin_count(self) -> int:
        """Count the accounts under margin."""
        return len(self.watch.under_margin)

    def oldest_under_margin(self) -> tuple[Seconds, int] | None:
        """Give the venue's time and block at which the oldest of them fell under margin."""
        return self.watch.oldest_under_margin()

    def longest_under_margin(self, limit: int) -> list[tuple[AccountId, tuple[Seconds, int]]]:
        """Name who fell under margin first, with the venue's time and the block of it."""
        return self.watch.longest_under_margin(limit)

    def bankrupt(self) -> Sequence[tuple[int, AccountId]]:
        """Give (equity in atoms, account) of everybody whose equity is below 0, the lowest first.

        Each is priced at the marks told last, stale or not, as who is under margin is.
        """
        book = self.watch.book
        found = bankrupt_rows(book, book.markets, self.watch.under_margin_rows(), self.now)
        return [(equity, book.id_at(row)) for equity, row in found]

    @property
    def book(self) -> AccountBook:
        """Every account and market as last told; to be read only."""
        return self.watch.book

    def worst(self, limit: int) -> Sequence[AccountId]:
        """Name accounts under margin, the largest shortfall first."""
        under = self.watch.under_margin
        if len(under) > FEW:
            return self.watch.worst(limit)
        # The exact judge is quicker than columns as long as they are few, and that is the usual case.
        ranked = sorted((state.slack, account) for account, state in under.items())
        return [account for _, account in ranked[:limit]]

    def doubt(self, market: MarketId) -> Doubt | None:
        """Give the reason not to act on a market's price, or None."""
        return doubt_about(
            self.markets[market],
            needed=self._updates_needed.get(market, 0),
            now=self.now,
            rules=self._price_rules,
        )

    # --- for the feed ------------------------------------------------------------------------

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Forget everything and start from this."""
        before = dict(self.markets)
        self.now = snapshot.block.timestamp
        self.applied_block = self.sealed_block = snapshot.block.number
        self.watch.note_block(self.now, snapshot.block.number)
        self.watch.load(snapshot.markets, snapshot.accounts, self.now)
        self.exchange = Exchange(
            funds=snapshot.funds,
            rules=snapshot.rules,
            backstop_account=snapshot.backstop_account,
        )
        self._updates_needed = {
            market.id: updates_needed(
                None, market, self._updates_needed.get(market.id, 0), self._price_rules
            )
            for market in snapshot.markets.values()
        }
        self.distrust = None
        self.first_snapshot.set()
        self._metrics.follow(snapshot.markets)
        self._metrics.snapshots.inc()
        log.info(
            "snapshot_loaded",
            block=snapshot.block.number,
            accounts=len(self.watch.book),
            markets=len(snapshot.markets),
        )
        for number, market in snapshot.markets.items():
            # An action while the feed was away is told by no event.
            missed = rebase_between(before[number], market) if number in before else None
            if missed is not None:
                self._tell_rebased(market, missed)
        for listener in self._replaced_listeners:
            listener()
        self._wake()
        self._tell_clock()

    def on_changes(self, changes: Sequence[StampedChange], *, now: Seconds) -> None:
        """Apply these in order; wake the keepers when somebody is under margin."""
        self.now = max(self.now, now)
        if changes:
            self.watch.note_block(self.now, changes[0].block_number)
        is_about_markets = False
        for stamped in changes:
            self._apply(stamped)
            is_about_markets |= isinstance(stamped.change, MarketChanged)
        self.applied_block = max(self.applied_block, changes[-1].block_number if changes else 0)
        self._wake()
        if is_about_markets:
            for listener in self._market_listeners:
                listener()

    def on_sealed(self, block: BlockRef) -> None:
        """Let the clock move: funding accrues, prices age, cool-downs end."""
        self.applied_block = max(self.applied_block, block.number)
        self.sealed_block = max(self.sealed_block, block.number)
        if block.timestamp > self.now:
            self.now = block.timestamp
            self.watch.note_block(self.now, block.number)
            self.watch.advance(self.now)
        self._wake()
        self._tell_clock()

    def on_interrupted(self, reason: str) -> None:
        """Act on nothing until the next snapshot."""
        self.distrust = reason
        self._metrics.interruptions.inc()
        log.warning("feed_interrupted", reason=reason)

    def accounts_for_audit(self, count: int) -> Sequence[AccountId]:
        """Name accounts to be re-read from the chain, at random."""
        total = len(self.watch.book)
        if total == 0:
            return ()
        return self.watch.book.accounts_at(
            [self._random.randrange(total) for _ in range(min(count, total))]
        )

    def audit(self, block: BlockRef, accounts: AccountColumns) -> int:
        """Compare re-read accounts with what is held; give the number that differ."""
        different = self.watch.book.differences(accounts)
        if different:
            log.error("state_diverged", block=block.number, accounts=len(different))
        return len(different)

    def show(self) -> None:
        """Set the gauges: called before each scrape, so that the hot path does not pay for them."""
        metrics = self._metrics
        metrics.accounts.set(len(self.watch.book))
        metrics.positions.set(self.watch.book.position_count)
        metrics.under_margin.set(len(self.watch.under_margin))
        metrics.is_trusted.set(self.distrust is None)
        metrics.venue_time.set(self.now)
        metrics.applied_block.set(self.applied_block)
        for market in self.markets.values():
            metrics.show_market(market, self.doubt(market.id))
        if self.exchange is not None:
            metrics.show_insurance(self.exchange.funds.insurance_fund)

    # --- within ------------------------------------------------------------------------------

    @property
    def _known(self) -> Exchange:
        if self.exchange is None:
            raise RuntimeError("expected a snapshot before any question about the exchange")
        return self.exchange

    def _apply(self, stamped: StampedChange) -> None:
        change = stamped.change
        match change:
            case MarketChanged():
                self._apply_market(change)
            case PositionChanged():
                self.watch.set_position(
                    change.account,
                    change.market,
                    size=change.size,
                    quote=change.quote,
                    funding=change.funding,
                    slice_time=change.slice_time,
                    collateral=change.collateral,
                )
            case CollateralChanged():
                self.watch.set_collateral(change.account, change.collateral)
            case FundsChanged() if self.exchange is not None:
                self.exchange = replace(self.exchange, funds=change.funds)
            case RulesChanged() if self.exchange is not None:
                self.exchange = replace(self.exchange, rules=change.rules)
            case LiquidationSettled() | DeleverageSettled() | TradeSettled():
                self._tell_settled(change)
            case OtherEvent():
                log.info("event_seen", name=change.name, block=stamped.block_number)
            case FundsChanged() | RulesChanged():
                # Said before the first snapshot, which will carry both.
                return

    def _tell_settled(self, change: LiquidationSettled | DeleverageSettled | TradeSettled) -> None:
        match change:
            case LiquidationSettled():
                _tell(self._settled_listeners, change)
            case DeleverageSettled():
                _tell(self._deleveraged_listeners, change)
            case TradeSettled():
                _tell(self._trade_listeners, change)

    def _apply_market(self, change: MarketChanged) -> None:
        market = change.market
        before = self.markets.get(market.id)
        self._updates_needed[market.id] = updates_needed(
            before, market, self._updates_needed.get(market.id, 0), self._price_rules
        )
        self.watch.set_market(market, self.now)
        self._metrics.note_price(market)
        if change.rebase is not None:
            self._tell_rebased(market, change.rebase)

    def _tell_rebased(self, market: Market, by: Rebase) -> None:
        log.warning("prices_rebased", market=market.symbol, by=str(by))
        for listener in self._rebase_listeners:
            listener(market, by)

    def _tell_clock(self) -> None:
        for listener in self._clock_listeners:
            listener()

    def _wake(self) -> None:
        if self.distrust is None and self.watch.under_margin:
            for listener in self._listeners:
                listener()


def _tell(listeners: Sequence[Callable[[Told], None]], told: Told) -> None:
    for listener in listeners:
        listener(told)
