"""What is measured of a market and of the exchange, and how a finding reads as a sentence.

Every fact is a whole number in a stated unit, or None for not known. A bad fact is one beyond its
cause's limit (`risk.integrity_rules`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from risk.amounts import money_text, percent_text
from risk.integrity_rules import ACTION_CAUSES, Cause, action_asked
from risk.units import Ppm, QuoteAtoms, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """One market, as measured; None: not known."""

    price_age: Seconds | None
    """Of the price that the venue holds."""
    inputs: int | None
    """Inputs behind the last round's price: providers by day, book and participants by night."""
    source_deviation: Ppm | None
    """Of the source that is farthest from the combined price."""
    divergence: Ppm | None
    """|mark − index| in ppm of the index."""
    depth_fall: Ppm | None
    """Of the book's depth from its highest in the window (`risk.fact_windows.fall`)."""
    open_interest_rise: Ppm | None
    """From its lowest in the window (`risk.fact_windows.rise`)."""
    largest_share: Ppm | None
    """Part of the open interest that the largest account holds."""
    backlog_blocks: int | None
    """For how many blocks the oldest account here has been under margin; 0 without one."""
    is_underlying_halted: bool | None
    limits_changed: int | None
    """How many of the owner's limits differ from those that were approved."""
    risk_asks: int | None = None
    """The action that the proof of solvency asks for here, by its number; None: unknown, or no proof."""

    @property
    def measured(self) -> Mapping[Cause, int | None]:
        """Give the number of each cause, in the cause's own unit."""
        return {
            Cause.PRICE_STALE: self.price_age,
            Cause.BELOW_QUORUM: self.inputs,
            Cause.SOURCES_DIVERGE: self.source_deviation,
            Cause.MARK_INDEX_DIVERGENCE: self.divergence,
            Cause.BOOK_EMPTIED: self.depth_fall,
            Cause.OPEN_INTEREST_JUMP: self.open_interest_rise,
            Cause.CONCENTRATION: self.largest_share,
            Cause.LIQUIDATION_BACKLOG: self.backlog_blocks,
            Cause.UNDERLYING_HALTED: _number(self.is_underlying_halted),
            Cause.LIMIT_CHANGED: self.limits_changed,
            Cause.RISK_UNPROVEN: self.risk_asks,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFacts:
    """The whole exchange, as measured; None: not known."""

    insurance_fall: Ppm | None
    """Of the insurance fund from its highest in the window (`risk.fact_windows.fall`)."""
    solvency_gap: QuoteAtoms | None
    """What the vault lacks to pay everybody; negative or 0 when it lacks nothing."""
    roles_changed: int | None
    """How many role holders, the owner among them, differ from those that were approved."""
    head_age: Seconds | None
    """Time since the last block was seen, on our own clock: the venue's stands still with it."""
    proof_asks: int | None = None
    """The action that the proof of solvency asks for everywhere; None: unknown, or no proof."""

    @property
    def measured(self) -> Mapping[Cause, int | None]:
        """Give the number of each cause, in the cause's own unit."""
        return {
            Cause.INSURANCE_FALLING: self.insurance_fall,
            Cause.SOLVENCY_BREACH: self.solvency_gap,
            Cause.ROLE_CHANGED: self.roles_changed,
            Cause.CHAIN_STALLED: self.head_age,
            Cause.PROOF_BROKEN: self.proof_asks,
        }


Facts = MarketFacts | ExchangeFacts


def _number(flag: bool | None) -> int | None:  # noqa: FBT001 - a fact, not a switch
    return None if flag is None else int(flag)


def _seconds(value: int) -> str:
    return f"{value} s"


def _percent(value: int) -> str:
    return f"{percent_text(value)} %"


def _usd(value: int) -> str:
    return f"{money_text(value)} USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How a cause is told: what was measured, and in which unit."""

    what: str
    written: Callable[[int], str] = str
    is_flag: bool = False
    """Whether there is no number worth telling."""


_CAUSE_TO_WORDS: Final[Mapping[Cause, _Words]] = {
    Cause.PRICE_STALE: _Words(what="the age of the price", written=_seconds),
    Cause.BELOW_QUORUM: _Words(what="the number of inputs behind the price"),
    Cause.SOURCES_DIVERGE: _Words(what="the distance between sources", written=_percent),
    Cause.MARK_INDEX_DIVERGENCE: _Words(
        what="the distance between mark and index", written=_percent
    ),
    Cause.BOOK_EMPTIED: _Words(what="the fall of the book's depth", written=_percent),
    Cause.OPEN_INTEREST_JUMP: _Words(what="the rise of the open interest", written=_percent),
    Cause.CONCENTRATION: _Words(
        what="the largest account's part of the open interest", written=_percent
    ),
    Cause.LIQUIDATION_BACKLOG: _Words(what="the age in blocks of the oldest account under margin"),
    Cause.UNDERLYING_HALTED: _Words(what="the trading halt of the underlying", is_flag=True),
    Cause.LIMIT_CHANGED: _Words(what="the number of limits that nobody approved"),
    Cause.INSURANCE_FALLING: _Words(what="the fall of the insurance fund", written=_percent),
    Cause.SOLVENCY_BREACH: _Words(what="what the vault lacks", written=_usd),
    Cause.ROLE_CHANGED: _Words(what="the number of role holders that nobody approved"),
    Cause.CHAIN_STALLED: _Words(what="the time without a block", written=_seconds),
    Cause.PROOF_BROKEN: _Words(what="the proof of solvency"),
    Cause.RISK_UNPROVEN: _Words(what="the proof of the market's risk"),
}


def bad_sentence(cause: Cause, value: int, limit: int) -> str:
    """Tell a number beyond its limit: `the age of the price is 40 s, good is at most 15 s`."""
    words = _CAUSE_TO_WORDS[cause]
    if cause in ACTION_CAUSES:
        asked = action_asked(value).name.lower().replace("_", " ")
        return (
            f"{words.what} is broken and asks for: {asked} (its sentence is in /status, solvency)"
        )
    if words.is_flag:
        return f"{words.what} is on"
    bound = "at least" if cause is Cause.BELOW_QUORUM else "at most"
    return f"{words.what} is {words.written(value)}, good is {bound} {words.written(limit)}"


def unknown_sentence(cause: Cause) -> str:
    """Tell that a number is not known."""
    return f"{_CAUSE_TO_WORDS[cause].what} is not known"


def returning_sentence(cause: Cause, *, awaits_operator: bool) -> str:
    """Tell that a cause is clear and still acts."""
    awaited = "an operator's release" if awaits_operator else "it to stay so"
    return f"{_CAUSE_TO_WORDS[cause].what} is good again, waiting for {awaited}"
