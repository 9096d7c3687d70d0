"""What a schedule of incentives must respect before anything acts on it.

The exchange refuses a write outside the owner's limits, under the maintenance margin or with fees
that sum to less than nothing. A schedule that the exchange would refuse half-way through a Friday
evening is refused here, with one sentence, when it is loaded.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from config.calendars import Calendar
from config.schema.markets import MarketFile
from risk.guard_rails import Limits, Parameter
from risk.incentive_events import EventFactors, EventTerms, tightened
from risk.incentive_terms import Lever, MarketIncentives, ScheduledLevers, part_of_cap
from risk.sessions import Session
from risk.units import Ppm, div_ceil, div_trunc
from runtime.errors import OperatorError

PARAMETERS = {
    Lever.INITIAL_MARGIN: Parameter.INITIAL_MARGIN,
    Lever.MAKER_FEE: Parameter.MAKER_FEE,
    Lever.TAKER_FEE: Parameter.TAKER_FEE,
    Lever.OPEN_INTEREST_CAP: Parameter.OPEN_INTEREST_CAP,
}
"""The levers that are parameters of the exchange; the two of funding meet in FUNDING_RATE."""


def check_market(
    path: Path, incentives: MarketIncentives, market: MarketFile, calendar: Calendar | None
) -> None:
    """Refuse what this market's exchange or calendar would not carry; raises OperatorError."""
    for problem in itertools.chain(
        _margins(incentives, market),
        _levels(incentives, market),
        _fees(incentives),
        _funding(incentives, market),
        _controller(incentives, market),
        _ramps(incentives, market),
        () if calendar is None else _sessions(incentives, calendar),
    ):
        raise OperatorError(f"{path}: {problem}")


def check_events(
    path: Path,
    kinds: Iterable[tuple[str, EventTerms]],
    incentives: MarketIncentives,
    market: MarketFile,
) -> None:
    """Refuse an event whose ramps the owner's steps cannot climb in any session."""
    for name, terms in kinds:
        factors = EventFactors(margin=terms.margin, cap=terms.cap, causes=())
        shortest = min(terms.ramp_in, terms.ramp_back)
        for levels in incentives.terms.levels.values():
            full = tightened(levels, factors, market.limits.rails)
            for lever in (Lever.INITIAL_MARGIN, Lever.OPEN_INTEREST_CAP):
                rail = market.limits.rails[PARAMETERS[lever]]
                needed = _climb(_distance(levels, full, lever), rail)
                if needed is None or needed > shortest:
                    raise OperatorError(
                        f"{path}: [events.{name}] must have ramps in which the owner's steps of {lever}"
                        f" of {market.symbol} ({rail.largest_step} every {rail.cool_down} s) get there,"
                        f" found {div_trunc(shortest, 60)} minutes where {_minutes(needed)} are"
                        " needed: lengthen them or let it change less"
                    )


def _minutes(needed: int | None) -> str:
    return "more than any" if needed is None else str(div_ceil(needed, 60))


def _margins(incentives: MarketIncentives, market: MarketFile) -> Iterator[str]:
    least = market.tiers[0].maintenance_margin_ppm
    added = incentives.controller[Lever.INITIAL_MARGIN].minimum
    for session, levels in incentives.terms.levels.items():
        if levels.initial_margin + added < least:
            yield (
                f"the initial margin of {market.symbol} in {session} must be at least the first"
                f" tier's maintenance margin ({least} ppm), found {levels.initial_margin + added} with"
                " the controller's minimum: lower `largest_leverage_x` or raise"
                " `controller.initial_margin.minimum_ppm`"
            )


def _levels(incentives: MarketIncentives, market: MarketFile) -> Iterator[str]:
    for session, levels in incentives.terms.levels.items():
        for lever, parameter in PARAMETERS.items():
            rail, level = market.limits.rails[parameter], getattr(levels, lever)
            for value, whose in _extremes(incentives, lever, level):
                if not rail.minimum <= value <= rail.maximum:
                    yield (
                        f"{lever} of {market.symbol} in {session} must lie within the owner's limits"
                        f" from {rail.minimum} to {rail.maximum}, found {value}{whose}: correct"
                        f" it, or have the limits of config/markets/{market.symbol.lower()}.toml moved"
                    )


def _extremes(
    incentives: MarketIncentives, lever: Lever, level: int
) -> tuple[tuple[int, str], ...]:
    """Give a level by itself, then with all that the controller may take away or add."""
    lowest, highest = _controller_range(incentives, lever)
    return (
        (level, ""),
        (level + lowest, f" with the minimum of controller.{lever}"),
        (level + highest, f" with the maximum of controller.{lever}"),
    )


def _controller_range(incentives: MarketIncentives, lever: Lever) -> tuple[int, int]:
    """Give the controller's bounds in the exchange's unit: the cap's are ppm of the weekday's."""
    bounds = incentives.controller[lever]
    if lever is not Lever.OPEN_INTEREST_CAP:
        return bounds.minimum, bounds.maximum
    cap = incentives.terms.weekday.open_interest_cap
    return -part_of_cap(cap, Ppm(-bounds.minimum)), part_of_cap(cap, Ppm(bounds.maximum))


