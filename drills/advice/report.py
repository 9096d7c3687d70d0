"""All that is said of a class of market, as plain values: what was read, found, advised and checked."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

import numpy as np

from drills.advice.account import (
    Margins,
    Tails,
    bad_debt,
    least_maintenance,
    pause_move,
    tails_of,
)
from drills.advice.checks import CRISES, Played, crisis_checks, is_in_data, split_check, window_debt
from drills.advice.gaps import Floats, Gaps, Kind, gaps_of, pooled
from drills.advice.search import (
    FIGURES,
    Advice,
    Target,
    advise,
    draws,
    without_wildest_nights,
)
from drills.advice.shipped import Comparison, Shipped, compare, costs_of
from drills.advice.sources import UNLIKE, Series
from drills.advice.tails import Tail
from risk.units import PPM_SCALE, Ppm, div_ceil
from runtime.errors import OperatorError

QUANTILES: Final = (0.5, 0.95, 0.99, 0.999, 1.0)
FRONTIER: Final = (25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 250_000, 333_000, 500_000)
"""Initial margins, weekday and weekend alike, for which the year's bad debt is told."""
EVENT_NIGHTS: Final = 4
"""A year; as many as there are reports of earnings."""
FEWEST_YEARS: Final = 3
"""Calendar years with gaps below which nothing is advised."""

Values = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one run asks."""

    target: Target
    split: date
    seed: int
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out for one class: the advice, and everything that is told of it."""

    asset_class: str
    advice: Advice
    gaps: Gaps
    tails: Tails
    values: Values


def answer(
    asset_class: str, series: Sequence[Series], shipped: list[Shipped], question: Question
) -> Answer:
    """Find what is advised for a class and all that is told of it."""
    gaps = pooled([gaps_of(each) for each in series if not each.is_check])
    years = len(np.unique(gaps.year))
    if years < FEWEST_YEARS:
        raise OperatorError(
            f"expected gaps in at least {FEWEST_YEARS} calendar years for {asset_class}, found"
            f" {years}: give a longer series, with opens that are not the closes before"
        )
    stand_ins = [gaps_of(each) for each in series if each.is_check]
    checks = [pooled(stand_ins)] if stand_ins else []
    target, costs = question.target, costs_of(asset_class, shipped)
    found, tails = advise(gaps, target, costs), tails_of(gaps)
    closes_only = any(each.closes_only for each in series if not each.is_check)
    split = split_check(gaps, question.split, target, costs)
    crises = crisis_checks(
        gaps, checks[0] if checks else None, target, costs, closes_only=closes_only
    )
    markets = [
        each for each in shipped if each.asset_class == asset_class and each.symbol not in UNLIKE
    ]
    values: Values = {
        "series": [_series(each) for each in series],
        "closes_only": closes_only,
        "years": round(gaps.series_years, 1),
        "gaps": {kind.value: _quantiles(gaps.loss[_of(gaps, kind)]) for kind in Kind},
        "session_excursion": _quantiles(gaps.excursion),
        "tails": {
            "night": _tail(tails.night, gaps, is_closure=False, target=target),
            "closure": _tail(tails.closure, gaps, is_closure=True, target=target),
        },
        "pause_move": round(pause_move(gaps, costs), 5),
        "least_maintenance": round(least_maintenance(gaps, costs), 5),
        "advice": _advice(found),
        "intervals": {
            name: asdict(interval)
            for name, interval in draws(
                gaps, target, costs, seed=question.seed, count=question.draws
            ).items()
        },
        "without_event_nights": _advice(
            advise(without_wildest_nights(gaps, EVENT_NIGHTS), target, costs)
        ),
        "advised_bp": _debt(found.margins, gaps, tails, target),
        "frontier": {
            str(margin): _debt(_alike(margin, target), gaps, tails, target) for margin in FRONTIER
        },
        "crises_without_data": [
            crisis.name
            for crisis in CRISES
            if not any(is_in_data(crisis, each) for each in [gaps, *checks])
        ],
        "checks": [_played(each, target) for each in ([split] if split else []) + crises],
        "shipped": [
            _comparison(compare(market, found, gaps, target), [gaps, *checks], target)
            for market in markets
        ],
    }
    return Answer(asset_class=asset_class, advice=found, gaps=gaps, tails=tails, values=values)


