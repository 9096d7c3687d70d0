# pragma version 0.4.3
"""
@title What a market is
@notice Storage of prices, funding, margin tiers and rules of every market, and the questions
        that the rest of the exchange asks of it: mark, funding index, staleness, requirement.
        What valuing an account needs lies in few packed words. Prices 1e-8 USD, funding index
        1e-12 USD per share, margins in parts per million. Writes come from the modules of the
        duties; this one has no external function that changes anything.
"""

from . import numbers

OPEN: constant(uint256) = 0
LIMIT: constant(uint256) = 1
REDUCE_ONLY: constant(uint256) = 2
HALTED: constant(uint256) = 3
SETTLED: constant(uint256) = 4

MAX_MARKETS: constant(uint256) = 128
MAX_PRICE: constant(uint256) = 10**15
MAX_SIZE: constant(uint256) = 10**18
FUNDING_SCALE: constant(int256) = 360_000_000   # ppb x 1e-8 USD x seconds to 1e-12 USD

event ParameterChanged:
    market: indexed(uint256)
    parameter: indexed(uint256)
    value: int256
    epoch: uint256
    funding_numerator: int256
    funding_time: uint256

event OpenInterestChanged:
    market: indexed(uint256)
    open_interest: uint256

# The word that changes with every price; packed as 64, 64, 40, 40, 32, 8, 8 bits.
struct Live:
    mark: uint256
    index: uint256
    price_timestamp: uint256
    updated_at: uint256
    expiry: uint256
    status: uint256
    is_splitting: bool

# What one position needs to be valued.
struct Pricing:
    mark: uint256
    funding: int256
    is_stale: bool
    is_settled: bool
    is_splitting: bool

struct Rules:
    symbol: bytes32
    initial_margin: uint256
    taker_fee: int256
    maker_fee: int256
    open_interest_cap: uint256
    clamp: uint256
    min_interval: uint256
    min_position_notional: uint256
    slice_threshold: uint256
    penalty: uint256
    spread_max: uint256
    backstop_cap: uint256

struct Split:
    numerator: uint256
    denominator: uint256
    cursor: uint256       # accounts with a smaller index are rescaled already
    total: int256         # sum of the rescaled sizes
    longs: uint256        # sum of the rescaled longs

market_count: public(uint256)
live_words: uint256[128]
numerators: int256[128]           # of the funding index
rates_and_times: uint256[128]     # funding rate, time of the last accrual
tier_words: uint256[4][128]       # lower bound 112, deduction 112, rate 32 bits
rules: Rules[128]
bands: uint256[128]               # low, high
open_interests: uint256[128]
splits: Split[128]


@internal
@view
def live(market: uint256) -> Live:
    word: uint256 = self.live_words[market]
    return Live(
        mark=word >> 192,
        index=(word >> 128) & (2**64 - 1),
        price_timestamp=(word >> 88) & (2**40 - 1),
        updated_at=(word >> 48) & (2**40 - 1),
        expiry=(word >> 16) & (2**32 - 1),
        status=(word >> 8) & 255,
        is_splitting=(word & 255) != 0,
    )


@internal
def set_live(market: uint256, live: Live):
    word: uint256 = (live.mark << 192) | (live.index << 128) | (live.price_timestamp << 88)
    word = word | (live.updated_at << 48) | (live.expiry << 16) | (live.status << 8)
    if live.is_splitting:
        word = word | 1
    self.live_words[market] = word


@internal
@view
def require_known(market: uint256):
    assert market < self.market_count, "unknown market"


@internal
@view
def is_stale(live: Live) -> bool:
    if live.status == SETTLED:
        return False
    if live.is_splitting or live.mark == 0:
        return True
    return block.timestamp > live.price_timestamp + live.expiry


@internal
@view
def numerator_now(market: uint256, live: Live) -> int256:
    """@notice Numerator of the funding index at this block; it stands still during a split."""
    numerator: int256 = self.numerators[market]
    if live.is_splitting:
        return numerator
    word: uint256 = self.rates_and_times[market]
    rate: int256 = numbers.high_half(word)
    if rate == 0:
        return numerator
    elapsed: int256 = convert(block.timestamp, int256) - numbers.low_half(word)
    return numerator + rate * convert(live.index, int256) * elapsed


@internal
@view
def pricing(market: uint256) -> Pricing:
    live: Live = self.live(market)
    return Pricing(
        mark=live.mark,
        funding=numbers.div_floor(self.numerator_now(market, live), FUNDING_SCALE),
        is_stale=self.is_stale(live),
        is_settled=live.status == SETTLED,
        is_splitting=live.is_splitting,
    )


@internal
def accrue(market: uint256, live: Live) -> int256:
    """@notice Bring the funding numerator to this block; must run before index or rate change."""
    numerator: int256 = self.numerator_now(market, live)
    self.numerators[market] = numerator
    rate: int256 = numbers.high_half(self.rates_and_times[market])
    self.set_funding_rate(market, rate)
    return numerator


@internal
def set_funding_rate(market: uint256, rate: int256):
    self.rates_and_times[market] = numbers.pack(rate, convert(block.timestamp, int256))


@internal
@view
def maintenance(market: uint256, notional: uint256) -> uint256:
    """@notice Requirement of the last tier whose lower bound is reached, rounded up."""
    chosen: uint256 = self.tier_words[market][0]
    for i: uint256 in range(1, 4):
        word: uint256 = self.tier_words[market][i]
        if word == 0 or (word >> 144) > notional:
            break
        chosen = word
    deduction: uint256 = (chosen >> 32) & (2**112 - 1)
    return numbers.part_up(notional, chosen & (2**32 - 1)) - deduction


@internal
@view
def initial(market: uint256, notional: uint256, maintenance: uint256) -> uint256:
    return max(numbers.part_up(notional, self.rules[market].initial_margin), maintenance)


@internal
def move_open_interest(market: uint256, change: int256):
    if change == 0:
        return
    after: uint256 = convert(convert(self.open_interests[market], int256) + change, uint256)
    self.open_interests[market] = after
    log OpenInterestChanged(market=market, open_interest=after)
