"""A crowd like that of 10 October 2025 in one market, after the fall, with empty pools.

Published of that evening on Hyperliquid, 21:15 to 21:27 UTC (the replay ConejoCapital/HyperMultiAssetedADL):
302 accounts with 23.19 million USD of negative equity, 2.103 billion USD deleveraged in 34,983 events,
counterparties with a median leverage of 0.20. Here all of it stands in one market whose mark fell by 15 %:
the bankrupt are long; healthy longs and shorts of log-normal size make up the rest; sizes sum to zero.
With fewer accounts than 100,000 the money and the bankrupt are scaled down alike.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.columns import AccountColumns, Int64Column, PositionColumns
from risk.deleverage_rules import Pools
from risk.liquidation import BackstopState
from risk.market import Market, make_tiers
from risk.units import AccountId, MarketId, Ppm, PriceE8, QuoteAtoms, Seconds, div_ceil, div_floor

ACCOUNTS: Final = 100_000
BANKRUPT: Final = 302
NEGATIVE_EQUITY_USD: Final = 23_190_000
DELEVERAGED_USD: Final = 2_103_000_000
MEDIAN_LEVERAGE: Final = 0.20
HEALTHY_USD: Final = 2_400_000_000
"""What the other longs hold together: ours, so that the deleveraged are about half of the open interest."""
FEWEST_ACCOUNTS: Final = 1_000

MARKET: Final = MarketId(0)
NOW: Final = Seconds(1_760_131_020)
"""2025-10-10 21:17 UTC."""
_OPENED_AT: Final = 100.0
_MARK: Final = 85.0
_USD: Final = 10**6
_SHARE: Final = 10**8
_BACKSTOP: Final = AccountId(1 << 96)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Some accounts: signed shares, entry prices in USD, equity in USD at the mark."""

    shares: Floats
    entry: Floats
    equity: Floats


def make_crowd(accounts: int, seed: int) -> tuple[AccountBook, Pools]:
    """Draw the crowd into a book; the same seed gives the same crowd everywhere."""
    rng = np.random.default_rng(seed)
    bankrupt_count = div_ceil(BANKRUPT * accounts, ACCOUNTS)
    scale = accounts / ACCOUNTS
    half = div_floor(accounts - bankrupt_count, 2)
    bankrupt = _bankrupt(rng, bankrupt_count, scale)
    longs = _healthy(rng, accounts - bankrupt_count - half, HEALTHY_USD * scale)
    short_shares = -float(bankrupt.shares.sum() + longs.shares.sum())
    shorts = _shorts(rng, half, short_shares)
    book = AccountBook({MARKET: _market()})
    book.load([_page([bankrupt, longs, shorts])])
    backstop = BackstopState(
        account=_BACKSTOP,
        equity=QuoteAtoms(0),
        initial_margin=QuoteAtoms(0),
        inventories={},
    )
    return book, Pools(insurance_fund=QuoteAtoms(0), backstop=backstop)


def _bankrupt(rng: np.random.Generator, count: int, scale: float) -> _Group:
    worth = _shared(rng, count, DELEVERAGED_USD * scale, spread=1.5)
    owed = worth * rng.lognormal(0, 0.5, count)
    owed *= NEGATIVE_EQUITY_USD * scale / owed.sum()
    return _Group(shares=worth / _MARK, entry=rng.normal(_OPENED_AT, 2.0, count), equity=-owed)


def _healthy(rng: np.random.Generator, count: int, total: float) -> _Group:
    worth = _shared(rng, count, total, spread=1.5)
    leverage = np.exp(rng.uniform(np.log(0.1), np.log(5), count))
    entry = rng.normal(_OPENED_AT - 5, 8.0, count)
    return _Group(shares=worth / _MARK, entry=entry, equity=worth / leverage)


def _shorts(rng: np.random.Generator, count: int, shares: float) -> _Group:
    worth = _shared(rng, count, -shares * _MARK, spread=1.8)
    leverage = np.clip(rng.lognormal(np.log(MEDIAN_LEVERAGE), 1.2, count), 0.01, 8)
    entry = rng.normal(_OPENED_AT, 8.0, count)
    return _Group(shares=-worth / _MARK, entry=entry, equity=worth / leverage)


def _shared(rng: np.random.Generator, count: int, total: float, *, spread: float) -> Floats:
    """Share a total in USD by log-normal weights."""
    weights: Floats = rng.lognormal(0, spread, count)
    weights *= total / weights.sum()
    return weights


def _page(groups: list[_Group]) -> AccountColumns:
    shares = np.concatenate([group.shares for group in groups])
    size: Int64Column = (shares * _SHARE).astype(np.int64)
    # Rounding left some units: the largest short takes them, so that sizes sum to zero.
    size[int(np.argmin(size))] -= int(size.sum())
    entry = np.concatenate([group.entry for group in groups])
    equity = np.concatenate([group.equity for group in groups])
    quote = -(size * (entry * _USD / _SHARE)).astype(np.int64)
    value = (size * (_MARK * _USD / _SHARE)).astype(np.int64)
    count = len(size)
    zeros = np.zeros(count, dtype=np.int64)
    return AccountColumns(
        ids=tuple(AccountId((7 + number) << 96) for number in range(count)),
        collateral=(equity * _USD).astype(np.int64) - value - quote,
        position_count=np.ones(count, dtype=np.int64),
        positions=PositionColumns(
            market=zeros, size=size, quote=quote, funding=zeros.copy(), slice_time=zeros.copy()
        ),
    )


def _market() -> Market:
    mark = PriceE8(int(_MARK * 10**8))
    return Market(
        id=MARKET,
        symbol="OCT10",
        mark=mark,
        index=mark,
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
        backstop_cap=QuoteAtoms(10**15),
        tiers=make_tiers([(0, 25_000)]),
    )
