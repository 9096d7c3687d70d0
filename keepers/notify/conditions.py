"""What lasts and people should know of: read off `/status`, by rules that are all on this page.

A condition has a key; while the key is there it holds. A market that goes from reduce-only to halted
has another key, so that the first is cleared and the second raised, each with its own severity.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from keepers.page.status_words import mapping_at, text_at
from runtime.notify.notice import Severity

START_SECONDS: Final = 15.0
"""A lane that has only started has not looked at the chain yet: that is no halt."""
_RESTRICTED: Final = {
    "limit": Severity.INFO,
    "reduce_only": Severity.WARNING,
    "halted": Severity.CRITICAL,
}
"""Statuses of a market that are told, with how severe they are; settled markets are at their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that lasts."""

    key: str
    severity: Severity
    sentence: str
    after_seconds: float = 0.0
    """How long it must last before anybody is told."""


def conditions_of(status: Mapping[str, object]) -> dict[str, Condition]:
    """Read what holds now, by key."""
    found = (*_markets(status), *_solvency(status), *_lanes(status), *_actions(status))
    return {each.key: each for each in found}


def _markets(status: Mapping[str, object]) -> Iterator[Condition]:
    breakers = mapping_at(status, "breakers")
    for symbol in breakers:
        told = mapping_at(breakers, symbol)
        wanted = text_at(told, "wanted_status")
        if wanted in _RESTRICTED:
            by = text_at(told, "by") or "nobody known"
            yield Condition(
                key=f"market/{symbol}/{wanted}",
                severity=_RESTRICTED[wanted],
                sentence=f"{symbol} is to be {wanted.replace('_', '-')}, by {by}: {text_at(told, 'why')}",
            )
    closing = [
        (symbol, text_at(mapping_at(breakers, symbol), "closes_withdrawals_why"))
        for symbol in breakers
        if mapping_at(breakers, symbol).get("closes_withdrawals") is True
    ]
    if closing:
        symbol, why = closing[0]
        yield Condition(
            key="withdrawals/closed",
            severity=Severity.CRITICAL,
            sentence=f"withdrawals are to be closed, on account of {symbol}: {why}",
        )


def _solvency(status: Mapping[str, object]) -> Iterator[Condition]:
    invariants = mapping_at(status, "solvency", "invariants")
    for name in invariants:
        told = mapping_at(invariants, name)
        if text_at(told, "verdict") == "breach":
            yield Condition(
                key=f"solvency/{name}",
                severity=Severity.CRITICAL,
                sentence=f"solvency is breached ({name.replace('_', ' ')}): {text_at(told, 'sentence')}",
            )


def _lanes(status: Mapping[str, object]) -> Iterator[Condition]:
    lanes = mapping_at(status, "lanes")
    for name in lanes:
        why = text_at(mapping_at(lanes, name), "halted")
        if why:
            is_wanted = why.startswith("paused by ") and ";" not in why
            yield Condition(
                key=f"lane/{name}/{'paused' if is_wanted else 'halted'}",
                severity=Severity.WARNING if is_wanted else Severity.CRITICAL,
                sentence=f"lane {name} signs nothing new: {why}",
                after_seconds=START_SECONDS,
            )


def _actions(status: Mapping[str, object]) -> Iterator[Condition]:
    actions = mapping_at(status, "corporate", "actions")
    for key in actions:
        told = mapping_at(actions, key)
        if told.get("is_alarm") is True:
            yield Condition(
                key=f"corporate/{key}",
                severity=Severity.CRITICAL,
                sentence=f"{key} needs an operator: {text_at(told, 'why')}",
            )


def deleverage_of(status: Mapping[str, object]) -> str:
    """Give the last deleverage that was sent, in words; empty before the first."""
    return text_at(mapping_at(status, "deleverage"), "last_plan")
