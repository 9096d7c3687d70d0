"""An engine that tells a test what it does."""

from drills.matching_engine import (
    Event,
    MatchingEngine,
    Trade,
)
from risk.order_book import Level
from risk.units import AccountId
from tests.builders import NOW, price, shares

MAKER, OTHER_MAKER, TAKER = AccountId(1), AccountId(2), AccountId(3)
NOW_MS = NOW * 1_000


def make_engine() -> tuple[MatchingEngine, list[Event]]:
    engine, events = MatchingEngine("AAPL", now_ms=lambda: NOW_MS), list[Event]()
    engine.subscribe(events.append)
    return engine, events


def level(dollars: int | str, amount: int | str) -> Level:
    return price(dollars), shares(amount)


def trades(events: list[Event]) -> list[Trade]:
    return [event for event in events if isinstance(event, Trade)]
