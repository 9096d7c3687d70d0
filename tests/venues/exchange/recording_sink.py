"""A sink that holds the followed state in plain dictionaries and remembers what it was told.

It checks the port's protocol itself: no change before a snapshot, none between an interruption and
the next snapshot, places that never go back without an audit's say-so.
"""

from collections.abc import Sequence

from risk.columns import AccountColumns, columns_of
from risk.liquidation import LiquidationRules
from risk.margin import Account, Position
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds
from venues.port import (
    BlockRef,
    Change,
    CollateralChanged,
    Funds,
    FundsChanged,
    LiquidationSettled,
    MarketChanged,
    OtherEvent,
    PositionChanged,
    RulesChanged,
    Snapshot,
    StampedChange,
)


class RecordingSink:
    """Implements FeedSink by the book."""

    def __init__(self) -> None:
        self.markets: dict[MarketId, Market] = {}
        self.collateral: dict[AccountId, QuoteAtoms] = {}
        self.positions: dict[AccountId, dict[MarketId, Position]] = {}
        self.funds: Funds | None = None
        self.rules: LiquidationRules | None = None
        self.sealed: list[BlockRef] = []
        self.snapshots: list[BlockRef] = []
        self.interruptions: list[str] = []
        self.stamped: list[StampedChange] = []
        self.settled: list[LiquidationSettled] = []
        self.others: list[OtherEvent] = []
        self.now = Seconds(0)
        self.is_following = False
        self.audited = 0

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.markets = dict(snapshot.markets)
        self.collateral.clear()
        self.positions.clear()
        for page in snapshot.accounts:
            for account in page.accounts():
                self.collateral[account.id] = account.collateral
                self.positions[account.id] = {held.market: held for held in account.positions}
        self.funds, self.rules = snapshot.funds, snapshot.rules
        self.snapshots.append(snapshot.block)
        self.now = snapshot.block.timestamp
        self.is_following = True

    def on_changes(self, changes: Sequence[StampedChange], *, now: Seconds) -> None:
        assert self.is_following, "changes without a snapshot"
        assert now >= self.now, "the venue's clock went back"
        self.now = now
        self.stamped += changes
        for stamped in changes:
            self._apply(stamped.change)

    def _apply(self, change: Change) -> None:
        match change:
            case CollateralChanged():
                self.collateral[change.account] = change.collateral
            case PositionChanged():
                self.collateral[change.account] = change.collateral
                held = self.positions.setdefault(change.account, {})
                held.pop(change.market, None)
                if change.size:
                    held[change.market] = Position(
                        market=change.market,
                        size=change.size,
                        quote=change.quote,
                        funding=change.funding,
                        slice_time=change.slice_time,
                    )
            case MarketChanged():
                self.markets[change.market.id] = change.market
            case FundsChanged():
                self.funds = change.funds
            case RulesChanged():
                self.rules = change.rules
            case LiquidationSettled():
                self.settled.append(change)
            case OtherEvent():
                self.others.append(change)

    def on_sealed(self, block: BlockRef) -> None:
        assert self.is_following
        self.sealed.append(block)
        self.now = max(self.now, block.timestamp)

    def on_interrupted(self, reason: str) -> None:
        self.interruptions.append(reason)
        self.is_following = False

    def accounts_for_audit(self, count: int) -> Sequence[AccountId]:
        return list(self.collateral)[:count]

    def audit(self, block: BlockRef, accounts: AccountColumns) -> int:
        last = max(item.number for item in (*self.snapshots[-1:], *self.sealed[-1:]))
        assert self.is_following
        assert block.number <= last, "an audit of a block that was not sealed"
        self.audited += len(accounts.ids)
        return sum(account != self.account(account.id) for account in accounts.accounts())

    # --- for tests --------------------------------------------------------------------------

    def account(self, account: AccountId) -> Account:
        """Give one account as a value, positions in the order of the markets."""
        held = self.positions.get(account, {})
        return Account(
            id=account,
            collateral=self.collateral.get(account, QuoteAtoms(0)),
            positions=tuple(held[market] for market in sorted(held)),
        )

    def accounts(self) -> list[Account]:
        """Give all accounts, in order."""
        return [self.account(account) for account in sorted(self.collateral)]

    def columns(self) -> AccountColumns:
        """Give all accounts as a page."""
        return columns_of(self.accounts())
