"""What could be asked of others next, and who stands where in the queue: for people, off the hot path.

Goes round the markets, one after the other, in slices of a few milliseconds, and rests nine times as
long as each slice took: a tenth of a core at most, and nobody waits longer than for one slice. All of
it is derived from the account book; while that is distrusted nothing new is said.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from keepers.deleverage.view import DeleverageView
from risk.deleverage_forecast import ForecastSurvey, NeedForecast, next_edges
from risk.deleverage_queue import BUCKETS, QueueSide, queue_side
from risk.deleverage_rules import Pools
from risk.liquidation import backstop_state
from risk.market import Market
from risk.units import ATOMS_PER_USD, MarketId, PriceE8, QuoteAtoms, Seconds, SizeE8, notional
from runtime.clock import Clock
from runtime.supervise import sleep_unless

REST: Final = 9
"""Rest after each slice, in slices."""
EDGES: Final = ("low", "high")
SIDES: Final = ("long", "short")
NOTHING_YET: Final = "nothing was looked at yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookMetrics:
    """Gauges by market."""

    accounts: Gauge
    size: Gauge
    shortfall: Gauge
    uncovered: Gauge
    queue: Gauge
    looked: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "OutlookMetrics":
        """Create the gauges; a market's series begin with `follow`."""

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"bellkeeper_deleverage_{name}", text, labels, registry=registry)

        at = "if the mark jumped to this edge of its band"
        return cls(
            accounts=gauge(
                "forecast_accounts", f"Accounts that would be in need {at}.", "market", "edge"
            ),
            size=gauge(
                "forecast_size_usd",
                f"What others would have to close {at}, at that mark.",
                *("market", "edge"),
            ),
            shortfall=gauge(
                "forecast_shortfall_usd",
                f"What the bankrupt holders would owe together {at}.",
                *("market", "edge"),
            ),
            uncovered=gauge(
                "forecast_uncovered_usd",
                f"What of it insurance fund and backstop would lack {at}.",
                *("market", "edge"),
            ),
            queue=gauge(
                "queue_accounts",
                "Accounts by fifth of their side's queue: 5 would be taken first, 0 not at all.",
                *("market", "side", "bucket"),
            ),
            looked=gauge(
                "forecast_timestamp_seconds",
                "When the market was looked at last, on the venue's clock.",
                "market",
            ),
        )

    def follow(self, symbol: str) -> None:
        """Create a market's series, at zero; the timestamp says that nobody has looked yet."""
        self.looked.labels(symbol)
        for edge in EDGES:
            for each in (self.accounts, self.size, self.shortfall, self.uncovered):
                each.labels(symbol, edge)
        for side in SIDES:
            for bucket in range(BUCKETS + 1):
                self.queue.labels(symbol, side, str(bucket))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What was found of one market; forecasts by edge, None where there is no such edge."""

    market: Market
    at: Seconds
    forecasts: Mapping[str, NeedForecast | None]
    queue: Mapping[str, QueueSide]


class DeleverageOutlook:
    """Look at every market again and again."""

    def __init__(
        self,
        view: DeleverageView,
        *,
        period_seconds: float,
        metrics: OutlookMetrics,
        clock: Clock,
    ) -> None:
        self._view = view
        self._period_seconds = period_seconds
        self._metrics = metrics
        self._clock = clock
        self._found: dict[MarketId, Outlook] = {}
        self._followed: set[MarketId] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until stop."""
        while not await sleep_unless(stop, self._period_seconds):
            if self._view.distrust is None:
                for market in sorted(self._view.markets):
                    await self._look(market, stop)

    def show(self) -> None:
        """Create the series of markets that are new, so that a dashboard sees zeros and not gaps."""
        for market in self._view.markets.keys() - self._followed:
            self._followed.add(market)
            self._metrics.follow(self._view.markets[market].symbol)

    def explain(self) -> Mapping[str, object]:
        """Say what was found, by market; sizes in 1e-8 share, money in atoms."""
        if not self._found:
            return {"why": NOTHING_YET}
        return {found.market.symbol: told(found) for found in self._found.values()}

    async def _look(self, market: MarketId, stop: asyncio.Event) -> None:
        view, book = self._view, self._view.book
        looking = Looking(view, market)
        while not stop.is_set():
            if view.distrust is not None or view.book is not book:
                return
            began = self._clock.monotonic()
            is_left = looking.advance()
            if not is_left:
                self._keep(looking.result())
                return
            await sleep_unless(stop, REST * (self._clock.monotonic() - began))

    def _keep(self, found: Outlook) -> None:
        self._found[found.market.id] = found
        metrics, symbol = self._metrics, found.market.symbol
        metrics.looked.labels(symbol).set(found.at)
        for edge, forecast in found.forecasts.items():
            figures = (0, 0, 0) if forecast is None else forecast_figures(forecast)
            count = 0 if forecast is None else forecast.account_count
            metrics.accounts.labels(symbol, edge).set(count)
            for gauge, atoms in zip(
                (metrics.size, metrics.shortfall, metrics.uncovered), figures, strict=True
            ):
                gauge.labels(symbol, edge).set(atoms / ATOMS_PER_USD)
        for side, queue in found.queue.items():
            for bucket, count in enumerate(queue.counts):
                metrics.queue.labels(symbol, side, str(bucket)).set(count)


