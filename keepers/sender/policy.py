"""What to do next with a transaction: one pure, total function.

A transaction is one of `Signed | Broadcast | Mined | Settled`. `next_step` sees its state, the head
of the chain and the time, and names one step with a reason in words; the lane does it. Nothing here
waits, sends or remembers. Only the transaction that is next in line is ever made dearer: those behind
it wait for it, not for a better price. Times are monotonic seconds, except the chain's own.
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from runtime.journal import Purpose

_PERCENT = 100
_PPM = 1_000_000
_NODES_BUMP_PERCENT = 10
"""Nodes refuse a replacement that is not dearer by more than this on both fees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Wei per unit of gas."""

    max_fee: int
    tip: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When to send again, when to pay more, when to believe."""

    rebroadcast_after_seconds: tuple[float, ...] = (2.0, 5.0)
    replace_after_seconds: float = 12.0
    bump_ppm: int = 150_000
    fee_cap: int = 100_000_000_000
    cancel_fee_cap: int = 150_000_000_000
    """Above `fee_cap`, so that a call at its cap can still be cancelled."""
    confirmations: int = 10
    lookup_every_seconds: float = 0.5
    foreign_misses: int = 6
    """Look-ups without any receipt of ours, for a used nonce, before it counts as foreign."""
    reorg_misses: int = 2
    gap_patience_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.bump_ppm * _PERCENT <= _NODES_BUMP_PERCENT * _PPM:
            raise ValueError(f"expected a bump above 10 %, was {self.bump_ppm} ppm")
        if self.cancel_fee_cap * _PERCENT <= self.fee_cap * (_PERCENT + _NODES_BUMP_PERCENT):
            raise ValueError(
                f"expected cancel_fee_cap more than 10 % above fee_cap {self.fee_cap}, "
                f"was {self.cancel_fee_cap}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The chain as the lane last saw it, and the fees of the day."""

    number: int
    timestamp: int
    nonce: int
    """How many of the lane's nonces the chain has used."""
    nonce_since: float
    """When that count was first seen: since then its transaction is next in line."""
    suggested: Fees


# --- states --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Durable, and not known to have left."""

    nonce: int
    purpose: Purpose
    fees: Fees
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Sent at least once; `sends` and `attempt_at` are of the newest attempt at the nonce."""

    nonce: int
    purpose: Purpose
    fees: Fees
    expires_at: int
    attempt_at: float
    sent_at: float
    sends: int = 1
    misses: int = 0
    looked_up_at: float | None = None
    is_underpriced: bool = False
    is_wanted_again: bool = False
    """A node asked for it: something above it arrived first."""
    refusal: str = ""
    """Why a node will never take it, if one said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """In a block that may still be taken back."""

    nonce: int
    block: int
    verified_at: int
    """The head at which its receipt was last seen."""
    misses: int = 0
    looked_up_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Nothing more can happen to it."""

    nonce: int


TransactionState: TypeAlias = Signed | Broadcast | Mined | Settled


# --- steps ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Leave it alone."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send the newest attempt's bytes, as they are."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Sign the same call at the same nonce with these fees."""

    fees: Fees
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Sign an empty transfer to oneself at the same nonce."""

    fees: Fees
    purpose: Purpose
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Ask for the receipts of every attempt at the nonce."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """The chain took it back: broadcast again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareForeign:
    """Somebody else used the nonce with our key."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalise:
    """Believe it."""

    reason: str


Step: TypeAlias = Wait | Send | Replace | Cancel | LookUp | TakeBack | DeclareForeign | Finalise


def next_step(state: TransactionState, head: Head, now: float, policy: Policy) -> Step:
    """Name the one thing to do now."""
    match state:
        case Signed():
            return Send(reason="signed and not sent yet")
        case Broadcast():
            return _after_broadcast(state, head, now, policy)
        case Mined():
            return _after_mined(state, head, now, policy)
        case Settled():
            return Wait(reason="settled")
    assert_never(state)


def bumped(fees: Fees, suggested: Fees, *, cap: int, policy: Policy) -> Fees | None:
    """Give fees that nodes take as a replacement: the bump or today's, whichever is more.

    None if the cap leaves no room for a bump that nodes would take.
    """
    if cap * _PERCENT <= fees.max_fee * (_PERCENT + _NODES_BUMP_PERCENT):
        return None
    max_fee = min(max(_bump(fees.max_fee, policy), suggested.max_fee), cap)
    return Fees(max_fee=max_fee, tip=min(max(_bump(fees.tip, policy), suggested.tip), max_fee))


def is_gap(head: Head, held: frozenset[int], next_nonce: int, now: float, policy: Policy) -> bool:
    """Say whether the chain waits for a nonce that nothing of ours can fill.

    Patience first: what waits there may be in a pool, left by an earlier user of the key.
    """
    is_missing = head.nonce < next_nonce and head.nonce not in held
    return is_missing and now - head.nonce_since >= policy.gap_patience_seconds


def _bump(fee: int, policy: Policy) -> int:
    # Rounded up and one wei more: nodes compare strictly.
    return fee + -(-fee * policy.bump_ppm // _PPM) + 1 if fee else 0


def _after_broadcast(state: Broadcast, head: Head, now: float, policy: Policy) -> Step:
    if head.nonce > state.nonce:
        return _after_nonce_used(state, now, policy)
    if state.purpose is Purpose.CALL and (state.refusal or head.timestamp >= state.expires_at):
        cancel = _cancel(state, head, policy)
        if cancel is not None:
            return cancel
    if state.is_underpriced:
        replacement = _replacement(state, head, policy, "a node asked for more")
        if replacement is not None:
            return replacement
    in_line_since = max(state.attempt_at, head.nonce_since)
    if head.nonce == state.nonce and now - in_line_since >= policy.replace_after_seconds:
        why = f"next in line and not mined for {now - in_line_since:.1f} s"
        replacement = _replacement(state, head, policy, why)
        if replacement is not None:
            return replacement
    return _again_or_wait(state, now, policy)


def _after_nonce_used(state: Broadcast, now: float, policy: Policy) -> Step:
    if state.misses == policy.foreign_misses:
        return DeclareForeign(
            reason=f"nonce {state.nonce} is used and none of our transactions has a receipt"
        )
    if not _may_look_up(state.looked_up_at, now, policy):
        return Wait(reason="looked for its receipt a moment ago")
    # Also after it was declared foreign: the receipt may only have been late.
    return LookUp(reason=f"nonce {state.nonce} is used")


def _cancel(state: Broadcast, head: Head, policy: Policy) -> Cancel | None:
    fees = bumped(state.fees, head.suggested, cap=policy.cancel_fee_cap, policy=policy)
    if fees is None:
        return None
    if state.refusal:
        why = f"a node refused it: {state.refusal}"
        return Cancel(fees=fees, purpose=Purpose.CANCEL_REFUSED, reason=why)
    why = f"expired at {state.expires_at}, chain time is {head.timestamp}"
    return Cancel(fees=fees, purpose=Purpose.CANCEL_EXPIRED, reason=why)


def _replacement(state: Broadcast, head: Head, policy: Policy, why: str) -> Replace | None:
    is_call = state.purpose is Purpose.CALL
    cap = policy.fee_cap if is_call else policy.cancel_fee_cap
    fees = bumped(state.fees, head.suggested, cap=cap, policy=policy)
    return None if fees is None else Replace(fees=fees, reason=why)


def _again_or_wait(state: Broadcast, now: float, policy: Policy) -> Step:
    if state.sends == 0:
        return Send(reason="found in the journal at start")
    if state.is_wanted_again:
        return Send(reason="a node waits for this nonce")
    schedule = policy.rebroadcast_after_seconds
    waited = now - state.attempt_at
    if state.sends <= len(schedule):
        due = waited >= schedule[state.sends - 1]
    else:
        due = now - state.sent_at >= policy.replace_after_seconds
    if due:
        return Send(reason=f"not mined {waited:.1f} s after it was signed")
    return Wait(reason="sent")


def _after_mined(state: Mined, head: Head, now: float, policy: Policy) -> Step:
    if state.misses >= policy.reorg_misses:
        return TakeBack(reason=f"its receipt in block {state.block} is gone")
    if state.verified_at - state.block >= policy.confirmations and state.misses == 0:
        return Finalise(reason=f"{state.verified_at - state.block} blocks deep")
    is_deep = head.number - state.block >= policy.confirmations
    is_doubtful = head.nonce <= state.nonce and head.number >= state.block
    if (is_deep or is_doubtful or state.misses) and _may_look_up(state.looked_up_at, now, policy):
        return LookUp(reason="deep enough to believe" if is_deep else "its nonce is free again")
    return Wait(reason=f"mined in block {state.block}")


def _may_look_up(looked_up_at: float | None, now: float, policy: Policy) -> bool:
    return looked_up_at is None or now - looked_up_at >= policy.lookup_every_seconds
