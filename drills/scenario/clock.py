"""Move what was recorded onto days that a calendar covers, and local times onto the venue's clock.

All days move by the same whole number of weeks, so that a Friday stays a Friday and a weekend a weekend; the wall
clock stays as it was. A recorded window across a change of clocks is an hour longer or shorter than the
days it is played on, unless these change theirs too.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from risk.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """From recorded local times to seconds. Raises ValueError when the days of the week differ."""

    zone: ZoneInfo
    recorded_on: date
    played_on: date

    def __post_init__(self) -> None:
        if (self.played_on - self.recorded_on).days % 7:
            raise ValueError(
                f"played_on must be a {self.recorded_on:%A} like {self.recorded_on}, found"
                f" {self.played_on}, a {self.played_on:%A}: choose another day"
            )

    def day(self, recorded: date) -> date:
        """Give the day on which a recorded day is played."""
        return recorded + (self.played_on - self.recorded_on)

    def seconds(self, recorded: datetime) -> Seconds:
        """Give a recorded local time; raises ValueError for one that its new day lacks or has twice."""
        local = recorded + timedelta(days=(self.played_on - self.recorded_on).days)
        first, second = (local.replace(tzinfo=self.zone, fold=fold).timestamp() for fold in (0, 1))
        if first != second:
            raise ValueError(
                f"{recorded} would be played at {local:%Y-%m-%d %H:%M}, which that day lacks or has"
                " twice because the clocks change: choose another played_on"
            )
        return Seconds(int(first))
