"""Load the emergency plans of `plans/*.toml`, and say which keys a plan needs.

Plans are data of the venue's risk team; the machine that follows them is `risk.emergency_plan`.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from config.breakers import Breakers
from config.loader import CONFIG_DIRECTORY
from config.markets import MARKETS_DIRECTORY, load_market
from config.problems import problem_sentence
from config.schema.plans import PlanFile
from config.toml import read_toml
from risk.emergency_rules import EmergencyPlan, PlanAction
from runtime.errors import OperatorError

PLANS_DIRECTORY: Final = CONFIG_DIRECTORY / "plans"
BREAKER_LANE: Final = "breaker"
GUARDIAN_LANE: Final = "guardian"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")


def load_plans(
    directory: Path = PLANS_DIRECTORY, *, groups: Collection[str]
) -> dict[str, EmergencyPlan]:
    """Load every plan by name; `groups` are those that exist. Raises OperatorError."""
    if not directory.is_dir():
        raise OperatorError(
            f"expected a folder of emergency plans at {directory}, found none: correct"
            " [breaker] plans_directory, or make the folder, which may be empty"
        )
    plans = [load_plan(path, groups=groups) for path in sorted(directory.glob("*.toml"))]
    return {plan.name: plan for plan in plans}


def load_plan(path: Path, *, groups: Collection[str]) -> EmergencyPlan:
    """Load one plan; raises OperatorError with one sentence."""
    if not _NAME.fullmatch(path.stem):
        raise OperatorError(
            f"expected a plan's file to be called in lower-case letters, digits and underscores,"
            f" at most 48, found {path.name}: rename it"
        )
    try:
        file = PlanFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/plans/oracle_outage.toml is an example"
        sentence = problem_sentence(error, PlanFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None
    if file.group is not None and file.group not in groups:
        known = ", ".join(sorted(groups)) or "none"
        raise OperatorError(
            f'{path}: group must be one of the groups of the breakers ({known}), found "{file.group}":'
            " correct it"
        )
    return file.plan(path.stem)


def missing_keys(plan: EmergencyPlan, lanes: Collection[str]) -> tuple[str, ...]:
    """Name the lanes that a plan needs and the process lacks: guardian, breaker, or neither.

    The guardian restricts and closes withdrawals; the breaker draws bands and, as the only one who
    may make a market less strict, takes every step back but the owner's.
    """
    guardian = any(step.action is not PlanAction.TIGHTER_BAND for step in plan.steps)
    needed = [GUARDIAN_LANE] if guardian else []
    # Also the withdrawals' step back, whose own part is the owner's: it ends the halt.
    needed.append(BREAKER_LANE)
    return tuple(lane for lane in needed if lane not in lanes)


def check_keys(plan: EmergencyPlan, lanes: Collection[str]) -> None:
    """Refuse a plan that could not be carried out; raises OperatorError with one sentence."""
    missing = missing_keys(plan, lanes)
    if missing:
        keys = " and ".join(f"[keys.{lane}]" for lane in missing)
        raise OperatorError(
            f"expected {keys} for the emergency plan {plan.name}, found none: give the key, or take"
            " the plan away"
        )


def group_members(breakers: Breakers, symbols: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Give the markets of each group of the breakers; one without a file is in no group by class."""
    shipped = {path.stem.upper() for path in MARKETS_DIRECTORY.glob("*.toml")}
    members: dict[str, list[str]] = {group: [] for group in breakers.groups}
    for symbol in symbols:
        asset_class = load_market(symbol).asset_class if symbol in shipped else ""
        for group in breakers.groups_of(symbol, asset_class):
            members[group].append(symbol)
    return {group: tuple(sorted(found)) for group, found in members.items()}
