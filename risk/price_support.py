"""What to do with a market's price when fewer inputs stand behind it: the ladder of degradation.

The softest step goes first: a wider confidence, then the wish that the market be reduce-only, then
silence, in which the venue's own expiry stops new risk and liquidations. Going down takes time
without enough inputs; coming back takes good rounds in a row, one rung at a time, so that a source
that flaps cannot open a market. Pure: (state, inputs, now) → state.
"""

from dataclasses import dataclass
from enum import IntEnum

from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_ceil


class Rung(IntEnum):
    """How far a market's price has come down; a larger number is more restricted."""

    FULL = 0
    """Enough inputs: publish."""
    WIDENED = 1
    """Fewer than wanted: publish, and say that the price is less certain."""
    REDUCE_ONLY = 2
    """Too few for a while: publish, and ask that nobody takes new risk."""
    SILENT = 3
    """Too few for too long: publish nothing; the venue's expiry protects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRules:
    """How many inputs a price needs, and how long it may do without.

    Raises ValueError for numbers that cannot stand together.
    """

    wanted: int
    """Inputs at which nothing is amiss."""
    minimum: int
    """Inputs below which the clock runs."""
    reduce_only_after: Seconds
    """Time below the minimum after which new risk should stop."""
    silent_after: Seconds
    """Time below the minimum after which nothing is published."""
    recovery_rounds: int
    """Good rounds in a row that lead one rung up."""

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.wanted:
            raise ValueError(
                f"expected 1 <= minimum <= wanted inputs, found {self.minimum} and {self.wanted}"
            )
        if not 0 <= self.reduce_only_after <= self.silent_after:
            raise ValueError(
                "expected 0 <= reduce_only_after <= silent_after, found "
                f"{self.reduce_only_after} and {self.silent_after}"
            )
        if self.recovery_rounds < 1:
            raise ValueError(f"expected recovery_rounds >= 1, found {self.recovery_rounds}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Where a market stands on the ladder."""

    rung: Rung
    inputs: int
    """Inputs that stood behind the price in the last round."""
    short_since: Seconds | None
    """Since when there are fewer than the minimum; None while there are enough."""
    good_rounds: int
    """Rounds in a row with enough inputs for a better rung than the present one."""


STARTING = Support(rung=Rung.SILENT, inputs=0, short_since=None, good_rounds=0)
"""Before the first round: a price must be earned."""


def after_round(before: Support, inputs: int, *, now: Seconds, rules: SupportRules) -> Support:
    """Give where a market stands after a round in which so many inputs stood behind its price.

    The first round is judged at once: a restart must not silence a healthy market, nor let an
    unhealthy one speak. A single round without inputs silences nothing: the price is held, and ages.
    """
    short_since = _short_since(before, inputs, now, rules)
    deserved = _deserved(inputs, short_since, now, rules)
    rung, good_rounds = before.rung, 0
    if short_since is not None and before is STARTING:
        rung = Rung.SILENT
    elif before is STARTING or deserved >= before.rung:
        rung = deserved
    elif short_since is None:
        good_rounds = before.good_rounds + 1
        if good_rounds >= rules.recovery_rounds:
            rung, good_rounds = Rung(before.rung - 1), 0
    return Support(rung=rung, inputs=inputs, short_since=short_since, good_rounds=good_rounds)


def _short_since(before: Support, inputs: int, now: Seconds, rules: SupportRules) -> Seconds | None:
    if inputs >= rules.minimum:
        return None
    return now if before.short_since is None else before.short_since


def _deserved(inputs: int, short_since: Seconds | None, now: Seconds, rules: SupportRules) -> Rung:
    if short_since is None:
        return Rung.FULL if inputs >= rules.wanted else Rung.WIDENED
    short_for = now - short_since
    if short_for >= rules.silent_after:
        return Rung.SILENT
    return Rung.REDUCE_ONLY if short_for >= rules.reduce_only_after else Rung.WIDENED


def widened(confidence: PriceE8, inputs: int, rules: SupportRules) -> PriceE8:
    """Widen a confidence by what is missing: by wanted / inputs, rounded up; never narrower.

    Raises ValueError without an input, since then there is no price to be sure of.
    """
    if inputs < 1:
        raise ValueError(f"expected at least one input, found {inputs}")
    missing = max(PPM_SCALE, div_ceil(rules.wanted * PPM_SCALE, inputs))
    return PriceE8(div_ceil(confidence * Ppm(missing), PPM_SCALE))
