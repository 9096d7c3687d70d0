"""A status that changed on the exchange, in the words of a record; the same for every ground."""

from collections.abc import Mapping
from typing import Final

from drills.report.record import Act
from risk.precedence import Machine
from risk.units import MarketStatus, Seconds

_WORDS: Final[Mapping[MarketStatus, str]] = {
    MarketStatus.OPEN: "reopened",
    MarketStatus.LIMIT: "limit state",
    MarketStatus.REDUCE_ONLY: "reduce-only",
    MarketStatus.HALTED: "halted",
    MarketStatus.SETTLED: "settled",
}
_STILL_TIGHT: Final = "reopened, band tight"


def status_act(*, at: Seconds, symbol: str, who: str, why: str, status: MarketStatus) -> Act:
    """Tell a change of status; `who` is the machine that decides on the market from then on.

    An open market of which the integrity breaker decides is one whose band it still holds tighter.
    """
    is_tight = status is MarketStatus.OPEN and who == Machine.INTEGRITY.value
    what = _STILL_TIGHT if is_tight else _WORDS[status]
    return Act(at=at, symbol=symbol, who=who, what=what, why=why, status=status)
