"""What would have told somebody: read from the desk's own account of each round.

Each signal is a short text that holds for a moment or does not. The desk says them as metrics and in
`explain-price`; whether and after how long one wakes a person is for the alert rules to say.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from drills.attacks.setting import SYMBOL
from monitors.prices.conditions import FAR
from monitors.prices.desk import PriceDesk
from risk.jump_guard import Step
from risk.mark_price import Mode
from risk.price_support import Rung
from risk.sessions import Session

NEAR_BOUND_PPM: Final = 900_000
NO_ALARM: Final = frozenset({"valid", "silent"})


class Signals:
    """Read a desk after each round; listens for its rungs."""

    def __init__(self, desk: PriceDesk) -> None:
        self._desk = desk
        self._rung = Rung.FULL
        desk.on_rung(self._on_rung)

    def now(self, refused: tuple[str, ...]) -> frozenset[str]:
        """Give the signals that hold after the last round; `refused` are quotes, with the reason."""
        told: Mapping[str, Any] = self._desk.explain(SYMBOL)
        found = {f"{each['source']} {each['verdict']}" for each in _rejected(told)}
        found.update(f"quote refused: {each}" for each in refused)
        if self._rung is not Rung.FULL:
            found.add(f"rung {self._rung.name.lower()}")
        if SYMBOL in self._desk.reduce_only_wanted():
            found.add("reduce-only wanted")
        found.update(_of_round(told))
        return frozenset(found)

    def _on_rung(self, symbol: str, rung: Rung) -> None:
        assert symbol == SYMBOL
        self._rung = rung


def _rejected(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (each for each in told["sources"] if each["verdict"] not in NO_ALARM)


def _of_round(told: Mapping[str, Any]) -> Iterator[str]:
    if told["jump"] in {Step.WAITING, Step.REFUSED}:
        yield f"jump {told['jump']}"
    if told["session_disputed"]:
        yield "session disputed"
    if told["agreement"] == "disagree":
        yield "providers disagree"
    if told.get("mode") == Mode.INTERNAL and Session(told["session"]).has_external_price:
        yield "internal while outside markets trade"
    if told.get("bound_used_ppm", 0) >= NEAR_BOUND_PPM:
        yield "discovery bound used to 90 %"
    for voice in ("book", "participants"):
        if abs(told.get(f"{voice}_distance_ppm") or 0) > FAR:
            yield f"{voice} far from the index"
    if None in {told["book"]["best_bid_e8"], told["book"]["best_ask_e8"]}:
        yield "book one-sided"
