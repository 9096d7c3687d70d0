"""Write the golden files of two weeks' levers: `python -m tests.config.golden.write_incentives_2026`.

Every ten minutes of the week, a line where something is different from ten minutes before. Read the
difference before you commit it: somebody last looked at every line.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from config.calendars import Calendar, calendar_of, load_calendars, local_time, midnight
from config.incentives import load_incentives
from risk.incentive_schedule import scheduled
from risk.incentive_terms import MarketIncentives
from risk.units import Seconds, div_trunc

FOLDER = Path(__file__).parent
WEEKS = {
    "incentives_ordinary_2026.csv": (date(2026, 11, 9), date(2026, 11, 17)),
    "incentives_thanksgiving_2026.csv": (date(2026, 11, 23), date(2026, 12, 1)),
}
"""From one local midnight to another: a Monday, a weekend and the Monday after."""
SYMBOL = "AAPL"
EVERY = 600
HEADING = (
    "local_time,session,initial_margin_ppm,funding_multiplier_ppm,skew_slope_ppb_per_hour,"
    "maker_fee_ppm,taker_fee_ppm,open_interest_cap_usd"
)


def rows(market: MarketIncentives, calendar: Calendar, first: date, last: date) -> Iterator[str]:
    """Give a line for each change of the session or of a lever."""
    before = ""
    start, stop = midnight(first, calendar.zone), midnight(last, calendar.zone)
    for now in map(Seconds, range(start, stop, EVERY)):
        levers = scheduled(calendar.timeline, market.terms, now)
        line = (
            f"{calendar.timeline.session_at(now).value},{levers.initial_margin},"
            f"{levers.funding_multiplier},{levers.skew_slope},{levers.maker_fee},"
            f"{levers.taker_fee},{div_trunc(levers.open_interest_cap, 10**6)}"
        )
        if line != before:
            yield f"{local_time(now, calendar.zone):%a %Y-%m-%d %H:%M},{line}"
        before = line


def week(name: str) -> list[str]:
    """Give the lines of one golden file, as the shipped files have it."""
    market = load_incentives().markets[SYMBOL]
    calendar = calendar_of(SYMBOL, market.asset_class, load_calendars())
    assert calendar is not None
    return [HEADING, *rows(market, calendar, *WEEKS[name])]


if __name__ == "__main__":
    for name in WEEKS:
        (FOLDER / name).write_text("\n".join([*week(name), ""]))
