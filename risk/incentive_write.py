"""Which parameter to write next, so that the exchange takes it: from wanted levers to lawful writes.

The exchange knows no multiplier and no skew slope, only a funding rate, in ppb per hour:

    funding rate = trunc(base · multiplier / 10^6) + trunc(slope · skew / 10^6)

with the skew in ppm, positive when traders are net long; no skew is added when it is unknown.

One write per market at a time, since the tuner's parameters share one epoch. Each moves its
parameter toward what is wanted by at most the owner's largest step, inside the owner's limits and
the exchange's own, after the cool-down (docs/exchange.md section 7). What is stricter goes first,
and a fee never moves past the point where taker + maker would fall below 0: so the taker fee rises
before the maker fee falls, and falls after the maker fee has risen. All this is read off the chain's
values alone, so the same function takes every lever home after a weekend without a keeper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from risk.guard_rails import Limits, Parameter
from risk.incentive_terms import ScheduledLevers
from risk.market import Market
from risk.units import PPM_SCALE, PpbPerHour, Ppm, Seconds, div_trunc

LARGEST_FUNDING_RATE: Final = 10**9
"""The exchange's own bound, in ppb per hour."""
LARGEST_CAP: Final = 2**255 - 1

_EXACT: Final[Mapping[Parameter, int]] = MappingProxyType({})
_ORDER: Final = (
    (Parameter.MAKER_FEE, 1),
    (Parameter.OPEN_INTEREST_CAP, -1),
    (Parameter.INITIAL_MARGIN, 1),
    (Parameter.TAKER_FEE, 1),
    (Parameter.FUNDING_RATE, -1),
    (Parameter.FUNDING_RATE, 1),
    (Parameter.TAKER_FEE, -1),
    (Parameter.MAKER_FEE, -1),
    (Parameter.INITIAL_MARGIN, -1),
    (Parameter.OPEN_INTEREST_CAP, 1),
)
"""Parameter and direction, the most urgent first: a smaller rebate, less risk, then what is looser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChange:
    """One write that the exchange would take now; values in the parameter's own unit."""

    parameter: Parameter
    before: int
    """On chain: writing this again is the inverse of the change."""
    value: int
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveWrite:
    """A write to send, or None with the reason."""

    change: ParameterChange | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerState:
    """What the exchange holds a market's tuner to."""

    limits: Mapping[Parameter, Limits]
    last_written: Mapping[Parameter, Seconds]
    """Of each parameter, as its event told; one that was never seen written may be written."""
    is_in_flight: bool
    """Whether a write of this market has yet to land or to fail."""


def funding_rate(
    base: PpbPerHour, *, multiplier: Ppm, slope: PpbPerHour, skew: Ppm | None
) -> PpbPerHour:
    """Give the rate to write, each part rounded toward 0: no traders pay for a rounding."""
    scaled = div_trunc(base * multiplier, PPM_SCALE)
    added = 0 if skew is None else div_trunc(slope * skew, PPM_SCALE)
    rate = scaled + added
    return PpbPerHour(min(LARGEST_FUNDING_RATE, max(-LARGEST_FUNDING_RATE, rate)))


def wanted_parameters(
    levers: ScheduledLevers, *, base_rate: PpbPerHour, skew: Ppm | None
) -> dict[Parameter, int]:
    """Turn levers into the parameters that the exchange has."""
    return {
        Parameter.INITIAL_MARGIN: levers.initial_margin,
        Parameter.FUNDING_RATE: funding_rate(
            base_rate, multiplier=levers.funding_multiplier, slope=levers.skew_slope, skew=skew
        ),
        Parameter.TAKER_FEE: levers.taker_fee,
        Parameter.MAKER_FEE: levers.maker_fee,
        Parameter.OPEN_INTEREST_CAP: levers.open_interest_cap,
    }


def value_on_chain(market: Market, parameter: Parameter) -> int:
    """Give a tuner's parameter as the exchange has it; ValueError for another duty's."""
    match parameter:
        case Parameter.INITIAL_MARGIN:
            return market.initial_margin
        case Parameter.FUNDING_RATE:
            return market.funding_rate
        case Parameter.TAKER_FEE:
            return market.taker_fee
        case Parameter.MAKER_FEE:
            return market.maker_fee
        case Parameter.OPEN_INTEREST_CAP:
            return market.open_interest_cap
        case _:
            raise ValueError(f"expected a parameter of the tuner, found {parameter.name}")


