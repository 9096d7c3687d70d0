"""What of a market's round is worth a line in the log when it changes."""

from typing import Final

from monitors.prices.explanation import PlayedRound, distance_from_index
from risk.units import Ppm, PriceE8

CONDITIONS: Final = (
    "session", "mode", "why", "rung", "session_disputed", "halted", "book_far", "participants_far",
)  # fmt: skip
"""What is worth a line when it changes."""

FAR: Final = Ppm(20_000)
"""Distance of book or participants from the index that is worth a warning."""


def conditions_of(played: PlayedRound) -> tuple[object, ...]:
    """Give what `CONDITIONS` names."""
    result = played.outcome.result
    return (
        played.inputs.session.value,
        None if result is None else result.mode.value,
        None if result is None else _without_figures(result.why),
        played.outcome.rung.name.lower(),
        played.is_disputed,
        played.inputs.is_underlying_halted,
        _is_far(played, played.inputs.book.mid),
        _is_far(played, played.inputs.participants),
    )


def _is_far(played: PlayedRound, price: PriceE8 | None) -> bool:
    """Say whether a price is so far from the index that somebody should look at both."""
    distance = distance_from_index(played, price)
    return distance is not None and abs(distance) > FAR


def _without_figures(why: str) -> str:
    """Cut figures off a reason, or every second would be a change."""
    return why.rstrip("0123456789 s")
