"""Where a figure comes from: every row of a scenario says it, or says that it is ours."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.schema.fields import Section

Quality = Literal["primary", "secondary", "recalled"]
Words = Annotated[str, Field(max_length=400)]


class Sourced(Section):
    """A row with its public source, or with the reason for an assumption of our own."""

    source: Words = ""
    """Public text that says so."""

    quality: Quality | None = None
    """"primary" for an exchange's, a regulator's or a venue's own text; "secondary" for all others; "recalled" for
    what is known by heart and was read in no text: not to be relied on."""

    assumption: bool = False
    """Nothing public says so: it is ours."""

    why: Words = ""
    """Why we assume it."""

    time_is_assumed: bool = False
    """The source gives the figure, but not its time."""

    @property
    def is_told(self) -> bool:
        """Say whether the row says anything about where it comes from."""
        return bool(self.source or self.quality or self.assumption or self.why)

    @property
    def needs_provenance(self) -> bool:
        """Say whether a row must say where it comes from; some have nothing to prove."""
        return True

    @model_validator(mode="after")
    def _sourced_or_assumed(self) -> Self:
        if not self.needs_provenance and not self.is_told:
            return self
        is_sourced = bool(self.source) and self.quality is not None
        is_ours = self.assumption and bool(self.why)
        mixed = bool(self.source or self.quality) and bool(self.assumption or self.why)
        if mixed or not (is_sourced or is_ours):
            found = "both" if mixed else "neither"
            raise ValueError(
                "must have `source` and `quality`, or `assumption = true` and `why`, found"
                f" {found}: say where the figure comes from"
            )
        return self
