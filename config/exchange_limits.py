"""The limits that the owner is to have set: those of the markets' files, as approved."""

from collections.abc import Iterable, Mapping

from config.markets import load_market
from risk.guard_rails import Limits, Parameter


def approved_limits(symbols: Iterable[str]) -> dict[str, Mapping[Parameter, Limits]]:
    """Give the approved limits of each market by symbol; raises OperatorError with one sentence."""
    return {symbol: dict(load_market(symbol).limits.rails) for symbol in symbols}
