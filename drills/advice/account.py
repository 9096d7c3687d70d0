"""The book that meets a gap: accounts at the largest leverage, and what they owe afterwards.

Open interest is taken to be all at the largest leverage, which is the worst book that the margins allow.
A share of it is *fresh*: opened in the last moment before the close, with exactly the margin that the
session asks for. The rest was *carried*: opened 1 to 5 sessions ago (equally many) at that session's open
with the weekday's initial margin, and still there because its equity never fell below its maintenance
margin at the lowest (highest) price since. A schedule of leverage works through initial margin, so it
binds who is fresh; who is carried is held by the maintenance margin alone.

Nobody can act in the gap: the account meets the open with the equity that it had at the close. What it
owes is its bad debt, max(0, loss - equity), as a share of its notional at the close. Discount and penalty
of the exchange come out of equity that is left and never make debt (docs/exchange.md section 5). An
account below half its maintenance margin goes at once and whole; one above it may go in slices with a
pause, and has half its maintenance margin to last through it: `least_maintenance` sees to that.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from drills.advice.gaps import Floats, Gaps
from drills.advice.tails import Tail, fit
from risk.units import PPM_SCALE, Ppm

BP: Final = 10_000.0
SESSION_SECONDS: Final = 23_400
"""From 09:30 to 16:00."""
WAIT_CHANCE: Final = 0.001
"""Of a session wilder than the one that a pause is measured by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What a market asks for."""

    initial: Ppm
    maintenance: Ppm
    """Of its first tier."""
    weekend: Ppm
    """Initial margin over weekends and holidays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a liquidation costs and how long it takes."""

    penalty_and_spread: Ppm
    wait_seconds: int = 60
    """The exchange's pause between slices, 30 s, and as much for a price and a transaction to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadDebt:
    """Bad debt of one market a year, in bp of its open interest."""

    happened_bp: float
    """On the gaps as they were."""
    expected_bp: float
    """On gaps drawn from the tails, whatever the days before."""
    by_gap: Floats
    """What happened, as a share of the open interest."""

    @property
    def worse_bp(self) -> float:
        """Give the larger of the two."""
        return max(self.happened_bp, self.expected_bp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails:
    """The laws of nights and of closures; None: too few of them to say, what happened is all there is."""

    night: Tail | None
    closure: Tail | None


def tails_of(gaps: Gaps) -> Tails:
    """Fit both."""
    return Tails(night=fit(gaps.loss[~gaps.is_closure]), closure=fit(gaps.loss[gaps.is_closure]))


def bad_debt(margins: Margins, gaps: Gaps, tails: Tails, *, fresh_share: float) -> BadDebt:
    """Play all gaps against the book that these margins allow."""
    fresh = np.where(gaps.is_closure, _share(margins.weekend), _share(margins.initial))
    long, short = equities(margins, gaps)
    hit = np.where((gaps.move < 0)[:, None], long, short)
    loss = gaps.loss
    of_fresh = np.maximum(loss - fresh, 0.0)
    of_carried = _mean_or(np.maximum(loss[:, None] - hit, 0.0), of_fresh)
    by_gap: Floats = fresh_share * of_fresh + (1.0 - fresh_share) * of_carried
    expected = 0.0
    for tail, which in ((tails.night, ~gaps.is_closure), (tails.closure, gaps.is_closure)):
        if tail is None:
            expected += float(by_gap[which].sum())
            continue
        of_new = tail.mean_excess(fresh[which])
        of_old = [
            _mean_or(_excess_where_known(tail, side[which]), of_new) for side in (long, short)
        ]
        part = fresh_share * of_new + (1.0 - fresh_share) * (of_old[0] + of_old[1]) * 0.5
        expected += float(part.sum())
    years = max(gaps.series_years, 1e-9)
    return BadDebt(
        happened_bp=float(by_gap.sum()) / years * BP,
        expected_bp=expected / years * BP,
        by_gap=by_gap,
    )


def equities(margins: Margins, gaps: Gaps) -> tuple[Floats, Floats]:
    """Give the equity at the close of longs and shorts of each age, in closes; not a number: no longer there.

    Entered at r (in closes) with initial margin I, a long has I r + p - r at the price p, a short
    I r + r - p. It is gone once that is below M p, its maintenance margin.
    """
    initial, maintenance = _share(margins.initial), _share(margins.maintenance)
    entry = gaps.entry
    long = initial * entry + 1.0 - entry
    short = initial * entry + entry - 1.0
    long_stays = initial * entry + gaps.lowest - entry >= maintenance * gaps.lowest
    short_stays = initial * entry + entry - gaps.highest >= maintenance * gaps.highest
    return np.where(long_stays, long, np.nan), np.where(short_stays, short, np.nan)


def pause_move(gaps: Gaps, costs: Costs) -> float:
    """Give how far the price goes in a pause on a session so wild that one in a thousand is wilder.

    The session's farthest move from its open, times the square root of the pause's part of the session:
    an assumption, for daily data knows no minutes.
    """
    wild = float(np.quantile(gaps.excursion, 1.0 - WAIT_CHANCE))
    return wild * math.sqrt(costs.wait_seconds / SESSION_SECONDS)


def least_maintenance(gaps: Gaps, costs: Costs) -> float:
    """Give what maintenance margin must carry at least: the costs and a pause, and two pauses."""
    pause = pause_move(gaps, costs)
    return max(_share(costs.penalty_and_spread) + pause, 2.0 * pause)


def _share(margin: int) -> float:
    return margin / PPM_SCALE


def _mean_or(values: Floats, otherwise: Floats) -> Floats:
    """Give the mean of each row's numbers, or `otherwise` where it has none."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), otherwise)
    return mean


def _excess_where_known(tail: Tail, equity: Floats) -> Floats:
    known = ~np.isnan(equity)
    excess = np.full(equity.shape, np.nan)
    excess[known] = tail.mean_excess(np.maximum(equity[known], 0.0))
    return excess
