"""The live what-if: every few seconds the whole book is put at other marks, and nobody is made to wait.

The book is copied where it lives, a piece of about a millisecond at a time, and valued in a thread on the
copy. It reads and tells; nothing acts on it. While the book is distrusted or a market is in the middle of a
split nothing new is said, and `why` says so. Money in atoms, times on the venue's clock.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from monitors.stress_metrics import EQUITIES, StressMetrics, move_name
from risk.account_book import AccountBook
from risk.book_copy import BookCopy
from risk.market import Market
from risk.stress import NOBODY, Shock, StressOutcome
from risk.stress_look import StressLook, StressMoment, look_at
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds
from runtime.clock import Clock
from runtime.supervise import sleep_unless

REST: Final = 4
"""Rest after a look, in looks: a fifth of a core at most."""
NOTHING_YET: Final = "nothing was looked at yet"

log = structlog.get_logger(__name__)


class StressView(Protocol):
    """What is asked of whoever watches the accounts."""

    @property
    def distrust(self) -> str | None:
        """Why nothing may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as they are now."""

    @property
    def book(self) -> AccountBook:
        """Every account."""

    @property
    def insurance_fund(self) -> QuoteAtoms:
        """The insurance fund."""

    @property
    def backstop_account(self) -> AccountId:
        """The pool's account."""


