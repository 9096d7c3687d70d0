"""The causes of the integrity breaker in a file of config/breakers/: limits, ladders, returns.

Limits carry their unit in the key. What may stand together is known to `risk.integrity_rules`, and a
table is refused with its words.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from config.schema.fields import NaturalInt, PositiveInt, Section, Usd, WholeSeconds
from config.schema.markets import NaturalPpm, atoms
from risk.fact_windows import WindowRules
from risk.integrity_rules import Action, CauseRule, LadderStage
from risk.units import Seconds

ActionName: TypeAlias = Literal["tighter_band", "reduce_only", "halt", "close_withdrawals"]
SpanSeconds: TypeAlias = Annotated[int, Field(ge=0, le=31_536_000)]
WarmUp: TypeAlias = Annotated[int, Field(gt=0, le=1_000)]


class StageTable(Section):
    """One stage of a ladder."""

    after_seconds: SpanSeconds
    """How long the cause must have lasted."""

    action: ActionName
    """What it asks for from then on."""

    @property
    def stage(self) -> LadderStage:
        """Give the stage as the rules have it."""
        return LadderStage(after=Seconds(self.after_seconds), action=Action[self.action.upper()])


class CauseTable(Section):
    """What every cause says."""

    ladder: Annotated[tuple[StageTable, ...], Field(min_length=1, max_length=4, strict=False)]
    """What the cause asks for the longer it lasts; the softest that works first."""

    unknown: Annotated[tuple[StageTable, ...], Field(max_length=4, strict=False)] = ()
    """The same while the number is not known; left out: not knowing is no reason of its own."""

    clear_seconds: SpanSeconds
    """How long the cause must be seen to be good before the first step back."""

    warm_up: WarmUp
    """Good observations after that, for each step back."""

    needs_operator: bool = False
    """Whether an operator must release the cause first."""

    @property
    def limit(self) -> int:
        """Give the last good number in the cause's unit; a flag's and a count's is 0."""
        return 0

    @property
    def rule(self) -> CauseRule:
        """Give the rule; raises ValueError for what cannot stand together."""
        return CauseRule(
            limit=self.limit,
            ladder=tuple(each.stage for each in self.ladder),
            unknown=tuple(each.stage for each in self.unknown),
            clear_for=Seconds(self.clear_seconds),
            warm_up=self.warm_up,
            needs_operator=self.needs_operator,
        )

    @model_validator(mode="after")
    def _check_together(self) -> "CauseTable":
        try:
            _ = self.rule
        except ValueError as error:
            raise ValueError(f"{error}: correct it") from None
        return self


class SecondsCause(CauseTable):
    """A cause measured in seconds."""

    at_most_seconds: SpanSeconds
    """The longest that is good."""

    @property
    def limit(self) -> int:
        """Give the limit in seconds."""
        return self.at_most_seconds


class PpmCause(CauseTable):
    """A cause measured in parts per million."""

    at_most_ppm: NaturalPpm
    """The largest part that is good."""

    @property
    def limit(self) -> int:
        """Give the limit in ppm."""
        return self.at_most_ppm


class WindowCause(CauseTable):
    """A cause measured against what was seen in a window of time."""

    at_most_ppm: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """The largest change within the window that is good; a rise may exceed the whole."""

    window_seconds: WholeSeconds
    """How long the highest, or lowest, is remembered."""

    least_base_usd: Usd
    """What is smaller than this is no base for a change."""

    @property
    def limit(self) -> int:
        """Give the limit in ppm."""
        return self.at_most_ppm

    @property
    def window(self) -> WindowRules:
        """Give the window; one shorter than a minute is cut into seconds."""
        slices = min(60, self.window_seconds)
        return WindowRules(span=Seconds(self.window_seconds), slices=slices)

    @property
    def least_base_atoms(self) -> int:
        """Give the smallest base in the quote token's atoms."""
        return atoms(self.least_base_usd)


class InputsCause(CauseTable):
    """A cause that counts inputs; fewer is worse."""

    at_least_inputs: PositiveInt
    """The fewest that are good."""

    @property
    def limit(self) -> int:
        """Give the limit as a count."""
        return self.at_least_inputs


class BlocksCause(CauseTable):
    """A cause measured in blocks."""

    at_most_blocks: NaturalInt
    """The most that are good."""

    @property
    def limit(self) -> int:
        """Give the limit in blocks."""
        return self.at_most_blocks


class UsdCause(CauseTable):
    """A cause measured in money."""

    at_most_usd: Usd
    """The most that is good."""

    @property
    def limit(self) -> int:
        """Give the limit in the quote token's atoms."""
        return atoms(self.at_most_usd)
