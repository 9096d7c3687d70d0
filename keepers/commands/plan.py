"""`bellkeeper plan list|show|start|stop|rehearse`: the emergency plans of config/plans/.

`start` and `stop` give an order that the running keeper hears within a second; `rehearse` plays a
plan against a fork of the profile's chain, where nothing is at stake.
"""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from config.settings import Settings
from keepers.admin.market_orders import chosen_plan, plans_of
from keepers.admin.terms import Action
from keepers.commands.ordering import add_reason_argument, ordered
from keepers.commands.reporting import add_config_argument, columns, load_config
from risk.emergency_facts import Condition
from risk.emergency_rules import EmergencyPlan, PlanStep, ReturnStep, Scope


class Rehearsal(Protocol):
    """What the drills offer, which stand above this room."""

    def rehearse(self, settings: Settings, plan: EmergencyPlan, say: Callable[[str], None]) -> int:
        """Play a plan; give the exit code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do, and its arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, summary in (
        ("list", "name every plan"),
        ("show", "tell a plan step by step"),
        ("start", "order a plan to start"),
        ("stop", "order a plan to return at once"),
        ("rehearse", "play a plan against a fork of the profile's chain"),
    ):
        verb = verbs.add_parser(name, help=summary, description=summary)
        verb.add_argument(
            "--plans",
            type=Path,
            metavar="DIR",
            help="plan files (those that the profile names, or else those that are shipped)",
        )
        if name == "list":
            _add_optional_config(verb)
            continue
        verb.add_argument("name", metavar="NAME", help="the plan's name")
        if name == "show":
            _add_optional_config(verb)
            continue
        add_config_argument(verb)
        if name != "rehearse":
            add_reason_argument(verb)


def _add_optional_config(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--config", type=Path, metavar="FILE", help="the profile (TOML)")


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says."""
    settings = None if arguments.config is None else load_config(arguments).settings
    plans = plans_of(arguments.plans, settings)
    if arguments.verb == "list":
        for line in columns([(plan.name, plan.description) for plan in plans.values()]):
            print(line)
        return 0
    plan = chosen_plan(plans, arguments.name)
    if arguments.verb == "show":
        for line in plan_text(plan):
            print(line)
        return 0
    assert settings is not None, "expected argparse to require --config"
    if arguments.verb == "rehearse":
        drill = cast("Rehearsal", importlib.import_module("drills.plan_rehearsal"))
        return drill.rehearse(settings, plan, print)
    action = Action.PLAN_START if arguments.verb == "start" else Action.PLAN_STOP
    print(ordered(settings, action, {"plan": plan.name}, arguments.reason))
    return 0


def plan_text(plan: EmergencyPlan) -> list[str]:
    """Tell a plan: when it starts, its steps, and the way back."""
    lines = [f"{plan.name}: {plan.description}", f"markets: {_scope(plan.scope)}"]
    if plan.is_manual:
        lines.append("starts by an operator's order only")
    else:
        lines.append("starts by order, or when all of this holds")
        lines += [f"  {_condition(each, plan.least_markets)}" for each in plan.when]
    lines.append("steps")
    lines += [f"  {place}. {_step(each)}" for place, each in enumerate(plan.steps, start=1)]
    lines.append("return")
    lines += [f"  {place}. {_return(each)}" for place, each in enumerate(plan.returns, start=1)]
    return lines


def _scope(scope: Scope) -> str:
    if scope.group is not None:
        return f"group {scope.group}"
    return ", ".join(scope.symbols) or "all"


def _condition(condition: Condition, least_markets: int) -> str:
    bad = f"{condition.fact} is {condition.comparison} {condition.threshold}"
    lasting = f" for {condition.persistence} s" if condition.persistence else ""
    if condition.fact.is_of_exchange:
        return bad + lasting
    where = "a market" if least_markets == 1 else f"{least_markets} markets at once"
    return f"{bad}{lasting} in {where}"


def _step(step: PlanStep) -> str:
    width = "" if step.half_width is None else f" of {step.half_width} ppm"
    hold = f", {step.hold} s before the next" if step.hold else ""
    return f"{step.action}{width}{hold}, at most {step.most} s"


def _return(step: ReturnStep) -> str:
    if step.owner_does:
        return f"{step.inverse} after an operator's stop: the owner is to {step.owner_does}"
    when = "an operator's stop" if step.needs_operator else f"{step.clear_for} s of clear facts"
    return f"{step.inverse} after {when}"
