"""A large population for drills in memory: leveraged longs and shorts, and makers who hold the other side.

Drawn in integers from one seed, so that it is the same on every machine. Each trader holds one position or two
at the mark, with collateral for a leverage from 1 to the market's most; makers' collateral is plenty. Sizes add
up to zero in every market, as on an exchange. Money in atoms, prices 1e-8 USD, sizes 1e-8 share.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.columns import AccountColumns, Int64Column, PositionColumns, columns_of
from risk.exact_columns import exact_sum, mul_div_ceil, mul_div_floor
from risk.liquidation import LiquidationRules
from risk.margin import Account, Position
from risk.market import Market, make_tiers
from risk.units import (
    ATOMS_PER_USD,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    MarketId,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    account_id,
    div_floor,
    signed_value,
)
from venues.memory.state import EXCHANGE_ADDRESS, ExchangeState, backstop_of, build_state
from venues.port import Funds

STARTED_AT: Final = Seconds(1_760_000_000)
OWNER: Final = b"\x30" * 20
MAKER: Final = b"\x40" * 20
RULES: Final = LiquidationRules(
    slice=200_000,
    cool_down=Seconds(30),
    slice_memory=Seconds(600),
    critical_margin=500_000,
    buffer=1_020_000,
    reward=1_000,
    reward_cap=QuoteAtoms(50 * ATOMS_PER_USD),
    gas_per_item=85_000,
    gas_margin=200_000,
    native_price=PriceE8(3_000 * 10**8),
)
_PLENTY: Final = 10**9 * ATOMS_PER_USD
_SIZES_USD: Final = (200, 1_000, 5_000, 25_000, 120_000)
_SIZE_SHARES: Final = (35, 35, 20, 8, 2)
"""In percent: most positions are small."""
_LEAST_SHARE: Final = 500_000
_MOST_SHARE: Final = 2 * ATOMS_PER_USD
"""A position is from half to twice its size in dollars, in atoms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdPlan:
    """How many and how bold."""

    accounts: int = 1_620_000
    markets: int = 10
    seed: int = 0
    most_leverage: int = 10
    long_percent: int = 60
    insurance_usd: int = 5_000_000
    backstop_usd: int = 50_000_000


def make_crowd(plan: CrowdPlan) -> ExchangeState:
    """Draw a population and put it on an exchange in memory; the same plan gives the same crowd."""
    markets = [make_market(number) for number in range(plan.markets)]
    rng = np.random.default_rng(plan.seed)
    traders = _traders(rng, plan, markets)
    backstop = Account(
        id=backstop_of(EXCHANGE_ADDRESS),
        collateral=QuoteAtoms(plan.backstop_usd * ATOMS_PER_USD),
    )
    zero = QuoteAtoms(0)
    return build_state(
        markets,
        [columns_of([backstop]), columns_of(_makers(traders, markets)), traders],
        funds=Funds(
            insurance_fund=QuoteAtoms(plan.insurance_usd * ATOMS_PER_USD),
            fee_pool=zero,
            funding_pool=zero,
            rewards_owed=zero,
        ),
        rules=RULES,
        owner=OWNER,
    )


def make_market(number: int) -> Market:
    """Compose one market of the crowd: a share of 100 USD and more, ten times leverage."""
    usd = ATOMS_PER_USD
    mark = PriceE8((100 + 7 * number) * 10**8)
    return Market(
        id=MarketId(number),
        symbol=f"SHARE{number}",
        mark=mark,
        index=mark,
        price_timestamp=STARTED_AT,
        updated_at=STARTED_AT,
        funding_time=STARTED_AT,
        initial_margin=Ppm(100_000),
        taker_fee=Ppm(350),
        maker_fee=Ppm(-100),
        open_interest_cap=QuoteAtoms(10**12 * usd),
        clamp=Ppm(5_000),
        min_interval=Seconds(1),
        expiry=Seconds(60),
        min_position_notional=QuoteAtoms(10 * usd),
        slice_threshold=QuoteAtoms(100_000 * usd),
        penalty=Ppm(10_000),
        spread_max=Ppm(10_000),
        backstop_cap=QuoteAtoms(10**11 * usd),
        tiers=make_tiers([(0, 50_000), (250_000 * usd, 75_000)]),
    )


