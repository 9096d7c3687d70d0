"""One seeded population for every benchmark: markets, and accounts as columns.

Cross margin, one to five positions an account (two on average), log-normal worth, leverage from 1
to 20, prices between 10 and 1,000 USD. Everybody starts at least a fifth above maintenance margin
of what they opened with; entry prices scatter around the mark so that some are in profit, some not.
Vectorised: a million accounts take seconds. The same seed gives the same population everywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.columns import AccountColumns, PositionColumns
from risk.market import Market, make_tiers
from risk.units import AccountId, MarketId, Ppm, PriceE8, QuoteAtoms, Seconds

NOW: Final = Seconds(1_800_000_000)
SEED: Final = 20_260_101

_USD: Final = 10**6
_PAGE: Final = 100_000
_COUNT_CHANCES: Final = [0.45, 0.27, 0.15, 0.09, 0.04]  # mean 2.0 positions
_OWNER_PREFIX: Final = 0xBE11_0000_0000_0000_0000_0000_0000_0000
_TIERS: Final = make_tiers(
    [
        (0, 25_000),
        (250_000 * _USD, 40_000),
        (1_000_000 * _USD, 60_000),
        (5_000_000 * _USD, 100_000),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Markets, and pages of accounts that hold positions in them."""

    markets: dict[MarketId, Market]
    pages: list[AccountColumns]

    @property
    def position_count(self) -> int:
        """How many positions there are, over all pages."""
        return sum(len(page.positions.size) for page in self.pages)


def make_population(accounts: int, markets: int = 100, *, seed: int = SEED) -> Population:
    """Draw a population: `accounts` accounts, twice as many positions, `markets` markets."""
    rng = np.random.default_rng(seed)
    listed = _make_markets(rng, markets)
    marks = np.array([market.mark for market in listed.values()], dtype=np.int64)
    return Population(markets=listed, pages=list(_pages(rng, accounts, marks)))


def _make_markets(rng: np.random.Generator, count: int) -> dict[MarketId, Market]:
    cents = np.exp(rng.uniform(np.log(1_000), np.log(100_000), count)).astype(np.int64)
    return {
        MarketId(number): Market(
            id=MarketId(number),
            symbol=f"STOCK{number}",
            mark=PriceE8(price * 10**6),
            index=PriceE8(price * 10**6),
            price_timestamp=NOW,
            updated_at=NOW,
            funding_time=NOW,
            initial_margin=Ppm(50_000),
            open_interest_cap=QuoteAtoms(10**18),
            clamp=Ppm(5_000),
            min_interval=Seconds(0),
            expiry=Seconds(60),
            min_position_notional=QuoteAtoms(10 * _USD),
            slice_threshold=QuoteAtoms(100_000 * _USD),
            penalty=Ppm(5_000),
            spread_max=Ppm(10_000),
            backstop_cap=QuoteAtoms(10**14),
            tiers=_TIERS,
        )
        for number, price in enumerate(cents.tolist())
    }


def _pages(
    rng: np.random.Generator, accounts: int, marks: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Iterator[AccountColumns]:
    for first in range(0, accounts, _PAGE):
        rows = min(_PAGE, accounts - first)
        count = rng.choice(np.arange(1, 6), size=rows, p=_COUNT_CHANCES)
        total = int(count.sum())
        owner = np.repeat(np.arange(rows), count)
        place = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
        # Steps of a seventh of the markets keep an account's markets apart.
        market = (np.repeat(rng.integers(0, len(marks), rows), count) + place * 7) % len(marks)
        worth = rng.lognormal(np.log(3_000), 1.2, total) * _USD
        size = np.maximum(worth * 1e10 / marks[market], 1).astype(np.int64)
        size *= rng.choice(np.array([-1, 1]), size=total)
        entry = marks[market] * (1 + rng.normal(0, 0.01, total))
        quote = -(size * (entry / 1e10)).astype(np.int64)
        loss = -np.minimum(size * (marks[market] / 1e10) + quote, 0)
        leverage = np.exp(rng.uniform(0, np.log(20), rows))
        gross = np.bincount(owner, weights=worth, minlength=rows)
        lost = np.bincount(owner, weights=loss, minlength=rows)
        zeros = np.zeros(total, dtype=np.int64)
        yield AccountColumns(
            ids=tuple(
                AccountId((_OWNER_PREFIX + number) << 96) for number in range(first, first + rows)
            ),
            collateral=(np.maximum(gross / leverage, gross * 0.05) + lost + _USD).astype(np.int64),
            position_count=count.astype(np.int64),
            positions=PositionColumns(
                market=market.astype(np.int64),
                size=size,
                quote=quote,
                funding=zeros,
                slice_time=zeros.copy(),
            ),
        )
