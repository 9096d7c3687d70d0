"""One drawn course of a scenario: ask it for any second, in any order, and it says the same.

A market's price is its price at the start, moved as its series moved (log move times beta) with its own noise on top,
and divided by what splits have made of a share. While outside markets are closed or the underlying is halted there
is no index, and an honest source repeats the last outside price with that price's time.
"""

import math
from bisect import bisect_left
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drills.scenario.moment import (
    Event,
    EventKind,
    MarketMoment,
    Moment,
    Report,
    SourceState,
)
from drills.scenario.series import Floats, SeriesPath, bridge, geometric, key_of
from risk.units import PPM_SCALE, Ppm, PriceE8, QuoteAtoms, Seconds, div_floor, div_trunc

if TYPE_CHECKING:
    from drills.scenario.values import Scenario, ScenarioMarket

SOURCE_NOISE_PPM: Final = 20
"""Honest sources differ by this much, one standard deviation; ours."""


class ScenarioPath:
    """What happens with one seed."""

    def __init__(self, scenario: "Scenario", seed: int) -> None:
        self._scenario, self._seed = scenario, seed
        start, end = scenario.start, scenario.end
        self.series = {
            each.name: SeriesPath(each, start=start, end=end, seed=seed) for each in scenario.series
        }
        self._markets = {
            each.symbol: _MarketPath(self, scenario, each) for each in scenario.markets
        }
        self._by_stop = tuple(sorted(scenario.events, key=lambda each: each.stop))

    @property
    def seed(self) -> int:
        """Give the seed."""
        return self._seed

    def at(self, now: int) -> Moment:
        """Give the world at a second; raises ValueError outside of the scenario."""
        self._check(now)
        moment = Seconds(now)
        lasting = [event for event in self._scenario.events if event.is_on(moment)]
        kinds = {event.kind for event in lasting}
        return Moment(
            at=moment,
            markets={
                symbol: market.at(moment, [each for each in lasting if each.covers(symbol)])
                for symbol, market in self._markets.items()
            },
            begun=self.begun(moment, Seconds(now + 1)),
            ended=self.ended(moment, Seconds(now + 1)),
            is_exchange_down=EventKind.EXCHANGE_OUTAGE in kinds,
            is_chain_stalled=EventKind.CHAIN_STALL in kinds,
        )

    def value(self, symbol: str, now: int) -> PriceE8:
        """Give a market's true value alone, which costs a hundredth of `at`."""
        self._check(now)
        return self._markets[symbol].value(now)

    def contract_value(self, symbol: str, now: int) -> PriceE8:
        """Give what a contract of the first second's shares is worth, whatever was split since."""
        self._check(now)
        return self._markets[symbol].contract_value(now)

    def index(self, symbol: str, now: int) -> PriceE8 | None:
        """Give a market's index alone; None while outside is closed or the underlying halted."""
        self._check(now)
        return self._markets[symbol].index(now)

    def values(self, symbol: str) -> Floats:
        """Give a market's true value in USD for every second, for models that need them all."""
        return self._markets[symbol].all_values()

    def begun(self, after: Seconds, before: Seconds) -> tuple[Event, ...]:
        """Give what begins or happens from `after` on and before `before`: for a runner's larger steps."""
        events = self._scenario.events
        low = bisect_left(events, after, key=lambda each: each.start)
        return events[low : bisect_left(events, before, key=lambda each: each.start)]

    def ended(self, after: Seconds, before: Seconds) -> tuple[Event, ...]:
        """Give what lasted and ends in the same stretch."""
        low = bisect_left(self._by_stop, after, key=lambda each: each.stop)
        high = bisect_left(self._by_stop, before, key=lambda each: each.stop)
        return tuple(each for each in self._by_stop[low:high] if each.stop > each.start)

    def _check(self, now: int) -> None:
        scenario = self._scenario
        if not scenario.start <= now <= scenario.end:
            raise ValueError(
                f"expected a second from {scenario.start} to {scenario.end}, found {now}"
            )


