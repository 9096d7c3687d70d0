"""What an attack did: the same history with and without it, side by side.

A distance is of the attacked price from the honest one, in ppm of the honest one, rounded toward zero; both
as the venue held them at the same moment. Wronged is who was under margin at some moment of the attacked
history and at none of the honest one; late is who ought to have been, and was a minute later or never.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drills.attacks.crowd import Fall
from drills.attacks.play import Ground, History, Look, play
from drills.attacks.scenarios import Scenario
from risk.units import PPM_SCALE, Ppm, PriceE8, QuoteAtoms, Seconds, div_trunc

BACK_PPM: Final = 1_000
"""10 bp: nearer than this the mark is back."""
LATE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The largest distance of a price from the honest one."""

    distance: Ppm
    """Signed."""
    after: Seconds
    """From the start of the attack to when it was reached first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """Accounts, and all their positions' notional when they first fell under margin."""

    accounts: int
    notional: QuoteAtoms
    share: Ppm
    """Of the open interest of all markets, which counts longs alone: all accounts make twice it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A signal that the honest history does not give at that moment."""

    signal: str
    after: Seconds
    """From the start of the attack to the first moment."""
    seconds: Seconds
    """How long it was on, all told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one scenario did."""

    scenario: Scenario
    mark: Move
    index: Move
    mark_at_stop: Ppm
    """How far the mark was away when the attack ended."""
    back_after: Seconds | None
    """From the end of the attack until the mark was back for good; None: not in what was played."""
    wronged: Harm
    late: Harm
    alarms: tuple[Alarm, ...]
    weights: Mapping[str, int]
    cost: QuoteAtoms | None


def play_all(ground: Ground, scenarios: Sequence[Scenario]) -> list[Outcome]:
    """Play each scenario, and the honest history of each stage once."""
    honest: dict[str, History] = {}
    outcomes: list[Outcome] = []
    for scenario in scenarios:
        stage = scenario.stage
        if stage.name not in honest:
            honest[stage.name] = play(ground, stage, None)
        attacked = play(ground, stage, scenario)
        outcomes.append(compare(scenario, attacked, honest[stage.name], ground))
    return outcomes


def compare(scenario: Scenario, attacked: History, honest: History, ground: Ground) -> Outcome:
    """Hold the two histories side by side."""
    pairs = list(zip(attacked.looks, honest.looks, strict=True))
    marks = [(one.now, _distance(one.mark, other.mark)) for one, other in pairs]
    indices = [(one.now, _distance(one.index, other.index)) for one, other in pairs]
    wronged = [fall for who, fall in attacked.fallen.items() if who not in honest.fallen]
    late = [fall for who, fall in honest.fallen.items() if _is_late(fall, attacked.fallen.get(who))]
    return Outcome(
        scenario=scenario,
        mark=_largest(marks, scenario),
        index=_largest(indices, scenario),
        mark_at_stop=next(distance for now, distance in marks if now >= scenario.stop),
        back_after=_back_after(marks, scenario),
        wronged=_harm(wronged, ground.crowd.open_interest),
        late=_harm(late, ground.crowd.open_interest),
        alarms=_alarms(pairs, scenario),
        weights=attacked.weights,
        cost=attacked.cost,
    )


def _is_late(fall: Fall, attacked: Fall | None) -> bool:
    return attacked is None or attacked.at >= fall.at + LATE_SECONDS


def _distance(price: PriceE8, honest: PriceE8) -> Ppm:
    return Ppm(div_trunc((price - honest) * PPM_SCALE, honest))


def _largest(distances: Sequence[tuple[Seconds, Ppm]], scenario: Scenario) -> Move:
    now, distance = max(distances, key=lambda each: abs(each[1]))
    is_away = distance != 0
    return Move(distance=distance, after=Seconds(now - scenario.start if is_away else 0))


def _back_after(distances: Sequence[tuple[Seconds, Ppm]], scenario: Scenario) -> Seconds | None:
    away = [now for now, distance in distances if abs(distance) > BACK_PPM]
    if not away:
        return Seconds(0)
    back = next((now for now, _ in distances if now > away[-1]), None)
    return None if back is None else Seconds(max(0, back - scenario.stop))


def _harm(falls: Iterable[Fall], open_interest: QuoteAtoms) -> Harm:
    notionals = [fall.notional for fall in falls]
    notional = QuoteAtoms(sum(notionals))
    share = div_trunc(notional * PPM_SCALE, open_interest) if open_interest else 0
    return Harm(accounts=len(notionals), notional=notional, share=Ppm(share))


def _alarms(pairs: Sequence[tuple[Look, Look]], scenario: Scenario) -> tuple[Alarm, ...]:
    first: dict[str, Seconds] = {}
    lasted: dict[str, int] = {}
    for (attacked, honest), (following, _) in itertools.pairwise(pairs):
        for signal in sorted(attacked.signals - honest.signals):
            first.setdefault(signal, attacked.now)
            lasted[signal] = lasted.get(signal, 0) + following.now - attacked.now
    # In the order in which they came up: a dict keeps it, and those of one moment are sorted.
    return tuple(
        Alarm(
            signal=signal,
            after=Seconds(since - scenario.start),
            seconds=Seconds(lasted[signal]),
        )
        for signal, since in first.items()
    )
