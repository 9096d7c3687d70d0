"""How long accounts that could have been liquidated waited for it.

An account is *due* in a block when, after the block's last transaction, it is under its maintenance
margin, all its markets have a fresh price, and at least one of its positions may be liquidated by
the exchange's rules: the market takes liquidations and the position is not cooling down (a critical
account never is). Whether the backstop has room is not asked.
A wait begins with the block in which an account becomes due. It ends with the block in which one of
its positions is liquidated, or in which it is due no more (healthy again, or cooling down). When it
is still due after a liquidation a new wait begins in that block. Zero blocks means that the price
and the liquidation share a block.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from risk.liquidation import LiquidationRules
from risk.margin import Account, Position, margin_state
from risk.market import Market
from risk.units import PPM_SCALE, AccountId, MarketId, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge says of an account."""

    is_liquidatable: bool
    is_due: bool
    is_cooling: bool
    """Something of it cools down: time alone may make it due."""


def judge(
    account: Account, markets: Mapping[MarketId, Market], rules: LiquidationRules, now: Seconds
) -> Verdict:
    """Judge one account by risk.margin and the cool-down."""
    state = margin_state(account, markets, now)
    if not state.is_liquidatable:
        return Verdict(is_liquidatable=False, is_due=False, is_cooling=False)
    is_critical = state.equity * PPM_SCALE < state.maintenance_margin * rules.critical_margin
    is_due = is_cooling = False
    for held in account.positions:
        cools = not is_critical and _cools(held, rules, now)
        is_cooling |= cools
        is_due |= not cools and markets[held.market].may_liquidate
    return Verdict(is_liquidatable=True, is_due=is_due and state.is_priced, is_cooling=is_cooling)


def _cools(held: Position, rules: LiquidationRules, now: Seconds) -> bool:
    return held.slice_time > 0 and now < held.slice_time + rules.cool_down


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One wait that is over."""

    account: AccountId
    first_block: int
    last_block: int
    is_liquidated: bool

    @property
    def blocks(self) -> int:
        """Give its length."""
        return self.last_block - self.first_block


@dataclass(slots=True)
class Waits:
    """All waits, those that last and those that are over."""

    due_since: dict[AccountId, int] = field(default_factory=dict)
    over: list[Wait] = field(default_factory=list)

    def on_liquidated(self, account: AccountId, block: int) -> None:
        """Learn that one of the account's positions was liquidated in this block."""
        self._end(account, block, is_liquidated=True, default=block)

    def on_judged(self, account: AccountId, block: int, *, is_due: bool) -> None:
        """Learn what the judge says of the account after this block."""
        if is_due:
            self.due_since.setdefault(account, block)
        elif account in self.due_since:
            self._end(account, block, is_liquidated=False, default=block)

    def all_until(self, block: int) -> list[Wait]:
        """List all waits; those that last are counted up to this block."""
        lasting = [
            Wait(account=account, first_block=first, last_block=block, is_liquidated=False)
            for account, first in self.due_since.items()
        ]
        return self.over + lasting

    def _end(self, account: AccountId, block: int, *, is_liquidated: bool, default: int) -> None:
        first = self.due_since.pop(account, default)
        self.over.append(
            Wait(account=account, first_block=first, last_block=block, is_liquidated=is_liquidated)
        )
