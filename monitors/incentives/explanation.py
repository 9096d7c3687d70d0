"""A market's levers told to people: on chain, scheduled, wanted and why, and the money behind them.

Keys carry their units: `_ppm`, `_ppb_per_hour`, `_atoms`, `_seconds`.
"""

from collections.abc import Mapping
from typing import Final

from monitors.incentives.levers import event_ahead, factors_at
from monitors.incentives.market_state import Judgement, MarketState
from monitors.incentives.terms import TUNED, DeskRules, SpendingSense
from risk.guard_rails import Parameter
from risk.incentive_budget import allowance
from risk.incentive_rules import UnknownLiquidity
from risk.incentive_schedule import next_ramp
from risk.incentive_terms import ScheduledLevers
from risk.incentive_write import funding_rate, value_on_chain
from risk.units import PPM_SCALE, MarketId, Seconds, div_floor

UNITS: Final = {
    Parameter.INITIAL_MARGIN: "ppm",
    Parameter.FUNDING_RATE: "ppb_per_hour",
    Parameter.TAKER_FEE: "ppm",
    Parameter.MAKER_FEE: "ppm",
    Parameter.OPEN_INTEREST_CAP: "atoms",
}


def of_market(
    state: MarketState, rules: DeskRules, spending: SpendingSense, now: Seconds
) -> Mapping[str, object]:
    """Tell a market."""
    judged = state.judged
    if judged is None:
        return {"why": state.why_not}
    return {
        "session": judged.session.value,
        "levers": {name_of(each): _lever(judged, each) for each in TUNED},
        "next_write": judged.write.why,
        "simulated": _simulated(judged),
        "measured": _measured(judged),
        "shortage_ppm": judged.decision.shortage,
        "effort_ppm": 0
        if state.controller is None
        else div_floor(state.controller.effort, PPM_SCALE),
        "budget": _budget(state, judged, spending, now),
        "next_ramp": _ramp(state, now),
        "next_event": _event(state, rules, now),
    }


def of_budget(rules: DeskRules, spending: SpendingSense, now: Seconds) -> Mapping[str, object]:
    """Tell the budget of all markets together."""
    counted = spending.spending
    told: dict[str, object] = {"weekly_atoms": rules.total_budget}
    if counted is None:
        return told | {"why_unknown": spending.why_unknown}
    pace = allowance(rules.total_budget, counted.week, now, tolerance=rules.pace_tolerance)
    return told | {
        "spent_atoms": counted.total,
        "left_atoms": rules.total_budget - counted.total,
        "may_be_spent_by_now_atoms": pace,
        "week_begins_seconds": counted.week.start,
        "week_ends_seconds": counted.week.end,
        "counted_to_block": counted.block,
        "mismatch": None if spending.mismatch is None else spending.mismatch.why,
    }


def name_of(parameter: Parameter) -> str:
    """Name a parameter as reports do."""
    return parameter.name.lower()


def _lever(judged: Judgement, parameter: Parameter) -> Mapping[str, object]:
    unit = UNITS[parameter]
    rail = judged.limits.get(parameter)
    return {
        f"on_chain_{unit}": value_on_chain(judged.market, parameter),
        f"scheduled_{unit}": _scheduled(judged, parameter, judged.scheduled),
        f"wanted_{unit}": judged.wanted.get(parameter),
        f"minimum_{unit}": None if rail is None else rail.minimum,
        f"maximum_{unit}": None if rail is None else rail.maximum,
        "why": judged.why(parameter),
    }


def _scheduled(judged: Judgement, parameter: Parameter, levers: ScheduledLevers) -> int | None:
    if parameter is not Parameter.FUNDING_RATE:
        return int(getattr(levers, name_of(parameter)))
    if judged.base_rate is None:
        return None
    return funding_rate(
        judged.base_rate,
        multiplier=levers.funding_multiplier,
        slope=levers.skew_slope,
        skew=judged.skew,
    )


def _simulated(judged: Judgement) -> Mapping[str, object] | None:
    found = judged.simulated
    if found is None:
        return None
    return {
        "holders": found.holders,
        "cannot_open": found.cannot_open,
        "liquidatable": found.liquidatable,
        "liquidatable_anyway": found.liquidatable_anyway,
    }


def _measured(judged: Judgement) -> Mapping[str, object]:
    target = {
        "target_depth_atoms": judged.target.depth,
        "target_spread_ppm": judged.target.spread,
    }
    liquidity = judged.liquidity
    if isinstance(liquidity, UnknownLiquidity):
        return target | {"why_unknown": liquidity.reason}
    return target | {
        "bid_depth_atoms": liquidity.bid_depth,
        "ask_depth_atoms": liquidity.ask_depth,
        "spread_ppm": liquidity.spread,
        "skew_ppm": judged.skew,
    }


def _budget(
    state: MarketState, judged: Judgement, spending: SpendingSense, now: Seconds
) -> Mapping[str, object]:
    weekly, counted = state.terms.budget.weekly, spending.spending
    market = MarketId(judged.market.id)
    told: dict[str, object] = {
        "weekly_atoms": weekly,
        "largest_rebate_ppm": judged.allotment.largest_rebate,
        "paced_rebate_ppm": judged.allotment.paced_rebate,
        "why": judged.allotment.why,
    }
    if counted is None:
        return told
    return told | {
        "spent_atoms": counted.of(market),
        "left_atoms": weekly - counted.of(market),
        "off_hours_passed_seconds": counted.week.elapsed(now),
        "off_hours_seconds": counted.week.length,
    }


def _ramp(state: MarketState, now: Seconds) -> Mapping[str, object] | None:
    timeline = state.terms.timeline
    ramp = None if timeline is None else next_ramp(timeline, state.terms.incentives.terms, now)
    if ramp is None:
        return None
    return {
        "starts_seconds": ramp.start,
        "stops_seconds": ramp.stop,
        "from": ramp.from_session.value,
        "to": ramp.to_session.value,
    }


def _event(state: MarketState, rules: DeskRules, now: Seconds) -> Mapping[str, object] | None:
    event = event_ahead(state.terms, rules, now)
    if event is None:
        return None
    return {
        "kind": event.kind.value,
        "name": event.name,
        "symbol": event.symbol,
        "starts_seconds": event.start,
        "stops_seconds": event.stop,
        "is_felt": event in factors_at(state.terms, rules, now).causes,
    }
