# pragma version 0.4.3
"""
@title Accounts and positions
@notice One word per account (collateral and the set of its markets), two per position. A fill
        settles funding first and keeps `collateral + quote` equal to the cash that moved, to the
        atom. Sizes 1e-8 share, money 1e-6 USD, funding 1e-12 USD per share. A flat position is
        all zeros. Only other modules of the exchange write here.
"""

from . import numbers
from . import structs

DEPOSIT: constant(uint256) = 1
WITHDRAWAL: constant(uint256) = 2
TRANSFER: constant(uint256) = 3
SHORTFALL: constant(uint256) = 4
OTHER: constant(uint256) = 5

MARKET_BITS: constant(uint256) = 2**128 - 1
FUNDING_TO_MONEY: constant(int256) = 10**14   # size (1e-8) x funding (1e-12) to money (1e-6)

event AccountOpened:
    account: indexed(uint256)
    index: uint256

event CollateralChanged:
    account: indexed(uint256)
    collateral: int256
    delta: int256
    reason: uint256

event PositionChanged:
    account: indexed(uint256)
    market: indexed(uint256)
    size: int256
    quote: int256
    funding: int256
    slice_time: uint256
    collateral: int256

struct Position:
    size: int256
    quote: int256
    funding: int256
    slice_time: uint256

struct Stored:
    size_and_quote: uint256
    funding_and_slice: uint256

struct Fill:
    position: Position
    cash: int256      # change of collateral, funding included
    owed: int256      # funding that moved to the pool

backstop: immutable(uint256)
account_count: public(uint256)
account_at: public(HashMap[uint256, uint256])
ranks: HashMap[uint256, uint256]           # index + 1; 0: never opened
words: HashMap[uint256, uint256]           # collateral in the high half, markets in the low half
stored: HashMap[uint256, Stored[128]]


@deploy
def __init__():
    backstop = self.account_of(self, 0)
    self.open(backstop)


@internal
@pure
def account_of(owner: address, subaccount: uint256) -> uint256:
    assert subaccount < 2**96, "bad subaccount"
    return (convert(owner, uint256) << 96) | subaccount


@internal
def open(account: uint256):
    """@notice Give an account its place in the index, once."""
    if self.ranks[account] != 0:
        return
    assert account >> 96 != 0, "no owner"
    index: uint256 = self.account_count
    self.account_at[index] = account
    self.ranks[account] = index + 1
    self.account_count = index + 1
    log AccountOpened(account=account, index=index)


@internal
@view
def position(account: uint256, market: uint256) -> Position:
    word: uint256 = self.stored[account][market].size_and_quote
    if word == 0:
        return empty(Position)
    extra: uint256 = self.stored[account][market].funding_and_slice
    return Position(
        size=numbers.high_half(word),
        quote=numbers.low_half(word),
        funding=numbers.high_half(extra),
        slice_time=convert(numbers.low_half(extra), uint256),
    )


@internal
@view
def collateral(account: uint256) -> int256:
    return numbers.high_half(self.words[account])


@internal
def change_collateral(account: uint256, delta: int256, reason: uint256):
    word: uint256 = self.words[account]
    after: int256 = numbers.high_half(word) + delta
    self.words[account] = numbers.pack(after, 0) | (word & MARKET_BITS)
    log CollateralChanged(account=account, collateral=after, delta=delta, reason=reason)


@internal
def write(account: uint256, market: uint256, position: Position, cash: int256) -> uint256:
    """@notice Store a position, add cash to the collateral, report both; gives the market set."""
    word: uint256 = self.words[account]
    collateral: int256 = numbers.high_half(word) + cash
    bit: uint256 = 1 << market
    markets: uint256 = (word & MARKET_BITS) | bit
    if position.size == 0:
        markets = markets ^ bit
    self.stored[account][market] = Stored(
        size_and_quote=numbers.pack(position.size, position.quote),
        funding_and_slice=numbers.pack(position.funding, convert(position.slice_time, int256)),
    )
    self.words[account] = numbers.pack(collateral, 0) | markets
    log PositionChanged(
        account=account,
        market=market,
        size=position.size,
        quote=position.quote,
        funding=position.funding,
        slice_time=position.slice_time,
        collateral=collateral,
    )
    return markets


@internal
@pure
def owed(position: Position, funding: int256) -> int256:
    """@notice What the position owes since it was last settled; rounds against the account."""
    return numbers.div_ceil(position.size * (funding - position.funding), FUNDING_TO_MONEY)


@internal
@pure
def worth(position: Position, mark: uint256, funding: int256) -> int256:
    """@notice The position's part of equity."""
    worth: int256 = numbers.value(position.size, mark) + position.quote
    return worth - self.owed(position, funding)


@internal
@pure
def fill(position: Position, size: int256, cash: int256, funding: int256) -> Fill:
    """
    @notice The position after a signed fill for cash (negative when buying). Equity at the
            mark changes by exactly value(after) - value(before) + cash, whatever the case.
    """
    owed: int256 = self.owed(position, funding)
    after: Position = Position(
        size=position.size + size,
        quote=position.quote + cash,
        funding=funding,
        slice_time=position.slice_time,
    )
    released: int256 = 0
    if position.size != 0 and (position.size > 0) != (size > 0):
        held: int256 = convert(numbers.magnitude(position.size), int256)
        filled: int256 = convert(numbers.magnitude(size), int256)
        if filled < held:
            released = numbers.div_trunc(position.quote * filled, held) + cash
        elif filled == held:
            released = position.quote + cash
            after = empty(Position)
        else:
            released = position.quote + numbers.div_trunc(cash * held, filled)
            after.slice_time = 0
        if filled != held:
            after.quote = position.quote + cash - released
    return Fill(position=after, cash=released - owed, owed=owed)


@internal
@pure
def long_part(size: int256) -> int256:
    return max(size, 0)
