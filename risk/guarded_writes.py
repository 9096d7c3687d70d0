"""What the exchange makes of a duty's write: a parameter, a band, a status, within the owner's limits.

Mirrors docs/exchange.md section 7 in the contract's order of checks; a parity test against the contract
says so. Each function gives the market after the write, or why it is refused. Who may write is not
judged here: that is the exchange's roles.
"""

from dataclasses import dataclass, replace

from risk.exchange_reverts import Revert
from risk.funding_accrual import accrued
from risk.guard_rails import Limits, Parameter
from risk.incentive_write import LARGEST_FUNDING_RATE, value_on_chain
from risk.market import Market
from risk.price_publication import HIGHEST_PRICE
from risk.units import (
    PPM_SCALE,
    MarketStatus,
    PpbPerHour,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    div_floor,
)

TUNED = frozenset(
    {
        Parameter.INITIAL_MARGIN,
        Parameter.FUNDING_RATE,
        Parameter.TAKER_FEE,
        Parameter.MAKER_FEE,
        Parameter.OPEN_INTEREST_CAP,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteGuard:
    """What a write is held to: the epoch of its duty, and the limits of its parameter.

    `epoch` is on chain, `expected_epoch` what the writer saw; `last_write` of the parameter, 0: never.
    """

    epoch: int
    expected_epoch: int
    limits: Limits | None
    last_write: Seconds
    now: Seconds


def entry_revert(market: Market | None, guard: WriteGuard) -> Revert | None:
    """Give the first reason that holds for every write with an epoch; None: there is none."""
    if market is None:
        return Revert.UNKNOWN_MARKET
    checks = (
        (guard.epoch != guard.expected_epoch, Revert.STALE_EPOCH),
        (market.is_settled, Revert.MARKET_SETTLED),
        (market.is_splitting, Revert.SPLIT_IN_PROGRESS),
    )
    return next((reason for holds, reason in checks if holds), None)


def has_limits(limits: Limits | None) -> bool:
    """Say whether the owner allows writes at all."""
    if limits is None or limits.maximum < limits.minimum:
        return False
    return any((limits.minimum, limits.maximum, limits.largest_step, limits.cool_down))


def range_revert(value: int, guard: WriteGuard) -> Revert | None:
    """Refuse a value without limits or outside them."""
    limits = guard.limits
    if limits is None or not has_limits(limits):
        return Revert.NO_LIMITS
    return None if limits.minimum <= value <= limits.maximum else Revert.OUTSIDE_LIMITS


def cooling_revert(guard: WriteGuard) -> Revert | None:
    """Refuse a write too soon after the last one."""
    cool_down = 0 if guard.limits is None else guard.limits.cool_down
    return Revert.COOLING_DOWN if guard.now < guard.last_write + cool_down else None


def write_parameter(
    market: Market | None, parameter: int, value: int, guard: WriteGuard
) -> Market | Revert:
    """Set one of the tuner's parameters; a new funding rate comes after funding was accrued."""
    if parameter not in TUNED:
        return Revert.UNKNOWN_PARAMETER
    known = Parameter(parameter)
    refusal = entry_revert(market, guard)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    refusal = range_revert(value, guard)
    if refusal is not None or guard.limits is None:
        return refusal or Revert.NO_LIMITS
    if abs(value - value_on_chain(market, known)) > guard.limits.largest_step:
        return Revert.STEP_TOO_LARGE
    return cooling_revert(guard) or _written(market, known, value, guard.now)


def _written(market: Market, parameter: Parameter, value: int, now: Seconds) -> Market | Revert:
    match parameter:
        case Parameter.INITIAL_MARGIN:
            if value < market.tiers[0].rate:
                return Revert.BELOW_MAINTENANCE_MARGIN
            if value > PPM_SCALE:
                return Revert.OUTSIDE_LIMITS
            return replace(market, initial_margin=Ppm(value))
        case Parameter.FUNDING_RATE:
            if abs(value) > LARGEST_FUNDING_RATE:
                return Revert.OUTSIDE_LIMITS
            return replace(accrued(market, now), funding_rate=PpbPerHour(value))
        case Parameter.TAKER_FEE:
            return _fees_revert(value, market.maker_fee) or replace(market, taker_fee=Ppm(value))
        case Parameter.MAKER_FEE:
            return _fees_revert(market.taker_fee, value) or replace(market, maker_fee=Ppm(value))
        case _:
            if value < 0:
                return Revert.OUTSIDE_LIMITS
            return replace(market, open_interest_cap=QuoteAtoms(value))


def _fees_revert(taker_fee: int, maker_fee: int) -> Revert | None:
    if taker_fee + maker_fee < 0:
        return Revert.FEES_BELOW_ZERO
    return Revert.OUTSIDE_LIMITS if max(abs(taker_fee), abs(maker_fee)) > PPM_SCALE else None


def write_band(
    market: Market | None, low: PriceE8, high: PriceE8, guard: WriteGuard
) -> Market | Revert:
    """Draw the band anew; both 0 lift it, which only the cool-down may hold back."""
    refusal = entry_revert(market, guard)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    if guard.limits is None or not has_limits(guard.limits):
        return Revert.NO_LIMITS
    refusal = _edges_revert(market, low, high, guard) if high > 0 or low > 0 else None
    refusal = refusal or cooling_revert(guard)
    return refusal or replace(market, band_low=low, band_high=high)


def _edges_revert(market: Market, low: int, high: int, guard: WriteGuard) -> Revert | None:
    mark = market.mark
    if not 0 < low <= mark <= high:
        return Revert.MARK_OUTSIDE_BAND
    if high > HIGHEST_PRICE:
        return Revert.OUTSIDE_LIMITS
    for distance in (mark - low, high - mark):
        refusal = range_revert(div_floor(distance * PPM_SCALE, mark), guard)
        if refusal is not None:
            return refusal
    step = 0 if guard.limits is None else guard.limits.largest_step
    has_band = bool(market.band_low or market.band_high)
    edges = ((market.band_low, low), (market.band_high, high)) if has_band else ()
    # |new − old| / old <= step, compared without dividing.
    if any(abs(new - old) * PPM_SCALE > step * old for old, new in edges):
        return Revert.STEP_TOO_LARGE
    return None


def write_status(market: Market | None, status: int, guard: WriteGuard) -> Market | Revert:
    """Set the status; a stricter one never waits for the cool-down."""
    refusal = entry_revert(market, guard)
    if refusal is not None or market is None:
        return refusal or Revert.UNKNOWN_MARKET
    if not has_limits(guard.limits):
        return Revert.NO_LIMITS
    if status > MarketStatus.HALTED:
        return Revert.OUTSIDE_LIMITS
    refusal = range_revert(status, guard)
    if refusal is None and status <= market.status:
        refusal = cooling_revert(guard)
    return refusal or replace(market, status=MarketStatus(status))


def restrict_status(market: Market | None, status: int) -> Market | Revert:
    """Make a market stricter in the guardian's name: no epoch, no limits, at most halted."""
    if market is None:
        return Revert.UNKNOWN_MARKET
    if not market.status < status <= MarketStatus.HALTED:
        return Revert.NOT_STRICTER
    return replace(market, status=MarketStatus(status))
