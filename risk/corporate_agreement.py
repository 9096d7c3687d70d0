"""Whether what was heard of a corporate action is enough to act on it.

It takes two sources that say the same, or an operator who approves the terms in his name. Sources that
differ in ratio, amount or day are an alarm and nothing else: whom to believe is for a person to say. A
source speaks once about an action, with the last thing heard of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from risk.amounts import price_text
from risk.corporate_rules import CorporateRules
from risk.corporate_values import ActionKind, CorporateAction
from risk.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An action as one source tells it."""

    source: str
    """Who publishes it; two files of one publisher are one source."""
    action: CorporateAction
    heard_at: Seconds
    document: str = ""
    """Where it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An operator's word that these terms are right, whatever the sources say."""

    action: CorporateAction
    by: str
    reason: str
    at: Seconds


class Accord(StrEnum):
    """How far what was heard agrees."""

    SILENT = "silent"
    """Nobody speaks of it any more."""
    SINGLE = "single"
    """Too few sources, and none contradicts."""
    DISAGREED = "disagreed"
    AGREED = "agreed"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What holds of an action, and why in one sentence."""

    accord: Accord
    action: CorporateAction | None
    """The terms to act on; None while there are none."""
    told: tuple[CorporateAction, ...]
    """Each version that a source tells now."""
    why: str
    approved_at: Seconds | None = None

    @property
    def is_resolved(self) -> bool:
        """Say whether there are terms to act on."""
        return self.action is not None


SILENT = Agreement(
    accord=Accord.SILENT, action=None, told=(), why="no source speaks of it any more"
)


def agree(
    reports: Iterable[Report], approvals: Iterable[Approval], rules: CorporateRules
) -> Agreement:
    """Judge everything that was heard of one action."""
    latest = _latest(reports)
    told = tuple(dict.fromkeys(report.action for report in latest))
    approval = max(approvals, key=lambda each: each.at, default=None)
    if approval is not None:
        return Agreement(
            accord=Accord.APPROVED,
            action=approval.action,
            told=told,
            why=f"{approval.by} approved {approval.action}: {approval.reason}",
            approved_at=approval.at,
        )
    if not latest:
        return SILENT
    for report in latest[1:]:
        difference = _difference(latest[0], report)
        if difference is not None:
            return Agreement(accord=Accord.DISAGREED, action=None, told=told, why=difference)
    sources = sorted({report.source for report in latest})
    named = " and ".join(sources)
    if len(sources) < rules.least_sources:
        return Agreement(
            accord=Accord.SINGLE,
            action=None,
            told=told,
            why=f"only {named} tells {told[0]}: it takes {rules.least_sources} sources, or an operator",
        )
    # A source that names no new symbol does not contradict one that does.
    action = next((each for each in told if each.new_symbol is not None), told[0])
    return Agreement(
        accord=Accord.AGREED, action=action, told=told, why=f"{named} agree on {action}"
    )


def groups_of(reports: Sequence[Report], rules: CorporateRules) -> tuple[tuple[Report, ...], ...]:
    """Put together what is about the same action: one market, one kind, days that lie near.

    Days that differ by a little are one action told differently, and a contradiction; days that differ
    by more are two. How near is `rules.same_action`, for dividends `rules.same_dividend`.
    """
    ordered = sorted(
        reports,
        key=lambda each: (
            each.action.symbol,
            each.action.kind,
            each.action.is_special,
            each.action.effective,
            each.source,
            each.heard_at,
        ),
    )
    groups: list[list[Report]] = []
    for report in ordered:
        if groups and _is_same_action(groups[-1][0].action, report.action, rules):
            groups[-1].append(report)
        else:
            groups.append([report])
    return tuple(tuple(group) for group in groups)


def is_about(approval: Approval, reports: Iterable[Report], rules: CorporateRules) -> bool:
    """Say whether an approval speaks of the action that these reports are about."""
    return any(_is_same_action(approval.action, each.action, rules) for each in reports)


def _is_same_action(one: CorporateAction, other: CorporateAction, rules: CorporateRules) -> bool:
    if (one.symbol, one.kind, one.is_special) != (other.symbol, other.kind, other.is_special):
        return False
    is_dividend = one.kind is ActionKind.CASH_DIVIDEND
    apart = rules.same_dividend if is_dividend else rules.same_action
    return abs(one.effective - other.effective) <= apart


def _latest(reports: Iterable[Report]) -> list[Report]:
    """Keep each source's last word; two in the same second both stand, and contradict."""
    every = sorted(reports, key=lambda each: (each.source, each.heard_at, str(each.action)))
    newest = {report.source: report.heard_at for report in every}
    return [report for report in every if report.heard_at == newest[report.source]]


def _difference(one: Report, other: Report) -> str | None:
    """Tell the first thing in which two reports differ, or None."""
    this, that = one.action, other.action
    pairs: tuple[tuple[str, str, str], ...] = (
        ("ex-date", this.ex_date, that.ex_date),
        ("moment", f"{this.effective} s", f"{that.effective} s"),
        ("ratio", str(this.ratio), str(that.ratio)),
        ("amount", _amount(this), _amount(that)),
        ("handling", this.handling, that.handling),
    )
    if this.new_symbol is not None and that.new_symbol is not None:
        pairs = (*pairs, ("new symbol", this.new_symbol, that.new_symbol))
    for what, left, right in pairs:
        if left != right:
            return (
                f"{one.source} and {other.source} differ about {this.symbol}'s {this.kind}: {what}"
                f" {left} and {right}; nothing is armed until they agree or an operator approves"
            )
    return None


def _amount(action: CorporateAction) -> str:
    return "none" if action.amount is None else f"{price_text(action.amount)} USD"
