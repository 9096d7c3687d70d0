"""A market's liquidity as the controller takes it: two depths and a spread, or why it is unknown."""

from typing import Final

from monitors.incentives.terms import LiquiditySense
from risk.incentive_rules import MeasuredLiquidity, UnknownLiquidity
from risk.liquidity import DISTANCES, Side
from risk.market_liquidity import DEPTH, Figure, MarketLiquidity
from risk.units import PPM_SCALE, Ppm, Seconds

TARGET_DISTANCE: Final = Ppm(2_500)
"""25 bp: what a target's depth is about."""
_PLACE: Final = DISTANCES.index(TARGET_DISTANCE)


def measured(
    sense: LiquiditySense, symbol: str, now: Seconds, *, oldest: Seconds
) -> MeasuredLiquidity | UnknownLiquidity:
    """Give what the last sample says of now."""
    why = sense.why_unknown(symbol)
    sample = sense.liquidity(symbol) if why is None else None
    if sample is None:
        return UnknownLiquidity(reason=why or "no sample was taken yet")
    if sample.age(now) > oldest:
        return UnknownLiquidity(reason=f"the last sample is {sample.age(now)} s old")
    return _of_sample(sample)


def _of_sample(sample: MarketLiquidity) -> MeasuredLiquidity | UnknownLiquidity:
    book = sample.book
    if book is None:
        return UnknownLiquidity(reason=sample.unknown[Figure.QUOTED_SPREAD].value)
    depths = {side: book.side(side).depth for side in Side}
    bid, ask = depths[Side.BID], depths[Side.ASK]
    if bid is None or ask is None:
        missing = Side.BID if bid is None else Side.ASK
        return UnknownLiquidity(reason=sample.unknown[DEPTH[missing]].value)
    spread = book.quoted_spread
    if spread is None:
        if min(bid[_PLACE], ask[_PLACE]) > 0:
            return UnknownLiquidity(reason="the book is crossed")
        # A side that nobody quotes is known to be as wide as can be.
        spread = Ppm(PPM_SCALE)
    return MeasuredLiquidity(bid_depth=bid[_PLACE], ask_depth=ask[_PLACE], spread=spread)
