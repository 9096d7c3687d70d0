"""Whose a status on chain is: ours, another instance's of the same machines, or somebody's by hand.

A status stricter than any that we set is not ours to undo while it stands. If our own machines want
as much within a few seconds, another instance that sees what we see was faster, and its status is as good
as ours: we lift it by our rules. Otherwise somebody set it by hand, until it is softened on chain.
"""

from dataclasses import dataclass, replace
from typing import Final

from risk.precedence import Wish
from risk.units import MarketStatus, Seconds

ADOPTION: Final = Seconds(5)
"""Venue seconds in which our machines may come to want what somebody else set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What we know of a market's status on chain."""

    own: MarketStatus = MarketStatus.OPEN
    """The strictest status that is ours to lift."""
    seen: MarketStatus = MarketStatus.OPEN
    """On chain, when last looked at."""
    foreign_since: Seconds | None = None
    """When a stricter status than ours was first seen; None while there is none."""


def looked(
    before: Ownership, status: MarketStatus, wanted: MarketStatus, now: Seconds
) -> Ownership:
    """Look at the chain's `status`, while our own machines want `wanted`."""
    own, since = before.own, before.foreign_since
    if status < before.seen and status < own:
        own = status  # Somebody softened it: what comes after that is not ours.
    if status <= own or status is MarketStatus.SETTLED:
        return replace(before, own=own, seen=status, foreign_since=None)
    since = now if since is None or status > before.seen else since
    if wanted >= status and now - since <= ADOPTION:
        return Ownership(own=status, seen=status)
    return Ownership(own=own, seen=status, foreign_since=since)


def resumed(before: Ownership, status: MarketStatus) -> Ownership:
    """Take a status set by hand for ours, and so for ours to lift: an operator resumed the market.

    Only one that was known before: what is first seen together with the resumption, as after a
    restart, may be younger than it.
    """
    if before.foreign_since is None or status > before.seen:
        return before
    return replace(before, own=max(before.own, status), foreign_since=None)


def wish(ownership: Ownership) -> Wish:
    """Give what a status that is not ours asks for: to be left as it is."""
    if ownership.foreign_since is None:
        return Wish(status=MarketStatus.OPEN, why="the status on chain is ours")
    return Wish(
        status=ownership.seen,
        why=(f"somebody else set {ownership.seen.name} on chain: `bellkeeper resume` lifts it"),
    )
