"""What the exchange would answer to one deleverage item, exactly.

Mirrors docs/exchange.md section 6 to the atom, in the contract's order of checks; a parity test
against the contract says so. An item closes a piece of a bankrupt account's position against an
opposite one in profit at the bankruptcy price, and only while insurance fund and backstop cannot
carry the account. Nothing here decides whom to choose, or how much: that is the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from risk.liquidation import BackstopState, LiquidationTerms
from risk.margin import MarginState, PositionState
from risk.market import Market
from risk.units import (
    AccountId,
    MarketId,
    QuoteAtoms,
    SizeE8,
    div_ceil,
    notional,
    signed_value,
)


class DeleverageCode(StrEnum):
    """What becomes of one item of a deleverage batch."""

    DELEVERAGED = "deleveraged"
    NOT_BANKRUPT = "not_bankrupt"
    NO_POSITION = "no_position"
    STALE_PRICE = "stale_price"
    MARKET_CLOSED = "market_closed"
    UNKNOWN_MARKET = "unknown_market"
    NOT_NEEDED = "not_needed"
    BAD_COUNTERPARTY = "bad_counterparty"


class Burden(StrEnum):
    """Whether insurance fund and backstop could close a whole position, and what stops them."""

    CARRIED = "carried"
    SHORTFALL = "shortfall"
    BACKSTOP_CAP = "backstop_cap"
    BACKSTOP_MARGIN = "backstop_margin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Who pays before anybody is deleveraged. A deleverage item moves neither of them."""

    insurance_fund: QuoteAtoms
    backstop: BackstopState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageItem:
    """One item as the exchange takes it; `size` is unsigned, in 1e-8 share."""

    account: AccountId
    market: MarketId
    counterparty: AccountId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageVerdict:
    """What the exchange would answer to one item.

    `size` and `cash` are what the account fills (0 when refused); the counterparty fills their
    exact opposites. `relief` is what the account's equity gains: the counterparty's loses as much
    against the mark, give or take an atom, because each side's value is rounded by itself.
    """

    item: DeleverageItem
    code: DeleverageCode
    size: SizeE8 = SizeE8(0)
    cash: QuoteAtoms = QuoteAtoms(0)
    relief: QuoteAtoms = QuoteAtoms(0)

    @property
    def is_deleveraged(self) -> bool:
        """Say whether the exchange would close something."""
        return self.code is DeleverageCode.DELEVERAGED


def pools_of(terms: LiquidationTerms) -> Pools:
    """Take from a liquidation's terms who pays."""
    return Pools(insurance_fund=terms.insurance_fund, backstop=terms.backstop)


def position_of(state: MarginState, market: MarketId) -> PositionState | None:
    """Give an account's valued position in a market, or None."""
    return next((held for held in state.positions if held.position.market == market), None)


def burden(size: SizeE8, equity: QuoteAtoms, market: Market, pools: Pools) -> Burden:
    """Say whether the pools could close all of `size` of an account with this equity instead.

    paid = max(0, −equity − insurance fund) is what the backstop would add to the account; it takes
    all of the position for −V(size) − paid, within its cap and margin if that grows its inventory.
    The contract asks the same of the whole position, whatever the size of the item.
    """
    backstop = pools.backstop
    paid = max(0, -equity - pools.insurance_fund)
    if paid > backstop.headroom:
        return Burden.SHORTFALL
    before = backstop.inventories.get(market.id, SizeE8(0))
    after = SizeE8(before + size)
    if abs(after) <= abs(before):
        return Burden.CARRIED
    exposure = notional(after, market.mark)
    if exposure > market.backstop_cap:
        return Burden.BACKSTOP_CAP
    revalued = signed_value(after, market.mark) - signed_value(before, market.mark)
    left = backstop.equity + revalued - signed_value(size, market.mark) - paid
    required = (
        backstop.initial_margin
        + market.required_to_open(exposure)
        - market.required_to_open(notional(before, market.mark))
    )
    return Burden.CARRIED if left >= required else Burden.BACKSTOP_MARGIN


def relief_of(state: MarginState, held: PositionState, market: Market, close: int) -> QuoteAtoms:
    """Give what closing a piece adds to the account's equity: ceil(−equity · freed / Σmm).

    So its equity over its maintenance margin never gets worse, and the last piece leaves nothing.
    """
    left = abs(held.position.size) - close
    kept = market.maintenance_margin(notional(SizeE8(left), market.mark))
    freed = held.maintenance_margin - kept
    return QuoteAtoms(div_ceil(-state.equity * freed, state.maintenance_margin))


def judge_deleverage(
    item: DeleverageItem,
    account: MarginState,
    counterparty: MarginState,
    markets: Mapping[MarketId, Market],
    pools: Pools,
) -> DeleverageVerdict:
    """Say what the exchange would answer to one item; both states valued at the same moment."""
    code = refusal(item, account, markets, pools)
    if code is not None:
        return DeleverageVerdict(item=item, code=code)
    market = markets[item.market]
    mine, theirs = position_of(account, item.market), position_of(counterparty, item.market)
    bad = DeleverageVerdict(item=item, code=DeleverageCode.BAD_COUNTERPARTY)
    if (
        mine is None
        or theirs is None
        or item.counterparty in {item.account, pools.backstop.account}
    ):
        return bad
    held, other = mine.position.size, theirs.position.size
    if (held > 0) == (other > 0):
        return bad
    close = min(item.size, abs(held), abs(other))
    filled = SizeE8(-close if held > 0 else close)
    left = SizeE8(held + filled)
    relief = relief_of(account, mine, market, close)
    cash = QuoteAtoms(mine.value - signed_value(left, market.mark) + relief)
    if not _bears(counterparty, theirs, market, SizeE8(-filled), QuoteAtoms(-cash)):
        return bad
    return DeleverageVerdict(
        item=item, code=DeleverageCode.DELEVERAGED, size=filled, cash=cash, relief=relief
    )


def refusal(
    item: DeleverageItem, account: MarginState, markets: Mapping[MarketId, Market], pools: Pools
) -> DeleverageCode | None:
    """Give the first reason that needs no counterparty; None when there is none."""
    market = markets.get(item.market)
    if market is None:
        return DeleverageCode.UNKNOWN_MARKET
    held = position_of(account, item.market)
    if held is None or account.account == pools.backstop.account or item.size == 0:
        return DeleverageCode.NO_POSITION
    if not market.may_liquidate:
        return DeleverageCode.MARKET_CLOSED
    if not account.is_priced:
        return DeleverageCode.STALE_PRICE
    if not account.is_bankrupt:
        return DeleverageCode.NOT_BANKRUPT
    if burden(held.position.size, account.equity, market, pools) is Burden.CARRIED:
        return DeleverageCode.NOT_NEEDED
    return None


def _bears(
    state: MarginState, held: PositionState, market: Market, size: SizeE8, cash: QuoteAtoms
) -> bool:
    """Say whether a counterparty is in profit, priced, and above its margin after its fill."""
    if held.unrealised <= 0 or not state.is_priced:
        return False
    after = SizeE8(held.position.size + size)
    equity = state.equity + cash + signed_value(after, market.mark) - held.value
    kept = market.maintenance_margin(notional(after, market.mark))
    return equity >= state.maintenance_margin + kept - held.maintenance_margin
