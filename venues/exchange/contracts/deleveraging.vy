# pragma version 0.4.3
"""
@title Deleverage: the last resort
@notice When an account is bankrupt and neither insurance fund nor backstop can carry it, its
        position is closed against an opposite one in profit, at the bankruptcy price. Conserves
        size to the unit; nobody but the counterparty pays. The deleverager ranks off chain,
        every condition is checked here. Money 1e-6 USD, sizes 1e-8 share.
"""

from . import backstop
from . import ledger
from . import margin
from . import markets
from . import numbers
from . import roles
from . import structs
from . import treasury

uses: backstop
uses: ledger
uses: margin
uses: markets
uses: roles
uses: treasury

DELEVERAGED: constant(uint256) = 0
NOT_BANKRUPT: constant(uint256) = 1
NO_POSITION: constant(uint256) = 2
STALE_PRICE: constant(uint256) = 3
MARKET_CLOSED: constant(uint256) = 4
UNKNOWN_MARKET: constant(uint256) = 6
NOT_NEEDED: constant(uint256) = 7
BAD_COUNTERPARTY: constant(uint256) = 8

event DeleverageResult:
    account: indexed(uint256)
    market: indexed(uint256)
    counterparty: indexed(uint256)
    code: uint256
    size: int256
    cash: int256

struct Outcome:
    code: uint256
    size: int256      # what the account filled
    cash: int256
    owed: int256      # funding that moved to the pool


@internal
@view
def _refusal(item: structs.DeleverageItem) -> uint256:
    if item.market >= markets.market_count:
        return UNKNOWN_MARKET
    held: ledger.Position = ledger.position(item.account, item.market)
    if held.size == 0 or item.account == ledger.backstop or item.size == 0:
        return NO_POSITION
    live: markets.Live = markets.live(item.market)
    if live.status >= markets.HALTED or live.is_splitting:
        return MARKET_CLOSED
    return DELEVERAGED


@internal
@view
def _is_carried(market: uint256, mark: uint256, size: int256, equity: int256) -> bool:
    """@notice Whether insurance fund and backstop could close all of the position instead."""
    carried: backstop.Carried = backstop.load()
    paid: int256 = max(0, -equity - treasury.insurance_fund())
    if paid > backstop.headroom(carried):
        return False
    held: ledger.Position = ledger.position(ledger.backstop, market)
    cash: int256 = -numbers.value(size, mark) - paid
    taking: backstop.Taking = backstop.taking(carried, market, mark, held.size, size, cash)
    return taking.is_allowed


@internal
@view
def _is_good(
    item: structs.DeleverageItem, held: ledger.Position, size: int256, cash: int256
) -> bool:
    """@notice In profit, priced, and still above maintenance margin after its fill."""
    pricing: markets.Pricing = markets.pricing(item.market)
    if ledger.worth(held, pricing.mark, pricing.funding) <= 0:
        return False
    state: structs.AccountState = margin.state(item.counterparty, False)
    if not state.is_priced:
        return False
    after: int256 = held.size + size
    equity: int256 = state.equity + cash
    equity += numbers.value(after, pricing.mark) - numbers.value(held.size, pricing.mark)
    required: uint256 = state.maintenance_margin
    required += margin.maintenance(item.market, after, pricing.mark)
    required -= margin.maintenance(item.market, held.size, pricing.mark)
    return equity >= convert(required, int256)


@internal
def _execute(
    item: structs.DeleverageItem,
    mine: ledger.Position,
    theirs: ledger.Position,
    size: int256,
    cash: int256,
) -> Outcome:
    funding: int256 = markets.pricing(item.market).funding
    lost: ledger.Fill = ledger.fill(mine, -size, cash, funding)
    taken: ledger.Fill = ledger.fill(theirs, size, -cash, funding)
    ledger.write(item.account, item.market, lost.position, lost.cash)
    ledger.write(item.counterparty, item.market, taken.position, taken.cash)
    # one long and one short shrink by the same size
    markets.move_open_interest(item.market, -convert(numbers.magnitude(size), int256))
    return Outcome(code=DELEVERAGED, size=-size, cash=cash, owed=lost.owed + taken.owed)


@internal
def _deleverage(item: structs.DeleverageItem) -> Outcome:
    refused: Outcome = empty(Outcome)
    refused.code = self._refusal(item)
    if refused.code != DELEVERAGED:
        return refused
    state: structs.AccountState = margin.state(item.account, False)
    if not state.is_priced:
        refused.code = STALE_PRICE
        return refused
    if state.equity >= 0:
        refused.code = NOT_BANKRUPT
        return refused
    mine: ledger.Position = ledger.position(item.account, item.market)
    mark: uint256 = markets.pricing(item.market).mark
    if self._is_carried(item.market, mark, mine.size, state.equity):
        refused.code = NOT_NEEDED
        return refused
    refused.code = BAD_COUNTERPARTY
    if item.counterparty == item.account or item.counterparty == ledger.backstop:
        return refused
    theirs: ledger.Position = ledger.position(item.counterparty, item.market)
    if theirs.size == 0 or (theirs.size > 0) == (mine.size > 0):
        return refused
    close: uint256 = min(numbers.magnitude(mine.size), numbers.magnitude(theirs.size))
    size: int256 = convert(min(item.size, close), int256)
    if mine.size < 0:
        size = -size
    left: int256 = mine.size - size
    freed: uint256 = margin.maintenance(item.market, mine.size, mark)
    freed -= margin.maintenance(item.market, left, mark)
    cash: int256 = numbers.value(mine.size, mark) - numbers.value(left, mark)
    cash += numbers.div_ceil(
        -state.equity * convert(freed, int256), convert(state.maintenance_margin, int256)
    )
    if not self._is_good(item, theirs, size, -cash):
        return refused
    return self._execute(item, mine, theirs, size, cash)


@external
@nonreentrant
def deleverage(items: DynArray[structs.DeleverageItem, 64]) -> DynArray[uint256, 64]:
    roles.require_role(roles.DELEVERAGER)
    codes: DynArray[uint256, 64] = []
    funding: int256 = 0
    for item: structs.DeleverageItem in items:
        outcome: Outcome = self._deleverage(item)
        funding += outcome.owed
        log DeleverageResult(
            account=item.account,
            market=item.market,
            counterparty=item.counterparty,
            code=outcome.code,
            size=outcome.size,
            cash=outcome.cash,
        )
        codes.append(outcome.code)
    treasury.move(0, 0, funding, 0)
    return codes
