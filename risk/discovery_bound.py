"""How far a price may go while the underlying sleeps, and how often that may be extended.

The bound is a share b of a reference, the last outside price. At a threshold (90 % of the bound) the
reference moves to that bound, a limited number of times n in each direction; then it holds. So the whole
range is (1 + b)^(n+1) up and (1 − b)^(n+1) down: +15.76 % and −14.26 % for b = 5 %, n = 2. After
trade.xyz's discovery bounds of March 2026. A live outside price is the reference itself.
"""

from dataclasses import dataclass, replace

from risk.units import PPM_SCALE, Ppm, PriceE8, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundRules:
    """The bound of one market, usually 1 / largest leverage.

    Raises ValueError for a bound or threshold that bounds nothing.
    """

    bound: Ppm
    threshold: Ppm = Ppm(900_000)
    """Share of the bound at which the reference moves."""
    most_resets: int = 2
    """In each direction."""

    def __post_init__(self) -> None:
        if not 0 < self.bound < PPM_SCALE or not 0 < self.threshold <= PPM_SCALE:
            raise ValueError(
                "expected a bound above 0 and below 10^6 ppm and a threshold up to 10^6 ppm, found"
                f" {self.bound} and {self.threshold}"
            )
        if self.most_resets < 0:
            raise ValueError(f"expected at least 0 resets, found {self.most_resets}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundState:
    """The reference and the resets used since an outside price last set it."""

    reference: PriceE8
    resets_up: int = 0
    resets_down: int = 0


def anchored(price: PriceE8) -> BoundState:
    """Start anew from a live outside price."""
    return BoundState(reference=price)


def limits(state: BoundState, rules: BoundRules) -> tuple[PriceE8, PriceE8]:
    """Give the lowest and highest price that the bound allows; both rounded inward."""
    reference = state.reference
    return (
        PriceE8(div_ceil(reference * (PPM_SCALE - rules.bound), PPM_SCALE)),
        PriceE8(div_floor(reference * (PPM_SCALE + rules.bound), PPM_SCALE)),
    )


def bounded(price: PriceE8, state: BoundState, rules: BoundRules) -> PriceE8:
    """Keep a price inside the bound."""
    low, high = limits(state, rules)
    return PriceE8(min(max(price, low), high))


def used(price: PriceE8, state: BoundState, rules: BoundRules) -> Ppm:
    """Give the share of the bound that a price uses, in ppm, rounded up; 10^6 is at the bound."""
    room = state.reference * rules.bound
    return Ppm(div_ceil(abs(price - state.reference) * PPM_SCALE * PPM_SCALE, room))


def after_price(state: BoundState, price: PriceE8, rules: BoundRules) -> BoundState:
    """Move the reference if a price has come close enough to the bound and resets are left."""
    if used(price, state, rules) < rules.threshold:
        return state
    low, high = limits(state, rules)
    if price > state.reference and state.resets_up < rules.most_resets:
        return replace(state, reference=high, resets_up=state.resets_up + 1)
    if price < state.reference and state.resets_down < rules.most_resets:
        return replace(state, reference=low, resets_down=state.resets_down + 1)
    return state