def _traders(rng: np.random.Generator, plan: CrowdPlan, markets: list[Market]) -> AccountColumns:
    count = plan.accounts
    held = np.where(rng.integers(0, 100, count) < 40, 2, 1).astype(np.int64)
    first = rng.integers(0, plan.markets, count)
    total = int(held.sum())
    owner = np.repeat(np.arange(count), held)
    is_second = np.zeros(total, dtype=np.int64)
    is_second[1:] = owner[1:] == owner[:-1]
    # The second position is in the next market, so that none is held twice.
    market = (first[owner] + is_second) % plan.markets
    size, quote, worth = _positions(rng, plan, markets, market)
    leverage = rng.integers(10, plan.most_leverage * 10 + 1, count)
    exposure = np.zeros(count, dtype=np.int64)
    np.add.at(exposure, owner, worth)
    # Rounded up, in tenths of leverage.
    collateral = -np.floor_divide(-exposure * 10, leverage)
    zeros = np.zeros(total, dtype=np.int64)
    return AccountColumns(
        ids=tuple(account_id(b"\x50" + number.to_bytes(19, "big"), 0) for number in range(count)),
        collateral=collateral,
        position_count=held,
        positions=PositionColumns(
            market=market, size=size, quote=quote, funding=zeros, slice_time=zeros.copy()
        ),
    )


def _positions(
    rng: np.random.Generator, plan: CrowdPlan, markets: list[Market], market: Int64Column
) -> tuple[Int64Column, Int64Column, Int64Column]:
    """Draw sizes; give them with what they cost and their notional."""
    total = len(market)
    edges = np.cumsum(_SIZE_SHARES)
    kind = np.searchsorted(edges, rng.integers(0, 100, total), side="right")
    dollars = np.array(_SIZES_USD, dtype=np.int64)[kind]
    atoms = dollars * rng.integers(_LEAST_SHARE, _MOST_SHARE, total)
    side = np.where(rng.integers(0, 100, total) < plan.long_percent, 1, -1).astype(np.int64)
    marks = np.array([each.mark for each in markets], dtype=np.int64)[market]
    size = np.zeros(total, dtype=np.int64)
    for each in markets:
        rows = np.flatnonzero(market == each.id)
        scale = np.full(len(rows), NOTIONAL_SCALE, dtype=np.int64)
        size[rows] = mul_div_floor(atoms[rows], scale, each.mark)
    size *= side
    quote = -mul_div_floor(size, marks, NOTIONAL_SCALE)
    worth = mul_div_ceil(np.abs(size), marks, NOTIONAL_SCALE)
    return size, quote, worth


def _makers(traders: AccountColumns, markets: list[Market]) -> list[Account]:
    """Give one maker a market, who holds what the traders do not."""
    held = traders.positions
    found = []
    for market in markets:
        net = SizeE8(-exact_sum(held.size[held.market == market.id]))
        found.append(
            Account(
                id=account_id(MAKER, market.id),
                collateral=QuoteAtoms(_PLENTY),
                positions=()
                if net == 0
                else (
                    Position(
                        market=market.id,
                        size=net,
                        quote=QuoteAtoms(-signed_value(net, market.mark)),
                    ),
                ),
            )
        )
    return found


def fallen(market: Market, by: Ppm) -> PriceE8:
    """Give a market's mark after a fall."""
    return PriceE8(market.mark - div_floor(market.mark * by, PPM_SCALE))


def maker_of(market: MarketId) -> AccountId:
    """Name a market's maker."""
    return account_id(MAKER, market)
