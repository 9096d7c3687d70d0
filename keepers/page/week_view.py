"""The week: when each underlying trades, when it is closed, and when the levers ramp."""

from typing import Final

from keepers.page.facts import PageFacts, Week, WeekLine
from keepers.page.figures import minute
from keepers.page.html import Markup, joined, table, tag
from risk.sessions import Session
from risk.units import Seconds, div_floor

DAY: Final = 86_400
WIDTH: Final = 10_080
"""One unit a minute of seven days."""
SOON: Final = 4
"""Changes that are told in words, for each calendar."""
HEADINGS: Final = ("Market hours", "Now", *("Then",) * SOON)
CLOSED: Final = frozenset({Session.WEEKEND, Session.HOLIDAY, Session.HALTED, Session.UNKNOWN})


def week_section(facts: PageFacts) -> Markup:
    """Draw the week and tell the next changes in words."""
    week = facts.week
    if not week.lines:
        return tag("p", "No market is known yet, or none follows a calendar.", class_="none")
    drawn = [_drawn(line, week, facts.now) for line in week.lines]
    shown = {span.session for line in week.lines for span in line.spans}
    keys = [
        [tag("span", "", class_=f"key s-{each.value}"), f"{each.value} "]
        for each in Session
        if each in shown
    ]
    ramp = [tag("span", "", class_="key ramp"), "ramp of the levers "]
    now = [tag("span", "", class_="key now"), f"now, {minute(facts.now)} UTC"]
    note = None
    if not week.shows_ramps:
        note = tag("p", "The duty incentives does not run here: no ramp is shown.", class_="none")
    days = [
        tag("span", minute(week.start + place * DAY).split(" ")[0], class_="day")
        for place in range(7)
    ]
    return joined(
        [
            tag("div", tag("p", days, class_="days", aria_hidden="true"), drawn, class_="week"),
            tag("p", keys, ramp if week.shows_ramps else None, now, class_="keys"),
            note,
            table(
                "The next changes, UTC", HEADINGS, [_next(line, facts.now) for line in week.lines]
            ),
        ]
    )


def _drawn(line: WeekLine, week: Week, now: Seconds) -> Markup:
    def across(moment: int) -> int:
        return max(0, min(WIDTH, div_floor(moment - week.start, 60)))

    shapes = []
    for span in line.spans:
        left, right = across(span.start), across(span.stop)
        shapes.append(
            tag(
                "rect", x=left, y=0, width=right - left, height=30, class_=f"s-{span.session.value}"
            )
        )
    for start, stop in line.ramps:
        left, right = across(start), across(stop)
        if right > left:
            shapes.append(tag("rect", x=left, y=22, width=right - left, height=8, class_="ramp"))
    shapes += [
        tag("rect", x=across(week.start + place * DAY) - 4, y=0, width=8, height=30, class_="night")
        for place in range(1, 7)
    ]
    shapes.append(tag("rect", x=max(0, across(now) - 22), y=0, width=44, height=30, class_="now"))
    drawing = tag(
        "svg",
        shapes,
        viewBox=f"0 0 {WIDTH} 30",
        preserveAspectRatio="none",
        class_="lane",
        role="img",
        aria_label=f"Sessions of {line.calendar} in seven days from {minute(week.start)} UTC;"
        " the table below tells the next changes",
    )
    who = tag("p", tag("b", _spoken(line.calendar)), f" {', '.join(line.symbols)}", class_="who")
    return joined([who, drawing])


def _next(line: WeekLine, now: Seconds) -> list[Markup]:
    """Tell a calendar's session and the changes that come next."""
    current = [each for each in line.spans if each.start <= now < each.stop]
    later = [each for each in line.spans if each.start > now][:SOON]
    cells = [tag("span", current[0].session.value if current else "not covered")]
    cells += [tag("span", f"{minute(each.start)} ", _emphasised(each.session)) for each in later]
    cells += [tag("span", "–")] * (SOON + 1 - len(cells))
    return [tag("span", _spoken(line.calendar)), *cells]


def _spoken(calendar: str) -> str:
    return calendar.replace("_", " ")


def _emphasised(session: Session) -> Markup:
    return tag("b" if session in CLOSED else "span", session.value)
