"""Whether a far price may become the accepted one: a single print never moves a market far.

A step of more than 3 % from the last accepted price needs a second independent provider, or must
hold for a while; one of more than 10 % needs three providers or an operator's word. The lesson is a
single share printed at −30 % that an oracle believed and 57 M USD of longs paid for.
While the underlying is halted nothing is accepted. Pure: (state, candidate, now) → state.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds


class Step(StrEnum):
    """What became of a candidate."""

    FIRST = "first"
    SMALL = "small"
    CONFIRMED = "confirmed"
    """Enough independent providers say so."""
    PERSISTED = "persisted"
    """It held long enough."""
    BY_OPERATOR = "by_operator"
    HALTED = "halted"
    WAITING = "waiting"
    """It may become true by holding, or by more providers."""
    REFUSED = "refused"
    """Too far for so few providers, however long it holds: an operator may say otherwise."""

    @property
    def is_accepted(self) -> bool:
        """Say whether the candidate is now the accepted price."""
        return self not in {Step.HALTED, Step.WAITING, Step.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpRules:
    """How far is far, and what it takes."""

    jump: Ppm = Ppm(30_000)
    jump_providers: int = 2
    persistence: Seconds = Seconds(45)
    large_jump: Ppm = Ppm(100_000)
    large_jump_providers: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWord:
    """A range of prices that an operator vouches for, until a time."""

    low: PriceE8
    high: PriceE8
    until: Seconds

    def covers(self, price: PriceE8, now: Seconds) -> bool:
        """Say whether the word holds for this price at this time."""
        return self.low <= price <= self.high and now <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpState:
    """The last accepted price, what steps are measured from, and a far price that is claimed."""

    accepted: PriceE8 | None = None
    accepted_at: Seconds = Seconds(0)
    anchor: PriceE8 = PriceE8(0)
    """Steps are measured from here. It follows at once what several providers say, and what one
    says only after the time that a claim must hold: small steps in haste are a jump too."""
    anchored_at: Seconds = Seconds(0)
    claim: PriceE8 | None = None
    """Of the far prices claimed without a break, the one nearest to the anchor: that much held."""
    claimed_since: Seconds = Seconds(0)


UNSEEN = JumpState()


def consider(
    state: JumpState,
    candidate: PriceE8,
    providers: int,
    *,
    now: Seconds,
    rules: JumpRules,
    is_halted: bool = False,
    word: OperatorWord | None = None,
) -> tuple[JumpState, Step]:
    """Judge a candidate that so many independent providers support at `now` (the venue's clock).

    What is accepted is in the new state. The first price ever needs as many providers as a large
    jump would, or an operator's word: there is nothing to compare it with. A claim that changes
    side, or comes back near, starts anew.
    """
    if is_halted:
        return replace(state, claim=None), Step.HALTED
    if word is not None and word.covers(candidate, now):
        return _anchored(candidate, now), Step.BY_OPERATOR
    if state.accepted is None:
        if providers >= rules.large_jump_providers:
            return _anchored(candidate, now), Step.FIRST
        return state, Step.WAITING
    distance = abs(candidate - state.anchor) * PPM_SCALE
    if distance <= state.anchor * rules.jump:
        return _followed(state, candidate, providers, now, rules), Step.SMALL
    is_large = distance > state.anchor * rules.large_jump
    if providers >= (rules.large_jump_providers if is_large else rules.jump_providers):
        return _anchored(candidate, now), Step.CONFIRMED
    if is_large:
        # Nor does a claim's clock run: it would be over once the price came back under the limit.
        return replace(state, claim=None), Step.REFUSED
    claimed = _claimed(state, candidate, now)
    if claimed.claim is not None and now - claimed.claimed_since >= rules.persistence:
        return _anchored(claimed.claim, now), Step.PERSISTED
    return claimed, Step.WAITING


def _anchored(price: PriceE8, now: Seconds) -> JumpState:
    return JumpState(accepted=price, accepted_at=now, anchor=price, anchored_at=now)


def _followed(
    state: JumpState, price: PriceE8, providers: int, now: Seconds, rules: JumpRules
) -> JumpState:
    if providers >= rules.jump_providers or now - state.anchored_at >= rules.persistence:
        return _anchored(price, now)
    return replace(state, accepted=price, accepted_at=now, claim=None)


def _claimed(state: JumpState, candidate: PriceE8, now: Seconds) -> JumpState:
    held = state.claim
    if held is None or (held > state.anchor) != (candidate > state.anchor):
        return replace(state, claim=candidate, claimed_since=now)
    nearest = min(held, candidate, key=lambda price: abs(price - state.anchor))
    return replace(state, claim=nearest)
