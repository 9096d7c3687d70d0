"""Weekends played through the code that makes the mark, against three simpler ways.

Each weekend starts with the close as the last outside price and is played look by look through
`risk.mark_price.next_mark`, which is all that a round of prices comes down to while no source
reports (a test plays `price_round` beside it). What each way says at the last look is compared with
the open. No outside price is heard on the whole way from the close at 16:00 to the open at 09:30;
a venue with an evening session hears one sooner and has less to guess.
Errors are integers, parts of the open in 1e-8 (1 bp = 10,000).
"""

import functools
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from drills.backtest.book_model import BookRules, World, draw_world, latent_prices, looks
from drills.backtest.data import Weekend
from risk.decay import PPB_SCALE, kept
from risk.discovery_bound import BoundRules, limits
from risk.mark_price import MarkInputs, MarkResult, MarkRules, MarkState, next_mark, starting_from
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds, div_floor, div_trunc

KNOWLEDGE: Final = (0.0, 0.5, 0.9)
"""Shares of the move so far that the book is taken to know."""
ERROR_SCALE: Final = 10**8
ERRORS_PER_BP: Final = 10**4
_START: Final = Seconds(1_000_000_000)
"""Any second will do: only differences count."""


class Method(StrEnum):
    """Ways to say on a weekend what the price is."""

    INDEX = "index"
    """Our internal index."""
    MARK = "mark"
    """Our mark."""
    FROZEN = "frozen"
    """The last close, held."""
    EMA = "ema_1h"
    """Exponential average of the book's mid over an hour, with no bound."""
    MID = "book_mid"
    """The book's mid as it stands, which is believed by none but shows what the others had to go by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRules:
    """What is played: our rules as they ship, and the assumed book."""

    mark: MarkRules = field(default_factory=lambda: MarkRules(bound=BoundRules(bound=Ppm(50_000))))
    book: BookRules = field(default_factory=BookRules)
    ema_tau: Seconds = Seconds(3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How far each way was from the open of one weekend, and what the bound did."""

    weekend: Weekend
    knowledge: float
    errors: Mapping[Method, int]
    """Absolute, in 1e-8 of the open."""
    resets: int
    """How often the discovery bound moved its reference."""
    looks_at_bound: int
    """At how many looks the mark stood on the bound."""
    is_at_bound: bool
    """Whether it did at the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One look of a weekend, for pictures."""

    at: Seconds
    """Since the close."""
    latent: PriceE8
    mid: PriceE8
    index: PriceE8
    mark: PriceE8
    low: PriceE8
    """The discovery bound below."""
    high: PriceE8


def replay(
    weekends: Sequence[Weekend], *, seed: int, rules: ReplayRules, jobs: int = 1
) -> list[Outcome]:
    """Play all weekends with every knowledge; the result does not depend on `jobs`."""
    play = functools.partial(outcomes, seed=seed, rules=rules)
    if jobs <= 1:
        played = [play(weekend) for weekend in weekends]
    else:
        # Fresh processes, not forks: nothing of a caller's threads or locks is carried along.
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=jobs, mp_context=fresh) as pool:
            played = list(pool.map(play, weekends, chunksize=8))
    return [outcome for of_one in played for outcome in of_one]


def outcomes(weekend: Weekend, *, seed: int, rules: ReplayRules) -> list[Outcome]:
    """Play one weekend, in the same world for every knowledge."""
    world = draw_world(weekend, seed=seed, rules=rules.book)
    return [play(weekend, world, knowledge, rules) for knowledge in KNOWLEDGE]


def play(
    weekend: Weekend,
    world: World,
    knowledge: float,
    rules: ReplayRules,
    trace: list[Moment] | None = None,
) -> Outcome:
    """Play one weekend with one book; with a `trace`, note every look in it."""
    state = starting_from(weekend.close, now=_START, external_at=_START)
    mid = ema = weekend.close
    keep = kept(rules.book.step, rules.ema_tau)
    latents = latent_prices(world) if trace is not None else []
    bound, ends, looks_at_bound = state.bound, limits(state.bound, rules.mark.bound), 0
    made: tuple[MarkState, MarkResult] | None = None
    for number, book in enumerate(looks(world, knowledge, rules.book), start=1):
        elapsed = Seconds(number * rules.book.step)
        inputs = MarkInputs(
            session=Session.WEEKEND,
            external=weekend.close,
            external_at=_START,
            book=book,
            seconds_since_boundary=elapsed,
        )
        made = next_mark(state, inputs, now=Seconds(_START + elapsed), rules=rules.mark)
        assert made is not None  # there is an outside price to start from
        state = made[0]
        if state.bound is not bound:
            bound, ends = state.bound, limits(state.bound, rules.mark.bound)
        looks_at_bound += made[1].mark in ends
        mid = book.mid or mid
        ema = PriceE8(mid + div_trunc((ema - mid) * keep, PPB_SCALE))
        if trace is not None:
            trace.append(_moment(elapsed, latents[number - 1], mid, made[1], ends))
    assert made is not None  # a weekend has at least one look
    result = made[1]
    says = {
        Method.INDEX: result.index,
        Method.MARK: result.mark,
        Method.FROZEN: weekend.close,
        Method.EMA: ema,
        Method.MID: mid,
    }
    return Outcome(
        weekend=weekend,
        knowledge=knowledge,
        errors={method: error(price, weekend.open) for method, price in says.items()},
        resets=state.bound.resets_up + state.bound.resets_down,
        looks_at_bound=looks_at_bound,
        is_at_bound=result.mark in ends,
    )


def error(price: PriceE8, opened: PriceE8) -> int:
    """Give how far a price was from the open, in 1e-8 of the open, rounded down."""
    return div_floor(abs(price - opened) * ERROR_SCALE, opened)


def _moment(
    elapsed: Seconds,
    latent: PriceE8,
    mid: PriceE8,
    result: MarkResult,
    ends: tuple[PriceE8, PriceE8],
) -> Moment:
    return Moment(
        at=elapsed,
        latent=latent,
        mid=mid,
        index=result.index,
        mark=result.mark,
        low=ends[0],
        high=ends[1],
    )
