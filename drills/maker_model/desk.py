"""One maker at work: what it holds here and outside, whether it is there, what it errs by."""

import math
from dataclasses import dataclass, field
from random import Random
from typing import Final

from drills.maker_model.profit import BP
from drills.maker_model.terms import Maker, ModelTerms
from drills.matching_engine import Side
from risk.sessions import Session
from risk.units import NOTIONAL_SCALE, AccountId, PriceE8, SizeE8, div_floor, div_trunc

BELIEF_TAU: Final = 3_600.0
"""Seconds in which a maker's own error about the price changes."""
OPEN_BELIEF: Final = 0.25
"""Part of that error which is left while outside markets trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What all makers know at a look."""

    session: Session
    seconds_to_reopen: float
    """0 while outside markets trade."""
    heard: PriceE8
    """The outside price, or off hours what is known of the value with a delay."""

    @property
    def is_open(self) -> bool:
        """Say whether a hedge can be had."""
        return self.session.has_external_price


@dataclass(slots=True)
class Desk:
    """One maker; stepped in place."""

    owner: AccountId
    maker: Maker
    error: float = 0.0
    """Of its belief, as a part of the price."""
    is_present: bool = True
    worth: float = 0.0
    """What quoting has been expected to earn lately, USD an hour."""
    left_at: int = 0
    hedge: SizeE8 = SizeE8(0)
    """Held outside."""
    hedge_cash: int = 0
    """Atoms paid and received outside."""
    orders: dict[Side, tuple[int, PriceE8, SizeE8]] = field(default_factory=dict)
    """Number, price and size as placed."""

    def __post_init__(self) -> None:
        self.worth = self.worth or self.maker.cost_usd_per_hour

    def stray(self, random: Random, view: MarketView, elapsed: float) -> None:
        """Let the error about the price change; it keeps its standard deviation."""
        stays = math.exp(-elapsed / BELIEF_TAU)
        scale = OPEN_BELIEF if view.is_open else 1.0
        deviation = self.maker.belief_bp * BP * scale * math.sqrt(1 - stays**2)
        self.error = self.error * stays + random.gauss(0, deviation)

    def consider(self, profit: float, terms: ModelTerms, *, now: int, elapsed: float) -> None:
        """Leave when quoting has not been worth its cost of late; come back when it clearly is."""
        share = 1 - math.exp(-elapsed / terms.memory_seconds)
        self.worth += share * (profit - self.worth)
        cost = self.maker.cost_usd_per_hour
        if not self.is_present:
            rested = now >= self.left_at + terms.away_seconds
            self.is_present = rested and self.worth >= cost * terms.return_margin
        elif self.worth < cost:
            self.is_present, self.left_at = False, now

    def hedge_all(self, held: SizeE8, price: PriceE8, terms: ModelTerms) -> None:
        """Trade outside until nothing is exposed, at the outside price and the hedge's cost."""
        exposed = held + self.hedge
        if exposed:
            value = div_trunc(exposed * price, NOTIONAL_SCALE)
            self.hedge = SizeE8(self.hedge - exposed)
            self.hedge_cash += value - round(abs(value) * terms.hedge_bp * BP)

    def outside_value(self, price: PriceE8) -> int:
        """Give what the hedge is worth with what was paid for it, in atoms, rounded down."""
        return self.hedge_cash + div_floor(self.hedge * price, NOTIONAL_SCALE)