def _fees(incentives: MarketIncentives) -> Iterator[str]:
    """Refuse fees that sum to less than nothing in any mix of sessions.

    The exchange takes one fee at a time, so during a ramp the maker's of one session may meet the
    taker's of another.
    """
    levels = incentives.terms.levels
    taker, maker = Lever.TAKER_FEE, Lever.MAKER_FEE
    lowest_taker, its_session = min((each.taker_fee, session) for session, each in levels.items())
    lowest_maker, other = min((each.maker_fee, session) for session, each in levels.items())
    added = incentives.controller[taker].minimum + incentives.controller[maker].minimum
    if lowest_taker + lowest_maker + added < 0:
        yield (
            f"the lowest taker fee of {incentives.symbol} ({lowest_taker} ppm in {its_session}) must"
            f" carry its largest rebate ({lowest_maker} ppm in {other}), with the controller's minimum"
            f" of both ({added} ppm): raise the first or lower the rebate"
        )


def _funding(incentives: MarketIncentives, market: MarketFile) -> Iterator[str]:
    rail = market.limits.rails[Parameter.FUNDING_RATE]
    bounds = incentives.controller[Lever.SKEW_SLOPE]
    for session, levels in incentives.terms.levels.items():
        most, least = (
            levels.skew_slope + bounds.maximum,
            levels.skew_slope + bounds.minimum,
        )
        if most > min(rail.maximum, -rail.minimum) or least < 0:
            yield (
                f"skew_slope of {incentives.symbol} in {session} must stay, with the controller's"
                f" bounds, from 0 to the owner's limits of the funding rate (from {rail.minimum} to"
                f" {rail.maximum} ppb per hour), found from {least} to {most}: correct the slope or"
                " controller.skew_slope"
            )
        if levels.funding_multiplier + incentives.controller[Lever.FUNDING_MULTIPLIER].minimum < 0:
            yield (
                f"funding_multiplier of {incentives.symbol} in {session} must not fall below 0 by the"
                " controller's minimum: raise controller.funding_multiplier.minimum_ppm"
            )


def _controller(incentives: MarketIncentives, market: MarketFile) -> Iterator[str]:
    for lever, parameter in PARAMETERS.items():
        rail, bounds = market.limits.rails[parameter], incentives.controller[lever]
        step = bounds.largest_step
        if lever is Lever.OPEN_INTEREST_CAP:
            step = part_of_cap(incentives.terms.weekday.open_interest_cap, Ppm(step))
        if step > rail.largest_step:
            yield (
                f"the largest step of controller.{lever} must be at most the owner's"
                f" ({rail.largest_step}) for {market.symbol}, found {step}: lower it"
            )
        if bounds.cool_down < rail.cool_down:
            yield (
                f"the cool-down of controller.{lever} must be at least the owner's"
                f" ({rail.cool_down} s) for {market.symbol}, found {bounds.cool_down} s: raise it"
            )


def _ramps(incentives: MarketIncentives, market: MarketFile) -> Iterator[str]:
    """Refuse a ramp that the owner's steps and cool-downs cannot climb in time."""
    terms = incentives.terms
    shortest = min(terms.ramp_in, terms.ramp_back)
    for lever, parameter in PARAMETERS.items():
        rail = market.limits.rails[parameter]
        for one, other in itertools.combinations(terms.levels, 2):
            way = _distance(terms.levels[one], terms.levels[other], lever)
            needed = _climb(way, rail)
            if needed is None or needed > shortest:
                found = "never" if needed is None else f"in {div_ceil(needed, 60)} minutes"
                yield (
                    f"{lever} of {market.symbol} must get from {one} to {other} within a ramp of"
                    f" {div_trunc(shortest, 60)} minutes, found that the owner's steps of"
                    f" {rail.largest_step} every {rail.cool_down} s get there {found}: lengthen the"
                    " ramps or change it by less"
                )


def _distance(one: ScheduledLevers, other: ScheduledLevers, lever: Lever) -> int:
    distance: int = abs(getattr(one, lever) - getattr(other, lever))
    return distance


def _climb(way: int, rail: Limits) -> int | None:
    """Give the seconds that a way takes in the owner's steps; None when it cannot be gone."""
    if way == 0:
        return 0
    return None if rail.largest_step <= 0 else div_ceil(way, rail.largest_step) * rail.cool_down


def _sessions(incentives: MarketIncentives, calendar: Calendar) -> Iterator[str]:
    """Refuse a ramp that is longer than a session that it must fit into.

    A pause of the underlying is no such session: ramps into and out of it lie outside it.
    """
    longest = max(incentives.terms.ramp_in, incentives.terms.ramp_back)
    for early, late in itertools.pairwise(calendar.timeline.boundaries):
        if early.session is not Session.HALTED and late.start - early.start <= longest:
            yield (
                f"ramps of {div_ceil(longest, 60)} minutes must be shorter than every session, found"
                f" one ({early.session}) of {div_trunc(late.start - early.start, 60)} minutes in"
                f" the calendar {calendar.name} that {incentives.symbol} follows: shorten them"
            )
