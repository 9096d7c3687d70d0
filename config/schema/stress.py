"""What the live book is shocked with, and how often; and a file of config/stress/."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from config.schema.fields import FilePath, Seconds, Section

EVERYTHING: Final = "ALL"
StepPpm = Annotated[int, Field(gt=0, lt=1_000_000)]
MovePpm = Annotated[int, Field(gt=-1_000_000, le=10_000_000)]
Words = Annotated[str, Field(min_length=1, max_length=600)]
PPM_PER_PERCENT: Final = 10_000


class Stress(Section):
    """The live what-if, a part of the duty solvency: every account at other marks, again and again."""

    period_seconds: Seconds = 5.0
    """Rest between two looks; after a look that took longer, four times as long as it took."""

    steps_ppm: tuple[StepPpm, ...] = Field(
        default=(50_000, 100_000, 200_000, 300_000), strict=False, max_length=8
    )
    """Moves that each market is shocked with, up and down, and all equities together. Whole percents."""

    scenario_directory: FilePath | None = None
    """Folder of scenarios, a TOML file each; the shipped `config/stress` without it. An empty folder means none."""

    @model_validator(mode="after")
    def _check_steps(self) -> "Stress":
        if len(set(self.steps_ppm)) < len(self.steps_ppm):
            raise ValueError("`steps_ppm` must hold each step once: remove the other")
        for step in self.steps_ppm:
            if step % PPM_PER_PERCENT:
                raise ValueError(
                    f"`steps_ppm` must be whole percents, each {PPM_PER_PERCENT} ppm, found {step}"
                )
        return self


class ScenarioFile(Section):
    """A scenario: what moves by how much, all at once."""

    description: Words
    """What happened, or would."""

    source: Words
    """Where the figures are from."""

    moves_ppm: dict[str, MovePpm] = Field(min_length=1)
    """Move in signed ppm by symbol, by class of `config/markets`, or for `ALL`: the narrowest counts."""
