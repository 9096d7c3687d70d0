"""Write the golden file of a year's boundaries: `python -m tests.config.golden.write_us_equities_2026`.

Read the difference before you commit it: the file is what the calendar was on the day that somebody
last looked at every line that changed.
"""

from datetime import date
from pathlib import Path

from config.calendars import CALENDARS_DIRECTORY, Calendar, load_calendar, local_time, midnight

GOLDEN = Path(__file__).parent / "us_equities_2026.csv"


def rows(calendar: Calendar) -> list[str]:
    """Give a line for each boundary of 2026: local time with its offset, seconds, session."""
    start, stop = (midnight(date(year, 1, 1), calendar.zone) for year in (2026, 2027))
    return [
        f"{local_time(each.start, calendar.zone).isoformat()},{each.start},{each.session.value}"
        for each in calendar.timeline.between(start, stop)
    ]


if __name__ == "__main__":
    lines = rows(load_calendar(CALENDARS_DIRECTORY / "us_equities.toml"))
    GOLDEN.write_text("\n".join(["local_time,start_seconds,session", *lines, ""]))
