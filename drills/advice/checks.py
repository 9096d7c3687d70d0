"""Would the advice have held: on years that it did not see, and in crises that were kept from it.

Whatever is played here was left out of what the margins were found on. Figures are bp of a market's open
interest, all of it at the largest leverage; a crisis's are the sum over its window, not a year's. Where a
class has no opens in a crisis, its check series of closes alone are played over weekends and holidays: a gap
and a day of trade, which is more than any account has to sit through without a keeper.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from drills.advice.account import BP, Costs, Margins, bad_debt, tails_of
from drills.advice.gaps import Gaps
from drills.advice.search import Advice, Target, advise
from risk.units import PPM_SCALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Crisis:
    """A window of days of the open, both ends included."""

    name: str
    first: date
    last: date


CRISES: Final = (
    Crisis(name="1987", first=date(1987, 10, 1), last=date(1987, 12, 31)),
    Crisis(name="2000", first=date(2000, 3, 1), last=date(2000, 12, 31)),
    Crisis(name="2008", first=date(2008, 9, 1), last=date(2008, 12, 31)),
    Crisis(name="2020", first=date(2020, 2, 20), last=date(2020, 4, 30)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What margins made of gaps that they were not found on."""

    name: str
    advice: Advice
    closes_only: bool
    markets: int
    gaps: int
    years: float
    bad_debt_bp: float
    """A year's in the out-of-sample check, the window's sum in a crisis."""
    fresh_bankruptcies: int
    """Closures in which a fresh account went bankrupt."""
    closures: int
    worst: float
    """The largest gap, signed."""
    worst_day: date
    worst_name: str


def split_check(gaps: Gaps, first_day: date, target: Target, costs: Costs) -> Played | None:
    """Advise on what came before a day and play what came after; None where a side is empty."""
    is_after = gaps.day >= first_day.toordinal()
    seen, unseen = gaps.chosen(~is_after), gaps.chosen(is_after)
    if len(seen) == 0 or len(unseen) == 0:
        return None
    found = advise(seen, target, costs)
    if (margins := found.margins) is None:
        return None
    return _play(f"from {first_day}", found, margins, unseen, target, closes_only=False)


def crisis_checks(
    gaps: Gaps, checks: Gaps | None, target: Target, costs: Costs, *, closes_only: bool
) -> list[Played]:
    """Advise without a crisis's years and play its window, with the check series where it lies in no other."""
    found: list[Played] = []
    for crisis in CRISES:
        own = _within(gaps, crisis)
        is_stand_in = len(own) == 0
        played = own if not is_stand_in else None if checks is None else _within(checks, crisis)
        if played is None or len(played) == 0:
            continue
        apart = (gaps.year < crisis.first.year) | (gaps.year > crisis.last.year)
        if not apart.any():
            continue
        advice = advise(gaps.chosen(apart), target, costs)
        if (margins := advice.margins) is not None:
            shown = closes_only or is_stand_in
            found.append(_play(crisis.name, advice, margins, played, target, closes_only=shown))
    return found


def is_in_data(crisis: Crisis, gaps: Gaps) -> bool:
    """Say whether any gap lies in a crisis's window."""
    return len(_within(gaps, crisis)) > 0


def window_debt(margins: Margins, gaps: Gaps, crisis: Crisis, target: Target) -> float | None:
    """Give the bad debt of a crisis under given margins, in bp of open interest; None without data."""
    played = _within(gaps, crisis)
    if len(played) == 0:
        return None
    found = bad_debt(margins, played, tails_of(played), fresh_share=target.fresh_share)
    return float(found.by_gap.sum()) / len(set(played.name)) * BP


def _within(gaps: Gaps, crisis: Crisis) -> Gaps:
    return gaps.chosen(
        (gaps.day >= crisis.first.toordinal()) & (gaps.day <= crisis.last.toordinal())
    )


def _play(
    name: str, advice: Advice, margins: Margins, gaps: Gaps, target: Target, *, closes_only: bool
) -> Played:
    found = bad_debt(margins, gaps, tails_of(gaps), fresh_share=target.fresh_share)
    markets = len(set(gaps.name))
    is_crisis = not name.startswith("from ")
    worst = int(np.argmax(gaps.loss))
    return Played(
        name=name,
        advice=advice,
        closes_only=closes_only,
        markets=markets,
        gaps=len(gaps),
        years=gaps.series_years,
        bad_debt_bp=float(found.by_gap.sum()) / markets * BP if is_crisis else found.happened_bp,
        fresh_bankruptcies=int((gaps.loss[gaps.is_closure] > margins.weekend / PPM_SCALE).sum()),
        closures=int(gaps.is_closure.sum()),
        worst=float(gaps.move[worst]),
        worst_day=date.fromordinal(int(gaps.day[worst])),
        worst_name=gaps.name[worst],
    )
