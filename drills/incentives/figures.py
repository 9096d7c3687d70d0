"""What is kept of a simulated weekend: figures of its sessions, its money, and samples for pictures."""

from dataclasses import dataclass, field

from drills.incentives.policy import Arm
from risk.sessions import Session
from risk.units import PriceE8, QuoteAtoms, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFigures:
    """What one session was like."""

    session: Session
    start: Seconds
    end: Seconds
    depth: QuoteAtoms
    """Within 25 bp of the mark, both sides' averages over time, halved."""
    spread: int | None
    """Quoted, in ppm, averaged over the time in which both sides were quoted; None: never."""
    two_sided_ppm: int
    """Part of the time in which they were."""
    volume: QuoteAtoms
    rebates: QuoteAtoms
    makers_milli: int
    """Makers that quoted, averaged over the looks, in thousandths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A look, for pictures."""

    at: Seconds
    depth: QuoteAtoms
    spread: int | None
    rebate: int
    taker_fee: int
    margin: int
    funding_rate: int
    spent: QuoteAtoms
    makers: int
    mark: PriceE8
    value: PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One weekend under one arm."""

    arm: Arm
    seed: int
    sessions: tuple[SessionFigures, ...]
    reopening_error: int
    """Of the last mark before the reopening against the first outside price after it, in ppm."""
    gap: int
    """How far the outside price moved from the close to the reopening, in ppm, unsigned."""
    spent: QuoteAtoms
    """Of the budgets: rebates beyond the weekday's."""
    most_spent: QuoteAtoms
    """In the week that cost the most: one ends and the next begins with Monday's regular session."""
    budget: QuoteAtoms
    """Of each week."""
    rebates: QuoteAtoms
    taker_fees: QuoteAtoms
    makers_worth: QuoteAtoms
    """What all makers earned, before the cost of being there."""
    writes: int
    most_in_a_second: QuoteAtoms
    """The most traded in a look, over its seconds: what the reserve calls the largest notional."""
    samples: tuple[Sample, ...] = field(repr=False)

    @property
    def is_budget_kept(self) -> bool:
        """Say whether no week cost more than there was."""
        return self.most_spent <= self.budget

    def closed(self) -> SessionFigures:
        """Give the longest session without outside markets."""
        every = [each for each in self.sessions if not each.session.has_external_price]
        return max(every, key=lambda each: each.end - each.start)
