"""Take over what another keeper wrote, so that two that measure for themselves never fight.

Each keeper's controller remembers its own effort. When a value on chain moves that we did not write,
our effort becomes the one that would have written it, and the controller goes on from there: like a
bumpless transfer. What lies outside the controller's own range is not explained by any effort, and
goes home by the schedule.
"""

from dataclasses import replace

from risk.guard_rails import Parameter
from risk.incentive_rules import ControllerRules
from risk.incentive_terms import ScheduledLevers
from risk.incentives import IncentiveState
from risk.units import PPM_SCALE, PpbPerHour, Ppm, Seconds, div_ceil, div_trunc


def adopted(
    state: IncentiveState,
    parameter: Parameter,
    value: int,
    *,
    levers: ScheduledLevers,
    rate: tuple[PpbPerHour, Ppm | None] | None,
    now: Seconds,
    rules: ControllerRules,
) -> IncentiveState:
    """Give the state after another keeper wrote a value; `rate` is (base rate, skew) if known."""
    if parameter is Parameter.MAKER_FEE:
        boost = _within(levers.maker_fee - value, rules.largest_rebate_boost)
        changed = replace(state, rebate_boost=boost, rebate_changed_at=now)
    elif parameter is Parameter.FUNDING_RATE and rate is not None and rate[0] != 0:
        base, skew = rate
        added = 0 if skew is None else div_trunc(levers.skew_slope * skew, PPM_SCALE)
        multiplier = div_trunc((value - added) * PPM_SCALE, base)
        boost = _within(multiplier - levers.funding_multiplier, rules.largest_multiplier_boost)
        changed = replace(state, multiplier_boost=boost, multiplier_changed_at=now)
    else:
        return state
    effort = _effort(changed, rules) * PPM_SCALE
    return replace(changed, integral=effort, effort=effort)


def _within(boost: int, largest: int) -> int:
    return min(max(0, boost), largest)


def _effort(state: IncentiveState, rules: ControllerRules) -> int:
    """Give the effort, in ppm, that asks for both boosts."""
    multiplier = _part(state.multiplier_boost, rules.largest_multiplier_boost)
    if multiplier > 0:
        return PPM_SCALE + multiplier
    return _part(max(0, state.rebate_boost), rules.largest_rebate_boost)


def _part(boost: int, largest: int) -> int:
    return 0 if largest <= 0 else div_ceil(boost * PPM_SCALE, largest)
