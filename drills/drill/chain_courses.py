"""What a chain tells of a drill afterwards: every market's course and every status, from the exchange's events alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from drills.chain_events import ChainEvent
from drills.drill.status_act import status_act
from drills.journal_evidence import Reason, Reasons
from drills.report.record import Act, MarketCourse
from drills.scenario.path import ScenarioPath
from drills.scenario.values import Scenario
from risk.market import Market
from risk.units import (
    MarketId,
    MarketStatus,
    PriceE8,
    Seconds,
)

TIMES: Final = 1_500
"""On the axis, at most: evenly over the span."""
_NOT_OURS: Final = Reason(by="another key", why="this keeper's breaker did not write it")


@dataclass(slots=True)
class _State:
    """One market as the events have left it."""

    mark: PriceE8 = PriceE8(0)
    index: PriceE8 = PriceE8(0)
    band: tuple[int, int] = (0, 0)
    status: MarketStatus = MarketStatus.OPEN
    rows: list[tuple[PriceE8, PriceE8, tuple[int, int], MarketStatus]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTold:
    """What the events say between the scenario's first and last second."""

    times: tuple[Seconds, ...]
    markets: tuple[MarketCourse, ...]
    acts: tuple[Act, ...]
    halts: int
    halted_seconds: int
    restricted_seconds: int


def told(
    events: Iterable[ChainEvent],
    markets: Sequence[Market],
    scenario: Scenario,
    path: ScenarioPath,
    reasons: Reasons,
) -> ChainTold:
    """Walk the events once; the axis is even, and each time has what the events before it left.

    Why a status changed is what the keeper's journal has for its transaction.
    """
    states = {market.id: _State() for market in markets}
    symbols = {market.id: market.symbol for market in markets}
    step = max(1, (scenario.end - scenario.start) // TIMES)
    times = [Seconds(each) for each in range(scenario.start, scenario.end + 1, step)]
    acts: list[Act] = []
    spans = _Spans(scenario.start)
    place = 0
    for event in events:
        while place < len(times) and times[place] < event.timestamp:
            _sample(states)
            place += 1
        before = {number: state.status for number, state in states.items()}
        _apply(states, event)
        if event.name == "StatusChanged" and event.timestamp >= scenario.start:
            number = MarketId(event.values["market"])
            spans.change(number, before[number], states[number].status, event.timestamp)
            reason = reasons.get((event.transaction, symbols[number]), _NOT_OURS)
            acts.append(
                status_act(
                    at=event.timestamp,
                    symbol=symbols[number],
                    who=reason.by,
                    why=reason.why,
                    status=states[number].status,
                )
            )
    for _ in times[place:]:
        _sample(states)
    spans.end({number: state.status for number, state in states.items()}, scenario.end)
    return ChainTold(
        times=tuple(times),
        markets=tuple(
            _course(symbols[number], state, times, scenario, path)
            for number, state in states.items()
        ),
        acts=tuple(acts),
        halts=spans.halts,
        halted_seconds=spans.seconds[MarketStatus.HALTED],
        restricted_seconds=spans.seconds[MarketStatus.LIMIT]
        + spans.seconds[MarketStatus.REDUCE_ONLY],
    )


class _Spans:
    """How long markets were in each status."""

    def __init__(self, begin: Seconds) -> None:
        self._begin, self._since = begin, dict[MarketId, Seconds]()
        self.seconds = dict.fromkeys(MarketStatus, 0)
        self.halts = 0

    def change(
        self, market: MarketId, before: MarketStatus, after: MarketStatus, now: Seconds
    ) -> None:
        """Learn that a status changed."""
        self.seconds[before] += now - self._since.get(market, self._begin)
        self._since[market] = now
        self.halts += after is MarketStatus.HALTED and before is not MarketStatus.HALTED

    def end(self, statuses: dict[MarketId, MarketStatus], now: Seconds) -> None:
        """Count what lasts up to the end."""
        for market, status in statuses.items():
            self.seconds[status] += max(0, now - self._since.get(market, self._begin))


def _apply(states: dict[MarketId, _State], event: ChainEvent) -> None:
    values = event.values
    match event.name:
        case "PricePublished":
            state = states[MarketId(values["market"])]
            state.mark, state.index = PriceE8(values["mark"]), PriceE8(values["index"])
        case "BandChanged":
            states[MarketId(values["market"])].band = (values["low"], values["high"])
        case "StatusChanged":
            states[MarketId(values["market"])].status = MarketStatus(values["status"])
        case _:
            pass


def _sample(states: dict[MarketId, _State]) -> None:
    for state in states.values():
        state.rows.append((state.mark, state.index, state.band, state.status))


def _course(
    symbol: str, state: _State, times: Sequence[Seconds], scenario: Scenario, path: ScenarioPath
) -> MarketCourse:
    nothing = tuple(None for _ in times)
    return MarketCourse(
        symbol=symbol,
        value_e8=tuple(path.value(symbol, now) for now in times),
        index_e8=tuple(index or None for _, index, _, _ in state.rows),
        mark_e8=tuple(mark for mark, _, _, _ in state.rows),
        band_low_e8=tuple(PriceE8(band[0]) or None for _, _, band, _ in state.rows),
        band_high_e8=tuple(PriceE8(band[1]) or None for _, _, band, _ in state.rows),
        status=tuple(status for _, _, _, status in state.rows),
        session=tuple(scenario.timeline.session_at(now) for now in times),
        depth_usd=nothing,
        open_interest_usd=nothing,
    )
