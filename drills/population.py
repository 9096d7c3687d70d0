"""A seeded crowd of traders, as deposits and matched trades that the exchange really takes.

Cross margin, one to five positions, log-normal worth, leverage from 1 to 20 where the market's
initial margin allows it. Every position comes out of trades that sum to zero: in each market longs
and shorts are paired by size, and makers with deep pockets take what is left over. A maker only
buys or only sells, so that none of its trades flips it. Pure: the randomness is passed in.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from risk.market import Market
from risk.units import (
    ATOMS_PER_USD,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    MarketId,
    PriceE8,
    QuoteAtoms,
    SizeE8,
    account_id,
    div_ceil,
    div_floor,
    notional,
)

COUNT_WEIGHTS: Final = (40, 28, 17, 10, 5)
"""Chances of one to five positions."""
POPULARITY: Final = {"NVDA": 3, "TSLA": 2}
"""How much more often a market is chosen than the others."""
LONG_SHARE: Final = 0.62
MEDIAN_WORTH_USD: Final = 12_000
WORTH_SIGMA: Final = 1.35
LARGEST_WORTH_USD: Final = 1_500_000
MOST_LEVERAGE: Final = 20.0
MARGIN_CUSHION_PPM: Final = 30_000
"""What an account has at least above its initial margin."""
SMALLEST_PIECE: Final = 100 * ATOMS_PER_USD
"""A leftover worth less is not traded: the larger side is made smaller instead."""
MAKERS_PER_SIDE: Final = 2
MAKER_CAPITAL: Final = 100_000_000 * ATOMS_PER_USD


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrade:
    """A trade to settle; the size is signed from the taker's side."""

    taker: AccountId
    maker: AccountId
    market: MarketId
    size: SizeE8
    price: PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Who pays in how much, and how all positions come about."""

    deposits: Mapping[AccountId, QuoteAtoms]
    trades: tuple[PlannedTrade, ...]
    makers: frozenset[AccountId]

    @property
    def position_count(self) -> int:
        """Count the positions that the trades open."""
        return len({(who, t.market) for t in self.trades for who in (t.taker, t.maker)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A position that somebody wants; the size is signed."""

    account: AccountId
    size: int


def make_population(random: Random, traders: int, markets: Mapping[MarketId, Market]) -> Population:
    """Draw `traders` accounts that trade at the marks of `markets`."""
    accounts = [account_id(random.randbytes(20), 0) for _ in range(traders)]
    leverage: dict[AccountId, float] = {}
    wishes: defaultdict[MarketId, list[_Wish]] = defaultdict(list)
    for account in accounts:
        leverage[account] = MOST_LEVERAGE ** (random.random() ** 0.8)
        for market, size in _portfolio(random, markets):
            wishes[market].append(_Wish(account=account, size=size))
    makers = [account_id(random.randbytes(20), 0) for _ in range(2 * MAKERS_PER_SIDE)]
    trades = tuple(
        trade for market in wishes for trade in _matched(markets[market], wishes[market], makers)
    )
    deposits = _deposits(trades, markets, leverage)
    deposits.update(dict.fromkeys(makers, QuoteAtoms(MAKER_CAPITAL)))
    return Population(deposits=deposits, trades=trades, makers=frozenset(makers))


def _portfolio(
    random: Random, markets: Mapping[MarketId, Market]
) -> Iterator[tuple[MarketId, int]]:
    """Draw one trader's wishes: which markets, which side, how much."""
    count = random.choices(range(1, 6), COUNT_WEIGHTS)[0]
    weights = {number: POPULARITY.get(market.symbol, 1) for number, market in markets.items()}
    chosen: set[MarketId] = set()
    while len(chosen) < min(count, len(markets)):
        chosen.add(random.choices(list(weights), list(weights.values()))[0])
    for number in sorted(chosen):
        market = markets[number]
        worth = MEDIAN_WORTH_USD * math.exp(random.gauss(0, WORTH_SIGMA)) / math.sqrt(count)
        atoms = round(min(worth, LARGEST_WORTH_USD) * ATOMS_PER_USD)
        atoms = max(atoms, 2 * SMALLEST_PIECE, 10 * market.min_position_notional)
        size = div_floor(atoms * NOTIONAL_SCALE, market.mark)
        yield number, size if random.random() < LONG_SHARE else -size


def _matched(
    market: Market, wishes: Sequence[_Wish], makers: Sequence[AccountId]
) -> Iterator[PlannedTrade]:
    """Pair longs with shorts of like size; makers take leftovers that are worth trading."""
    buying_makers, selling_makers = makers[:MAKERS_PER_SIDE], makers[MAKERS_PER_SIDE:]
    longs = sorted((w for w in wishes if w.size > 0), key=lambda w: (-w.size, w.account))
    shorts = sorted((w for w in wishes if w.size < 0), key=lambda w: (w.size, w.account))
    for place in range(max(len(longs), len(shorts))):
        bought = longs[place].size if place < len(longs) else 0
        sold = -shorts[place].size if place < len(shorts) else 0
        both = min(bought, sold)
        if both:
            yield _trade(market, longs[place].account, shorts[place].account, both)
        rest = max(bought, sold) - both
        if notional(SizeE8(rest), market.mark) < SMALLEST_PIECE:
            continue
        if bought > sold:
            yield _trade(market, longs[place].account, selling_makers[place % 2], rest)
        else:
            yield _trade(market, shorts[place].account, buying_makers[place % 2], -rest)


def _trade(market: Market, taker: AccountId, maker: AccountId, size: int) -> PlannedTrade:
    return PlannedTrade(
        taker=taker, maker=maker, market=market.id, size=SizeE8(size), price=market.mark
    )


def _deposits(
    trades: Sequence[PlannedTrade],
    markets: Mapping[MarketId, Market],
    leverage: Mapping[AccountId, float],
) -> dict[AccountId, QuoteAtoms]:
    """Give what each trader pays in: its leverage's worth, at least initial margin and fees."""
    held: defaultdict[tuple[AccountId, MarketId], int] = defaultdict(int)
    for trade in trades:
        held[trade.taker, trade.market] += trade.size
        held[trade.maker, trade.market] -= trade.size
    worth: defaultdict[AccountId, int] = defaultdict(int)
    needed: defaultdict[AccountId, int] = defaultdict(int)
    fees: defaultdict[AccountId, int] = defaultdict(int)
    for (account, number), size in held.items():
        market = markets[number]
        exposure = notional(SizeE8(size), market.mark)
        worth[account] += exposure
        needed[account] += market.required_to_open(exposure)
        # Once more than the dearer fee: rounding of each piece, and value rounds down twice.
        fees[account] += div_ceil(exposure * max(market.taker_fee, 0), PPM_SCALE) + 100
    return {
        account: QuoteAtoms(
            max(
                math.ceil(worth[account] / times),
                div_ceil(needed[account] * (PPM_SCALE + MARGIN_CUSHION_PPM), PPM_SCALE),
            )
            + fees[account]
        )
        for account, times in leverage.items()
        if account in worth
    }
