"""Bringing a market's funding to a moment, as the exchange does before an index or a rate changes.

    numerator' = numerator + rate · index · (now − funding time)      1e-12 USD · 360,000,000 a share

Nothing is divided, so nothing is lost: `Market.funding_index` floors once, when it is read. Mirrors
docs/exchange.md section 2.
"""

from dataclasses import replace

from risk.market import Market
from risk.units import Seconds


def accrued(market: Market, now: Seconds) -> Market:
    """Give the market with its funding accrued up to `now`; it stands still during a split."""
    elapsed = 0 if market.is_splitting else now - market.funding_time
    numerator = market.funding_numerator + market.funding_rate * market.index * elapsed
    return replace(market, funding_numerator=numerator, funding_time=now)
