"""What the breaker panel hears of corporate actions: the desk's wish, and a suspicion of a split."""

from typing import Protocol

from risk.precedence import Wish
from risk.split_suspicion import Suspicion
from risk.units import MarketStatus


class Suspects(Protocol):
    """Who suspects splits."""

    def suspicion(self, symbol: str) -> Suspicion | None:
        """Give the split that a market's sources look like, and nobody announced."""

    def lift_suspicion(self, symbol: str) -> None:
        """Believe a market's sources again."""


class Wisher(Protocol):
    """Who follows announced actions."""

    def wish(self, symbol: str) -> Wish | None:
        """Give what a market's actions want; None: not judged yet."""


class ActionWishes:
    """`Actions` of a process: without a desk only suspicions are heard of."""

    def __init__(self, suspects: Suspects, desk: Wisher | None = None) -> None:
        self._suspects, self._desk = suspects, desk

    def wish(self, symbol: str) -> Wish | None:
        """Give the stricter of the two; None: nobody here can say, and the last wish stands."""
        suspicion = self._suspects.suspicion(symbol)
        if suspicion is not None:
            return Wish(
                status=MarketStatus.HALTED, why=f"{suspicion.why}: `bellkeeper resume` lifts it"
            )
        return None if self._desk is None else self._desk.wish(symbol)

    def resume(self, symbol: str) -> None:
        """Let a suspicion go."""
        self._suspects.lift_suspicion(symbol)
