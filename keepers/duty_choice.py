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


def duties_to_run(settings: Settings, asked: frozenset[str]) -> frozenset[str]:
    """Say which duties run: those asked for, or all for which the profile is set up.

    Raises OperatorError for a duty that the profile lacks something for.
    """
    has_prices = bool(settings.prices.sources)
    if PRICE in asked and not has_prices:
        raise OperatorError(
            "expected price sources in [prices] for the duty price, found none: add them, or run"
            f" `bellkeeper run {LIQUIDATION}`"
        )
    keys = settings.keys
    if BREAKER_DUTY in asked and keys.breaker is None and keys.guardian is None:
        raise OperatorError(
            "expected [keys.breaker] or [keys.guardian] for the duty breaker, found neither: give"
            " it a key that holds the role"
        )
    if INCENTIVES in asked and keys.tuner is None:
        raise OperatorError(
            "expected [keys.tuner] for the duty incentives, found none: give it a key that holds"
            " the role"
        )
    if DELEVERAGE in asked and keys.deleverager is None:
        raise OperatorError(
            "expected [keys.deleverager] for the duty deleverage, found none: give it a key that"
            " holds the role"
        )
    if asked:
        _check_corporate(settings, asked)
        return asked
    set_up = {
        LIQUIDATION: True,
        PRICE: has_prices,
        BREAKER_DUTY: settings.breaker.watches,
        INCENTIVES: settings.incentives.watches,
        SOLVENCY: settings.solvency.watches,
        DELEVERAGE: settings.deleverage.watches,
        CORPORATE_DUTY: settings.corporate.watches,
    }
    duties = frozenset(duty for duty, is_set_up in set_up.items() if is_set_up)
    _check_corporate(settings, duties)
    return duties


def _check_corporate(settings: Settings, duties: frozenset[str]) -> None:
    """Refuse the duty corporate where nobody would halt its markets or hold their prices back."""
    if CORPORATE_DUTY not in duties:
        return
    missing = sorted({PRICE, BREAKER_DUTY} - duties)
    if missing:
        raise OperatorError(
            f"expected the duties {PRICE} and {BREAKER_DUTY} beside the duty {CORPORATE_DUTY}, found"
            f" no {' and no '.join(missing)}: it halts a market by the one and holds its price back by"
            " the other, so run them in the same process"
        )
    if settings.keys.corporate is None:
        raise OperatorError(
            "expected [keys.corporate] for the duty corporate, found none: give it a key that holds"
            " the role"
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
