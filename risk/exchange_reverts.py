"""The exchange's own words for a call that it reverts as a whole.

A batch of liquidations, deleverages or prices ends in a code for each item instead; these are for all
other calls. Each text is the contract's reason to the letter, so that a simulation, a receipt and the
pure rules of this room can be compared. docs/exchange.md says when each is given.
"""

from enum import StrEnum


class Revert(StrEnum):
    """Why a call changes nothing."""

    WRONG_ROLE = "wrong role"
    UNKNOWN_MARKET = "unknown market"
    UNKNOWN_ACCOUNT = "unknown account"
    UNKNOWN_PARAMETER = "unknown parameter"
    STALE_EPOCH = "stale epoch"
    MARKET_SETTLED = "market settled"
    SPLIT_IN_PROGRESS = "split in progress"
    NO_LIMITS = "no limits"
    OUTSIDE_LIMITS = "outside limits"
    STEP_TOO_LARGE = "step too large"
    COOLING_DOWN = "cooling down"
    BELOW_MAINTENANCE_MARGIN = "below maintenance margin"
    FEES_BELOW_ZERO = "fees below zero"
    MARK_OUTSIDE_BAND = "mark outside band"
    NOT_STRICTER = "not stricter"
    MARKET_CLOSED = "market closed"
    SELF_TRADE = "self trade"
    BAD_SIZE = "bad size"
    BAD_PRICE = "bad price"
    OUTSIDE_BAND = "outside band"
    TOO_MANY_MARKETS = "too many markets"
    REDUCE_ONLY = "reduce only"
    STALE_PRICE = "stale price"
    BELOW_MINIMUM_NOTIONAL = "below minimum notional"
    BELOW_INITIAL_MARGIN = "below initial margin"
    WORSE_MARGIN = "worse margin"
    OPEN_INTEREST_CAP = "open interest cap"
    ZERO_AMOUNT = "zero amount"
    NO_OWNER = "no owner"
    SAME_ACCOUNT = "same account"
    MORE_THAN_THE_COLLATERAL = "more than the collateral"
    MORE_THAN_THE_POOL = "more than the pool"
    WITHDRAWALS_CLOSED = "withdrawals closed"
    NOT_HALTED = "not halted"
    BAD_RATIO = "bad ratio"
    NO_SPLIT = "no split"
    NOT_SETTLED = "not settled"
    BAD_LIMITS = "bad limits"