def _of(gaps: Gaps, kind: Kind) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([each is kind for each in gaps.kind], dtype=np.bool_)


def _alike(margin: int, target: Target) -> Margins:
    half = Ppm(div_ceil(margin * target.maintenance_part, PPM_SCALE))
    return Margins(initial=Ppm(margin), maintenance=half, weekend=Ppm(margin))


def _debt(margins: Margins | None, gaps: Gaps, tails: Tails, target: Target) -> Values | None:
    if margins is None:
        return None
    found = bad_debt(margins, gaps, tails, fresh_share=target.fresh_share)
    return {
        "happened_bp": round(found.happened_bp, 2),
        "expected_bp": round(found.expected_bp, 2),
    }


def _series(series: Series) -> Values:
    return {
        "name": series.name,
        "days": len(series.days),
        "first": series.days[0].date.isoformat(),
        "last": series.days[-1].date.isoformat(),
        "years_left_out": sorted(series.left_out),
        "closes_only": series.closes_only,
        "is_check": series.is_check,
    }


def _quantiles(values: Floats) -> Values:
    if len(values) == 0:
        return {"count": 0}
    shares = {f"{part:g}": round(float(np.quantile(values, part)), 5) for part in QUANTILES}
    return {"count": len(values), **shares}


def _tail(tail: Tail | None, gaps: Gaps, *, is_closure: bool, target: Target) -> Values | None:
    if tail is None:
        return None
    of_kind = int((gaps.is_closure == is_closure).sum())
    in_years = of_kind / gaps.series_years * target.return_years
    end = tail.threshold - tail.scale / tail.shape if tail.shape < 0 else math.inf
    return {
        "threshold": round(tail.threshold, 5),
        "excesses": round(tail.beyond * of_kind),
        "shape": round(tail.shape, 3),
        "scale": round(tail.scale, 5),
        "one_in_a_thousand": round(tail.quantile(0.001), 4),
        "in_return_years": round(tail.quantile(1.0 / in_years), 4),
        "ends_at": None if math.isinf(end) else round(end, 4),
    }


def _advice(advice: Advice) -> Values:
    return {name: getattr(advice, name) for name in FIGURES}


def _played(played: Played, target: Target) -> Values:
    return {
        "name": played.name,
        "advice": _advice(played.advice),
        "closes_only": played.closes_only,
        "markets": played.markets,
        "gaps": played.gaps,
        "bad_debt_bp": round(played.bad_debt_bp, 2),
        "holds": played.bad_debt_bp <= target.bad_debt_bp,
        "fresh_bankruptcies": played.fresh_bankruptcies,
        "closures": played.closures,
        "worst": round(played.worst, 4),
        "worst_day": played.worst_day.isoformat(),
        "worst_name": played.worst_name,
    }


def _comparison(found: Comparison, played: Sequence[Gaps], target: Target) -> Values:
    """Tell of a shipped market; a crisis is played on the first of the gaps that has it."""
    market = found.market
    crises: dict[str, float] = {}
    for crisis in CRISES:
        for gaps in played:
            debt = window_debt(market.margins, gaps, crisis, target)
            if debt is not None:
                crises.setdefault(crisis.name, round(debt, 1))
    return {
        "symbol": market.symbol,
        **asdict(market.margins),
        "bound": market.bound,
        "happened_bp": round(found.debt.happened_bp, 2),
        "expected_bp": round(found.debt.expected_bp, 2),
        "initial_short": found.initial_short,
        "maintenance_short": found.maintenance_short,
        "weekend_short": found.weekend_short,
        "bound_beyond": found.bound_beyond,
        "crises_bp": crises,
    }
