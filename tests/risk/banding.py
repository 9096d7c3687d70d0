"""Facts and walks for tests of price bands: a test states only what it is about."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from config.rulebooks import load_rulebooks
from risk.band_rules import LuldTier, PriceBand
from risk.band_state import BandDecision, BandFacts, BandState, begin
from risk.bands import step
from risk.sessions import Session
from risk.units import MarketStatus, PriceE8, Seconds
from tests.builders import price

BOOKS: Final = load_rulebooks()
LULD: Final = BOOKS["us_luld"]
CME: Final = BOOKS["cme_dynamic"]
STATIC: Final = BOOKS["static"]
BOTH: Final = replace(LULD, name="luld_and_dynamic", dynamic=CME.dynamic)
"""A moving band and the rolling breaker at once, as the design has it."""


def facts(
    mark: int | str | Decimal = 100, index: int | str | Decimal | None = None, **others: Any
) -> BandFacts:
    """Give facts of a Tier 1 share that closed at 100 USD, far from the close, all well."""
    usual: dict[str, Any] = {
        "has_good_price": True,
        "opposite_side_quotes": False,
        "session": Session.REGULAR,
        "seconds_to_close": Seconds(20_000),
        "previous_close": price(100),
        "discovery": PriceBand(reference=price(100), low=price(80), high=price(120)),
        "tier": LuldTier.ONE,
    }
    return BandFacts(
        mark=_price(mark), index=_price(mark if index is None else index), **(usual | others)
    )


def _price(dollars: int | str | Decimal) -> PriceE8:
    return price(str(dollars))


def walk(
    steps: Iterable[tuple[int, BandFacts]], rules: Any = LULD, state: BandState | None = None
) -> tuple[BandState, list[BandDecision]]:
    """Step through (second, facts) from a machine that knows nothing."""
    if state is None:
        state = begin(MarketStatus.OPEN, now=Seconds(0), pause=Seconds(300))
    decisions = []
    for second, seen in steps:
        state, decision = step(state, seen, now=Seconds(second), rules=rules)
        decisions.append(decision)
    return state, decisions


def stages(steps: Iterable[tuple[int, BandFacts]], rules: Any = LULD) -> list[str]:
    """Give the stage after each step."""
    return [str(decision.stage) for decision in walk(steps, rules)[1]]
