"""Values for tests: sane defaults, so that a test states only the facts it is about.

The default market is like AAPL at 20x: mark 200 USD, initial margin 5 %, maintenance margin 2.5 %
rising in tiers, price valid for 60 s, clamp 50 bp. Amounts are written as people read them and
turned into atoms exactly: `price("200.5")`, `shares(-3)`, `usd("0.000001")`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from risk.liquidation import BackstopState, LiquidationRules, LiquidationTerms
from risk.margin import Account, Position
from risk.market import Market, make_tiers
from risk.units import (
    ATOMS_PER_USD,
    NOTIONAL_SCALE,
    AccountId,
    FundingE12,
    MarketId,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    account_id,
    div_floor,
)

NOW: Final = Seconds(1_800_000_000)
"""The venue's clock in tests, unless a test says otherwise."""


BACKSTOP_ID: Final = account_id(b"\xbb" * 20, 0)
"""The account of the backstop in tests."""


def _atoms(amount: int | str, scale: int) -> int:
    scaled = Decimal(amount) * scale
    if scaled != scaled.to_integral_value():
        raise ValueError(f"expected at most {len(str(scale)) - 1} decimals, found {amount}")
    return int(scaled)


def price(dollars: int | str) -> PriceE8:
    """Write a price per share in dollars."""
    return PriceE8(_atoms(dollars, 10**8))


def shares(amount: int | str) -> SizeE8:
    """Write a signed size in shares; + is long."""
    return SizeE8(_atoms(amount, 10**8))


def usd(dollars: int | str) -> QuoteAtoms:
    """Write signed money in dollars."""
    return QuoteAtoms(_atoms(dollars, ATOMS_PER_USD))


DEFAULT_TIERS: Final = make_tiers(
    [(0, 25_000), (usd(250_000), 40_000), (usd(1_000_000), 60_000), (usd(5_000_000), 100_000)]
)

DEFAULT_MARKET: Final = Market(
    id=MarketId(0),
    symbol="AAPL",
    mark=price(200),
    index=price(200),
    price_timestamp=NOW,
    updated_at=NOW,
    funding_time=NOW,
    initial_margin=Ppm(50_000),
    taker_fee=Ppm(500),
    maker_fee=Ppm(-100),
    open_interest_cap=usd(100_000_000),
    clamp=Ppm(5_000),
    min_interval=Seconds(0),
    expiry=Seconds(60),
    min_position_notional=usd(10),
    slice_threshold=usd(100_000),
    penalty=Ppm(5_000),
    spread_max=Ppm(10_000),
    backstop_cap=usd(10_000_000),
    tiers=DEFAULT_TIERS,
)

DEFAULT_RULES: Final = LiquidationRules(
    slice=200_000,
    cool_down=Seconds(30),
    slice_memory=Seconds(600),
    critical_margin=500_000,
    buffer=1_020_000,
    reward=500,
    reward_cap=usd(50),
    gas_per_item=200_000,
    gas_margin=200_000,
    native_price=price(3_000),
)


def make_market(number: int = 0, **facts: Any) -> Market:
    """Build a market; an index left out follows the mark."""
    if "mark" in facts:
        facts.setdefault("index", facts["mark"])
    if number != 0:
        facts.setdefault("symbol", f"STOCK{number}")
    return replace(DEFAULT_MARKET, id=MarketId(number), **facts)


def make_markets(*markets: Market) -> dict[MarketId, Market]:
    """Key markets by their numbers."""
    return {market.id: market for market in markets or (DEFAULT_MARKET,)}


def make_rules(**facts: Any) -> LiquidationRules:
    """Build the exchange-wide liquidation rules."""
    return replace(DEFAULT_RULES, **facts)


def make_position(
    size: int,
    *,
    entry: int = price(200),
    market: int = 0,
    quote: int | None = None,
    funding: int = 0,
    slice_time: int = 0,
) -> Position:
    """Build a position bought or sold at `entry`, unless `quote` says what it cost."""
    cost = -div_floor(size * entry, NOTIONAL_SCALE) if quote is None else quote
    return Position(
        market=MarketId(market),
        size=SizeE8(size),
        quote=QuoteAtoms(cost),
        funding=FundingE12(funding),
        slice_time=Seconds(slice_time),
    )


def make_account_id(number: int = 1, subaccount: int = 0) -> AccountId:
    """Name the n-th account of tests."""
    return account_id(number.to_bytes(20, "big"), subaccount)


def make_account(
    collateral: int = usd(1_000), positions: Sequence[Position] = (), *, number: int = 1
) -> Account:
    """Build an account."""
    return Account(
        id=make_account_id(number), collateral=QuoteAtoms(collateral), positions=tuple(positions)
    )


def make_terms(*markets: Market, **facts: Any) -> LiquidationTerms:
    """Build the terms of a liquidation: a rich, empty backstop and insurance fund by default."""
    facts.setdefault("backstop", make_backstop())
    facts.setdefault("insurance_fund", usd(1_000_000))
    facts.setdefault("rules", DEFAULT_RULES)
    facts.setdefault("now", NOW)
    return LiquidationTerms(markets=make_markets(*markets), **facts)


def make_backstop(
    equity: int = usd(10_000_000),
    *,
    initial_margin: int = 0,
    inventories: Mapping[MarketId, SizeE8] | None = None,
) -> BackstopState:
    """Build the state of the backstop."""
    return BackstopState(
        account=BACKSTOP_ID,
        equity=QuoteAtoms(equity),
        initial_margin=QuoteAtoms(initial_margin),
        inventories=inventories or {},
    )
