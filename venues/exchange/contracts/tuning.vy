# pragma version 0.4.3
"""
@title Guard rails of every parameter that a keeper may set
@notice Each parameter has an owner-set minimum, maximum, largest step and cool-down; each write
        carries the epoch that the writer saw, so that a stale writer is refused by the chain.
        Without limits there are no writes. Tuner: parameters 1 to 5; breaker: band and status;
        guardian: stricter status only, without epoch, and always wins a race.
"""

from . import markets
from . import numbers
from . import roles
from . import structs

uses: markets
uses: roles

INITIAL_MARGIN: constant(uint256) = 1
FUNDING_RATE: constant(uint256) = 2
TAKER_FEE: constant(uint256) = 3
MAKER_FEE: constant(uint256) = 4
OPEN_INTEREST_CAP: constant(uint256) = 5
BAND: constant(uint256) = 6
STATUS: constant(uint256) = 7
SPLIT: constant(uint256) = 8
DIVIDEND: constant(uint256) = 9

PPM: constant(uint256) = 10**6
LARGEST_RATE: constant(int256) = 10**9   # 100 % per hour; keeps valuing far from overflow

event LimitsChanged:
    market: indexed(uint256)
    parameter: indexed(uint256)
    minimum: int256
    maximum: int256
    largest_step: int256
    cool_down: uint256

event BandChanged:
    market: indexed(uint256)
    low: uint256
    high: uint256
    epoch: uint256

event StatusChanged:
    market: indexed(uint256)
    status: uint256
    epoch: uint256
    by: address

limits: public(HashMap[uint256, HashMap[uint256, structs.Limits]])
epoch: public(HashMap[uint256, HashMap[uint256, uint256]])
last_writes: HashMap[uint256, HashMap[uint256, uint256]]


@internal
def advance(market: uint256, role: uint256, expected_epoch: uint256) -> uint256:
    """@notice Refuse a writer that has not seen the last write of its duty."""
    markets.require_known(market)
    assert self.epoch[market][role] == expected_epoch, "stale epoch"
    self.epoch[market][role] = expected_epoch + 1
    return expected_epoch + 1


@internal
@view
def require_limits(market: uint256, parameter: uint256) -> structs.Limits:
    limits: structs.Limits = self.limits[market][parameter]
    assert limits.maximum >= limits.minimum, "no limits"
    is_empty: bool = limits.minimum == 0 and limits.maximum == 0
    assert not (is_empty and limits.largest_step == 0 and limits.cool_down == 0), "no limits"
    return limits


@internal
@pure
def require_inside(wanted: int256, limits: structs.Limits):
    assert wanted >= limits.minimum and wanted <= limits.maximum, "outside limits"


@internal
def cool(market: uint256, parameter: uint256, cool_down: uint256):
    """@notice Refuse a write too soon after the last one, and remember this one."""
    assert block.timestamp >= self.last_writes[market][parameter] + cool_down, "cooling down"
    self.last_writes[market][parameter] = block.timestamp


@internal
@view
def require_steady(live: markets.Live):
    assert live.status != markets.SETTLED, "market settled"
    assert not live.is_splitting, "split in progress"


@internal
@view
def _current(market: uint256, parameter: uint256) -> int256:
    if parameter == INITIAL_MARGIN:
        return convert(markets.rules[market].initial_margin, int256)
    if parameter == FUNDING_RATE:
        return numbers.high_half(markets.rates_and_times[market])
    if parameter == TAKER_FEE:
        return markets.rules[market].taker_fee
    if parameter == MAKER_FEE:
        return markets.rules[market].maker_fee
    return convert(markets.rules[market].open_interest_cap, int256)


@internal
@view
def _require_fees(taker_fee: int256, maker_fee: int256):
    assert taker_fee + maker_fee >= 0, "fees below zero"
    largest: uint256 = max(numbers.magnitude(taker_fee), numbers.magnitude(maker_fee))
    assert largest <= PPM, "outside limits"


@internal
def _write(market: uint256, parameter: uint256, wanted: int256, live: markets.Live):
    if parameter == INITIAL_MARGIN:
        least: uint256 = markets.tier_words[market][0] & (2**32 - 1)
        assert wanted >= convert(least, int256), "below maintenance margin"
        assert wanted <= convert(PPM, int256), "outside limits"
        markets.rules[market].initial_margin = convert(wanted, uint256)
    elif parameter == FUNDING_RATE:
        assert numbers.magnitude(wanted) <= convert(LARGEST_RATE, uint256), "outside limits"
        markets.accrue(market, live)
        markets.set_funding_rate(market, wanted)
    elif parameter == TAKER_FEE:
        self._require_fees(wanted, markets.rules[market].maker_fee)
        markets.rules[market].taker_fee = wanted
    elif parameter == MAKER_FEE:
        self._require_fees(markets.rules[market].taker_fee, wanted)
        markets.rules[market].maker_fee = wanted
    else:
        assert wanted >= 0, "outside limits"
        markets.rules[market].open_interest_cap = convert(wanted, uint256)