class NamedMoves(Protocol):
    """A scenario: what it is called, and how far a market moves in it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What happens."""

    def move_of(self, symbol: str, asset_class: str) -> int:
        """Give a market's move in signed ppm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressPlan:
    """What the book is shocked with."""

    steps: tuple[int, ...]
    """In ppm, each up and down."""
    scenarios: Sequence[NamedMoves]
    class_of: Callable[[str], str]
    is_equity: Callable[[str], bool]
    period_seconds: float

    @property
    def moves(self) -> tuple[int, ...]:
        """Give the steps both ways, the deepest fall first."""
        return (*sorted(-step for step in self.steps), *sorted(self.steps))

    @property
    def names(self) -> tuple[str, ...]:
        """Name what is played on all markets: the moves of all equities, then the scenarios."""
        equities = tuple(f"{EQUITIES}_{move_name(move)}" for move in self.moves)
        return (*equities, *(each.name for each in self.scenarios))

    def shocks(self, markets: Mapping[MarketId, Market]) -> dict[str, Shock]:
        """Give what is played on all markets, by name."""
        equities = [number for number, each in markets.items() if self.is_equity(each.symbol)]
        moves = [dict.fromkeys(equities, move) for move in self.moves]
        moves += [
            {
                number: each.move_of(market.symbol, self.class_of(market.symbol))
                for number, market in markets.items()
            }
            for each in self.scenarios
        ]
        return {
            name: Shock(name=name, moves=moved)
            for name, moved in zip(self.names, moves, strict=True)
        }


class StressMonitor:
    """Shock the book again and again."""

    def __init__(
        self, view: StressView, plan: StressPlan, *, metrics: StressMetrics, clock: Clock
    ) -> None:
        self._view = view
        self._plan = plan
        self._metrics = metrics
        self._clock = clock
        self._followed: set[MarketId] = set()
        self.last: StressLook | None = None
        self.why: str | None = NOTHING_YET
        """Why nothing newer is said."""
        self.exhausting: frozenset[str] = frozenset()
        """Scenarios that would take the whole fund."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look until stop."""
        pause = self._plan.period_seconds
        while not await sleep_unless(stop, pause):
            began = self._clock.monotonic()
            await self.look(stop)
            took = self._clock.monotonic() - began
            pause = max(self._plan.period_seconds, REST * took)

    def show(self) -> None:
        """Create the series of markets that are new, so that a dashboard sees zeros and not gaps."""
        for market in self._view.markets.keys() - self._followed:
            self._followed.add(market)
            self._metrics.follow(self._view.markets[market].symbol, self._plan.moves)

    async def look(self, stop: asyncio.Event) -> None:
        """Copy the book, shock the copy, tell."""
        view = self._view
        self.why = self._why_not()
        if self.why is not None:
            self._metrics.failures.inc()
            return
        book, copy = view.book, BookCopy(view.book)
        row = book.row(view.backstop_account)
        moment = StressMoment(
            markets=dict(view.markets),
            insurance_fund=view.insurance_fund,
            backstop=NOBODY if row is None else row,
            now=view.now,
        )
        shocks = list(self._plan.shocks(moment.markets).values())
        while copy.advance():  # noqa: ASYNC110 - it works, and lets others in between two pieces
            await asyncio.sleep(0)
        found = await asyncio.to_thread(
            look_at, copy, moment, shocks, self._plan.moves, stop.is_set
        )
        if found is not None and view.book is book:
            self._keep(found)

    def status(self) -> Mapping[str, object]:
        """Say what was found last, for `/status`: money in atoms."""
        last = self.last
        if last is None:
            return {"why": self.why}
        descriptions = {each.name: each.description for each in self._plan.scenarios}
        return {
            "why": self.why,
            "at_seconds": last.at,
            "accounts": last.accounts,
            "insurance_fund_atoms": last.insurance_fund,
            "scenarios": {
                name: _told(found) | {"description": descriptions.get(name)}
                for name, found in last.outcomes.items()
            },
            "worst_by_market": {
                symbol: _told(found) | {"move_ppm": move}
                for symbol, (move, found) in _worst(last.by_market).items()
            },
        }

    def _why_not(self) -> str | None:
        if self._view.distrust is not None:
            return self._view.distrust
        splitting = [each.symbol for each in self._view.markets.values() if each.is_splitting]
        return f"{', '.join(splitting)} splits: its sizes are not whole" if splitting else None

    def _keep(self, found: StressLook) -> None:
        self.last = found
        self._metrics.looked.set(found.at)
        for outcome_ in found.outcomes.values():
            self._metrics.show(outcome_)
        for (symbol, move), outcome_ in found.by_market.items():
            self._metrics.show_market(symbol, move, outcome_)
        scenarios = {each.name for each in self._plan.scenarios}
        now = frozenset(
            name
            for name, each in found.outcomes.items()
            if each.exhausts_fund and name in scenarios
        )
        for name in sorted(now - self.exhausting):
            each = found.outcomes[name]
            log.warning(
                "stress_exhausts_fund",
                scenario=name,
                bad_debt_atoms=each.toll.bad_debt,
                insurance_fund_atoms=found.insurance_fund,
                uncovered_atoms=each.uncovered,
            )
        for name in sorted(self.exhausting - now):
            log.info("stress_covered_again", scenario=name)
        self.exhausting = now


def _told(found: StressOutcome) -> dict[str, object]:
    toll = found.toll
    return {
        "accounts": toll.liquidatable_accounts,
        "liquidated_atoms": toll.liquidatable_notional,
        "bankrupt_accounts": toll.bankrupt_accounts,
        "bad_debt_atoms": toll.bad_debt,
        "insurance_left_atoms": found.insurance_left,
        "backstop_left_atoms": found.backstop_left,
        "uncovered_atoms": found.uncovered,
        "exhausts_fund": found.exhausts_fund,
    }


def _worst(
    by_market: Mapping[tuple[str, int], StressOutcome],
) -> dict[str, tuple[int, StressOutcome]]:
    """Give each market's worst move: the one that loses most, then the one that liquidates most."""

    def how_bad(found: StressOutcome) -> tuple[int, int]:
        return found.toll.bad_debt, found.toll.liquidatable_notional

    worst: dict[str, tuple[int, StressOutcome]] = {}
    for (symbol, move), found in by_market.items():
        if symbol not in worst or how_bad(found) > how_bad(worst[symbol][1]):
            worst[symbol] = (move, found)
    return worst
