"""What a file of corporate actions in config/corporate-actions/ says."""

import re
from datetime import date, datetime
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from config.schema.calendars import TimeOfDay, ZoneName
from config.schema.fields import Name, PriceUsd, Section
from config.schema.markets import Symbol
from risk.corporate_values import LARGEST_PART

KindName: TypeAlias = Literal[
    "split",
    "cash_dividend",
    "symbol_change",
    "cash_merger",
    "delisting",
    "stock_merger",
    "spin_off",
]
HandlingName: TypeAlias = Literal["settle", "convert"]

_CONVERTIBLE: Final = frozenset({"stock_merger", "spin_off"})


def _check_ratio(text: str) -> str:
    parts = re.fullmatch(r"([1-9][0-9]*):([1-9][0-9]*)", text, re.ASCII)
    if parts is None or max(int(parts[1]), int(parts[2])) > LARGEST_PART:
        raise ValueError(
            f'new shares for old ones such as "10:1", of numbers from 1 to {LARGEST_PART}'
        )
    return text


def _check_moment(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time with its distance from UTC such as 2026-04-03T14:30:00Z")
    return moment


RatioText = Annotated[str, AfterValidator(_check_ratio)]
Moment = Annotated[datetime, AfterValidator(_check_moment)]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class ApprovalTable(Section):
    """An operator's word that the terms of this row are right, whatever the sources say."""

    by: Words
    at: Moment
    reason: Words


class ActionRow(Section):
    """One corporate action on one market."""

    kind: KindName

    symbol: Symbol

    ex_date: date
    """Local day from which the share trades without what the action gives or takes; of a merger, a
    delisting or a change of symbol the day on which it takes effect."""

    time: TimeOfDay | None = None
    """Local time on `ex_date` from which it trades so; left out: the evening before, when the trading
    day begins."""

    ratio: RatioText | None = None
    """New shares for old ones; of a merger for shares the acquirer's for ours."""

    amount: PriceUsd | None = None
    """USD a share: the dividend, the worth of what was spun off, or the price at which the market
    ends."""

    is_special: bool = False
    """Of a dividend: one outside the regular ones."""

    new_symbol: Symbol | None = None
    """Of a change of symbol the new one, of a merger for shares the acquirer's."""

    handling: HandlingName = "settle"
    """Whether a merger for shares or a spin-off ends the market or lives on in it."""

    name: Annotated[str, Field(max_length=80)] = ""
    """In words, for people."""

    approval: ApprovalTable | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.handling == "convert" and self.kind not in _CONVERTIBLE:
            raise ValueError(
                f"must have `handling` of a stock_merger or a spin_off only, found it at a {self.kind}:"
                " remove it"
            )
        if self.is_special and self.kind != "cash_dividend":
            raise ValueError(
                f"must have `is_special` at a cash_dividend only, found it at a {self.kind}: remove it"
            )
        return self


class ActionsFile(Section):
    """Corporate actions as one publisher tells them."""

    timezone: ZoneName
    """Where the days and times are local."""

    provider: Name
    """Who publishes them. It takes two that agree; two files of one provider are one."""

    heard_at: Moment
    """When it was read: of two words of one provider about an action the later holds."""

    imported_from: Name | None = None
    """The format that an import read; left out in a file of the operator's own."""

    source: str = ""
    """Where it was published."""

    is_example: bool = False
    """An example shows the form: it is checked, and nothing in it holds."""

    action: tuple[ActionRow, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _check_approvals(self) -> Self:
        approved = any(row.approval is not None for row in self.action)
        if approved and self.imported_from is not None:
            raise ValueError(
                "must have approvals in a file of your own, found one in an import, which is rewritten"
                " whole: write the row into a file of your own"
            )
        return self
