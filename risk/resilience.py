"""How soon a side of the book is refilled after a trade took depth out of it.

A *shock* is a trade, and depth below a stated part of what it was before. It ends when the depth is at
or above that part again (*recovered*), or is given up after a stated time. Depth is sampled and trades
are heard of through the chain, so the two may be a little apart: within `memory` they belong
together. A depth that is not known ends a shock without a figure: nobody saw what happened meanwhile.

Recovery times are upper bounds: from the last sample that saw the depth whole to the first that saw it
back. A shock given up counts as long as it lasted, the least that it can be. A refill quicker than its trade is heard of is not seen.
Times are the venue's clock; depths are quote atoms of one side within one distance of the mark.
"""

from dataclasses import dataclass, replace

from risk.units import PPM_SCALE, Ppm, QuoteAtoms, Seconds, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class ResilienceRules:
    """What a shock is and when it is over.

    Raises ValueError for a part outside (0, 1,000,000] ppm or a number below 1.
    """

    recovered: Ppm = Ppm(900_000)
    """Part of the depth before: below it depth is gone, from it on it is back."""
    memory: Seconds = Seconds(5)
    """Longest time between depth that goes and the trade that is heard to have taken it."""
    give_up: Seconds = Seconds(600)
    kept: int = 20
    """Shocks that are remembered."""
    span: Seconds = Seconds(86_400)
    """For how long."""

    def __post_init__(self) -> None:
        least = min(self.memory, self.give_up, self.kept, self.span)
        if not 0 < self.recovered <= PPM_SCALE or least < 1:
            raise ValueError(
                "expected a part in (0, 1,000,000] ppm, and memory, give_up, kept and span of at least 1,"
                f" found {self}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """Depth that a trade took and that is not back."""

    started: Seconds
    """The last sample that saw it whole."""
    before: QuoteAtoms
    lowest: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A shock that is over."""

    shock: Shock
    took: Seconds
    is_recovered: bool
    """False: given up, so `took` is the least that it can be."""

    @property
    def ended(self) -> Seconds:
        """Give the time at which it was over."""
        return Seconds(self.shock.started + self.took)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resilience:
    """What is remembered of one side of one book."""

    recent: tuple[tuple[Seconds, QuoteAtoms], ...] = ()
    """Times and depths of late, oldest first."""
    traded_at: Seconds | None = None
    shock: Shock | None = None
    recoveries: tuple[Recovery, ...] = ()
    """Oldest first."""


def with_sample(
    state: Resilience,
    *,
    now: Seconds,
    depth: QuoteAtoms | None,
    is_traded: bool,
    rules: ResilienceRules,
) -> Resilience:
    """Feed the depth at `now`, and whether a trade that takes from this side was heard since."""
    if depth is None:
        return Resilience(recoveries=state.recoveries)
    recent = tuple(each for each in state.recent if each[0] >= now - rules.memory)
    traded_at = now if is_traded else state.traded_at
    if traded_at is not None and traded_at < now - rules.memory:
        traded_at = None
    shock = state.shock
    if shock is None and traded_at is not None:
        shock = _begun(recent, depth, rules)
    if shock is None:
        return replace(state, recent=(*recent, (now, depth)), traded_at=traded_at)
    shock = replace(shock, lowest=min(shock.lowest, depth))
    took = Seconds(now - shock.started)
    is_recovered = not _is_gone(depth, shock.before, rules)
    if not is_recovered and took < rules.give_up:
        return replace(state, recent=(*recent, (now, depth)), traded_at=None, shock=shock)
    over = Recovery(shock=shock, took=took, is_recovered=is_recovered)
    # What comes next is compared with the depth as it is now, not with what this shock took.
    return Resilience(recent=((now, depth),), recoveries=(*state.recoveries, over)[-rules.kept :])


def median_recovery(state: Resilience, *, now: Seconds, rules: ResilienceRules) -> Seconds | None:
    """Give the median time of the shocks that ended within the span; None without any.

    The upper one of two in the middle: a doubt.
    """
    took = sorted(each.took for each in state.recoveries if each.ended >= now - rules.span)
    return took[div_floor(len(took), 2)] if took else None


def _begun(
    recent: tuple[tuple[Seconds, QuoteAtoms], ...], depth: QuoteAtoms, rules: ResilienceRules
) -> Shock | None:
    """Give the shock that this depth means, against the highest of late; None for none."""
    before = max((held for _, held in recent), default=QuoteAtoms(0))
    if not _is_gone(depth, before, rules):
        return None
    started = max(time for time, held in recent if not _is_gone(held, before, rules))
    return Shock(started=started, before=before, lowest=depth)


def _is_gone(depth: QuoteAtoms, before: QuoteAtoms, rules: ResilienceRules) -> bool:
    return depth * PPM_SCALE < before * rules.recovered
