"""The venue's order book under attack: a matching engine, honest makers and a taker, and the board.

The board is fed with the engine's own events, without a socket between them. Honest people quote
anew when the honest price has moved, and from time to time anyway; whom they trade with they do not
ask. An attacker acts after them, so that he has the last word before anyone looks.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from prometheus_client import CollectorRegistry

from drills.attacks.hands import Attack
from drills.attacks.setting import SYMBOL, Setting
from drills.makers import Ladder, Makers, Takers
from drills.matching_engine import Event, MatchingEngine, Trade
from monitors.prices.book_board import BookBoard, BookSnapshot, BookTrade, BookUpdate
from monitors.prices.book_metrics import BookMetrics
from risk.units import PPM_SCALE, AccountId, PriceE8, Seconds, SizeE8, div_floor

MILLIS: Final = 1_000
REQUOTE_SECONDS: Final = 30
MOVED_PPM: Final = 300
DEPTH_USD: Final = 60_000
"""What each of two makers offers at each of five levels: 600,000 USD a side."""
MOST_TAKEN_USD: Final = 5_000
SIZE_SCALE: Final = 10**16
"""USD times this over a price of 1e-8 USD is a size of 1e-8 share."""
MAKERS: Final = (AccountId(1), AccountId(2))
TAKER: Final = AccountId(3)


class AttackedBook:
    """The engine, those who trade on it, and the board that follows it."""

    def __init__(
        self,
        setting: Setting,
        *,
        venue_now: Callable[[], Seconds],
        registry: CollectorRegistry,
        seed: int,
    ) -> None:
        self._venue_now = venue_now
        self.engine = MatchingEngine(SYMBOL, now_ms=self._now_ms)
        self.board = BookBoard(
            impact_notional={SYMBOL: setting.impact_notional},
            metrics=BookMetrics.create(registry, symbols=[SYMBOL]),
            venue_now=venue_now,
            rules=setting.book,
        )
        start = setting.market.mark
        self._makers = Makers(
            self.engine,
            MAKERS,
            ladder=Ladder(size=_size(DEPTH_USD, start)),
            random=Random(f"{seed}makers"),  # noqa: S311 - a drill must be repeatable
        )
        self._takers = Takers(
            self.engine,
            [TAKER],
            most=_size(MOST_TAKEN_USD, start),
            noise=_size(MOST_TAKEN_USD // 10, start),
            random=Random(f"{seed}takers"),  # noqa: S311 - a drill must be repeatable
        )
        self._quoted: PriceE8 | None = None
        self._quoted_at = Seconds(0)
        self.board.take(
            BookSnapshot(market=SYMBOL, sequence=0, time_ms=self._now_ms(), bids=(), asks=())
        )
        self.engine.subscribe(self._pass_on)

    def step(self, fair: PriceE8, attack: Attack | None) -> None:
        """Let everyone trade around the honest price; then the attacker, while there is one."""
        now = self._venue_now()
        if self._is_due(fair, now):
            self._makers.step(fair)
            self._takers.step(fair)
            self._quoted, self._quoted_at = fair, now
        if attack is not None:
            attack.trade(self.engine, fair)
        self.board.heard(self._now_ms())

    def _is_due(self, fair: PriceE8, now: Seconds) -> bool:
        quoted = self._quoted
        if quoted is None or now - self._quoted_at >= REQUOTE_SECONDS:
            return True
        return abs(fair - quoted) * PPM_SCALE > quoted * MOVED_PPM

    def _pass_on(self, event: Event) -> None:
        if isinstance(event, Trade):
            self.board.take(
                BookTrade(
                    market=event.market,
                    sequence=event.sequence,
                    previous=event.previous,
                    time_ms=event.time_ms,
                    price=event.price,
                )
            )
            return
        self.board.take(
            BookUpdate(
                market=event.market,
                sequence=event.sequence,
                previous=event.previous,
                time_ms=event.time_ms,
                bids=event.bids,
                asks=event.asks,
            )
        )

    def _now_ms(self) -> int:
        return self._venue_now() * MILLIS


def _size(usd: int, price: PriceE8) -> SizeE8:
    return SizeE8(div_floor(usd * SIZE_SCALE, price))
