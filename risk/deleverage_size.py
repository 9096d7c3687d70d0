"""How much of a bankrupt position must be closed against others: the least after which the pools carry the rest.

A smaller rest owes less and fits the backstop better, so the least close is found by bisection. It
starts from a guess: within one tier of margin both relief and exposure are proportional to the close,
so the guess is off by rounding only, and the search around it takes some ten questions instead of the
forty of a bisection of everything. A bad guess (several tiers) costs questions, never the answer.
"""

from collections.abc import Callable

from risk.deleverage_rules import Burden, Pools, burden, relief_of
from risk.margin import MarginState, PositionState
from risk.market import Market
from risk.units import NOTIONAL_SCALE, QuoteAtoms, SizeE8, div_ceil, div_floor, notional

_WIDER = 4
"""Each step away from the guess is so many times the one before."""


def needed_size(state: MarginState, held: PositionState, market: Market, pools: Pools) -> int:
    """Give the smallest close after which the exchange would answer NOT_NEEDED or NOT_BANKRUPT.

    Where rounding makes single atoms go the other way, it is a close that suffices while one unit
    less does not. As in a liquidation no dust is left: a rest under the market's minimum notional is
    closed as well.
    """
    whole = abs(held.position.size)
    guess = _guess(state, held, market, pools)
    step = div_ceil(whole, max(1, -state.equity))
    size = first_true_near(guess, step, whole, _question(state, held, market, pools))
    return _without_dust(size, whole, market)


def needed_size_slowly(
    state: MarginState, held: PositionState, market: Market, pools: Pools
) -> int:
    """Give the same without a guess: the clear twin."""
    whole = abs(held.position.size)
    return _without_dust(first_true(0, whole, _question(state, held, market, pools)), whole, market)


def first_true(low: int, high: int, is_true: Callable[[int], bool]) -> int:
    """Bisect in low + 1..high, where `is_true(high)` is taken for granted and `low` is not asked."""
    while high - low > 1:
        middle = div_floor(low + high, 2)
        if is_true(middle):
            high = middle
        else:
            low = middle
    return high


def first_true_near(guess: int, step: int, last: int, is_true: Callable[[int], bool]) -> int:
    """Find the first true in 1..last, with ever wider steps away from a guess, then by bisection."""
    low, high = 0, last
    place = min(max(1, guess), last)
    if place == last or is_true(place):
        high = place
        while high - step > 0:
            if not is_true(high - step):
                low = high - step
                break
            high, step = high - step, step * _WIDER
    else:
        low = place
        while low + step < last:
            if is_true(low + step):
                high = low + step
                break
            low, step = low + step, step * _WIDER
    return first_true(low, high, is_true)


def _question(
    state: MarginState, held: PositionState, market: Market, pools: Pools
) -> Callable[[int], bool]:
    whole = abs(held.position.size)

    def suffices(close: int) -> bool:
        equity = QuoteAtoms(state.equity + relief_of(state, held, market, close))
        left = SizeE8(held.position.size - close if held.position.size > 0 else close - whole)
        return equity >= 0 or burden(left, equity, market, pools) is Burden.CARRIED

    return suffices


def _guess(state: MarginState, held: PositionState, market: Market, pools: Pools) -> int:
    """Reckon as if margin were proportional to size: what the pools can pay, hold and back of the rest.

    With owed = −equity, required = the margin to open the whole and left = the size not closed:
    left/whole · owed ≤ fund + headroom, left/whole · required ≤ headroom, both together ≤ fund + headroom.
    """
    whole, backstop = abs(held.position.size), pools.backstop
    owed, headroom = max(1, -state.equity), max(0, backstop.headroom)
    means = pools.insurance_fund + headroom
    exposure = notional(held.position.size, market.mark)
    required = max(1, market.required_to_open(exposure))
    inventory = backstop.inventories.get(market.id, SizeE8(0))
    signed = inventory if held.position.size > 0 else -inventory
    shrinks = 2 * max(0, -signed)  # an inventory of the other side shrinks first, and frees margin
    held_most = div_floor(market.backstop_cap * NOTIONAL_SCALE, max(1, market.mark)) - signed
    backed = div_floor(headroom * whole, required) + shrinks
    backed = min(backed, div_floor(means * whole, owed + required) + shrinks)
    left = min(whole, div_floor(means * whole, owed), held_most, backed)
    return whole - max(0, left)


def _without_dust(size: int, whole: int, market: Market) -> int:
    rest = notional(SizeE8(whole - size), market.mark)
    return whole if rest < market.min_position_notional else size