def plan_write(
    market: Market,
    wanted: Mapping[Parameter, int],
    tuner: TunerState,
    *,
    now: Seconds,
    tolerances: Mapping[Parameter, int] = _EXACT,
) -> IncentiveWrite:
    """Choose the write to send at `now`; see `lawful_changes`, of which it takes the first."""
    changes, why = lawful_changes(market, wanted, tuner, now=now, tolerances=tolerances)
    if not changes:
        return IncentiveWrite(change=None, why=why)
    return IncentiveWrite(change=changes[0], why=change_words(changes[0]))


def change_words(change: ParameterChange) -> str:
    """Say what a write changes, and whether more is to follow."""
    name = change.parameter.name.lower().replace("_", " ")
    reach = "as wanted" if change.value == change.wanted else f"on the way to {change.wanted}"
    return f"{name} from {change.before} to {change.value}, {reach}"


def lawful_changes(
    market: Market,
    wanted: Mapping[Parameter, int],
    tuner: TunerState,
    *,
    now: Seconds,
    tolerances: Mapping[Parameter, int] = _EXACT,
) -> tuple[tuple[ParameterChange, ...], str]:
    """Give every write that the exchange would take now, the most urgent first, or why there is none.

    `tolerances`, in the parameter's unit, is how far each may be off before a write is worth it.
    """
    if market.is_settled or market.is_splitting:
        return (), "the market is settled or is being split"
    if tuner.is_in_flight:
        return (), "a write of this market has yet to land"
    changes: list[ParameterChange] = []
    reasons: list[str] = []
    for parameter, direction in _ORDER:
        if parameter not in wanted:
            continue
        before = value_on_chain(market, parameter)
        if (wanted[parameter] - before) * direction <= 0:
            continue
        if abs(wanted[parameter] - before) < tolerances.get(parameter, 1):
            continue
        value, reason = _next_value(market, parameter, wanted[parameter], tuner, now)
        if reason:
            reasons.append(f"{parameter.name.lower().replace('_', ' ')} {reason}")
            continue
        changes.append(
            ParameterChange(
                parameter=parameter, before=before, value=value, wanted=wanted[parameter]
            )
        )
    return tuple(changes), "; ".join(reasons) or "every parameter is as wanted"


def _next_value(
    market: Market, parameter: Parameter, wanted: int, tuner: TunerState, now: Seconds
) -> tuple[int, str]:
    """Give the value next on the way, and why there is none ("": there is one)."""
    before = value_on_chain(market, parameter)
    limits = tuner.limits.get(parameter)
    if limits is None or limits.maximum < limits.minimum or not any(_numbers(limits)):
        return before, "may not be written: the owner set no limits"
    written = tuner.last_written.get(parameter)
    if written is not None and now < written + limits.cool_down:
        return before, f"may be written again in {written + limits.cool_down - now} s"
    lowest, highest = _own_bounds(market, parameter)
    lowest, highest = max(lowest, limits.minimum), min(highest, limits.maximum)
    if lowest > highest:
        return before, "has no value that both the owner and the exchange allow"
    aim = min(max(wanted, lowest), highest)
    value = min(max(aim, before - limits.largest_step), before + limits.largest_step)
    if not lowest <= value <= highest:
        return before, "is so far outside the limits that one step does not bring it in"
    if value == before:
        return before, "is as near as the limits let it"
    if abs(wanted - value) >= abs(wanted - before):
        return before, "can come no nearer to what is wanted within the limits"
    return value, ""


def _own_bounds(market: Market, parameter: Parameter) -> tuple[int, int]:
    """Give what the exchange itself allows, the owner's limits aside."""
    match parameter:
        case Parameter.INITIAL_MARGIN:
            return market.tiers[0].rate, PPM_SCALE
        case Parameter.FUNDING_RATE:
            return -LARGEST_FUNDING_RATE, LARGEST_FUNDING_RATE
        case Parameter.TAKER_FEE:
            return max(-PPM_SCALE, -market.maker_fee), PPM_SCALE
        case Parameter.MAKER_FEE:
            return max(-PPM_SCALE, -market.taker_fee), PPM_SCALE
        case _:
            return 0, LARGEST_CAP


def _numbers(limits: Limits) -> tuple[int, ...]:
    return (limits.minimum, limits.maximum, limits.largest_step, limits.cool_down)
