"""Weekend incentives of one market as a state machine: (state, facts, now, rules) → (state, decision).

The schedule says where every lever stands; on top of it a measured shortage of liquidity buys
makers: first with rebate, then with the funding multiplier. With e the shortage beyond the dead band
(ppm of the target, negative when there is plenty) and t the seconds since the last step,

    integral ← integral + integral_gain · e · t      (not upward while a limit or the budget binds)
    effort   =  proportional_gain · e + integral      kept between 0 and both levers full

and each lever follows the effort by at most its largest step, at most once in a cool-down, and not
for less than its hysteresis. An unknown measurement never adds: what is held decays toward the
schedule. The controller never touches a maintenance margin, and no other lever than these two.
"""

from dataclasses import dataclass
from typing import Final

from risk.amounts import percent_text
from risk.incentive_reserve import Allotment
from risk.incentive_rules import (
    FULL_EFFORT,
    ControllerRules,
    MeasuredLiquidity,
    UnknownLiquidity,
    shortage,
    shortage_words,
)
from risk.incentive_terms import ControllerBounds, Lever, LiquidityTarget, ScheduledLevers
from risk.units import PPM_SCALE, Ppm, Seconds, div_floor

_FINE: Final = PPM_SCALE
"""Integral and effort are remembered in millionths of a ppm, so that a second of a small shortage counts."""
_NEVER: Final = Seconds(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveFacts:
    """What is true of a market now."""

    scheduled: ScheduledLevers
    weekday: ScheduledLevers
    """Where each lever goes home to."""
    liquidity: MeasuredLiquidity | UnknownLiquidity
    target: LiquidityTarget
    allotment: Allotment
    """The rebates that the budget carries."""
    lowest_maker_fee: Ppm
    """The owner's minimum."""
    maker_fee: Ppm
    """As the venue has it now."""
    may_boost: bool
    """Whether the schedule leaves room for the controller: off hours, and nowhere in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveState:
    """All that the machine remembers of a market between two steps."""

    seen_at: Seconds
    """The latest time ever seen: the machine's time never goes back."""
    integral: int = 0
    """In millionths of a ppm of effort."""
    effort: int = 0
    """In millionths of a ppm."""
    rebate_boost: int = 0
    """In ppm beyond the schedule's rebate; negative when the budget's pace takes some back."""
    multiplier_boost: int = 0
    """In ppm beyond the schedule's multiplier."""
    rebate_changed_at: Seconds = _NEVER
    multiplier_changed_at: Seconds = _NEVER
    is_bound: bool = False
    """Whether a limit, a step or the budget kept a lever below what the effort asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverDecision:
    """Where a lever should stand, why, and where it goes home to."""

    lever: Lever
    wanted: int
    home: int
    """The inverse of the decision: the weekday's value."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveDecision:
    """What the levers of a market should be now, one decision for each."""

    levers: tuple[LeverDecision, ...]
    shortage: Ppm | None
    """What lacked, in ppm of its target; None when nobody could measure."""

    def wanted(self, lever: Lever) -> int:
        """Give where a lever should stand, in its own unit."""
        return next(each.wanted for each in self.levers if each.lever is lever)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pull:
    """What the measurement asks for, before any bound."""

    integral: int
    effort: int
    rebate: int
    multiplier: int
    shortage: Ppm | None
    why: str


def begin(now: Seconds) -> IncentiveState:
    """Give the state to start from when none is remembered: no boost, earned anew from here.

    What an earlier keeper added stays on chain until its largest step at a time takes it home.
    """
    return IncentiveState(seen_at=now)


def step(
    state: IncentiveState, facts: IncentiveFacts, *, now: Seconds, rules: ControllerRules
) -> tuple[IncentiveState, IncentiveDecision]:
    """Advance a market to `now` and say where each lever should stand, and why.

    A `now` before the last one (a reorganised chain) counts as no time at all.
    """
    now = max(now, state.seen_at)
    pull = _pull(state, facts, Seconds(now - state.seen_at), rules)
    room = facts.scheduled.maker_fee + facts.allotment.paced_rebate
    limit = facts.scheduled.maker_fee - max(facts.lowest_maker_fee, -facts.scheduled.taker_fee)
    ideal = min(pull.rebate, max(0, limit), room)
    rebate, multiplier = state.rebate_boost, state.multiplier_boost
    if _is_cool(state.rebate_changed_at, now, rules.maker_fee):
        rebate = _moved(rebate, ideal, rules.maker_fee, rules.largest_rebate_boost)
    if _is_cool(state.multiplier_changed_at, now, rules.funding_multiplier):
        multiplier = _moved(
            multiplier, pull.multiplier, rules.funding_multiplier, rules.largest_multiplier_boost
        )
    # What the reserve does not carry is dropped at once: no hysteresis, no cool-down.
    rebate = min(rebate, facts.scheduled.maker_fee + facts.allotment.largest_rebate)
    fee = Ppm(facts.scheduled.maker_fee - rebate)
    after = IncentiveState(
        seen_at=now,
        integral=pull.integral,
        effort=pull.effort,
        rebate_boost=rebate,
        multiplier_boost=multiplier,
        rebate_changed_at=_changed_at(state.rebate_changed_at, now, state.rebate_boost, rebate),
        multiplier_changed_at=_changed_at(
            state.multiplier_changed_at, now, state.multiplier_boost, multiplier
        ),
        is_bound=pull.effort >= FULL_EFFORT * _FINE
        or ideal < pull.rebate
        or rebate < ideal - rules.maker_fee.largest_step
        or multiplier < pull.multiplier - rules.funding_multiplier.largest_step
        or fee < facts.maker_fee - rules.maker_fee.largest_step,
    )
    return after, IncentiveDecision(
        levers=_decisions(after, facts, pull, fee), shortage=pull.shortage
    )


def _pull(
    state: IncentiveState, facts: IncentiveFacts, elapsed: Seconds, rules: ControllerRules
) -> _Pull:
    """Turn the measurement into effort, and effort into what it asks of the two levers."""
    if not facts.may_boost:
        why = "the schedule leaves nothing to add now"
        return _Pull(integral=0, effort=0, rebate=0, multiplier=0, shortage=None, why=why)
    if isinstance(facts.liquidity, UnknownLiquidity):
        lost = rules.decay_ppm_per_second * elapsed * _FINE
        effort = max(0, state.effort - lost)
        asked = div_floor(effort, _FINE)
        return _Pull(
            integral=effort,
            effort=effort,
            rebate=min(rules.rebate_boost(asked), max(0, state.rebate_boost)),
            multiplier=min(rules.multiplier_boost(asked), state.multiplier_boost),
            shortage=None,
            why=f"liquidity is unknown ({facts.liquidity.reason}): what was added decays",
        )
    lacking = shortage(facts.liquidity, facts.target)
    beyond = rules.beyond_band(lacking)
    gained = rules.integral_gain_ppm_per_second * beyond * min(elapsed, rules.longest_gap)
    if state.is_bound:
        gained = min(0, gained)
    integral = _kept(state.integral + gained)
    effort = _kept(integral + rules.proportional_gain_ppm * beyond)
    asked = div_floor(effort, _FINE)
    return _Pull(
        integral=integral,
        effort=effort,
        rebate=rules.rebate_boost(asked),
        multiplier=rules.multiplier_boost(asked),
        shortage=lacking,
        why=shortage_words(facts.liquidity, facts.target),
    )


def _kept(effort: int) -> int:
    return min(max(0, effort), FULL_EFFORT * _FINE)


def _is_cool(changed_at: Seconds, now: Seconds, bounds: ControllerBounds) -> bool:
    return changed_at == _NEVER or now >= changed_at + bounds.cool_down


def _moved(held: int, ideal: int, bounds: ControllerBounds, largest: int) -> int:
    """Follow a wish as step and hysteresis allow; never less for a larger wish.

    The schedule itself (0) and the largest boost are reached exactly, however near they are.
    """
    is_exact = ideal <= 0 < held or held < 0 <= ideal or ideal == largest
    if abs(ideal - held) < bounds.hysteresis and not is_exact:
        return held
    return min(max(ideal, held - bounds.largest_step), held + bounds.largest_step)


def _changed_at(before: Seconds, now: Seconds, held: int, boost: int) -> Seconds:
    return now if boost != held else before


def _decisions(
    after: IncentiveState, facts: IncentiveFacts, pull: _Pull, fee: Ppm
) -> tuple[LeverDecision, ...]:
    wanted: dict[Lever, tuple[int, str]] = {
        Lever.MAKER_FEE: (fee, _fee_words(after, facts, pull)),
        Lever.FUNDING_MULTIPLIER: (
            facts.scheduled.funding_multiplier + after.multiplier_boost,
            f"{pull.why}: {percent_text(after.multiplier_boost)} % on top of the schedule",
        ),
    }
    decisions = []
    for lever in Lever:
        value, why = wanted.get(lever, (_value(facts.scheduled, lever), "as scheduled"))
        home = _value(facts.weekday, lever)
        decisions.append(LeverDecision(lever=lever, wanted=value, home=home, why=why))
    return tuple(decisions)


def _fee_words(after: IncentiveState, facts: IncentiveFacts, pull: _Pull) -> str:
    boost = percent_text(after.rebate_boost)
    if after.rebate_boost < pull.rebate and facts.allotment.binds_at(
        Ppm(after.rebate_boost - facts.scheduled.maker_fee)
    ):
        return f"{pull.why}, but {facts.allotment.why}: {boost} % of rebate on top of the schedule"
    return f"{pull.why}: {boost} % of rebate on top of the schedule"


def _value(levers: ScheduledLevers, lever: Lever) -> int:
    return int(getattr(levers, lever.value))
