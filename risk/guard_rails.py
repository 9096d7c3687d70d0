"""What the exchange lets a duty set, and how far: numbered as in docs/exchange.md section 1.

The owner sets a minimum, a maximum, a largest step and a cool-down for each parameter of each market;
the chain enforces them. Values in the parameter's own unit.
"""

from dataclasses import dataclass
from enum import IntEnum

from risk.units import Seconds


class Parameter(IntEnum):
    """What the duties may write, each within limits of the owner's."""

    INITIAL_MARGIN = 1
    FUNDING_RATE = 2
    TAKER_FEE = 3
    MAKER_FEE = 4
    OPEN_INTEREST_CAP = 5
    BAND = 6
    STATUS = 7
    SPLIT = 8
    DIVIDEND = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The owner's limits of one parameter of one market; no writes when maximum < minimum."""

    minimum: int
    maximum: int
    largest_step: int
    cool_down: Seconds
