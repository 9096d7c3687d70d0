"""The market-wide breaker: when the whole market falls, the markets that follow it pause too.

After the US rule (NYSE rule 7.12): 7 % and 13 % below the previous close of the index market halt for
15 minutes, unless the close is less than 35 minutes away; 20 % halts to the end of the trading day, at any
time. Once a level has halted, only a higher one halts again on that day. Falls only, and only in the
regular session. Coming back takes fresh prices: halted → reduce-only → open, one step at a time.
Pure: (state, facts, now) → (state, decision). A price that is unknown halts nothing and reopens nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from risk.amounts import percent_text
from risk.market_wide_rules import MarketWideFacts, MarketWideRules, TradingDay
from risk.units import MarketStatus, Ppm, Seconds


class Phase(StrEnum):
    """Where a group stands."""

    WATCHING = "watching"
    HALTED = "halted"
    """Until its time is over and fresh prices have come."""
    REOPENING = "reopening"
    """Reduce-only until more fresh prices have come."""

    @property
    def status(self) -> MarketStatus:
        """What the markets that follow may do."""
        return _PHASE_TO_STATUS[self]


_PHASE_TO_STATUS: Final = {
    Phase.WATCHING: MarketStatus.OPEN,
    Phase.HALTED: MarketStatus.HALTED,
    Phase.REOPENING: MarketStatus.REDUCE_ONLY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWideState:
    """What a group remembers."""

    day: Seconds | None = None
    """Opening of the trading day that `used` belongs to."""
    used: int = 0
    """Highest level that has halted on that day."""
    phase: Phase = Phase.WATCHING
    level: int = 0
    """The level that halted; it stays until the next."""
    fall: Ppm = Ppm(0)
    """How far the index had fallen then."""
    halt: Seconds | None = None
    """How long that level halts; None: to the end of the trading day."""
    until: Seconds = Seconds(0)
    """Before this time the halt does not end."""
    fresh: int = 0
    """Fresh prices since the halt's time was over, or since the last step back."""
    counted: Seconds = Seconds(0)
    """Time of the last price that counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWideDecision:
    """What the markets that follow a group ought to allow, and why."""

    status: MarketStatus
    level: int
    """The level that restricts; 0 while none does."""
    until: Seconds | None
    """Earliest end of the halt; None while nothing is halted."""
    why: str


FOLLOWS_NOTHING: Final = MarketWideDecision(
    status=MarketStatus.OPEN, level=0, until=None, why="the market follows no index"
)


def step(
    state: MarketWideState, facts: MarketWideFacts, *, now: Seconds, rules: MarketWideRules
) -> tuple[MarketWideState, MarketWideDecision]:
    """Give where a group stands at `now` (the venue's clock), and what follows for its markets."""
    day = facts.regular_day
    if day is not None and day.opens != state.day:
        state = replace(state, day=day.opens, used=0)
    level = None if day is None else _reached(state, facts, day, now, rules)
    if day is not None and level is not None:
        state = _halted(state, level, facts, day, now, rules)
    elif state.phase is not Phase.WATCHING:
        state = _after_price(state, facts, now, rules)
    return state, _decision(state, facts, now, rules)


def strictest_followed(
    groups: Iterable[str], decisions: Mapping[str, MarketWideDecision]
) -> MarketWideDecision:
    """Give the strictest decision of the groups that a market follows; the first of equals.

    Raises KeyError for a group that nobody judged.
    """
    followed = [decisions[group] for group in groups]
    return max(followed, key=lambda each: (each.status, each.level), default=FOLLOWS_NOTHING)


def _reached(
    state: MarketWideState,
    facts: MarketWideFacts,
    day: TradingDay,
    now: Seconds,
    rules: MarketWideRules,
) -> int | None:
    """Give the highest level that halts now, if it is higher than what has halted today.

    A price made before the session opened, or dated ahead, halts nothing.
    """
    fall, told = facts.fall, facts.index_time
    if fall is None or told is None or not day.opens <= told <= now:
        return None
    is_cut_off = now >= day.closes - rules.cut_off
    reached = [
        number
        for number, level in enumerate(rules.levels, start=1)
        if fall >= level.fall and number > state.used and not (is_cut_off and level.halt)
    ]
    return max(reached, default=None)


def _halted(
    state: MarketWideState,
    level: int,
    facts: MarketWideFacts,
    day: TradingDay,
    now: Seconds,
    rules: MarketWideRules,
) -> MarketWideState:
    length = rules.levels[level - 1].halt
    ends = day.ends if length is None else now + length
    return replace(
        state,
        used=level,
        phase=Phase.HALTED,
        level=level,
        fall=facts.fall or Ppm(0),
        halt=length,
        # A higher level must not shorten the halt of a lower one.
        until=Seconds(max(ends, state.until)),
        fresh=0,
    )


def _after_price(
    state: MarketWideState, facts: MarketWideFacts, now: Seconds, rules: MarketWideRules
) -> MarketWideState:
    """Count a price that is new and was made after the halt; enough of them lead one step back."""
    told = facts.index_time
    if facts.index is None or facts.index <= 0 or told is None:
        return state
    if not max(state.until, state.counted + 1) <= told <= now:
        return state
    fresh = state.fresh + 1
    if fresh < rules.warm_up:
        return replace(state, fresh=fresh, counted=told)
    back = Phase.REOPENING if state.phase is Phase.HALTED else Phase.WATCHING
    return replace(state, phase=back, fresh=0, counted=told)


def _decision(
    state: MarketWideState, facts: MarketWideFacts, now: Seconds, rules: MarketWideRules
) -> MarketWideDecision:
    is_watching = state.phase is Phase.WATCHING
    return MarketWideDecision(
        status=state.phase.status,
        level=0 if is_watching else state.level,
        until=state.until if state.phase is Phase.HALTED else None,
        why=_why(state, facts, now, rules),
    )


def _why(
    state: MarketWideState, facts: MarketWideFacts, now: Seconds, rules: MarketWideRules
) -> str:
    if state.phase is Phase.WATCHING:
        if facts.regular_day is None:
            return f"{rules.index} halts no market outside its regular session"
        known = "" if facts.fall is not None else ", as far as is known"
        return f"{rules.index} has reached no further level that halts{known}"
    fell = (
        f"level {state.level}: {rules.index} fell {percent_text(state.fall)} % below its previous"
        " close"
    )
    if state.phase is Phase.REOPENING:
        return f"{fell}; reduce-only until {rules.warm_up} more fresh prices have come"
    if now >= state.until:
        return f"{fell}; the halt's time is over, waiting for {rules.warm_up} fresh prices"
    how_long = "to the end of the trading day" if state.halt is None else f"for {state.halt} s"
    return f"{fell}; halted {how_long}"
