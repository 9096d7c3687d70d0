"""What an attacker can lay hands on: a source's words, a participant's quotes, the order book.

Each attack starts from what honest people would say at this moment and changes it; an attack may
remember within one run, so each run makes its own. Outside of its time nobody asks it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from drills.matching_engine import Event, MatchingEngine, Side, Trade
from risk.price_report import Micros, PriceReport
from risk.units import (
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_floor,
    div_trunc,
)

ATTACKER: Final = AccountId(666)
MICROS: Final = 10**6


def moved(price: PriceE8, ppm: int) -> PriceE8:
    """Move a price by a part of it, in ppm; rounded down."""
    return PriceE8(price + div_floor(price * ppm, PPM_SCALE))


class Attack:
    """Nobody attacks: everyone says what is honest, and the book is left alone."""

    def report(self, report: PriceReport) -> PriceReport | None:
        """Give what a source says instead; None: it says nothing."""
        return report

    def mid(self, firm: str, mid: PriceE8) -> PriceE8:
        """Give the middle of a participant's quote."""
        del firm
        return mid

    def trade(self, engine: MatchingEngine, fair: PriceE8) -> None:
        """Trade in the book, after the makers have quoted."""
        del engine, fair

    def leave(self, engine: MatchingEngine) -> None:
        """Take away what is left in the book."""
        del engine

    @property
    def cost(self) -> QuoteAtoms | None:
        """What the attacker lost in the book against the honest price; None: he never traded."""
        return None


@dataclass(slots=True, kw_only=True)
class LyingSources(Attack):
    """Some sources tell a price that is off, with timestamps as they ought to be or ahead."""

    sources: Collection[str]
    ppm: int
    ahead: Seconds = Seconds(0)

    def report(self, report: PriceReport) -> PriceReport | None:
        """Tell the lie."""
        if report.source not in self.sources:
            return report
        return replace(
            report,
            price=moved(report.price, self.ppm),
            observed_at=Seconds(report.observed_at + self.ahead),
            order=Micros(report.order + self.ahead * MICROS),
        )


@dataclass(slots=True, kw_only=True)
class FrozenSources(Attack):
    """Every source repeats the first price of the attack, with fresh timestamps or with its own."""

    is_fresh: bool
    _held: dict[str, PriceReport] = field(default_factory=dict)

    def report(self, report: PriceReport) -> PriceReport | None:
        """Repeat."""
        held = self._held.setdefault(report.source, report)
        return replace(report, price=held.price) if self.is_fresh else held


@dataclass(slots=True, kw_only=True)
class LyingFirms(Attack):
    """Some participants quote around a price that is off."""

    firms: Collection[str]
    ppm: int

    def mid(self, firm: str, mid: PriceE8) -> PriceE8:
        """Quote the lie."""
        return moved(mid, self.ppm) if firm in self.firms else mid


@dataclass(slots=True)
class _Purse:
    """What the attacker's trades cost him against the honest price of the moment."""

    fair: PriceE8 = PriceE8(0)
    lost: int = 0
    """In 1e-16 USD."""

    def hear(self, event: Event) -> None:
        if not isinstance(event, Trade) or ATTACKER not in {event.taker, event.maker}:
            return
        taker_buys = event.side is Side.BUY
        attacker_buys = taker_buys is (event.taker == ATTACKER)
        dear = event.price - self.fair if attacker_buys else self.fair - event.price
        self.lost += dear * event.size


class _BookAttack(Attack):
    """An attacker with money, who listens to his own trades."""

    def __init__(self) -> None:
        self._purse: _Purse | None = None

    def trade(self, engine: MatchingEngine, fair: PriceE8) -> None:
        """Trade, and learn what it costs."""
        if self._purse is None:
            self._purse = _Purse()
            engine.subscribe(self._purse.hear)
        self._purse.fair = fair
        self._act(engine, fair)

    @property
    def cost(self) -> QuoteAtoms | None:
        """What was lost so far."""
        purse = self._purse
        return None if purse is None else QuoteAtoms(div_trunc(purse.lost, NOTIONAL_SCALE))

    def _act(self, engine: MatchingEngine, fair: PriceE8) -> None:
        raise NotImplementedError


class PushedBook(_BookAttack):
    """Buy whatever is offered below a far price, and quote both sides of that price in size."""

    HALF_SPREAD: Final = Ppm(500)
    SIZE: Final = SizeE8(100_000 * 10**8)
    """18 M USD at 178 USD: what honest sellers bring in half a minute never empties it."""

    def __init__(self, ppm: int) -> None:
        super().__init__()
        self._ppm = ppm
        self._orders: list[int] = []

    def _act(self, engine: MatchingEngine, fair: PriceE8) -> None:
        self.leave(engine)
        target = moved(fair, self._ppm)
        for side, away in ((Side.BUY, -self.HALF_SPREAD), (Side.SELL, self.HALF_SPREAD)):
            placed = engine.limit(ATTACKER, side, moved(target, away), self.SIZE)
            self._orders.append(placed.order)

    def leave(self, engine: MatchingEngine) -> None:
        """Cancel both quotes."""
        for order in self._orders:
            engine.cancel(order)
        self._orders.clear()


class NoBids(_BookAttack):
    """Sell into every bid, so that none is left."""

    def _act(self, engine: MatchingEngine, fair: PriceE8) -> None:
        del fair
        wanted = sum(size for _, size in engine.bids)
        if wanted:
            engine.market_order(ATTACKER, Side.SELL, SizeE8(wanted))
