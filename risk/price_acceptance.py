"""What the exchange makes of a published price, exactly: its code, and the market after it.

Mirrors docs/exchange.md section 3 in the contract's order of checks; a parity test against the contract
says so. `price_publication` decides what to publish and never asks for what is refused here.
"""

from dataclasses import replace

from risk.funding_accrual import accrued
from risk.market import Market
from risk.price_publication import HIGHEST_PRICE, FairPrice, PriceCode, forecast
from risk.units import Seconds


def price_code(market: Market | None, price: FairPrice, now: Seconds) -> PriceCode:
    """Say what the exchange answers at `now` (the block's time); None is a market that it lacks."""
    if market is None:
        return PriceCode.UNKNOWN_MARKET
    lowest, highest = min(price.mark, price.index), max(price.mark, price.index)
    checks = (
        (market.is_settled or market.is_splitting, PriceCode.MARKET_CLOSED),
        (lowest <= 0 or highest > HIGHEST_PRICE, PriceCode.ZERO_PRICE),
        (price.timestamp > now, PriceCode.FUTURE),
        (price.timestamp < market.price_timestamp, PriceCode.BACKWARDS),
        (now - price.timestamp > market.expiry, PriceCode.EXPIRED),
        (now - market.updated_at < market.min_interval, PriceCode.TOO_SOON),
    )
    return next((code for holds, code in checks if holds), PriceCode.ACCEPTED)


def accept_price(market: Market, price: FairPrice, now: Seconds) -> Market:
    """Give the market after an accepted price: funding accrued on the old index, then the new prices."""
    held = forecast(market, price)
    return replace(
        accrued(market, now),
        mark=held.mark,
        index=held.index,
        price_timestamp=price.timestamp,
        updated_at=now,
    )
