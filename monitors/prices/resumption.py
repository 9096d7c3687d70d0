"""How a market's price goes on after a restart.

The venue holds the last published index; that is where the price starts. What the venue does not know
(where the outside market closed, how much of the discovery bound was used) an earlier life wrote
into the journal with each price. It counts only if no outside market has traded since: then the same
closed time goes on, and a restart must not buy anybody a fresh bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from risk.discovery_bound import BoundRules, BoundState, limits
from risk.jump_guard import JumpState
from risk.mark_price import MarkState, starting_from
from risk.market import Market
from risk.price_round import RoundState
from risk.sessions import SessionTimeline
from risk.units import PriceE8, Seconds

_KEYS: Final = (
    "close_e8",
    "basis_e8",
    "reference_e8",
    "resets_up",
    "resets_down",
    "external_at_seconds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What an earlier life wrote down of a market's price."""

    now: Seconds
    """The venue's time of its last round."""
    close: PriceE8
    basis: int
    bound: BoundState
    external_at: Seconds


def earlier_of(why: Mapping[str, object]) -> Earlier | None:
    """Read a journaled explanation; None when it is of another make or holds nothing to carry."""
    carried, now = why.get("carried"), why.get("now_seconds")
    if not isinstance(carried, Mapping) or not isinstance(now, int):
        return None
    figures = [carried.get(key) for key in _KEYS]
    if not all(isinstance(figure, int) for figure in figures):
        return None
    close, basis, reference, up, down, external_at = (int(str(figure)) for figure in figures)
    return Earlier(
        now=Seconds(now),
        close=PriceE8(close),
        basis=basis,
        bound=BoundState(reference=PriceE8(reference), resets_up=up, resets_down=down),
        external_at=Seconds(external_at),
    )


def resumed(
    state: RoundState,
    market: Market,
    earlier: Earlier | None,
    timeline: SessionTimeline | None,
    now: Seconds,
    rules: BoundRules,
) -> RoundState:
    """Start from the index that the venue holds, inside the bound of the closed time that goes on."""
    index, since = market.index, market.price_timestamp
    mark = starting_from(index, now=now, external_at=Seconds(0))
    if (
        earlier is not None
        and _is_same_closed_time(earlier, timeline, now)
        and _is_same_basis(earlier, index, rules)
    ):
        mark = _inside(mark, earlier)
    jump = JumpState(accepted=index, accepted_at=since, anchor=index, anchored_at=since)
    return replace(state, mark=mark, jump=jump)


def _inside(mark: MarkState, earlier: Earlier) -> MarkState:
    return replace(
        mark,
        close=earlier.close,
        basis=earlier.basis,
        bound=earlier.bound,
        external_at=earlier.external_at,
    )


def _is_same_basis(earlier: Earlier, index: PriceE8, rules: BoundRules) -> bool:
    """Say whether the venue's price lies where the earlier life could have left it: else it was split."""
    low, high = limits(earlier.bound, rules)
    return low <= index <= high


def _is_same_closed_time(earlier: Earlier, timeline: SessionTimeline | None, now: Seconds) -> bool:
    """Say whether no outside market has traded between the earlier life's last round and now."""
    if timeline is None or earlier.now > now:
        return False
    sessions = [timeline.session_at(earlier.now)]
    sessions += [each.session for each in timeline.between(earlier.now, Seconds(now + 1))]
    return not any(session.has_external_price for session in sessions)
