"""Whether a market's sources look as after a split that nobody announced, second by second.

A source is compared with what it said before. Sources do not learn of a split in the same second, nor in the
same hour: one that moved by a known ratio is from then on compared with the price that the venue holds, which
goes with the others, until they follow or it says something else. So is the first thing that a source says in
our life: a split in our absence is seen too. A suspicion stands until an operator lifts it, or the split is
made on chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from risk.corporate_values import Ratio
from risk.price_report import PriceReport
from risk.sessions import SessionTimeline
from risk.split_suspicion import Move, Suspicion, SuspicionRules, nearest_ratio, suspected_split
from risk.units import PriceE8, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What a source said before."""

    price: PriceE8
    at: Seconds
    has_moved: bool = False
    """Whether it says something that is a known ratio away."""


class SplitWatch:
    """The watch of one market."""

    def __init__(self, rules: SuspicionRules, timeline: SessionTimeline | None) -> None:
        self._rules, self._timeline = rules, timeline
        self._before: dict[str, _Before] = {}
        self._is_lifted = False
        self.suspicion: Suspicion | None = None

    def look(
        self,
        reports: Sequence[PriceReport],
        *,
        held: PriceE8,
        held_at: Seconds,
        now: Seconds,
        expected: Ratio | None,
    ) -> Suspicion | None:
        """Look at the fresh reports; give a suspicion that is new.

        `held` is the venue's price (0: none) and when it was observed; `expected` the ratio of an action
        that is being made.
        """
        if self.suspicion is not None:
            return None
        moves = [
            self._move(each, self._before_of(each, held, held_at, now), now) for each in reports
        ]
        self.suspicion = suspected_split(moves, rules=self._rules, expected=expected)
        if self.suspicion is None:
            for move in moves:
                self._remember(move, now)
        return self.suspicion

    def lift(self) -> bool:
        """Believe what is said from now on, as an operator ordered; say whether anything was lifted."""
        was, self.suspicion = self.suspicion, None
        if was is not None:
            self._before, self._is_lifted = {}, True
        return was is not None

    def rebase(self) -> None:
        """Begin anew: the venue's price is on the new basis, and what was said may be on either."""
        self._before, self._is_lifted, self.suspicion = {}, False, None

    def _before_of(
        self, report: PriceReport, held: PriceE8, held_at: Seconds, now: Seconds
    ) -> _Before:
        known = self._before.get(report.source)
        if known is None:
            # After a lift the venue's own price may still be on its way to where the sources are.
            is_unsaid = held <= 0 or self._is_lifted
            known = _Before(
                price=report.price if is_unsaid else held, at=now if is_unsaid else held_at
            )
            self._before[report.source] = known
        if known.has_moved and held > 0:
            return replace(known, price=held)
        return known

    def _move(self, report: PriceReport, before: _Before, now: Seconds) -> Move:
        move = Move(source=report.source, before=before.price, after=report.price)
        wide = replace(move, is_over_closure=True)
        if nearest_ratio(wide, self._rules) is not None and self._was_closed(before.at, now):
            return wide
        return move

    def _remember(self, move: Move, now: Seconds) -> None:
        before = self._before[move.source]
        if nearest_ratio(move, self._rules) is None:
            self._before[move.source] = _Before(price=move.after, at=now)
        else:
            self._before[move.source] = replace(before, has_moved=True)

    def _was_closed(self, since: Seconds, now: Seconds) -> bool:
        """Say whether the underlying did not trade for some time in between."""
        if self._timeline is None or since >= now:
            return False
        sessions = [self._timeline.session_at(since)]
        sessions += [each.session for each in self._timeline.between(since, Seconds(now + 1))]
        return not all(session.has_external_price for session in sessions)