class _MarketPath:
    """One market's share of the path."""

    def __init__(self, path: ScenarioPath, scenario: "Scenario", market: "ScenarioMarket") -> None:
        self._scenario, self._market, self._seed = scenario, market, path.seed
        series = path.series[market.follows].logs
        moves = (series - series[0]) * (market.beta / PPM_SCALE)
        if market.own_noise_bp:
            key = (path.seed, key_of(market.symbol, market.follows))
            moves = moves + bridge(len(moves) - 1, market.own_noise_bp, *key)
        self._moves: Floats = moves
        mine = [event for event in scenario.events if event.covers(market.symbol)]
        self._splits = [event for event in mine if event.kind is EventKind.SPLIT]
        self._depth = next(
            (
                tuple(course.facts)
                for course in sorted(scenario.depth, key=lambda each: not each.symbols)
                if not course.symbols or market.symbol in course.symbols
            ),
            (),
        )
        self._last_open = _last_open(
            scenario, [event for event in mine if event.kind is EventKind.HALT]
        )

    def value(self, now: int) -> PriceE8:
        return self._on_basis_of(now, now)

    def contract_value(self, now: int) -> PriceE8:
        return self._on_basis_of(now, self._scenario.start)

    def index(self, now: int) -> PriceE8 | None:
        place = now - self._scenario.start
        return self.value(now) if self._last_open[place] == place else None

    def all_values(self) -> Floats:
        values: Floats = np.exp(self._moves) * (self._market.price / 10**8)
        for split in self._splits:
            values[split.start - self._scenario.start :] *= split.old_shares / split.new_shares
        return values

    def at(self, now: Seconds, lasting: list[Event]) -> MarketMoment:
        faults = [event for event in lasting if event.kind is EventKind.FAULT]
        depth = geometric(self._depth, now)
        return MarketMoment(
            value=self.value(now),
            index=self.index(now),
            session=self._scenario.timeline.session_at(now),
            is_halted=any(event.kind is EventKind.HALT for event in lasting),
            reports={
                source: self._report(
                    source, now, next((each for each in faults if source in each.sources), None)
                )
                for source in self._scenario.sources
            },
            depth=None if depth is None else Ppm(depth),
            flow=_flow(now, lasting),
        )

    def _report(self, source: str, now: Seconds, fault: Event | None) -> Report:
        state = SourceState.HONEST if fault is None else fault.state
        match state:
            case SourceState.GONE:
                return Report(state=state, price=None, observed_at=None)
            case SourceState.HONEST:
                return self._honest(source, now)
            case SourceState.FROZEN | SourceState.STUCK:
                assert fault is not None  # only a fault has this state
                last = self._honest(source, Seconds(max(fault.start - 1, self._scenario.start)))
                is_stuck = state is SourceState.STUCK and last.price is not None
                observed = now if is_stuck else last.observed_at
                return Report(state=state, price=last.price, observed_at=observed)
            case SourceState.OFFSET | SourceState.PRINTED:
                assert fault is not None  # only a fault has this state
                price = div_floor(self.value(now) * (PPM_SCALE + fault.offset), PPM_SCALE)
                return Report(state=state, price=PriceE8(price), observed_at=now)
            case SourceState.OLD_BASIS:
                assert fault is not None  # only a fault has this state
                told = self._last_open_at(now)
                return Report(
                    state=state,
                    price=None if told is None else self._on_basis_of(told, fault.start - 1),
                    observed_at=told,
                )

    def _honest(self, source: str, now: Seconds) -> Report:
        told = self._last_open_at(now)
        if told is None:
            return Report(state=SourceState.HONEST, price=None, observed_at=None)
        value = self.value(told)
        words = f"{self._seed}{source}{self._market.symbol}{told}"
        drawn = Random(words).gauss(0, SOURCE_NOISE_PPM)  # noqa: S311 - a drill must be repeatable
        price = PriceE8(value + round(value * drawn / PPM_SCALE))
        return Report(state=SourceState.HONEST, price=price, observed_at=told)

    def _last_open_at(self, now: Seconds) -> Seconds | None:
        last = int(self._last_open[now - self._scenario.start])
        return None if last < 0 else Seconds(self._scenario.start + last)

    def _on_basis_of(self, now: int, basis: int) -> PriceE8:
        """Give the value at `now` in shares as they were at `basis`."""
        unsplit = self._market.price * math.exp(self._moves[now - self._scenario.start])
        for split in self._splits:
            if split.start <= basis:
                unsplit *= split.old_shares / split.new_shares
        return PriceE8(round(unsplit))


def _last_open(scenario: "Scenario", halts: list[Event]) -> NDArray[np.int64]:
    """Give for each second the last one, itself included, in which outside markets traded; −1: none."""
    count = scenario.end - scenario.start + 1
    is_open = np.zeros(count, dtype=np.bool_)
    start = scenario.start
    while start <= scenario.end:
        border = scenario.timeline.next_boundary(start)
        stop = scenario.end + 1 if border is None else min(border.start, scenario.end + 1)
        session = scenario.timeline.session_at(start)
        is_open[start - scenario.start : stop - scenario.start] = session.has_external_price
        start = Seconds(stop)
    for halt in halts:
        is_open[halt.start - scenario.start : halt.stop - scenario.start] = False
    found: NDArray[np.int64] = np.maximum.accumulate(np.where(is_open, np.arange(count), -1))
    return found


def _flow(now: Seconds, lasting: list[Event]) -> QuoteAtoms:
    """Give what is due in this second, so that a flow's seconds sum to its notional exactly."""
    total = 0
    for event in lasting:
        if event.kind is EventKind.FLOW:
            length, done = event.stop - event.start, now - event.start
            before = div_trunc(event.notional * done, length)
            total += div_trunc(event.notional * (done + 1), length) - before
    return QuoteAtoms(total)
