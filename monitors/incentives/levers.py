"""What the calendar asks of a market's levers: the schedule, tightened by events, a little ahead.

A parameter can be written once in a cool-down, so at any moment it stands where it was set up to a
cool-down ago. So that no level is late, the levers are the strictest of what is asked now and of what will
be asked when the next write could have landed: a ramp that tightens has arrived when its session
begins, and one that loosens never runs ahead.
"""

from collections.abc import Mapping

from monitors.incentives.terms import TUNED, DeskRules, MarketTerms
from risk.guard_rails import Limits, Parameter
from risk.incentive_events import Event, EventFactors, event_factors, next_event, tightened
from risk.incentive_schedule import scheduled
from risk.incentive_terms import LiquidityTarget, ScheduledLevers, strictest
from risk.sessions import Session
from risk.units import Seconds


def session_at(terms: MarketTerms, now: Seconds) -> Session:
    """Give a market's session; UNKNOWN without a calendar."""
    return Session.UNKNOWN if terms.timeline is None else terms.timeline.session_at(now)


def target_of(terms: MarketTerms, session: Session) -> LiquidityTarget:
    """Give the order book that is wanted in a session."""
    return terms.incentives.terms.targets[session]


def asked(
    terms: MarketTerms, rules: DeskRules, limits: Mapping[Parameter, Limits], now: Seconds
) -> ScheduledLevers:
    """Give the levers that schedule and events ask for at one moment."""
    if terms.timeline is None:
        levers = terms.incentives.terms.levels[Session.UNKNOWN]
    else:
        levers = scheduled(terms.timeline, terms.incentives.terms, now)
    return tightened(levers, factors_at(terms, rules, now), limits)


def asked_ahead(
    terms: MarketTerms, rules: DeskRules, limits: Mapping[Parameter, Limits], now: Seconds
) -> ScheduledLevers:
    """Give the strictest of now and of when the write after the next one could have landed."""
    later = Seconds(now + lead(rules, limits))
    return strictest((asked(terms, rules, limits, now), asked(terms, rules, limits, later)))


def lead(rules: DeskRules, limits: Mapping[Parameter, Limits]) -> Seconds:
    """Give how far ahead to look: the longest cool-down, and a landing."""
    cool_downs = [limits[each].cool_down for each in TUNED if each in limits]
    return Seconds(max(cool_downs, default=0) + rules.reaction)


def factors_at(terms: MarketTerms, rules: DeskRules, now: Seconds) -> EventFactors:
    """Give what events do to a market now."""
    incentives = terms.incentives
    return event_factors(
        rules.events,
        rules.event_terms,
        symbol=incentives.symbol,
        asset_class=incentives.asset_class,
        now=now,
    )


def event_ahead(terms: MarketTerms, rules: DeskRules, now: Seconds) -> Event | None:
    """Give the event that a market feels now or feels next."""
    incentives = terms.incentives
    return next_event(
        rules.events,
        rules.event_terms,
        symbol=incentives.symbol,
        asset_class=incentives.asset_class,
        now=now,
    )
