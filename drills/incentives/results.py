"""Weekends of many seeds under every arm, summed up: medians, quartiles, and where it did not help.

Percentiles are nearest-rank, so each is a figure of one weekend. Arms are compared seed by seed: every
arm of a seed is played in the same world, by the same makers, against the same noise orders.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from drills.incentives.figures import Played, SessionFigures
from drills.incentives.policy import Arm
from drills.incentives.setting import Setting
from drills.summary import percentile
from risk.incentive_terms import Lever
from risk.units import ATOMS_PER_USD, div_trunc

ARMS: Final = tuple(Arm)
PARTS: Final = {"median": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}

Figures = Mapping[str, int | None]
Read = Callable[[Played], int | None]

WEEKEND_FIGURES: Final[Mapping[str, Read]] = {
    "reopening_error_ppm": lambda each: each.reopening_error,
    "gap_ppm": lambda each: each.gap,
    "spent_usd": lambda each: _usd(each.spent),
    "budget_left_usd": lambda each: _usd(each.budget - each.most_spent),
    "rebates_usd": lambda each: _usd(each.rebates),
    "taker_fees_usd": lambda each: _usd(each.taker_fees),
    "makers_earned_usd": lambda each: _usd(each.makers_worth),
    "writes": lambda each: each.writes,
}
SESSION_FIGURES: Final[Mapping[str, Callable[[SessionFigures], int | None]]] = {
    "depth_25bp_usd": lambda each: _usd(each.depth),
    "spread_ppm": lambda each: each.spread,
    "two_sided_ppm": lambda each: each.two_sided_ppm,
    "volume_usd": lambda each: _usd(each.volume),
    "rebates_usd": lambda each: _usd(each.rebates),
    "makers_milli": lambda each: each.makers_milli,
}


def summed_up(
    setting: Setting, played: Sequence[Played], *, held: Sequence[Lever] = ()
) -> dict[str, object]:
    """Give everything that was measured: USD in whole dollars rounded toward 0, parts in ppm."""
    by_arm = {arm: [each for each in played if each.arm is arm] for arm in ARMS}
    return {
        "market": setting.market.symbol,
        "held": [lever.value for lever in held],
        "data": "recorded" if setting.recorded else "generated",
        "seeds": [each.seed for each in by_arm[Arm.KEEPER]],
        "weekly_budget_usd": _usd(setting.weekly_budget),
        "largest_notional_per_second_usd": _usd(
            setting.policy.market.budget.largest_notional_per_second
        ),
        "most_traded_per_second_usd": max(_usd(each.most_in_a_second) for each in played),
        "arms": {arm.value: _arm(by_arm[arm]) for arm in ARMS},
        "against_without": {
            arm.value: _against(by_arm[Arm.WEEKDAY], by_arm[arm])
            for arm in ARMS
            if arm is not Arm.WEEKDAY
        },
        "weekends": [_weekend(each) for each in played],
    }


def _arm(played: Sequence[Played]) -> dict[str, object]:
    places = range(len(played[0].sessions))
    return {
        "budget_kept": sum(1 for each in played if each.is_budget_kept),
        "figures": {name: _spread(map(read, played)) for name, read in WEEKEND_FIGURES.items()},
        "sessions": [
            {
                "session": played[0].sessions[place].session.value,
                **{
                    name: _spread(read(each.sessions[place]) for each in played)
                    for name, read in SESSION_FIGURES.items()
                },
            }
            for place in places
        ],
    }


def _against(without: Sequence[Played], other: Sequence[Played]) -> dict[str, object]:
    """Compare the session without outside markets seed by seed, and name the seeds that lost."""
    pairs = list(zip(without, other, strict=True))
    return {
        "depth_gained_ppm": _spread(
            _gain(one.closed().depth, two.closed().depth) for one, two in pairs
        ),
        "shallower": [two.seed for one, two in pairs if two.closed().depth < one.closed().depth],
        "wider": [two.seed for one, two in pairs if _wide(two.closed()) > _wide(one.closed())],
        "less_two_sided": [
            two.seed
            for one, two in pairs
            if two.closed().two_sided_ppm < one.closed().two_sided_ppm
        ],
        "worse_at_the_reopening": [
            two.seed for one, two in pairs if two.reopening_error > one.reopening_error
        ],
        "cost_usd": _spread(_usd(two.spent) for _, two in pairs),
    }


def _weekend(played: Played) -> dict[str, object]:
    return {
        "seed": played.seed,
        "arm": played.arm.value,
        **{name: read(played) for name, read in WEEKEND_FIGURES.items()},
        "is_budget_kept": played.is_budget_kept,
        "sessions": [
            {
                "session": each.session.value,
                "start": each.start,
                "end": each.end,
                **{name: read(each) for name, read in SESSION_FIGURES.items()},
            }
            for each in played.sessions
        ],
    }


def _spread(numbers: Iterable[int | None]) -> Figures:
    ordered = sorted(number for number in numbers if number is not None)
    return {name: percentile(ordered, part) for name, part in PARTS.items()}


def _gain(before: int, after: int) -> int | None:
    return div_trunc((after - before) * 10**6, before) if before else None


def _wide(figures: SessionFigures) -> int:
    return 10**6 if figures.spread is None else figures.spread


def _usd(atoms: int) -> int:
    return div_trunc(atoms, ATOMS_PER_USD)
