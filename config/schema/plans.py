"""What an emergency plan in config/plans/ says: when it starts, its steps, and the way back.

What may stand together is known to `risk.emergency_rules`, and a plan is refused with its words. The
plan's name is its file's.
"""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from config.schema.fields import Name, PositiveInt, Section, WholeSeconds
from config.schema.markets import Symbol
from risk.emergency_facts import Comparison, Condition, Fact
from risk.emergency_rules import EmergencyPlan, PlanAction, PlanReturn, PlanStep, ReturnStep, Scope
from risk.units import Ppm, Seconds

ActionName: TypeAlias = Literal["tighter_band", "reduce_only", "halt", "close_withdrawals"]
ReturnName: TypeAlias = Literal[
    "lift_band", "lift_reduce_only", "lift_halt", "owner_opens_withdrawals"
]
SpanSeconds: TypeAlias = Annotated[int, Field(ge=0, le=31_536_000)]
ALL: Final = "ALL"


def _check_fact(name: str) -> str:
    if name not in set(Fact):
        raise ValueError(f"one of the facts {', '.join(Fact)}")
    return name


FactName: TypeAlias = Annotated[str, AfterValidator(_check_fact)]


class ConditionTable(Section):
    """One condition; the threshold itself is still good."""

    fact: FactName
    """What is measured; the name carries the unit."""

    above: int | None = None
    """A larger number is bad. Give this or `below`."""

    below: int | None = None
    """A smaller number is bad."""

    for_seconds: SpanSeconds
    """How long it must have been bad, on the venue's clock."""

    @property
    def condition(self) -> Condition:
        """Give the condition as the rules have it; raises ValueError."""
        if (self.above is None) == (self.below is None):
            found = "neither" if self.above is None else "both"
            raise ValueError(f"expected `above` or `below` for {self.fact}, found {found}")
        is_above = self.above is not None
        threshold = self.above if self.above is not None else self.below
        assert threshold is not None
        return Condition(
            fact=Fact(self.fact),
            comparison=Comparison.ABOVE if is_above else Comparison.BELOW,
            threshold=threshold,
            persistence=Seconds(self.for_seconds),
        )


class StepTable(Section):
    """One step of a plan."""

    action: ActionName
    """What it does; never softer than the step before."""

    half_width_ppm: int | None = None
    """Half-width of the band around the mark; for `tighter_band` alone."""

    hold_seconds: SpanSeconds = 0
    """Before the next step, while the conditions hold; left out for the last."""

    most_seconds: WholeSeconds
    """Bound: longest time as the strictest step in force."""

    @property
    def step(self) -> PlanStep:
        """Give the step as the rules have it; raises ValueError."""
        width = self.half_width_ppm
        return PlanStep(
            action=PlanAction(self.action),
            half_width=None if width is None else Ppm(width),
            hold=Seconds(self.hold_seconds),
            most=Seconds(self.most_seconds),
        )


class ReturnTable(Section):
    """One step back."""

    inverse: ReturnName
    """What it undoes."""

    clear_seconds: SpanSeconds
    """How long the facts must be clear first; when the plan was stopped, the pause since the last step back."""

    needs_operator: bool = False
    """Whether only an operator's stop takes it."""

    owner_does: Annotated[str, Field(max_length=200)] = ""
    """The instruction to the owner, where only the owner can."""

    @property
    def step(self) -> ReturnStep:
        """Give the step back as the rules have it; raises ValueError."""
        return ReturnStep(
            inverse=PlanReturn(self.inverse),
            clear_for=Seconds(self.clear_seconds),
            needs_operator=self.needs_operator,
            owner_does=self.owner_does.strip(),
        )


class PlanFile(Section):
    """One emergency plan."""

    description: Annotated[str, Field(min_length=1, max_length=200)]
    """What the emergency is, in a sentence."""

    markets: Annotated[tuple[Symbol, ...], Field(strict=False)] = ()
    """Symbols, or "ALL" alone. Give this or `group`."""

    group: Name | None = None
    """Name of a group in config/breakers/."""

    least_markets: PositiveInt = 1
    """In how many of these markets at once the conditions must hold; in all where there are fewer."""

    when: Annotated[tuple[ConditionTable, ...], Field(max_length=8, strict=False)] = ()
    """All must hold; left out: the plan starts by an operator's order only."""

    steps: Annotated[tuple[StepTable, ...], Field(min_length=1, max_length=8, strict=False)]
    """From the softest to the strictest."""

    returns: Annotated[tuple[ReturnTable, ...], Field(max_length=8, strict=False)] = ()
    """The inverse of each step, the last step's first."""

    def plan(self, name: str) -> EmergencyPlan:
        """Give the plan; raises ValueError for what cannot stand together."""
        return EmergencyPlan(
            name=name,
            description=self.description,
            when=tuple(each.condition for each in self.when),
            least_markets=self.least_markets,
            scope=self._scope,
            steps=tuple(each.step for each in self.steps),
            returns=tuple(each.step for each in self.returns),
        )

    @property
    def _scope(self) -> Scope:
        if (self.group is None) == (not self.markets):
            found = "neither" if self.group is None else "both"
            raise ValueError(f"expected `markets` or `group`, found {found}")
        if ALL not in self.markets:
            return Scope(group=self.group, symbols=self.markets)
        if len(self.markets) > 1:
            raise ValueError(f'expected "ALL" alone, found {len(self.markets)} markets')
        return Scope()

    @model_validator(mode="after")
    def _check_together(self) -> "PlanFile":
        try:
            self.plan("plan")
        except ValueError as error:
            raise ValueError(f"{error}: correct it") from None
        return self