@external
def set_parameter(market: uint256, parameter: uint256, new_value: int256, expected_epoch: uint256):
    roles.require_role(roles.TUNER)
    assert parameter >= INITIAL_MARGIN and parameter <= OPEN_INTEREST_CAP, "unknown parameter"
    epoch: uint256 = self.advance(market, roles.TUNER, expected_epoch)
    live: markets.Live = markets.live(market)
    self.require_steady(live)
    limits: structs.Limits = self.require_limits(market, parameter)
    self.require_inside(new_value, limits)
    step: uint256 = numbers.magnitude(new_value - self._current(market, parameter))
    assert convert(step, int256) <= limits.largest_step, "step too large"
    self.cool(market, parameter, limits.cool_down)
    self._write(market, parameter, new_value, live)
    log markets.ParameterChanged(
        market=market,
        parameter=parameter,
        value=new_value,
        epoch=epoch,
        funding_numerator=markets.numerators[market],
        funding_time=convert(numbers.low_half(markets.rates_and_times[market]), uint256),
    )


@internal
@pure
def _require_step(old: uint256, new: uint256, largest_step: int256):
    # |new - old| / old <= step, compared without dividing
    moved: uint256 = max(old, new) - min(old, new)
    assert convert(moved * PPM, int256) <= largest_step * convert(old, int256), "step too large"


@external
def set_band(market: uint256, low: uint256, high: uint256, expected_epoch: uint256):
    """@notice Low and high both zero lift the band."""
    roles.require_role(roles.BREAKER)
    epoch: uint256 = self.advance(market, roles.BREAKER, expected_epoch)
    live: markets.Live = markets.live(market)
    self.require_steady(live)
    limits: structs.Limits = self.require_limits(market, BAND)
    if high > 0 or low > 0:
        assert low > 0 and low <= live.mark and live.mark <= high, "mark outside band"
        assert high <= markets.MAX_PRICE, "outside limits"
        self.require_inside(convert((live.mark - low) * PPM // live.mark, int256), limits)
        self.require_inside(convert((high - live.mark) * PPM // live.mark, int256), limits)
        band: uint256 = markets.bands[market]
        if band != 0:
            self._require_step(band >> 128, low, limits.largest_step)
            self._require_step(band & (2**128 - 1), high, limits.largest_step)
    self.cool(market, BAND, limits.cool_down)
    markets.bands[market] = (low << 128) | high
    log BandChanged(market=market, low=low, high=high, epoch=epoch)


@internal
def _set_status(market: uint256, status: uint256, epoch: uint256, live: markets.Live):
    changed: markets.Live = live
    changed.status = status
    markets.set_live(market, changed)
    self.last_writes[market][STATUS] = block.timestamp
    log StatusChanged(market=market, status=status, epoch=epoch, by=msg.sender)


@external
def set_status(market: uint256, status: uint256, expected_epoch: uint256):
    """@notice A stricter status never waits for the cool-down."""
    roles.require_role(roles.BREAKER)
    epoch: uint256 = self.advance(market, roles.BREAKER, expected_epoch)
    live: markets.Live = markets.live(market)
    self.require_steady(live)
    limits: structs.Limits = self.require_limits(market, STATUS)
    assert status <= markets.HALTED, "outside limits"
    self.require_inside(convert(status, int256), limits)
    if status <= live.status:
        self.cool(market, STATUS, limits.cool_down)
    self._set_status(market, status, epoch, live)


@external
def restrict(market: uint256, status: uint256):
    """@notice The guardian makes a market stricter; a racing resume finds its epoch stale."""
    roles.require_role(roles.GUARDIAN)
    markets.require_known(market)
    live: markets.Live = markets.live(market)
    assert status > live.status and status <= markets.HALTED, "not stricter"
    epoch: uint256 = self.epoch[market][roles.BREAKER] + 1
    self.epoch[market][roles.BREAKER] = epoch
    self._set_status(market, status, epoch, live)


@external
def set_limits(market: uint256, parameter: uint256, limits: structs.Limits):
    roles.require_owner()
    markets.require_known(market)
    assert parameter >= INITIAL_MARGIN and parameter <= DIVIDEND, "unknown parameter"
    assert limits.largest_step >= 0, "bad limits"
    self.limits[market][parameter] = limits
    log LimitsChanged(
        market=market,
        parameter=parameter,
        minimum=limits.minimum,
        maximum=limits.maximum,
        largest_step=limits.largest_step,
        cool_down=limits.cool_down,
    )
