"""Who may call what, and what a write is held to."""

from risk.exchange_reverts import Revert
from risk.guard_rails import Parameter
from risk.guarded_writes import WriteGuard
from risk.units import MarketId, Seconds
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError


def require_role(draft: Draft, role: Role) -> None:
    """Let only the holder of a role pass; raises RevertedError."""
    if draft.state.roles.get(draft.caller, Role.NONE) is not role:
        raise RevertedError(Revert.WRONG_ROLE)


def require_owner(draft: Draft) -> None:
    """Let only the owner pass; raises RevertedError."""
    if draft.caller != draft.state.owner:
        raise RevertedError(Revert.WRONG_ROLE)


def guard_of(
    draft: Draft, market: MarketId, role: Role, parameter: int, expected_epoch: int
) -> WriteGuard:
    """Give what a write of a duty is held to in a market."""
    state = draft.state
    known = Parameter(parameter) if parameter in Parameter.__members__.values() else None
    key = None if known is None else (market, known)
    return WriteGuard(
        epoch=state.epochs.get((market, role), 0),
        expected_epoch=expected_epoch,
        limits=None if key is None else state.limits.get(key),
        last_write=Seconds(0) if key is None else state.last_writes.get(key, Seconds(0)),
        now=draft.now,
    )


def note_write(
    draft: Draft, market: MarketId, role: Role, parameter: Parameter | None, epoch: int
) -> None:
    """Remember a write when the draft is carried out: the epoch after it, and when it was made."""
    state, now = draft.state, draft.now

    def put() -> None:
        state.epochs[market, role] = epoch
        if parameter is not None:
            state.last_writes[market, parameter] = now

    draft.later(put)
