"""What an emergency plan says: when it starts, what it does step by step, and the way back.

A plan is data, checked here: every step is stricter than the one before it, has a longest duration
and an inverse, and what only a person may judge is never returned from by time. Numbers are whole, in
the unit that the fact's name carries.
"""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.emergency_facts import Condition
from risk.integrity_rules import OPERATOR_CAUSES, Action
from risk.units import PPM_SCALE, Ppm, Seconds


class PlanAction(StrEnum):
    """What a step does, the softest first."""

    TIGHTER_BAND = "tighter_band"
    REDUCE_ONLY = "reduce_only"
    HALT = "halt"
    CLOSE_WITHDRAWALS = "close_withdrawals"
    """Halt, and nothing leaves the exchange."""

    @property
    def action(self) -> Action:
        """The same action on the breakers' common ladder."""
        return Action[self.name]

    @property
    def inverse(self) -> "PlanReturn":
        """What undoes it."""
        return _ACTION_TO_RETURN[self]


class PlanReturn(StrEnum):
    """What a step back does."""

    LIFT_BAND = "lift_band"
    LIFT_REDUCE_ONLY = "lift_reduce_only"
    LIFT_HALT = "lift_halt"
    OWNER_OPENS_WITHDRAWALS = "owner_opens_withdrawals"
    """No keeper can: it is an instruction to the owner."""


_ACTION_TO_RETURN: Final[Mapping[PlanAction, PlanReturn]] = {
    PlanAction.TIGHTER_BAND: PlanReturn.LIFT_BAND,
    PlanAction.REDUCE_ONLY: PlanReturn.LIFT_REDUCE_ONLY,
    PlanAction.HALT: PlanReturn.LIFT_HALT,
    PlanAction.CLOSE_WITHDRAWALS: PlanReturn.OWNER_OPENS_WITHDRAWALS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which markets: a group, symbols, or, naming neither, all. Raises ValueError for both."""

    group: str | None = None
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.group is not None and self.symbols:
            raise ValueError(
                f"expected a group or symbols, found group {self.group} and {len(self.symbols)}"
                " symbols"
            )

    def among(
        self, known: Collection[str], group_to_symbols: Mapping[str, Collection[str]]
    ) -> tuple[str, ...]:
        """Choose from the markets that are there, sorted."""
        chosen: Collection[str] = known
        if self.group is not None:
            chosen = group_to_symbols.get(self.group, ())
        elif self.symbols:
            chosen = self.symbols
        return tuple(sorted(set(known) & set(chosen)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One action; it stands until its return, also under the stricter ones that follow."""

    action: PlanAction
    half_width: Ppm | None = None
    """Of the band around the mark; for TIGHTER_BAND alone."""
    hold: Seconds = Seconds(0)
    """Before the next step, while the facts stay bad."""
    most: Seconds
    """Longest time as the strictest step in force."""

    def __post_init__(self) -> None:
        is_band = self.action is PlanAction.TIGHTER_BAND
        if is_band != (self.half_width is not None):
            found = "none" if self.half_width is None else f"{self.half_width} ppm"
            raise ValueError(
                f"expected a half-width for tighter_band and for no other action, found {found}"
                f" for {self.action}"
            )
        if self.half_width is not None and not 0 < self.half_width < PPM_SCALE:
            raise ValueError(
                f"expected a half-width above 0 and below 1000000 ppm, found {self.half_width}"
            )
        if self.most < 1 or not 0 <= self.hold <= self.most:
            raise ValueError(
                f"expected {self.action} to be bounded, for at least 1 s and at least as long as"
                f" it holds, found a bound of {self.most} s and a hold of {self.hold} s"
            )

    @property
    def strictness(self) -> tuple[int, int]:
        """Order steps: by action, and of two bands the narrower is the stricter."""
        return self.action.action, -(self.half_width or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStep:
    """The inverse of one step, and when it is taken."""

    inverse: PlanReturn
    clear_for: Seconds
    """How long the facts must be clear while the step is the strictest in force.

    Where the return was forced (stopped, or a bound ran out): time since the last step back.
    """
    needs_operator: bool = False
    """Whether nothing but an operator's stop takes it."""
    owner_does: str = ""
    """What the owner is told to do; for OWNER_OPENS_WITHDRAWALS alone."""

    def __post_init__(self) -> None:
        if self.clear_for < 0:
            raise ValueError(f"expected a time of at least 0 s, found {self.clear_for}")
        is_owners = self.inverse is PlanReturn.OWNER_OPENS_WITHDRAWALS
        if is_owners and not (self.needs_operator and self.owner_does):
            raise ValueError(
                "expected the return from close_withdrawals to need an operator and to say what"
                " the owner does, since only the owner can open withdrawals, found otherwise"
            )
        if self.owner_does and not is_owners:
            raise ValueError(f"expected no instruction to the owner for {self.inverse}, found one")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyPlan:
    """What is done in one kind of emergency.

    Raises ValueError for steps that soften, that lack a way back, or whose way back would let
    time take a person's decision.
    """

    name: str
    description: str
    when: tuple[Condition, ...]
    """All must hold, those of markets in one market; empty: the plan starts by order only."""
    least_markets: int = 1
    """In how many of the plan's markets at once; in all of them where it has fewer."""
    scope: Scope
    steps: tuple[PlanStep, ...]
    returns: tuple[ReturnStep, ...]
    """In the order in which they are taken: the inverse of the last step first."""

    def __post_init__(self) -> None:
        if not self.steps or self.least_markets < 1:
            raise ValueError(
                f"expected at least one step and least_markets of at least 1, found"
                f" {len(self.steps)} and {self.least_markets}"
            )
        for soft, strict in itertools.pairwise(self.steps):
            if strict.strictness <= soft.strictness:
                raise ValueError(
                    f"expected every step to be stricter than the one before it, found"
                    f" {strict.action} after {soft.action}"
                )
        if self.steps[-1].hold != 0:
            raise ValueError(
                f"expected the last step to hold for no next one, found {self.steps[-1].hold} s"
            )
        self._check_returns()

    def _check_returns(self) -> None:
        wanted = [step.action.inverse for step in reversed(self.steps)]
        found = [each.inverse for each in self.returns]
        if wanted != found:
            raise ValueError(
                f"expected the inverse of each step in reverse order ({', '.join(wanted)}), found"
                f" {', '.join(found) or 'none'}"
            )
        for condition in self.when:
            if condition.fact.cause in OPERATOR_CAUSES and not all(
                each.needs_operator for each in self.returns
            ):
                raise ValueError(
                    f"expected every return to need an operator in a plan that looks at"
                    f" {condition.fact}, found one that time could take"
                )

    @property
    def is_manual(self) -> bool:
        """Say whether it starts by an operator's order only."""
        return not self.when

    def return_of(self, level: int) -> ReturnStep:
        """Give the way back from a step, by the step's place."""
        return self.returns[len(self.steps) - 1 - level]

    def half_width_at(self, level: int) -> Ppm | None:
        """Give the half-width of the narrowest band of the steps up to one, or None without."""
        widths = [step.half_width for step in self.steps[: level + 1]]
        return min((width for width in widths if width is not None), default=None)
