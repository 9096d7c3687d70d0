"""What makes the exchange doubt itself: causes, limits, and the ladder of actions for each.

A cause is a measured number beyond its limit. The softest lever that works goes first: a cause may
ask for more the longer it lasts. The rules are data; what no rule may say is refused here: that a
broken solvency or a changed role goes away by itself, or that a keeper could reopen withdrawals.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from risk.units import MarketStatus, Ppm, Seconds


class Action(IntEnum):
    """What a cause asks for; a larger number is stricter and includes the softer ones."""

    NONE = 0
    TIGHTER_BAND = 1
    REDUCE_ONLY = 2
    HALT = 3
    CLOSE_WITHDRAWALS = 4
    """Halt, and nothing leaves the exchange. Only the owner can open withdrawals again."""

    @property
    def status(self) -> MarketStatus:
        """What the market may allow."""
        if self >= Action.HALT:
            return MarketStatus.HALTED
        return MarketStatus.REDUCE_ONLY if self is Action.REDUCE_ONLY else MarketStatus.OPEN

    @property
    def tightens_band(self) -> bool:
        """Say whether the band narrows; while halted nothing trades, and a band would hold the price."""
        return self in {Action.TIGHTER_BAND, Action.REDUCE_ONLY}


class Cause(StrEnum):
    """Why the exchange, or a market, is in doubt."""

    PRICE_STALE = "price_stale"
    BELOW_QUORUM = "below_quorum"
    SOURCES_DIVERGE = "sources_diverge"
    MARK_INDEX_DIVERGENCE = "mark_index_divergence"
    BOOK_EMPTIED = "book_emptied"
    OPEN_INTEREST_JUMP = "open_interest_jump"
    CONCENTRATION = "concentration"
    LIQUIDATION_BACKLOG = "liquidation_backlog"
    UNDERLYING_HALTED = "underlying_halted"
    LIMIT_CHANGED = "limit_changed"
    INSURANCE_FALLING = "insurance_falling"
    SOLVENCY_BREACH = "solvency_breach"
    ROLE_CHANGED = "role_changed"
    CHAIN_STALLED = "chain_stalled"
    PROOF_BROKEN = "proof_broken"
    """An invariant of money or authority does not hold (`risk.solvency_finding`)."""
    RISK_UNPROVEN = "risk_unproven"
    """An invariant of waits, prices, bad debt or concentration does not hold."""


EXCHANGE_CAUSES: Final = frozenset(
    {
        Cause.INSURANCE_FALLING,
        Cause.SOLVENCY_BREACH,
        Cause.ROLE_CHANGED,
        Cause.CHAIN_STALLED,
        Cause.PROOF_BROKEN,
    }
)
"""Measured once, and felt by every market; all others are measured for each market."""
MARKET_CAUSES: Final = frozenset(Cause) - EXCHANGE_CAUSES
MINIMUM_CAUSES: Final = frozenset({Cause.BELOW_QUORUM})
"""Here a smaller number than the limit is bad; everywhere else a larger one."""
ACTION_CAUSES: Final = frozenset({Cause.PROOF_BROKEN, Cause.RISK_UNPROVEN})
"""Here the number is the Action that the proof asks for: the ladder says when, and how much at most."""
OPERATOR_CAUSES: Final = frozenset({Cause.SOLVENCY_BREACH, Cause.ROLE_CHANGED, Cause.PROOF_BROKEN})
"""These never clear by themselves, whatever the rules say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStage:
    """After so long, this action."""

    after: Seconds
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRule:
    """When a cause acts, how strictly, and how it lets go.

    Raises ValueError for a ladder that is empty or does not rise, and for a return that nobody
    could trust.
    """

    limit: int
    """The last number that is still good, in the cause's own unit."""
    ladder: tuple[LadderStage, ...]
    """The first stage's time is the persistence: shorter, and nothing happens."""
    unknown: tuple[LadderStage, ...] = ()
    """The same for a number that is not known; empty: not knowing is no reason of its own."""
    clear_for: Seconds
    """How long the cause must be seen to be clear before the first step back is earned."""
    warm_up: int
    """Good observations after that, for each step back."""
    needs_operator: bool = False
    """Whether no step back is taken before an operator has released the cause."""

    def __post_init__(self) -> None:
        if not self.ladder:
            raise ValueError("expected at least one stage in the ladder, found none")
        for stages in (self.ladder, self.unknown):
            _check_rising(stages)
        if self.clear_for < 0 or self.warm_up < 1:
            raise ValueError(
                f"expected clear_for >= 0 and warm_up >= 1, found {self.clear_for} and"
                f" {self.warm_up}"
            )
        if self.strictest is Action.CLOSE_WITHDRAWALS and not self.needs_operator:
            raise ValueError(
                "expected needs_operator where withdrawals are closed, since only the owner can"
                " open them, found a return without"
            )

    @property
    def strictest(self) -> Action:
        """The strictest action that the cause can ask for."""
        return max(stage.action for stage in (*self.ladder, *self.unknown))


def _check_rising(stages: tuple[LadderStage, ...]) -> None:
    if any(stage.after < 0 or stage.action is Action.NONE for stage in stages):
        raise ValueError(f"expected stages that act after 0 s or more, found {stages}")
    for soft, strict in itertools.pairwise(stages):
        if strict.after <= soft.after or strict.action <= soft.action:
            raise ValueError(
                f"expected stages that rise in time and action, found {soft.action.name} after"
                f" {soft.after} s, then {strict.action.name} after {strict.after} s"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityRules:
    """The rule of each cause; a cause without one is not watched.

    Raises ValueError for a rule that would let a person's decision be taken by time, or that
    waits on a clock that stands still.
    """

    causes: Mapping[Cause, CauseRule]
    longest_gap: Seconds
    """Between two observations: after a longer one a cause counts as not watched, hence not clear."""
    tighter_band: Ppm
    """Half-width, from the mark, of the band that TIGHTER_BAND asks for."""

    def __post_init__(self) -> None:
        for cause in OPERATOR_CAUSES & self.causes.keys():
            if not self.causes[cause].needs_operator:
                raise ValueError(f"expected needs_operator for {cause}, found a return without")
        chain = self.causes.get(Cause.CHAIN_STALLED)
        if chain is not None and [stage.after for stage in chain.ladder] != [0]:
            raise ValueError(
                "expected one stage after 0 s for chain_stalled, since the venue's clock stands"
                f" still with the chain, found {len(chain.ladder)} from"
                f" {chain.ladder[0].after} s on"
            )
        if self.longest_gap < 1 or self.tighter_band < 1:
            raise ValueError(
                f"expected longest_gap >= 1 and tighter_band >= 1, found {self.longest_gap} and"
                f" {self.tighter_band}"
            )


def is_beyond(cause: Cause, value: int, limit: int) -> bool:
    """Say whether a measured number is bad; the limit itself is still good."""
    return value < limit if cause in MINIMUM_CAUSES else value > limit


def action_asked(value: int | None) -> Action:
    """Give the action that the number of one of ACTION_CAUSES stands for; of an unknown one, none."""
    return Action(min(value or 0, Action.CLOSE_WITHDRAWALS))


def staged(stages: tuple[LadderStage, ...], lasted: Seconds) -> Action:
    """Give the action that a ladder asks for after so long; a stage's own second is enough."""
    return max(
        (stage.action for stage in stages if lasted >= stage.after),
        default=Action.NONE,
    )
