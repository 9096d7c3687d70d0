"""A market's file as the judge's `Market`, for crowds that are drawn without a chain."""

from typing import Final

from config.schema.markets import MarketFile, atoms
from risk.market import Market, make_tiers
from risk.units import MarketId, Ppm, PriceE8, QuoteAtoms, Seconds

START: Final = Seconds(0)


def market_of(
    file: MarketFile, number: MarketId, *, now: Seconds = START, price: PriceE8 | None = None
) -> Market:
    """Give the market at `price`, or at the file's reference price."""
    mark = PriceE8(file.reference_price_e8) if price is None else price
    return Market(
        id=number,
        symbol=file.symbol,
        mark=mark,
        index=mark,
        price_timestamp=now,
        updated_at=now,
        funding_time=now,
        initial_margin=Ppm(file.initial_margin_ppm),
        taker_fee=Ppm(file.fees.taker_ppm),
        maker_fee=Ppm(file.fees.maker_ppm),
        open_interest_cap=QuoteAtoms(atoms(file.size.open_interest_cap_usd)),
        clamp=Ppm(file.price.clamp_ppm),
        min_interval=Seconds(file.price.min_interval_seconds),
        expiry=Seconds(file.price.expiry_seconds),
        min_position_notional=QuoteAtoms(atoms(file.size.min_position_usd)),
        slice_threshold=QuoteAtoms(atoms(file.liquidation.slice_threshold_usd)),
        penalty=Ppm(file.liquidation.penalty_ppm),
        spread_max=Ppm(file.liquidation.spread_max_ppm),
        backstop_cap=QuoteAtoms(atoms(file.liquidation.backstop_cap_usd)),
        tiers=make_tiers(file.tier_pairs),
    )
