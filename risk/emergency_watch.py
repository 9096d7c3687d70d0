"""What an emergency plan sees: facts of its markets and of the exchange, and since when they are bad.

A number that is not known leaves what was bad bad and starts nothing; where it was bad since the plan
started, it is not clear either.
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from risk.emergency_facts import Condition
from risk.emergency_rules import EmergencyPlan
from risk.integrity_facts import ExchangeFacts, MarketFacts
from risk.units import PriceE8, Seconds

Spot: TypeAlias = tuple[int, str]
"""A condition's place in `when`, and the market; no market for a fact of the exchange."""
BadSince: TypeAlias = Mapping[Spot, Seconds]
"""Since when each condition was never seen good; without an entry it is not bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """All that a plan looks at, at one moment."""

    markets: Mapping[str, MarketFacts]
    """Every market that may be restricted, by symbol."""
    exchange: ExchangeFacts
    marks: Mapping[str, PriceE8] = field(default_factory=dict)
    """What bands are drawn around; without one, or with 0, there is none."""
    group_to_symbols: Mapping[str, Collection[str]] = field(default_factory=dict)


def bad_since(
    before: BadSince,
    facts: PlanFacts,
    now: Seconds,
    plan: EmergencyPlan,
    markets: Collection[str],
) -> dict[Spot, Seconds]:
    """Date each condition that is bad."""
    found: dict[Spot, Seconds] = {}
    for spot, condition in _spots(plan, markets):
        value, since = _value(facts, condition, spot[1]), before.get(spot)
        if value is None:
            if since is not None:
                found[spot] = since
        elif condition.is_bad(value):
            found[spot] = now if since is None else since
    return found


def is_met(bad: BadSince, now: Seconds, plan: EmergencyPlan, markets: Collection[str]) -> bool:
    """Say whether all conditions have lasted, and in enough markets at once."""

    def has_lasted(index: int, symbol: str) -> bool:
        since = bad.get((index, symbol))
        return since is not None and now - since >= plan.when[index].persistence

    of_exchange, of_markets = _places(plan)
    if plan.is_manual or not all(has_lasted(index, "") for index in of_exchange):
        return False
    if not of_markets:
        return True
    many = sum(all(has_lasted(index, symbol) for index in of_markets) for symbol in markets)
    return many >= max(1, min(plan.least_markets, len(markets)))


def is_standing(
    bad: BadSince,
    troubled: AbstractSet[Spot],
    facts: PlanFacts,
    plan: EmergencyPlan,
    markets: Collection[str],
) -> bool:
    """Say whether the facts are not clear: in one market all conditions may still be bad.

    What is not known counts as bad where it is in `troubled`.
    """

    def may_be_bad(index: int, symbol: str) -> bool:
        if (index, symbol) in bad:
            return True
        is_unknown = _value(facts, plan.when[index], symbol) is None
        return is_unknown and (index, symbol) in troubled

    of_exchange, of_markets = _places(plan)
    if plan.is_manual or not all(may_be_bad(index, "") for index in of_exchange):
        return False
    if not of_markets:
        return True
    return any(all(may_be_bad(index, symbol) for index in of_markets) for symbol in markets)


def met_sentence(
    bad: BadSince, facts: PlanFacts, now: Seconds, plan: EmergencyPlan, markets: Collection[str]
) -> str:
    """Tell each condition that has lasted, with its number in the first market that shows it."""
    told: list[str] = []
    for index, condition in enumerate(plan.when):
        places = [""] if condition.fact.is_of_exchange else sorted(markets)
        shown = [
            place
            for place in places
            if (since := bad.get((index, place))) is not None
            and now - since >= condition.persistence
        ]
        if not shown:
            continue
        value = _value(facts, condition, shown[0])
        number = "not known" if value is None else str(value)
        where = f" in {shown[0]}" if shown[0] else ""
        more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
        told.append(
            f"{condition.fact} is {number}{where}{more}, bad is {condition.comparison}"
            f" {condition.threshold}"
        )
    return "; ".join(told)


def _places(plan: EmergencyPlan) -> tuple[list[int], list[int]]:
    """Part the conditions: those of the exchange, and those of each market."""
    of_exchange: list[int] = []
    of_markets: list[int] = []
    for index, condition in enumerate(plan.when):
        (of_exchange if condition.fact.is_of_exchange else of_markets).append(index)
    return of_exchange, of_markets


def _spots(plan: EmergencyPlan, markets: Collection[str]) -> Iterator[tuple[Spot, Condition]]:
    for index, condition in enumerate(plan.when):
        for symbol in [""] if condition.fact.is_of_exchange else markets:
            yield (index, symbol), condition


def _value(facts: PlanFacts, condition: Condition, symbol: str) -> int | None:
    cause = condition.fact.cause
    if condition.fact.is_of_exchange:
        return facts.exchange.measured[cause]
    market = facts.markets.get(symbol)
    return None if market is None else market.measured[cause]