class Looking:
    """One look at one market, in slices."""

    def __init__(self, view: DeleverageView, market: MarketId) -> None:
        self._view = view
        self._market = view.markets[market]
        self._now = view.now
        self._known = frozenset(view.markets)
        self._forecasts: dict[str, NeedForecast | None] = dict.fromkeys(EDGES)
        self._queue: dict[str, QueueSide] = {}
        self._steps: Iterator[None] = chain(self._forecast_steps(), self._queue_steps())

    def advance(self) -> bool:
        """Do a slice; say whether any are left. A market listed meanwhile ends the forecasts."""
        return next(self._steps, self) is None

    def result(self) -> Outlook:
        """Give what was found."""
        return Outlook(
            market=self._market, at=self._now, forecasts=self._forecasts, queue=self._queue
        )

    def _forecast_steps(self) -> Iterator[None]:
        view = self._view
        pools = Pools(
            insurance_fund=view.insurance_fund,
            backstop=backstop_state(view.state(view.backstop_account)),
        )
        for mark in next_edges(self._market):
            survey = ForecastSurvey(view.book, pools, self._now, market=self._market.id, mark=mark)
            while view.markets.keys() == self._known and survey.advance():
                yield
            self._forecasts[_edge(mark, self._market)] = survey.result()
            yield

    def _queue_steps(self) -> Iterator[None]:
        view = self._view
        for side in SIDES:
            self._queue[side] = queue_side(
                view.book,
                self._market.id,
                self._now,
                is_long=side == "long",
                without={view.backstop_account},
            )
            yield


def told(found: Outlook) -> dict[str, object]:
    """Write what was found of one market for `/status`."""
    return {
        "at_seconds": found.at,
        "mark_e8": found.market.mark,
        "forecast": {
            edge: None if forecast is None else _told_forecast(forecast)
            for edge, forecast in found.forecasts.items()
        },
        "queue": {
            side: {"accounts": list(queue.counts), "sizes_e8": list(queue.sizes)}
            for side, queue in found.queue.items()
        },
    }


def forecast_figures(forecast: NeedForecast) -> tuple[int, int, int]:
    """Give what others would close, what is owed and what of it is uncovered, in atoms."""
    size = sum(
        notional(SizeE8(side.size), forecast.stressed_mark)
        for side in forecast.sides
        if side.market == forecast.market
    )
    return QuoteAtoms(size), forecast.shortfall, forecast.uncovered


def _told_forecast(forecast: NeedForecast) -> dict[str, object]:
    size, shortfall, uncovered = forecast_figures(forecast)
    return {
        "mark_e8": forecast.stressed_mark,
        "accounts": forecast.account_count,
        "size_atoms": size,
        "shortfall_atoms": shortfall,
        "uncovered_atoms": uncovered,
    }


def _edge(mark: PriceE8, market: Market) -> str:
    return "low" if mark < market.mark else "high"
