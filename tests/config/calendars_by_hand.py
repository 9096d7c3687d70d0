"""Published calendars in their own shapes, written by hand, and texts that are none of them."""

import json


def ics(*events: str) -> str:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:US-Eastern\nBEGIN:STANDARD\nDTSTART:20071104T020000\n"
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\n"
        "END:STANDARD\nEND:VTIMEZONE"
    )
    blocks = (f"BEGIN:VEVENT\n{event}\nEND:VEVENT" for event in events)
    lines = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", zone, *blocks, "END:VCALENDAR", ""])
    return lines.replace("\n", "\r\n")


WINTER = "UID:1\nSUMMARY:Consumer Price Index\nDTSTART;TZID=US-Eastern:20261210T083000"
JOBS = "UID:2\nSUMMARY:Employment Situation\nDTSTART;TZID=US-Eastern:20261204T083000"


FED = [
    {
        "type": "FOMC",
        "title": " FOMC Meeting",
        "month": "2026-12",
        "days": "9",
        "time": "2:00 p.m.",
    },
    {
        "type": "FOMC",
        "title": "FOMC Meeting",
        "month": "2027-01",
        "days": "26-27",
        "time": "2:00 pm",
    },
    {"type": "FOMC", "title": "FOMC Meeting", "month": "2028-04", "days": "30 - 1", "time": ""},
    {
        "type": "FOMC",
        "title": "FOMC Minutes",
        "month": "2026-12",
        "days": "30",
        "time": "2:00 p.m.",
    },
    {"type": "Speeches", "title": "Speech", "month": "", "days": "soon", "time": "TBD"},
]

BAD_CALENDARS = {
    "a page instead of a calendar": ("bls-ics", "<html>\nAccess Denied", "a line of iCalendar"),
    "nothing": ("bls-ics", "", "from BEGIN:VCALENDAR to END:VCALENDAR"),
    "half a calendar": ("bls-ics", ics(WINTER).replace("END:VCALENDAR\r\n", ""), "END:VCALENDAR"),
    "an event that does not end": (
        "bls-ics",
        ics(WINTER).replace("END:VEVENT\r\n", ""),
        "components that end as they began, found END:VCALENDAR",
    ),
    "an event without a start": ("bls-ics", ics("SUMMARY:x"), "SUMMARY and DTSTART in every event"),
    "a start that is no time": (
        "bls-ics",
        ics("SUMMARY:x\nDTSTART:20261310T083000"),
        "expected DTSTART as 20261210T083000, found '20261310T083000'",
    ),
    "a zone that we cannot place": (
        "bls-ics",
        ics("SUMMARY:x\nDTSTART;TZID=Mars:20261210T083000"),
        "expected a time zone such as America/New_York, found 'Mars'",
    ),
    "a zone that is no zone": (
        "bls-ics",
        ics("SUMMARY:x\nDTSTART;TZID=America/Atlantis:20261210T083000"),
        "found 'America/Atlantis'",
    ),
    "a rule of recurrence": (
        "bls-ics",
        ics(WINTER + "\nRRULE:FREQ=MONTHLY"),
        "expected single events, found 'Consumer Price Index' that recurs",
    ),
    "no consumer prices at all": (
        "bls-ics",
        ics(JOBS),
        "at least one 'Consumer Price Index', found none among 1 entries",
    ),
    "BEA: another shape": ("bea-json", "[]", "a JSON object"),
    "BEA: no JSON": ("bea-json", "<html>", "expected JSON, found '<html>'"),
    "BEA: dates that are none": (
        "bea-json",
        json.dumps({"Personal Income and Outlays": {"release_dates": "soon"}}),
        "expected release_dates of 'Personal Income and Outlays' to be a list of times",
    ),
    "BEA: a time without a zone": (
        "bea-json",
        json.dumps({"Personal Income and Outlays": {"release_dates": ["2026-12-23T08:30:00"]}}),
        "expected a time such as 2026-12-23T13:30:00+00:00",
    ),
    "Fed: no events": ("fed-json", "{}", 'expected a list of "events"'),
    "Fed: no meeting among them": (
        "fed-json",
        json.dumps({"events": FED[3:]}),
        "at least one 'FOMC Meeting'",
    ),
    "Fed: a month that is none": (
        "fed-json",
        json.dumps({"events": [{**FED[0], "month": "2026-13"}]}),
        "found '2026-13' and '9'",
    ),
    "Fed: a day that the month has not": (
        "fed-json",
        json.dumps({"events": [{**FED[0], "days": "32"}]}),
        "found '2026-12' and '32'",
    ),
    "Fed: a time in words": (
        "fed-json",
        json.dumps({"events": [{**FED[0], "time": "TBD"}]}),
        "expected a time such as 2:00 p.m., found 'TBD'",
    ),
    "Nasdaq: no data": ("nasdaq-json", '{"data": null}', '"rows" and "asOf"'),
    "Nasdaq: no day": ("nasdaq-json", '{"data": {"rows": []}}', "such as Mon, Jul 27, 2026"),
    "Alpha Vantage: its note about the limit": (
        "alpha-vantage-csv",
        '{"Information": "limit"}',
        "a first line with symbol and reportDate",
    ),
    "Alpha Vantage: a heading alone": (
        "alpha-vantage-csv",
        "symbol,name,reportDate\n",
        "lines of companies",
    ),
    "Alpha Vantage: its note in the rows": (
        "alpha-vantage-csv",
        "symbol,name,reportDate\nI,n,f\n",
        "expected reportDate as 2026-12-10, found 'f'",
    ),
}
"""Name of the case → (format, text, part of the sentence that refuses it)."""
