# pragma version 0.4.3
"""
@title Listing: the owner's rules of a market
@notice Creates markets and sets tiers, price rules and liquidation rules of a market, all by
        the owner only. The tiers make a continuous, convex requirement; the contract computes
        the deductions itself. Money 1e-6 USD, rates in parts per million, times in seconds.
"""

from . import markets
from . import numbers
from . import roles
from . import structs

uses: markets
uses: roles

PPM: constant(uint256) = 10**6

event MarketCreated:
    market: indexed(uint256)
    symbol: bytes32

event MarketRulesChanged:
    market: indexed(uint256)
    clamp: uint256
    min_interval: uint256
    expiry: uint256
    min_position_notional: uint256
    slice_threshold: uint256
    penalty: uint256
    spread_max: uint256
    backstop_cap: uint256
    tier_count: uint256
    tiers: structs.Tier[4]

@internal
@view
def tier_count(market: uint256) -> uint256:
    count: uint256 = 0
    for i: uint256 in range(4):
        if markets.tier_words[market][i] != 0:
            count += 1
    return count


@internal
@view
def tiers(market: uint256) -> structs.Tier[4]:
    tiers: structs.Tier[4] = empty(structs.Tier[4])
    for i: uint256 in range(4):
        word: uint256 = markets.tier_words[market][i]
        tiers[i] = structs.Tier(
            lower_bound=word >> 144,
            rate=word & (2**32 - 1),
            deduction=(word >> 32) & (2**112 - 1),
        )
    return tiers


@internal
def _report(market: uint256):
    rules: markets.Rules = markets.rules[market]
    log MarketRulesChanged(
        market=market,
        clamp=rules.clamp,
        min_interval=rules.min_interval,
        expiry=markets.live(market).expiry,
        min_position_notional=rules.min_position_notional,
        slice_threshold=rules.slice_threshold,
        penalty=rules.penalty,
        spread_max=rules.spread_max,
        backstop_cap=rules.backstop_cap,
        tier_count=self.tier_count(market),
        tiers=self.tiers(market),
    )


@internal
def _set_tiers(market: uint256, bounds: DynArray[uint256, 4], rates: DynArray[uint256, 4]):
    count: uint256 = len(bounds)
    assert count > 0 and count == len(rates), "bad tiers"
    assert bounds[0] == 0 and rates[0] > 0, "bad tiers"
    assert markets.rules[market].initial_margin >= rates[0], "below maintenance margin"
    deduction: uint256 = 0
    for i: uint256 in range(4):
        if i >= count:
            markets.tier_words[market][i] = 0
            continue
        if i > 0:
            assert bounds[i] > bounds[i - 1] and rates[i] > rates[i - 1], "bad tiers"
            deduction += bounds[i] * (rates[i] - rates[i - 1]) // PPM
        assert rates[i] <= PPM and bounds[i] < 2**100, "bad tiers"
        markets.tier_words[market][i] = (bounds[i] << 144) | (deduction << 32) | rates[i]


@internal
def _set_price_rules(market: uint256, clamp: uint256, min_interval: uint256, expiry: uint256):
    assert clamp > 0 and clamp <= PPM, "bad clamp"
    assert expiry > 0 and expiry < 2**32 and min_interval < 2**32, "bad times"
    markets.rules[market].clamp = clamp
    markets.rules[market].min_interval = min_interval
    live: markets.Live = markets.live(market)
    live.expiry = expiry
    markets.set_live(market, live)


@internal
@pure
def _check_rates(penalty: uint256, spread_max: uint256):
    assert penalty <= PPM and spread_max <= PPM, "bad rates"


@internal
def _report_parameter(market: uint256, parameter: uint256, current: int256):
    log markets.ParameterChanged(
        market=market,
        parameter=parameter,
        value=current,
        epoch=0,
        funding_numerator=0,
        funding_time=block.timestamp,
    )


@external
def create_market(config: structs.MarketConfig) -> uint256:
    """@notice A new market: open, without a price, so nothing can happen before the first one."""
    roles.require_owner()
    market: uint256 = markets.market_count
    assert market < markets.MAX_MARKETS, "too many markets"
    assert len(config.symbol) > 0, "no symbol"
    assert config.initial_margin <= PPM, "bad rates"
    assert config.taker_fee + config.maker_fee >= 0, "fees below zero"
    assert numbers.magnitude(config.taker_fee) <= PPM, "bad rates"
    assert numbers.magnitude(config.maker_fee) <= PPM, "bad rates"
    self._check_rates(config.penalty, config.spread_max)
    symbol: bytes32 = convert(convert(config.symbol, Bytes[16]), bytes32)
    markets.rules[market] = markets.Rules(
        symbol=symbol,
        initial_margin=config.initial_margin,
        taker_fee=config.taker_fee,
        maker_fee=config.maker_fee,
        open_interest_cap=config.open_interest_cap,
        clamp=config.clamp,
        min_interval=config.min_interval,
        min_position_notional=config.min_position_notional,
        slice_threshold=config.slice_threshold,
        penalty=config.penalty,
        spread_max=config.spread_max,
        backstop_cap=config.backstop_cap,
    )
    markets.market_count = market + 1
    markets.set_funding_rate(market, 0)
    self._set_price_rules(market, config.clamp, config.min_interval, config.expiry)
    self._set_tiers(market, config.tier_bounds, config.tier_rates)
    log MarketCreated(market=market, symbol=symbol)
    self._report(market)
    self._report_parameter(market, 1, convert(config.initial_margin, int256))
    self._report_parameter(market, 2, 0)
    self._report_parameter(market, 3, config.taker_fee)
    self._report_parameter(market, 4, config.maker_fee)
    self._report_parameter(market, 5, convert(config.open_interest_cap, int256))
    return market


@external
def set_tiers(market: uint256, bounds: DynArray[uint256, 4], rates: DynArray[uint256, 4]):
    roles.require_owner()
    markets.require_known(market)
    self._set_tiers(market, bounds, rates)
    self._report(market)


@external
def set_price_rules(market: uint256, clamp: uint256, min_interval: uint256, expiry: uint256):
    roles.require_owner()
    markets.require_known(market)
    self._set_price_rules(market, clamp, min_interval, expiry)
    self._report(market)


@external
def set_market_rules(
    market: uint256,
    min_position_notional: uint256,
    slice_threshold: uint256,
    penalty: uint256,
    spread_max: uint256,
    backstop_cap: uint256,
):
    roles.require_owner()
    markets.require_known(market)
    self._check_rates(penalty, spread_max)
    markets.rules[market].min_position_notional = min_position_notional
    markets.rules[market].slice_threshold = slice_threshold
    markets.rules[market].penalty = penalty
    markets.rules[market].spread_max = spread_max
    markets.rules[market].backstop_cap = backstop_cap
    self._report(market)
