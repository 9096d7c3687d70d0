"""Load the corporate actions of `corporate-actions/*.toml`: what each publisher tells, and what was approved.

Local days become seconds of the venue's clock here. The trading day of an ex-date begins on the evening
before it (20:00 in New York, when overnight trading does), so that is when the share trades on the new
basis, unless a row says another time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.loader import CONFIG_DIRECTORY
from config.problems import problem_sentence
from config.schema.calendars import time_of
from config.schema.corporate_actions import ActionRow, ActionsFile
from config.schema.fields import PRICE_UNITS_PER_USD, exact_units
from config.toml import read_toml
from risk.corporate_agreement import (
    Agreement,
    Approval,
    Report,
    agree,
    groups_of,
    is_about,
)
from risk.corporate_rules import CorporateRules
from risk.corporate_values import ActionKind, CorporateAction, Handling, Ratio, ratio_of
from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError

ACTIONS_DIRECTORY: Final = CONFIG_DIRECTORY / "corporate-actions"
EVENING: Final = time(20)
"""When the trading day of the next date begins; see config/calendars/us_equities.toml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardActions:
    """Everything that the files say, in the files' order."""

    reports: tuple[Report, ...]
    approvals: tuple[Approval, ...]

    def agreements(self, rules: CorporateRules) -> dict[str, Agreement]:
        """Judge each action that anybody speaks of, by its key; in order of market, kind and day."""
        approved = tuple(
            Report(source="operator", action=each.action, heard_at=each.at)
            for each in self.approvals
        )
        judged: dict[str, Agreement] = {}
        for group in groups_of((*self.reports, *approved), rules):
            # An approval puts an action on the list; it is no second source beside itself.
            told = [each for each in group if each in self.reports]
            given = [each for each in self.approvals if is_about(each, group, rules)]
            judged[group[0].action.key] = agree(told, given, rules)
        return judged


def existing_directory(named: Path | None) -> Path:
    """Give the folder of actions that a profile names, or ours; raises OperatorError when it is not there."""
    directory = named or ACTIONS_DIRECTORY
    if not directory.is_dir():
        raise OperatorError(
            f"expected a folder of corporate actions at {directory}, found none: correct"
            " [corporate] actions_directory, or make the folder, which may be empty"
        )
    return directory


def load_actions(directory: Path = ACTIONS_DIRECTORY) -> HeardActions:
    """Load every file but examples; raises OperatorError with one sentence."""
    reports: list[Report] = []
    approvals: list[Approval] = []
    for path in sorted(directory.glob("*.toml")):
        file = read_actions_file(path)
        rows = list(_compiled(path, file))
        if file.is_example:
            continue
        heard_at = Seconds(int(file.heard_at.timestamp()))
        reports += [
            Report(source=file.provider, action=action, heard_at=heard_at, document=path.name)
            for _, action in rows
        ]
        approvals += [
            Approval(
                action=action,
                by=row.approval.by,
                reason=row.approval.reason,
                at=Seconds(int(row.approval.at.timestamp())),
            )
            for row, action in rows
            if row.approval is not None
        ]
    return HeardActions(reports=tuple(reports), approvals=tuple(approvals))


def read_actions_file(path: Path) -> ActionsFile:
    """Read one file as its schema has it; raises OperatorError with one sentence."""
    try:
        return ActionsFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/corporate-actions/example.toml is an example"
        sentence = problem_sentence(error, ActionsFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None


def action_of(row: ActionRow, zone: ZoneInfo) -> CorporateAction:
    """Turn a row into an action on the venue's clock; ValueError for terms that its kind cannot have."""
    return CorporateAction(
        symbol=row.symbol,
        kind=ActionKind(row.kind),
        ex_date=row.ex_date.isoformat(),
        effective=_effective(row.ex_date, row.time, zone),
        ratio=None if row.ratio is None else ratio_from(row.ratio),
        amount=None
        if row.amount is None
        else PriceE8(exact_units(row.amount, PRICE_UNITS_PER_USD)),
        is_special=row.is_special,
        new_symbol=row.new_symbol,
        handling=Handling(row.handling),
    )


def ratio_from(text: str) -> Ratio:
    """Read a ratio that the schema has checked, reduced."""
    new, _, old = text.partition(":")
    return ratio_of(int(new), int(old))


def _compiled(path: Path, file: ActionsFile) -> Iterator[tuple[ActionRow, CorporateAction]]:
    zone = ZoneInfo(file.timezone)
    for number, row in enumerate(file.action):
        try:
            yield row, action_of(row, zone)
        except ValueError as error:
            raise OperatorError(f"{path}: action[{number}] of {row.symbol}: {error}") from None


def _effective(day: date, at: str | None, zone: ZoneInfo) -> Seconds:
    moment = (
        datetime.combine(day - timedelta(days=1), EVENING)
        if at is None
        else datetime.combine(day, time_of(at))
    )
    return Seconds(int(moment.replace(tzinfo=zone).timestamp()))
