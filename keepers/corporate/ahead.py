"""What the owner's limits would refuse of an action, known a day before it is written."""

from collections.abc import Mapping

from risk.amounts import percent_text, price_text
from risk.corporate_values import CorporateAction, Effect
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.units import PPM_SCALE, Ppm, PriceE8, div_floor


def refusal_ahead(
    action: CorporateAction, market: Market, limits: Mapping[Parameter, Limits]
) -> str | None:
    """Say why the exchange would refuse an action as things stand, or None."""
    if action.effect is Effect.RESCALE and action.ratio is not None:
        wanted = div_floor(action.ratio.numerator * PPM_SCALE, action.ratio.denominator)
        return _outside(limits.get(Parameter.SPLIT), wanted, f"a split of {action.ratio}")
    if action.effect is Effect.PAY and action.amount is not None and market.mark > 0:
        wanted = div_floor(action.amount * PPM_SCALE, market.mark)
        left = market.mark - action.amount
        if left < max(1, market.band_low):
            return (
                f"the mark would fall to {price_text(PriceE8(left))} USD, below its band from"
                f" {price_text(market.band_low)}: the owner must widen it"
            )
        share = f"a dividend of {percent_text(Ppm(wanted))} % of the mark"
        return _outside(limits.get(Parameter.DIVIDEND), wanted, share)
    return None


def _outside(limits: Limits | None, wanted: int, what: str) -> str | None:
    if limits is None or limits.minimum <= wanted <= limits.maximum:
        return None
    return (
        f"{what} is outside what the owner allows, {limits.minimum} to {limits.maximum} ppm: the"
        " owner must widen it"
    )
