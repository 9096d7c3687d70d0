"""What a calendar file in config/calendars/ says: hours with effective dates, holidays, early closes."""

import itertools
import re
from datetime import date, time
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from config.schema.fields import Name, Section

AssetClass: TypeAlias = Literal["stock", "etf", "crypto_fund", "commodity", "treasury_fund"]


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('the name of a time zone such as "America/New_York"') from None
    return name


def _check_time(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text, re.ASCII):
        raise ValueError('a time of day such as "09:30"')
    return text


def _check_dates(values: dict[str, object]) -> dict[str, object]:
    for key in values:
        try:
            is_date = date.fromisoformat(key).isoformat() == key
        except ValueError:
            is_date = False
        if not is_date:
            raise ValueError(f'a table of dates such as 2026-12-25, without "{key}"')
    return values


ZoneName = Annotated[str, AfterValidator(_check_zone)]
TimeOfDay = Annotated[str, AfterValidator(_check_time)]


def time_of(text: str) -> time:
    """Give the time of day that the schema has checked."""
    return time.fromisoformat(text)


class Hours(Section):
    """One session of a trading day; it ends where the next begins."""

    session: Literal["overnight", "pre", "regular", "post"]
    begins: TimeOfDay = Field(alias="from")
    """Local time. The first session of a day begins on the evening before it."""


class Schedule(Section):
    """Weekly hours from one date up to another."""

    effective_from: date
    effective_to: date
    """The first day that this schedule no longer covers."""
    hours: tuple[Hours, ...] = Field(min_length=1, strict=False)
    """The sessions of a trading day, Monday to Friday, in order."""
    closes: TimeOfDay
    """Local time at which the last session ends."""

    @model_validator(mode="after")
    def _in_order(self) -> "Schedule":
        if self.effective_from >= self.effective_to:
            raise ValueError(
                f"must begin before it ends, found {self.effective_from} to {self.effective_to}:"
                " correct effective_from or effective_to"
            )
        of_the_day = [hours.begins for hours in self.hours[1:]] + [self.closes]
        if any(late <= early for early, late in itertools.pairwise(of_the_day)):
            raise ValueError(f"must list its hours in order, found {of_the_day}: sort them")
        if self.hours[0].begins < self.closes:
            raise ValueError(
                f"must not begin the next day at {self.hours[0].begins}, before this one closes at"
                f" {self.closes}: correct hours or closes"
            )
        return self


class EarlyClose(Section):
    """A trading day that ends early."""

    name: str
    post_from: TimeOfDay | None = None
    """When the regular session ends; left out where the day has no post session."""
    closes: TimeOfDay


class CalendarFile(Section):
    """One calendar: when the underlying of some markets trades."""

    timezone: ZoneName
    asset_classes: tuple[AssetClass, ...] = Field(strict=False)
    """The classes of market that follow it."""
    symbols: tuple[str, ...] = Field(default=(), strict=False)
    """Markets that follow it whatever their class."""
    rulebook: Name = "static"
    """The rulebook of price bands that these markets follow, by the name of its file."""
    schedule: tuple[Schedule, ...] = Field(min_length=1, strict=False)
    holidays: Annotated[dict[str, str], AfterValidator(_check_dates)]
    """Weekdays without trading, with the reason."""
    early_closes: Annotated[dict[str, EarlyClose], AfterValidator(_check_dates)]

    @model_validator(mode="after")
    def _consistent(self) -> "CalendarFile":
        for early, late in itertools.pairwise(self.schedule):
            if early.effective_to != late.effective_from:
                raise ValueError(
                    f"must have schedules that follow on each other, found one to"
                    f" {early.effective_to} and the next from {late.effective_from}: close the gap"
                )
        first, last = self.schedule[0].effective_from, self.schedule[-1].effective_to
        for day in (*self.holidays, *self.early_closes):
            if not first <= date.fromisoformat(day) < last:
                raise ValueError(
                    f"must name days from {first} up to {last}, found {day}: correct the date or"
                    " extend the schedule"
                )
            if date.fromisoformat(day).weekday() >= 5:
                raise ValueError(f"must name weekdays, found {day} on a weekend: remove it")
        both = sorted(set(self.holidays) & set(self.early_closes))
        if both:
            raise ValueError(
                f"must list a day as holiday or early close, found {both[0]} as both: remove one"
            )
        return self

    @model_validator(mode="after")
    def _early_closes_fit_their_day(self) -> "CalendarFile":
        for key, early in self.early_closes.items():
            usual = next(each for each in self.schedule if key < each.effective_to.isoformat())
            has_post = any(hours.session == "post" for hours in usual.hours)
            if has_post != (early.post_from is not None):
                found = "none" if early.post_from is None else early.post_from
                raise ValueError(
                    f"must have post_from exactly on days with a post session, found {found} on"
                    f" {key}: correct post_from"
                )
            if not (early.post_from or "") < early.closes < usual.closes:
                raise ValueError(
                    f"must close early days after post_from and before {usual.closes}, found"
                    f" {early.closes} on {key}: correct closes"
                )
        return self
