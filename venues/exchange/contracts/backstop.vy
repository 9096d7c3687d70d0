# pragma version 0.4.3
"""
@title The backstop: counterparty of every liquidation
@notice What the backstop account can take and pay. Its equity and initial margin are computed
        once for a batch and carried along, because a fill changes them only by what is known.
        Money 1e-6 USD. It may grow an inventory only within the market's cap and its own initial
        margin; it may always shrink one.
"""

from . import ledger
from . import margin
from . import markets
from . import numbers
from . import structs

uses: ledger
uses: margin
uses: markets

struct Carried:
    is_loaded: bool
    equity: int256
    initial_margin: int256

# The backstop after a fill, and whether it may take it.
struct Taking:
    is_allowed: bool
    carried: Carried


@internal
@view
def load() -> Carried:
    state: structs.AccountState = margin.state(ledger.backstop, True)
    return Carried(
        is_loaded=True,
        equity=state.equity,
        initial_margin=convert(state.initial_margin, int256),
    )


@internal
@pure
def headroom(carried: Carried) -> int256:
    return max(0, carried.equity - carried.initial_margin)


@internal
@view
def _initial(market: uint256, size: int256, mark: uint256) -> int256:
    notional: uint256 = numbers.notional(numbers.magnitude(size), mark)
    maintenance: uint256 = markets.maintenance(market, notional)
    return convert(markets.initial(market, notional, maintenance), int256)


@internal
@view
def taking(
    carried: Carried, market: uint256, mark: uint256, held: int256, size: int256, cash: int256
) -> Taking:
    """@notice Judge a fill of the backstop that holds `held`; cash includes what it pays in."""
    after: int256 = held + size
    result: Carried = carried
    result.equity += numbers.value(after, mark) - numbers.value(held, mark) + cash
    result.initial_margin += self._initial(market, after, mark) - self._initial(market, held, mark)
    is_allowed: bool = True
    if numbers.magnitude(after) > numbers.magnitude(held):
        notional: uint256 = numbers.notional(numbers.magnitude(after), mark)
        is_allowed = notional <= markets.rules[market].backstop_cap
        is_allowed = is_allowed and result.equity >= result.initial_margin
    return Taking(is_allowed=is_allowed, carried=result)
