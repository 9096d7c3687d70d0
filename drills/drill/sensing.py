"""How the scenario's sources reach the real price desk: what each claims is put on the board second by second.

The settings are those that an operator gets who names these sources and leaves the rest out. Halts of the underlyings
are read once a minute, as the exchange's page allows. Participants do not quote here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from prometheus_client import CollectorRegistry

from config.schema.breaker import Breaker
from config.settings import Settings
from drills.memory.stage import MemoryStage
from drills.scenario.moment import Moment
from drills.scenario.values import Scenario
from keepers.duties.price_terms import impact_notionals, market_terms
from monitors.prices.board import PriceBoard
from monitors.prices.book_board import BookBoard, BookRules
from monitors.prices.book_metrics import BookMetrics
from monitors.prices.desk import PriceDesk
from monitors.prices.desk_metrics import DeskMetrics
from monitors.prices.inputs import PriceInputs
from monitors.prices.metrics import SourceMetrics
from monitors.prices.trading_halts import TradingHalt
from risk.market import Market
from risk.price_publication import FairPrice
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.units import MarketId, QuoteAtoms, Seconds

MICROS: Final = 10**6
HALTS_READ_SECONDS: Final = 60
_NOTHING_KNOWN: Final[Mapping[str, object]] = {}


def drill_settings(symbols: Sequence[str], sources: Sequence[str]) -> Settings:
    """Give the settings that ship, with the scenario's sources; nothing of them is dialled."""
    return Settings.model_validate(
        {
            "network": {
                "name": "drill",
                "chain_id": 31_337,
                "endpoints": [
                    {
                        "name": "drill",
                        "http_url": "http://drill.invalid",
                        "ws_url": "ws://drill.invalid",
                    }
                ],
            },
            "breaker": Breaker(watches=True),
            "prices": {
                "json_sources": [
                    {
                        "name": source_name(source, symbol),
                        "provider": source,
                        "symbol": symbol,
                        "url": f"https://{source}.invalid/",
                        "price_path": "price",
                        "time_path": "time",
                        "time_unit": "s",
                    }
                    for symbol in symbols
                    for source in sources
                ],
                "book": {"url": "wss://book.invalid/"},
            },
        }
    )


def source_name(source: str, symbol: str) -> str:
    """Name a source of one market, as settings want it."""
    return f"{source}-{symbol.lower()}"


class HaltPage:
    """`Halts` of the desk: what the exchange's page said when it was read last."""

    def __init__(self) -> None:
        self._on: dict[str, TradingHalt] = {}
        self._read_at: Seconds | None = None

    def look(self, moment: Moment) -> None:
        """Read the page, if a minute has passed."""
        minute = Seconds(moment.at - moment.at % HALTS_READ_SECONDS)
        if self._read_at is not None and self._read_at >= minute:
            return
        self._read_at = moment.at
        self._on = {
            symbol: self._on.get(symbol) or _halt(symbol, moment.at)
            for symbol, market in moment.markets.items()
            if market.is_halted
        }

    def halted(self, now: Seconds) -> Mapping[str, TradingHalt]:  # noqa: ARG002 - the last page
        """Give the halts that were on when the page was read."""
        return self._on

    def age_seconds(self) -> float | None:
        """Say that the page answers."""
        return None if self._read_at is None else 0.0

    def is_halted(self, symbol: str, now: Seconds) -> bool | None:
        """Say whether a market's underlying is halted; None before the page was read."""
        return None if self._read_at is None else symbol in self.halted(now)


class Sensing:
    """Board, books and desk, as in the keeper's process."""

    def __init__(
        self, stage: MemoryStage, scenario: Scenario, settings: Settings, *, scale: int
    ) -> None:
        self._scenario, monitor = scenario, stage.monitor
        registry: CollectorRegistry = stage.registry
        prices = settings.prices
        names, symbols = [each.name for each in prices.sources], list(prices.symbols)
        assert prices.book is not None
        self.board = PriceBoard(
            sources=names,
            symbols=symbols,
            metrics=SourceMetrics.create(registry, sources=names, symbols=symbols),
            venue_now=lambda: monitor.now,
        )
        self.books = BookBoard(
            impact_notional={
                symbol: QuoteAtoms(usual * scale)
                for symbol, usual in impact_notionals(prices).items()
            },
            metrics=BookMetrics.create(registry, symbols=symbols),
            venue_now=lambda: monitor.now,
            rules=BookRules(
                stale_after=Seconds(prices.book.stale_after_seconds),
                trade_stale_after=Seconds(prices.book.trade_stale_after_seconds),
            ),
        )
        self.halts = HaltPage()
        self.desk = PriceDesk(
            venue=monitor,
            terms={
                symbol: replace(terms, timeline=scenario.timeline)
                for symbol, terms in market_terms(prices).items()
            },
            inputs=PriceInputs(reports=self.board, books=self.books, halts=self.halts),
            metrics=DeskMetrics.create(registry, sources=names, symbols=symbols),
            suspicion=settings.corporate.suspicion_rules,
        )

    def hear(self, moment: Moment) -> None:
        """Let every source say what it says at this second."""
        self.halts.look(moment)
        for symbol, market in moment.markets.items():
            for source, report in market.reports.items():
                if report.price is None or report.observed_at is None:
                    continue
                self.board.on_report(
                    PriceReport(
                        source=source_name(source, symbol),
                        symbol=symbol,
                        price=report.price,
                        observed_at=report.observed_at,
                        order=Micros(report.observed_at * MICROS),
                    )
                )


class Published:
    """The desk as the keeper's view, without the reasons that only a journal keeps."""

    def __init__(self, desk: PriceDesk) -> None:
        self._desk = desk

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""
        return self._desk.distrust

    @property
    def now(self) -> Seconds:
        """The venue's clock."""
        return self._desk.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""
        return self._desk.markets

    def fair_prices(self) -> Sequence[FairPrice]:
        """Give the prices as they ought to be now."""
        return self._desk.fair_prices()

    def why(self, market: MarketId) -> Mapping[str, object]:  # noqa: ARG002 - of none
        """Tell nothing: the journal in memory keeps no reasons, and they would be the dearest part."""
        return _NOTHING_KNOWN


class FrozenClose(Published):
    """The variant in which the mark stays at the last outside price until outside markets open again."""

    def __init__(self, desk: PriceDesk, scenario: Scenario) -> None:
        super().__init__(desk)
        self._timeline = scenario.timeline
        self._last: dict[MarketId, FairPrice] = {}

    def fair_prices(self) -> Sequence[FairPrice]:
        """Give the desk's prices while outside trades, and the last of them with a fresh time otherwise."""
        made, now = super().fair_prices(), self.now
        if self._session(now).has_external_price:
            self._last.update({each.market: each for each in made})
            return made
        for each in made:
            held = self.markets[each.market]
            # A drill that begins while outside is closed freezes where it begins.
            self._last.setdefault(each.market, replace(each, mark=held.mark, index=held.index))
        return [
            replace(
                each,
                mark=self._last[each.market].mark,
                index=self._last[each.market].index,
                timestamp=now,
            )
            for each in made
        ]

    def _session(self, now: Seconds) -> Session:
        return self._timeline.session_at(now)


def _halt(symbol: str, now: Seconds) -> TradingHalt:
    return TradingHalt(symbol=symbol, reason="halted", halted_at=now, resumes_at=None)
