"""Which duties a process runs, and which lanes and keys they need: said by the profile and the operator."""

from typing import Final

from config.settings import LaneKey, Settings
from keepers.lanes import (
    BREAKER,
    CORPORATE,
    DELEVERAGER,
    GUARDIAN,
    HOUSEKEEPING,
    PRICER,
    TUNER,
    URGENT,
)
from runtime.errors import OperatorError

LIQUIDATION: Final = "liquidation"
PRICE: Final = "price"
BREAKER_DUTY: Final = "breaker"
INCENTIVES: Final = "incentives"
SOLVENCY: Final = "solvency"
CORPORATE_DUTY: Final = "corporate"
DELEVERAGE: Final = "deleverage"
DUTIES: Final = (
    *(LIQUIDATION, PRICE, BREAKER_DUTY, INCENTIVES, SOLVENCY, DELEVERAGE),
    CORPORATE_DUTY,
)
_LANE_OF: Final = {INCENTIVES: TUNER, DELEVERAGE: DELEVERAGER, CORPORATE_DUTY: CORPORATE}
"""Duties with one lane that they cannot do without, which is named as its key is."""


def duties_to_run(settings: Settings, asked: frozenset[str]) -> frozenset[str]:
    """Say which duties run: those asked for, or all for which the profile is set up.

    Raises OperatorError for a duty that the profile lacks something for.
    """
    duties = asked or _set_up(settings)
    for lacks in (_lacks_prices, _lacks_company, _lacks_key):
        sentence = lacks(settings, duties)
        if sentence is not None:
            raise OperatorError(sentence)
    return duties


def _set_up(settings: Settings) -> frozenset[str]:
    """Name the duties that the profile asks for by itself."""
    set_up = {
        LIQUIDATION: True,
        PRICE: bool(settings.prices.sources),
        BREAKER_DUTY: settings.breaker.watches,
        INCENTIVES: settings.incentives.watches,
        SOLVENCY: settings.solvency.watches,
        DELEVERAGE: settings.deleverage.watches,
        CORPORATE_DUTY: settings.corporate.watches,
    }
    return frozenset(duty for duty, is_set_up in set_up.items() if is_set_up)


def _lacks_prices(settings: Settings, duties: frozenset[str]) -> str | None:
    if PRICE not in duties or settings.prices.sources:
        return None
    return (
        "expected price sources in [prices] for the duty price, found none: add them, or run"
        f" `bellkeeper run {LIQUIDATION}`"
    )


def _lacks_key(settings: Settings, duties: frozenset[str]) -> str | None:
    keys = settings.keys
    if BREAKER_DUTY in duties and keys.breaker is None and keys.guardian is None:
        return (
            "expected [keys.breaker] or [keys.guardian] for the duty breaker, found neither: give"
            " it a key that holds the role"
        )
    needed = {INCENTIVES: keys.tuner, DELEVERAGE: keys.deleverager, CORPORATE_DUTY: keys.corporate}
    for duty, lane in _LANE_OF.items():
        if duty in duties and needed[duty] is None:
            return (
                f"expected [keys.{lane}] for the duty {duty}, found none: give it a key that holds"
                " the role"
            )
    return None


def _lacks_company(_settings: Settings, duties: frozenset[str]) -> str | None:
    """Refuse the duty corporate where nobody would halt its markets or hold their prices back."""
    missing = sorted({PRICE, BREAKER_DUTY} - duties)
    if CORPORATE_DUTY not in duties or not missing:
        return None
    return (
        f"expected the duties {PRICE} and {BREAKER_DUTY} beside the duty {CORPORATE_DUTY}, found"
        f" no {' and no '.join(missing)}: it halts a market by the one and holds its price back by"
        " the other, so run them in the same process"
    )


def lanes_of(settings: Settings, wanted: frozenset[str]) -> tuple[str, ...]:
    """Name the lanes that these duties need."""
    lanes: tuple[str, ...] = (URGENT,) if LIQUIDATION in wanted else ()
    if LIQUIDATION in wanted and settings.keys.housekeeping is not None:
        lanes += (HOUSEKEEPING,)
    if PRICE in wanted:
        lanes += (PRICER,)
    if BREAKER_DUTY in wanted:
        keys = {BREAKER: settings.keys.breaker, GUARDIAN: settings.keys.guardian}
        lanes += tuple(lane for lane, key in keys.items() if key is not None)
    if INCENTIVES in wanted:
        lanes += (TUNER,)
    if DELEVERAGE in wanted:
        lanes += (DELEVERAGER,)
    if CORPORATE_DUTY in wanted:
        lanes += (CORPORATE,)
    return lanes


def key_of(settings: Settings, lane: str) -> LaneKey | None:
    """Give the key that a lane signs with, as far as the profile names one."""
    keys = settings.keys
    return {
        URGENT: keys.urgent,
        HOUSEKEEPING: keys.housekeeping,
        PRICER: keys.pricer,
        BREAKER: keys.breaker,
        GUARDIAN: keys.guardian,
        TUNER: keys.tuner,
        DELEVERAGER: keys.deleverager,
        CORPORATE: keys.corporate,
    }[lane]
