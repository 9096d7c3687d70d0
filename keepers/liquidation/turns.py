"""Which accounts are another keeper's for now, so that keepers with different keys seldom race.

An account waits from the block at which we first saw that somebody could act on it: a cool-down that
ends, or anybody's result for it, begins the wait anew. With no other keeper named nothing ever waits.
All of it may be lost: then a keeper waits once more.
"""

from collections.abc import Collection, Iterable

from risk.keeper_rank import keeper_rank, turn_block
from risk.liquidation_values import Skip, SkipReason
from risk.units import AccountId, Seconds


class Turns:
    """One keeper's place among the known ones."""

    def __init__(
        self, own: bytes = b"", others: Collection[bytes] = (), *, delay_blocks: int = 1
    ) -> None:
        self._own = own
        self._others = frozenset(others) - {own}
        self._delay_blocks = delay_blocks
        self._noticed: dict[AccountId, int] = {}
        self._cooling: dict[AccountId, Seconds] = {}
        self._waiting: frozenset[AccountId] = frozenset()

    @property
    def waiting_count(self) -> int:
        """Count the accounts that were another's when last asked."""
        return len(self._waiting)

    def waiting(
        self, due: Collection[AccountId], *, block: int, now: Seconds
    ) -> Collection[AccountId]:
        """Give those of the accounts under margin whose turn is not ours yet."""
        if not self._others:
            return ()
        self._noticed = {each: at for each, at in self._noticed.items() if each in due}
        self._cooling = {each: end for each, end in self._cooling.items() if now < end}
        for account in due:
            if account not in self._cooling:
                # A chain that went back begins the count anew.
                self._noticed[account] = min(block, self._noticed.get(account, block))
        self._waiting = frozenset(account for account in due if not self._is_ours(account, block))
        return self._waiting

    def acted_on(self, account: AccountId) -> None:
        """Note that somebody's transaction had a result for an account."""
        self._noticed.pop(account, None)

    def note_skips(self, skips: Iterable[Skip]) -> None:
        """Note accounts that nobody can act on before a time."""
        if not self._others:
            return
        for skip in skips:
            if skip.reason is SkipReason.COOLING_DOWN and skip.until is not None:
                self._cooling[skip.account] = skip.until
                self._noticed.pop(skip.account, None)

    def _is_ours(self, account: AccountId, block: int) -> bool:
        rank = keeper_rank(account, self._own, self._others)
        if rank == 0:
            return True
        noticed_at = self._noticed.get(account)
        return noticed_at is not None and block >= turn_block(noticed_at, rank, self._delay_blocks)
