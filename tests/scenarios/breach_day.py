"""A trading day in which every market breaches within one minute, on a compressed venue clock.

Friday from 9:00 to 20:00 in New York. Prices breathe all day; each market's breach comes at a random
moment of the minute from 14:00, and lasts. Blocks go on every 10 ms whatever the venue's clock does.
A thread beside asks each keeper for `/healthz` and `/status` without a pause.
"""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from drills.weekend import ZONE
from risk.units import MarketStatus, div_floor
from tests.scenarios.breach_evidence import is_all_settled
from tests.scenarios.breach_stage import (
    BREACHED,
    HALT_SECONDS,
    MARK,
    READY_SECONDS,
    BreachStage,
    House,
    wait_mined,
)
from tests.scenarios.keeper import wait_until

MORNING: Final = int(datetime(2026, 11, 20, 9, 0, tzinfo=ZONE).timestamp())
MINUTE: Final = int(datetime(2026, 11, 20, 14, 0, tzinfo=ZONE).timestamp())
EVENING: Final = int(datetime(2026, 11, 20, 20, 0, tzinfo=ZONE).timestamp())
EXPIRY_SECONDS: Final = 7_200
"""An intent's age is on the venue's clock, which goes by in minutes at each block."""
PAGES: Final = ("/healthz", "/status")

_BREATH_SECONDS: Final = 0.25
_LOOK_SECONDS: Final = 0.02
_BREATH_PPM: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """How fast the day goes by: venue seconds in one of ours."""

    quiet_pace: float
    minute_pace: float


@dataclass(slots=True)
class Watched:
    """What a keeper answered while the day was played."""

    answers: dict[str, list[float]] = field(default_factory=lambda: {page: [] for page in PAGES})
    """Seconds that each answer took, by page."""
    missed: int = 0
    """Questions without an answer within two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """What happened."""

    breaches: Sequence[dict[int, str]]
    """By house: the pricer's transaction that made each market breach."""
    watched: Sequence[Watched]
    """By house."""
    statuses: Sequence[Sequence[MarketStatus]]
    """By house: every market's status in the evening, read from the chain."""


def play_day(stage: BreachStage, plan: DayPlan, *, kills: int = 0) -> DayReport:
    """Start the keepers, play the day, wait until nothing is on its way, stop the keepers.

    Each keeper is killed and started again `kills` times within the minute.
    """
    for house in stage.houses:
        house.keeper.start()
        wait_until(house.is_ready, "the keeper is ready", READY_SECONDS)
        wait_until(house.has_bands, "every market has a band", READY_SECONDS)
    with ExitStack() as stack:
        watched = [stack.enter_context(watching(house)) for house in stage.houses]
        stage.set_out(
            (MINUTE - 30, plan.quiet_pace),
            (MINUTE + 75, plan.minute_pace),
            (EVENING, plan.quiet_pace),
        )
        day = _Day(stage, kills)
        day.breathe_until(MINUTE)
        day.breach_all()
        for house in stage.houses:
            wait_until(house.is_halted, "all are halted", HALT_SECONDS)
        day.breathe_until(EVENING)
        for house in stage.houses:
            wait_until(partial(is_all_settled, house), "nothing is on its way", HALT_SECONDS)
    statuses = [house.statuses() for house in stage.houses]
    for house in stage.houses:
        assert house.keeper.terminate() == 0, f"expected a clean end, see {house.keeper.log}"
    return DayReport(breaches=day.breaches, watched=watched, statuses=statuses)


class _Day:
    """The pricer's day."""

    def __init__(self, stage: BreachStage, kills: int) -> None:
        self._stage = stage
        self._kills = [MINUTE + 60 * place // (kills + 1) for place in range(1, kills + 1)]
        """When the keepers are killed."""
        self._breathed_at = 0.0
        self._random = random.Random(5)
        self.breaches: list[dict[int, str]] = [{} for _ in stage.houses]

    def breathe_until(self, moment: int) -> None:
        """Publish all prices again and again until the venue's clock is there."""
        while self._stage.clock.now() < moment:
            self._publish_all()
            time.sleep(_BREATH_SECONDS)

    def breach_all(self) -> None:
        """Breach every market within the minute, each at its own moment; the others breathe on."""
        due = sorted(
            (self._random.randrange(60), place, market)
            for place, house in enumerate(self._stage.houses)
            for market in range(len(house.symbols))
        )
        while due:
            now = self._stage.clock.now()
            if self._kills and self._kills[0] <= now:
                del self._kills[0]
                for house in self._stage.houses:
                    house.keeper.kill()
                    house.keeper.start()
            come = [each for each in due if MINUTE + each[0] <= now]
            due = due[len(come) :]
            for place, house in enumerate(self._stage.houses):
                markets = [market for _, at, market in come if at == place]
                if markets:
                    # No more than fit into one transaction, so that each market's is known.
                    (sent,) = house.publish(dict.fromkeys(markets, BREACHED), timestamp=now)
                    self.breaches[place] |= dict.fromkeys(markets, sent)
            if time.monotonic() - self._breathed_at > _BREATH_SECONDS:
                self._publish_all()
            time.sleep(_LOOK_SECONDS)
        for place, _ in enumerate(self._stage.houses):
            wait_mined(self._stage.rpc, sorted(set(self.breaches[place].values())))

    def _publish_all(self) -> None:
        self._breathed_at = time.monotonic()
        now = self._stage.clock.now()
        for place, house in enumerate(self._stage.houses):
            indexes, marks = {}, {}
            for market in range(len(house.symbols)):
                breath = self._random.randint(-_BREATH_PPM, _BREATH_PPM)
                marks[market] = MARK + div_floor(MARK * breath, 10**6)
                is_breached = market in self.breaches[place]
                indexes[market] = BREACHED if is_breached else marks[market]
            house.publish(indexes, marks=marks, timestamp=now)


@contextmanager
def watching(house: House) -> Iterator[Watched]:
    """Ask a keeper for its pages, one question after the other, until the block ends."""
    watched, stop = Watched(), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            for page in PAGES:
                began = time.monotonic()
                answer = house.keeper.page(page)
                if answer is None:
                    watched.missed += 1
                else:
                    watched.answers[page].append(time.monotonic() - began)
            stop.wait(0.02)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield watched
    finally:
        stop.set()
        thread.join()
