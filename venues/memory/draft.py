"""One transaction on the exchange in memory: what it reads, what it would change, all or nothing.

A draft sees the state and its own changes on top. Every change is an event with absolute values, in the
order of the contract's logs, and carrying a draft out is applying its events: what a follower of the
feed learns is all there is. A draft that is dropped leaves no trace, as a reverted call.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from risk.corporate_effects import as_rescaled
from risk.corporate_prices import Rebase
from risk.exchange_reverts import Revert
from risk.margin import Account, MarginState, margin_state
from risk.market import Market
from risk.units import SUBACCOUNT_BITS, AccountId, FundingE12, MarketId, QuoteAtoms, Seconds, SizeE8
from venues.memory.state import ExchangeState
from venues.port import (
    Change,
    CollateralChanged,
    Funds,
    FundsChanged,
    MarketChanged,
    OtherEvent,
    PositionChanged,
    RulesChanged,
)


class RevertedError(Exception):
    """The exchange refused a call as a whole; nothing changed."""

    def __init__(self, reason: Revert | str) -> None:
        super().__init__(str(reason))
        self.reason = str(reason)


class Markets(Mapping[MarketId, Market]):
    """The markets as a draft sees them."""

    def __init__(self, held: Mapping[MarketId, Market]) -> None:
        self._held = held
        self._changed: dict[MarketId, Market] = {}

    def __getitem__(self, market: MarketId) -> Market:
        return self._changed.get(market) or self._held[market]

    def __iter__(self) -> Iterator[MarketId]:
        yield from self._held
        yield from (each for each in self._changed if each not in self._held)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def put(self, market: Market) -> None:
        """Take a market as the draft changed it."""
        self._changed[market.id] = market


class Draft:
    """One call by one caller at one moment."""

    def __init__(
        self, state: ExchangeState, *, caller: bytes, now: Seconds, base_fee_wei: int
    ) -> None:
        self.state = state
        self.caller = caller
        self.now = now
        self.base_fee_wei = base_fee_wei
        self.markets = Markets(state.book.markets)
        self.funds = state.funds
        self.changes: list[Change] = []
        self.answers: list[object] = []
        """What the call's receipt tells beyond its changes: `venues.port` outcomes."""
        self.positions_valued = 0
        """How many positions the exchange had to value: what gas depends on."""
        self._accounts: dict[AccountId, Account] = {}
        self._opened: set[AccountId] = set()
        self._puts: list[Callable[[], None]] = []

    # --- what it sees ----------------------------------------------------------------------------

    def is_open(self, account: AccountId) -> bool:
        """Say whether an account was ever opened."""
        return account in self._opened or self.state.book.row(account) is not None

    def account(self, number: AccountId) -> Account:
        """Give an account as the draft leaves it; one that was never opened holds nothing."""
        changed = self._accounts.get(number)
        if changed is not None:
            return changed
        if self.state.book.row(number) is None:
            return Account(id=number, collateral=QuoteAtoms(0))
        return self.state.book.account(number)

    def markets_for(self, number: AccountId) -> Mapping[MarketId, Market]:
        """Give the markets as this account is valued in them: at new prices if it is rescaled."""
        splits = self.state.splits
        if not splits:
            return self.markets
        row = self.state.book.row(number)
        rescaled = {
            market: as_rescaled(self.markets[market], split.ratio)
            for market, split in splits.items()
            if row is not None and row < split.cursor
        }
        return {**self.markets, **rescaled} if rescaled else self.markets

    def value(self, number: AccountId) -> MarginState:
        """Judge an account as the draft leaves it."""
        account = self.account(number)
        self.positions_valued += len(account.positions)
        return margin_state(account, self.markets_for(number), self.now)

    # --- what it changes -------------------------------------------------------------------------

    def open(self, number: AccountId) -> None:
        """Give an account its place in the index, once. Raises RevertedError without an owner."""
        if self.is_open(number):
            return
        if number >> SUBACCOUNT_BITS == 0:
            raise RevertedError(Revert.NO_OWNER)
        index = len(self.state.book) + len(self._opened)
        self._opened.add(number)
        self.tell("AccountOpened", account=number, index=index)

    def change_collateral(self, number: AccountId, delta: int) -> None:
        """Add to an account's cash."""
        account = self.account(number)
        after = replace(account, collateral=QuoteAtoms(account.collateral + delta))
        self._accounts[number] = after
        self.changes.append(CollateralChanged(account=number, collateral=after.collateral))

    def write(self, account: Account, market: MarketId) -> None:
        """Take an account whose position in one market, and whose cash, changed."""
        self._accounts[account.id] = account
        held = account.position(market)
        self.changes.append(
            PositionChanged(
                account=account.id,
                market=market,
                size=SizeE8(0) if held is None else held.size,
                quote=QuoteAtoms(0) if held is None else held.quote,
                funding=FundingE12(0) if held is None else held.funding,
                slice_time=Seconds(0) if held is None else held.slice_time,
                collateral=account.collateral,
            )
        )

    def set_market(
        self, market: Market, *, is_price_only: bool = False, rebase: Rebase | None = None
    ) -> None:
        """Take a market as it is now."""
        self.markets.put(market)
        self.changes.append(
            MarketChanged(market=market, is_price_only=is_price_only, rebase=rebase)
        )

    def move_open_interest(self, number: MarketId, change: int) -> None:
        """Add to a market's open interest, if there is anything to add."""
        if change:
            market = self.markets[number]
            after = SizeE8(market.open_interest + change)
            self.set_market(replace(market, open_interest=after), is_price_only=True)

    def move_pools(
        self, *, insurance: int = 0, fees: int = 0, funding: int = 0, rewards: int = 0
    ) -> None:
        """Add to the exchange's pools and tell them, if any of them moved."""
        if not (insurance or fees or funding or rewards):
            return
        held = self.funds
        self.funds = Funds(
            insurance_fund=QuoteAtoms(held.insurance_fund + insurance),
            fee_pool=QuoteAtoms(held.fee_pool + fees),
            funding_pool=QuoteAtoms(held.funding_pool + funding),
            rewards_owed=QuoteAtoms(held.rewards_owed + rewards),
        )
        self.changes.append(FundsChanged(funds=self.funds))

    def tell(self, name: str, **values: int | str | bytes) -> None:
        """Tell an event that moves no account and no market."""
        self.changes.append(OtherEvent(name=name, values=values))

    def later(self, put: Callable[[], None]) -> None:
        """Do this when the draft is carried out: what no event carries."""
        self._puts.append(put)

    # --- the end ---------------------------------------------------------------------------------

    def carry_out(self) -> None:
        """Apply every event to the state."""
        book, state = self.state.book, self.state
        for change in self.changes:
            match change:
                case PositionChanged():
                    book.set_position(
                        change.account,
                        change.market,
                        change.size,
                        change.quote,
                        change.funding,
                        change.slice_time,
                        change.collateral,
                    )
                case CollateralChanged():
                    book.set_collateral(change.account, change.collateral)
                case MarketChanged():
                    book.set_market(change.market)
                case FundsChanged():
                    state.funds = change.funds
                case RulesChanged():
                    state.rules = change.rules
                case _:
                    pass
        for put in self._puts:
            put()
