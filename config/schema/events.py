"""What a file of dated events in config/events/ says."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.schema.calendars import TimeOfDay, ZoneName
from config.schema.fields import Name, Section
from config.schema.incentives import KindName
from config.schema.markets import Symbol

Part = Literal["before_open", "after_close", "all_day"]


class EventRow(Section):
    """One event of one day."""

    kind: KindName
    """What the news is about; config/incentives/all_markets.toml says what the kind does."""

    day: date
    """Local day."""

    time: TimeOfDay | None = None
    """Local time of the news, where it is known."""

    part: Part | None = None
    """The part of the day in which it comes, where the time is not known."""

    symbol: Symbol | None = None
    """The market that it is about; left out: all of the classes that the kind touches."""

    name: Annotated[str, Field(max_length=80)] = ""
    """In words, for people."""

    is_cancelled: bool = False
    """Takes out what an import says of this kind, symbol and day."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if not self.is_cancelled and (self.time is None) == (self.part is None):
            found = "neither" if self.time is None else "both"
            raise ValueError(f"must have `time` or `part`, found {found}: keep one")
        if self.kind == "earnings" and self.symbol is None:
            raise ValueError(
                'must name the `symbol` of earnings, found none: add it (`symbol = "AAPL"`)'
            )
        return self


class EventsFile(Section):
    """Dated events from one source."""

    timezone: ZoneName
    """Where the days and times are local."""

    imported_from: Name | None = None
    """The format that an import read; left out in a file of the operator's own, which wins."""

    source: str = ""
    """Where the dates were published."""

    event: tuple[EventRow, ...] = Field(default=(), strict=False)
