"""The attacks that are played, each in words: who does what, when, on which stretch of the calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drills.attacks.hands import (
    Attack,
    FrozenSources,
    LyingFirms,
    LyingSources,
    NoBids,
    PushedBook,
)
from drills.attacks.setting import FIRMS, SOURCES
from drills.attacks.stages import (
    ELEVEN,
    FALLING,
    HOUR,
    MINUTE,
    NEWS_ON_SATURDAY,
    NOON,
    WEEKDAY,
    WEEKEND,
    Stage,
)
from drills.weekend import CLOSE, REOPEN
from risk.units import Seconds

REOPEN_IS_OVER: Final = Seconds(REOPEN + 2 * MINUTE)
"""Past the transition lock: who lies until then is scored by the lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One attack, from `start` up to `stop`, which is honest again."""

    name: str
    words: str
    stage: Stage
    start: Seconds
    stop: Seconds
    make: Callable[[], Attack]


def _for(start: int, seconds: int) -> dict[str, Seconds]:
    return {"start": Seconds(start), "stop": Seconds(start + seconds)}


SCENARIOS: Final = (
    Scenario(
        name="print-minute",
        words="one share prints at -30 % on one source of three, which repeats it for a minute",
        stage=WEEKDAY,
        **_for(ELEVEN, MINUTE),
        make=lambda: LyingSources(sources=SOURCES[:1], ppm=-300_000),
    ),
    Scenario(
        name="print-hour",
        words="one share prints at -30 % on one source of three, which repeats it for an hour",
        stage=WEEKDAY,
        **_for(ELEVEN, HOUR),
        make=lambda: LyingSources(sources=SOURCES[:1], ppm=-300_000),
    ),
    Scenario(
        name="push-ten-minutes",
        words="somebody holds the book 5 % too high for ten minutes on Saturday",
        stage=WEEKEND,
        **_for(NOON, 10 * MINUTE),
        make=lambda: PushedBook(50_000),
    ),
    Scenario(
        name="push-hour",
        words="somebody holds the book 5 % too high for an hour on Saturday",
        stage=WEEKEND,
        **_for(NOON, HOUR),
        make=lambda: PushedBook(50_000),
    ),
    Scenario(
        name="liar-one",
        words="one participant of three quotes 9 % too high all weekend",
        stage=WEEKEND,
        **_for(CLOSE, REOPEN_IS_OVER - CLOSE),
        make=lambda: LyingFirms(firms=FIRMS[:1], ppm=90_000),
    ),
    Scenario(
        name="liars-two",
        words="two participants of three quote 9 % too high together all weekend",
        stage=WEEKEND,
        **_for(CLOSE, REOPEN_IS_OVER - CLOSE),
        make=lambda: LyingFirms(firms=FIRMS[:2], ppm=90_000),
    ),
    Scenario(
        name="frozen-fresh",
        words="all sources repeat one price with fresh timestamps for half an hour while the truth"
        " falls 6 % in the regular session",
        stage=FALLING,
        **_for(ELEVEN, 30 * MINUTE),
        make=lambda: FrozenSources(is_fresh=True),
    ),
    Scenario(
        name="frozen-old",
        words="the same, but the repeated price keeps its old timestamp",
        stage=FALLING,
        **_for(ELEVEN, 30 * MINUTE),
        make=lambda: FrozenSources(is_fresh=False),
    ),
    Scenario(
        name="future-dated",
        words="one source of three sends one report an hour ahead and 20 % too low, then is honest",
        stage=WEEKDAY,
        **_for(ELEVEN, 1),
        make=lambda: LyingSources(sources=SOURCES[:1], ppm=-200_000, ahead=Seconds(HOUR)),
    ),
    Scenario(
        name="no-bids",
        words="somebody sells into every bid for five minutes on Saturday, half an hour after news"
        " of -3 %",
        stage=NEWS_ON_SATURDAY,
        **_for(NOON - 30 * MINUTE, 5 * MINUTE),
        make=NoBids,
    ),
    Scenario(
        name="providers-two",
        words="two providers of three lie together by -8 % for ten minutes in the regular session",
        stage=WEEKDAY,
        **_for(ELEVEN, 10 * MINUTE),
        make=lambda: LyingSources(sources=SOURCES[:2], ppm=-80_000),
    ),
    Scenario(
        name="providers-two-far",
        words="the same by -12 %, which is farther than two providers are believed",
        stage=WEEKDAY,
        **_for(ELEVEN, 10 * MINUTE),
        make=lambda: LyingSources(sources=SOURCES[:2], ppm=-120_000),
    ),
)
