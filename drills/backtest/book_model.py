"""The weekend that nobody recorded: a latent value, and an order book that knows part of it.

Only a close and the next open are known. Between them a latent value is drawn: a Brownian bridge
from the close to the open, as volatile as the closed nights before. The book's fair price is

    ln fair = ln close + knowledge · (ln latent − ln close) + noise

`knowledge` is the share of the move so far that traders have found out: 0 for a book that guesses,
1 for one that knows all. The noise is a slow error (Ornstein-Uhlenbeck) and a jitter of each look.
Around the fair price lies a spread that widens after the close; what the impact notional gets is
farther out, and sometimes there is not that much depth, or no quote at all. Trades are rare, at
the bid or the ask. Every number is an assumption, none is measured on a venue.

The world is drawn with floats and rounded to PriceE8 once; what is judged are integers. The same
seed gives a weekend the same world, whatever other weekends are played and for every knowledge.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drills.backtest.data import Weekend
from risk.internal_price import ImpactPrices
from risk.mark_price import BookPrices
from risk.units import PriceE8, Seconds

Floats = NDArray[np.float64]

_BP: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRules:
    """How good the book is; bp are 1/100 of a percent of the price."""

    step: Seconds = Seconds(60)
    """From one look to the next."""
    noise_bp: float = 15.0
    """Standard deviation of the slow error."""
    noise_tau: Seconds = Seconds(3_600)
    """Time in which the slow error forgets itself."""
    jitter_bp: float = 2.0
    """Standard deviation of what each look adds."""
    first_half_spread_bp: float = 1.0
    """Half of the spread at the close."""
    half_spread_bp: float = 5.0
    """Half of the spread once the weekend has settled in."""
    widening: Seconds = Seconds(7_200)
    """Time in which the spread widens from one to the other."""
    impact_bp: float = 8.0
    """Median distance from the best quote to what the impact notional gets."""
    impact_deviation: float = 0.5
    """Standard deviation of that distance's logarithm."""
    no_depth: float = 0.05
    """Share of looks in which a side lacks the depth of the impact notional."""
    no_quote: float = 0.01
    """Share of looks in which a side is empty."""
    trade_every: Seconds = Seconds(900)
    """Mean time between trades."""

    def __post_init__(self) -> None:
        if self.step <= 0 or self.noise_tau <= 0 or self.trade_every < self.step:
            raise ValueError("expected times above 0 and trades at most once a step")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One weekend as it was drawn, look by look: the last one is a step before the open."""

    close: PriceE8
    latent: Floats
    """Log move of the latent value since the close."""
    noise: Floats
    """What the book adds to it, in log."""
    half_spread: Floats
    """As a share of the price."""
    impact: Floats
    """From the best quote to the impact price as a share of the price: two rows, bid and ask."""
    luck: Floats
    """Uniform in 0 … 1, two rows, bid and ask: whether there is depth, whether there is a quote."""
    trade: Floats
    """Uniform in 0 … 1: whether there is a trade, and on which side."""


def draw_world(weekend: Weekend, *, seed: int, rules: BookRules) -> World:
    """Draw a weekend; deterministic in the seed and the day of its close."""
    random = np.random.default_rng([seed, weekend.closed_on.toordinal()])
    steps = max(2, math.ceil(weekend.length / rules.step))
    looks = steps - 1
    move = math.log(weekend.open / weekend.close)
    elapsed = np.arange(1, steps, dtype=np.float64) * rules.step
    spread = rules.first_half_spread_bp + (
        rules.half_spread_bp - rules.first_half_spread_bp
    ) * np.minimum(1.0, elapsed / max(1, rules.widening))
    return World(
        close=weekend.close,
        latent=_bridge(random, steps, move, weekend.volatility),
        noise=_slow_noise(random, looks, rules) + random.normal(0, rules.jitter_bp * _BP, looks),
        half_spread=spread * _BP,
        impact=rules.impact_bp * _BP * np.exp(random.normal(0, rules.impact_deviation, (2, looks))),
        luck=random.random((2, looks)),
        trade=random.random(looks),
    )


def latent_prices(world: World) -> list[PriceE8]:
    """Give the latent value at each look."""
    return _prices(world.close * np.exp(world.latent))


def looks(world: World, knowledge: float, rules: BookRules) -> Iterator[BookPrices]:
    """Give what the venue's keeper sees at each look of a book with this knowledge."""
    fair = world.close * np.exp(knowledge * world.latent + world.noise)
    bid, ask = fair * (1 - world.half_spread), fair * (1 + world.half_spread)
    columns = zip(
        _prices(bid),
        _prices(ask),
        _prices(bid * (1 - world.impact[0])),
        _prices(ask * (1 + world.impact[1])),
        world.luck[0].tolist(),
        world.luck[1].tolist(),
        world.trade.tolist(),
        strict=True,
    )
    trade_share = rules.step / rules.trade_every
    thin = rules.no_quote + rules.no_depth
    last_trade = world.close
    for best_bid, best_ask, impact_bid, impact_ask, bid_luck, ask_luck, trade in columns:
        if trade < trade_share:
            last_trade = best_bid if trade * 2 < trade_share else best_ask
        yield BookPrices(
            impact=ImpactPrices(
                bid=None if bid_luck < thin else impact_bid,
                ask=None if ask_luck < thin else impact_ask,
            ),
            best_bid=None if bid_luck < rules.no_quote else best_bid,
            best_ask=None if ask_luck < rules.no_quote else best_ask,
            last_trade=last_trade,
        )


def _bridge(random: np.random.Generator, steps: int, move: float, volatility: float) -> Floats:
    """Draw a Brownian bridge from 0 to `move`, without its two ends."""
    walk = np.cumsum(random.normal(0, volatility / math.sqrt(steps), steps))
    part = np.arange(1, steps, dtype=np.float64) / steps
    bridge: Floats = walk[:-1] + part * (move - walk[-1])
    return bridge


def _slow_noise(random: np.random.Generator, looks: int, rules: BookRules) -> Floats:
    """Draw an error that begins at 0, pulls back to it and keeps its standard deviation."""
    stays = math.exp(-rules.step / rules.noise_tau)
    shocks = random.normal(0, rules.noise_bp * _BP * math.sqrt(1 - stays**2), looks)
    return np.fromiter(
        itertools.accumulate(shocks.tolist(), lambda error, shock: stays * error + shock),
        dtype=np.float64,
        count=looks,
    )


def _prices(values: Floats) -> list[PriceE8]:
    return [PriceE8(value) for value in np.rint(values).astype(np.int64).tolist()]
