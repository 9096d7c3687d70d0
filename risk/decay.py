"""How much of a difference is left after a while: exp(−dt/τ) in exact integers.

Halving is exact, so the exponent is split into whole halvings and a rest below one, for which a short
series is enough. The error is below one part in 10^9; a test compares with the real exponential.
"""

from functools import lru_cache
from typing import Final

from risk.units import Seconds, div_floor

PPB_SCALE: Final = 10**9
_FINE: Final = 10**18
_LN_2: Final = 693_147_180_559_945_309
"""ln 2 in 1e-18."""
_TERMS: Final = 20
_NOTHING_LEFT: Final = 64
"""Halvings after which less than 1e-18 is left."""


@lru_cache(maxsize=4_096)
def kept(elapsed: Seconds, tau: Seconds) -> int:
    """Give exp(−elapsed/τ) in parts per billion, rounded down; 10^9 at once, 0 after long.

    Remembered, because all markets of a round ask the same. Raises ValueError for a time constant that is not positive, or a time before.
    """
    if tau <= 0 or elapsed < 0:
        raise ValueError(f"expected tau > 0 and elapsed >= 0, found {tau} and {elapsed}")
    exponent = div_floor(elapsed * _FINE, tau)
    halvings, rest = divmod(exponent, _LN_2)
    if halvings >= _NOTHING_LEFT:
        return 0
    return div_floor(_exp_of_minus(rest), (_FINE // PPB_SCALE) << halvings)


def _exp_of_minus(x: int) -> int:
    """Sum the series of exp(−x) for 0 ≤ x < ln 2, in 1e-18."""
    total = term = _FINE
    for n in range(1, _TERMS):
        term = div_floor(-term * x, n * _FINE)
        total += term
    return total
