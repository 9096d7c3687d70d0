# pragma version 0.4.3
"""
@title Publishing prices
@notice The pricer writes mark and index prices (1e-8 USD). Each entry ends in a code and one
        bad entry never reverts the others. A price may move by a clamp per update only, stays
        inside the band, and may neither lie in the future nor go back in time.
"""

from . import markets
from . import numbers
from . import roles
from . import structs

uses: markets
uses: roles

ACCEPTED: constant(uint256) = 0
UNKNOWN_MARKET: constant(uint256) = 1
MARKET_CLOSED: constant(uint256) = 2
ZERO_PRICE: constant(uint256) = 3
FUTURE: constant(uint256) = 4
BACKWARDS: constant(uint256) = 5
EXPIRED: constant(uint256) = 6
TOO_SOON: constant(uint256) = 7

event PricePublished:
    market: indexed(uint256)
    mark: uint256
    index: uint256
    price_timestamp: uint256
    updated_at: uint256
    funding_numerator: int256
    wanted_mark: uint256

event PriceRefused:
    market: indexed(uint256)
    code: uint256
    mark: uint256
    timestamp: uint256


@internal
@view
def _judge(price: structs.Price) -> uint256:
    if price.market >= markets.market_count:
        return UNKNOWN_MARKET
    live: markets.Live = markets.live(price.market)
    if live.status == markets.SETTLED or live.is_splitting:
        return MARKET_CLOSED
    if min(price.mark, price.index) == 0 or max(price.mark, price.index) > markets.MAX_PRICE:
        return ZERO_PRICE
    if price.timestamp > block.timestamp:
        return FUTURE
    if price.timestamp < live.price_timestamp:
        return BACKWARDS
    if block.timestamp - price.timestamp > live.expiry:
        return EXPIRED
    if block.timestamp - live.updated_at < markets.rules[price.market].min_interval:
        return TOO_SOON
    return ACCEPTED


@internal
@pure
def _stepped(old: uint256, wanted: uint256, clamp: uint256) -> uint256:
    if old == 0:
        return wanted
    step: uint256 = old * clamp // 10**6
    return numbers.clamp(wanted, old - step, old + step)


@internal
def _accept(price: structs.Price):
    market: uint256 = price.market
    live: markets.Live = markets.live(market)
    numerator: int256 = markets.accrue(market, live)
    clamp: uint256 = markets.rules[market].clamp
    live.mark = self._stepped(live.mark, price.mark, clamp)
    live.index = self._stepped(live.index, price.index, clamp)
    band: uint256 = markets.bands[market]
    if band != 0:
        live.mark = numbers.clamp(live.mark, band >> 128, band & (2**128 - 1))
    live.price_timestamp = price.timestamp
    live.updated_at = block.timestamp
    markets.set_live(market, live)
    log PricePublished(
        market=market,
        mark=live.mark,
        index=live.index,
        price_timestamp=live.price_timestamp,
        updated_at=live.updated_at,
        funding_numerator=numerator,
        wanted_mark=price.mark,
    )


@external
def publish(prices: DynArray[structs.Price, 64]) -> DynArray[uint256, 64]:
    roles.require_role(roles.PRICER)
    codes: DynArray[uint256, 64] = []
    for price: structs.Price in prices:
        code: uint256 = self._judge(price)
        if code == ACCEPTED:
            self._accept(price)
        else:
            log PriceRefused(
                market=price.market, code=code, mark=price.mark, timestamp=price.timestamp
            )
        codes.append(code)
    return codes
