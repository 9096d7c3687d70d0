"""The breakers' slow facts, with the independent proof of solvency beside the keeper's own book.

Two opinions of one fact: the worse of them counts, and where one of them knows of no trouble and the
other nothing, nothing is known.
"""

from monitors.breakers.terms import SlowFacts
from monitors.solvency import SolvencyMonitor
from risk.solvency_finding import Invariant, Verdict
from risk.units import MarketId, Ppm, Seconds


class ProvenFacts:
    """`SlowFacts` of the breaker panel: `own` as the account book tells it, checked by the monitor."""

    def __init__(self, own: SlowFacts, monitor: SolvencyMonitor) -> None:
        self._own, self._monitor = own, monitor

    @property
    def solvency_gap(self) -> int | None:
        """What the vault lacks to pay everybody, in quote atoms, by the worse of two reckonings."""
        return _worse(self._own.solvency_gap, self.proven_gap)

    @property
    def proven_gap(self) -> int | None:
        """What the vault lacks by the monitor alone: the gap, or what no event explains.

        None unless the newest reading succeeded.
        """
        finding = self._monitor.finding(Invariant.VAULT_COVERS_CLAIMS)
        if finding.verdict is Verdict.UNKNOWN:
            return None
        gap = finding.numbers["gap_atoms"]
        flows = self._monitor.finding(Invariant.POOLS_MATCH_EVENTS)
        missing = max(0, -flows.numbers.get("unexplained_vault_atoms", 0))
        equity = self._monitor.finding(Invariant.EQUITY_CONSERVED)
        if equity.verdict is Verdict.BREACH:
            # Made or lost without an event: either way somebody's claim is not what it was.
            missing = max(missing, abs(equity.numbers["unexplained_equity_atoms"]))
        return max(gap, missing) if missing else gap

    @property
    def roles_changed(self) -> int | None:
        """How many things about owner, roles and code differ from what was approved."""
        finding = self._monitor.finding(Invariant.AUTHORITY_UNCHANGED)
        # Numbers are there unless nothing could be read; an unnamed holder is nobody's to approve.
        return _worse(self._own.roles_changed, finding.numbers.get("differences"))

    @property
    def head_age(self) -> Seconds | None:
        """Time since a block was last seen, on our own clock."""
        return self._own.head_age

    def limits_changed(self, market: MarketId) -> int | None:
        """How many of the owner's limits differ from those that were approved."""
        return self._own.limits_changed(market)

    def largest_share(self, market: MarketId) -> Ppm | None:
        """Part of the open interest that the largest account holds."""
        return self._own.largest_share(market)

    def backlog_blocks(self, market: MarketId) -> int | None:
        """For how many blocks a keeper has been waited for to liquidate somebody."""
        return self._own.backlog_blocks(market)

    def insurance_fund(self) -> int | None:
        """The insurance fund in quote atoms."""
        return self._own.insurance_fund()


def _worse(one: int | None, other: int | None) -> int | None:
    """Give the larger trouble; without any, None if one of them does not know."""
    known = [each for each in (one, other) if each is not None]
    worst = max(known, default=None)
    if worst is not None and worst > 0:
        return worst
    return worst if len(known) == 2 else None
