"""The courses of a record: every market as it is after some of the blocks."""

from dataclasses import dataclass, field

from drills.drill.book import DrillBook
from drills.drill.levers import RECORDED, courses, lever_values
from drills.drill.setup import Cast
from drills.memory.stage import MemoryStage
from drills.report.record import MarketCourse
from drills.scenario.path import ScenarioPath
from risk.incentive_terms import Lever
from risk.sessions import Session, SessionTimeline
from risk.units import (
    ATOMS_PER_USD,
    MarketId,
    MarketStatus,
    PriceE8,
    Seconds,
    div_trunc,
    notional,
)

CLOSE_SECONDS = 10
"""From one time of the axis to the next where every second is looked at, at least."""
FAR_SECONDS = 600
"""The same where nothing happens."""
MOST_CLOSE = 3_000
"""Times of the first kind, at most."""


@dataclass(slots=True)
class _Column:
    """One market's values so far."""

    value: list[PriceE8] = field(default_factory=list)
    index: list[PriceE8 | None] = field(default_factory=list)
    mark: list[PriceE8] = field(default_factory=list)
    low: list[PriceE8 | None] = field(default_factory=list)
    high: list[PriceE8 | None] = field(default_factory=list)
    status: list[MarketStatus] = field(default_factory=list)
    session: list[Session] = field(default_factory=list)
    depth: list[int | None] = field(default_factory=list)
    interest: list[int | None] = field(default_factory=list)
    levers: dict[Lever, list[int]] = field(default_factory=lambda: {each: [] for each in RECORDED})


class Axis:
    """Samples every market now and then."""

    def __init__(
        self,
        stage: MemoryStage,
        cast: Cast,
        path: ScenarioPath,
        timeline: SessionTimeline,
        *,
        lively_seconds: int,
    ) -> None:
        self._stage, self._cast, self._path, self._timeline = stage, cast, path, timeline
        self._columns = {symbol: _Column() for symbol in cast.symbols}
        self._close = max(CLOSE_SECONDS, lively_seconds // MOST_CLOSE)
        self.times: list[Seconds] = []

    def look(self, now: Seconds, book: DrillBook, *, step: int) -> None:
        """Sample if it is time."""
        wait = self._close if step == 1 else FAR_SECONDS
        if not self.times or now - self.times[-1] >= wait:
            self.sample(now, book)

    def sample(self, now: Seconds, book: DrillBook) -> None:
        """Sample, unless this second was."""
        if self.times and self.times[-1] == now:
            return
        self.times.append(now)
        session = self._timeline.session_at(now)
        for number, market in sorted(self._stage.exchange.state.markets.items()):
            column = self._columns[market.symbol]
            column.value.append(self._path.value(market.symbol, now))
            column.index.append(market.index or None)
            column.mark.append(market.mark)
            column.low.append(market.band_low or None)
            column.high.append(market.band_high or None)
            column.status.append(market.status)
            column.session.append(session)
            column.depth.append(book.depth(market.symbol))
            worth = notional(market.open_interest, market.mark)
            column.interest.append(div_trunc(worth, ATOMS_PER_USD))
            for lever, values in column.levers.items():
                values.append(lever_values(lever, self._stage, MarketId(number)))

    def courses(self, *, has_levers: bool) -> tuple[MarketCourse, ...]:
        """Give the courses as the record wants them."""
        return tuple(
            MarketCourse(
                symbol=symbol,
                value_e8=tuple(column.value),
                index_e8=tuple(column.index),
                mark_e8=tuple(column.mark),
                band_low_e8=tuple(column.low),
                band_high_e8=tuple(column.high),
                status=tuple(column.status),
                session=tuple(column.session),
                depth_usd=tuple(column.depth),
                open_interest_usd=tuple(column.interest),
                levers=courses(column.levers) if has_levers else (),
            )
            for symbol, column in self._columns.items()
        )
