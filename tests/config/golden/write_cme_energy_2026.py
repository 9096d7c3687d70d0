"""Write the golden file of a year's boundaries: `python -m tests.config.golden.write_cme_energy_2026`.

Read the difference before you commit it, as for `write_us_equities_2026`.
"""

from pathlib import Path

from config.calendars import CALENDARS_DIRECTORY, load_calendar
from tests.config.golden.write_us_equities_2026 import rows

GOLDEN = Path(__file__).parent / "cme_energy_2026.csv"

if __name__ == "__main__":
    lines = rows(load_calendar(CALENDARS_DIRECTORY / "cme_energy.toml"))
    GOLDEN.write_text("\n".join(["local_time,start_seconds,session", *lines, ""]))
