"""The exchange's balance sheet with its proof, and what the incentives cost."""

from collections.abc import Mapping
from typing import Final

from keepers.page.facts import PageFacts
from keepers.page.figures import dollars, minute
from keepers.page.html import Markup, joined, table, tag
from keepers.page.status_words import integer_at, mapping_at, text_at
from keepers.page.work import pairs
from risk.units import div_floor

PROOF_HEADINGS: Final = ("Invariant", "Verdict", "Found")
LEVER_HEADINGS: Final = (
    "Market",
    "Levers on chain",
    "Next write",
    "Spent of the week",
    "Next ramp",
)
PERCENT: Final = 10_000
"""Parts per million in a percent."""


def solvency_section(facts: PageFacts) -> Markup:
    """Show the sheet and each invariant, the bad ones first."""
    told = facts.solvency
    if told is None:
        return tag("p", "The duty solvency does not run here.", class_="none")
    sheet = mapping_at(told, "sheet")
    money = [
        (_name(key.removesuffix("_usd")), f"{_grouped(str(value))} USD")
        for key, value in sheet.items()
        if key.endswith("_usd")
    ]
    block = integer_at(sheet, "block")
    head = [("At block", f"{block:,}")] if block is not None else []
    gate = mapping_at(told, "withdrawal_gate")
    return joined(
        [
            tag("p", text_at(sheet, "why"), class_="none") if "why" in sheet else None,
            pairs([*head, *money]) if money else None,
            tag("p", text_at(gate, "sentence") or text_at(gate, "why")),
            table("What must hold at every block", PROOF_HEADINGS, _proof(told)),
        ]
    )


def incentives_section(facts: PageFacts) -> Markup:
    """Show the budget, and each market's levers and next write."""
    told = facts.incentives
    if told is None:
        return tag("p", "The duty incentives does not run here.", class_="none")
    budget = mapping_at(told, "budget")
    names = {
        "weekly_atoms": "Budget of the week",
        "spent_atoms": "Spent",
        "left_atoms": "Left",
        "may_be_spent_by_now_atoms": "May be spent by now",
    }
    money = [
        (name, f"{dollars(amount)} USD")
        for key, name in names.items()
        if (amount := integer_at(budget, key)) is not None
    ]
    unknown = text_at(budget, "why_unknown") or text_at(budget, "mismatch")
    rows = [
        _levers(symbol, mapping_at(told, "markets", symbol))
        for symbol in mapping_at(told, "markets")
    ]
    return joined(
        [
            pairs(money) if money else None,
            tag("p", unknown, class_="bad") if unknown else None,
            table("Levers by market", LEVER_HEADINGS, rows) if rows else None,
        ]
    )


def _proof(told: Mapping[str, object]) -> list[list[Markup | str]]:
    order = {"breach": 0, "unknown": 1}
    findings = [
        (name, mapping_at(told, "invariants", name)) for name in mapping_at(told, "invariants")
    ]
    findings.sort(key=lambda each: order.get(text_at(each[1], "verdict"), 2))
    return [
        [
            _name(name),
            tag("b", text_at(each, "verdict"), class_=f"verdict {text_at(each, 'verdict')}"),
            tag("span", text_at(each, "sentence"), class_="sentence"),
        ]
        for name, each in findings
    ]


def _levers(symbol: str, told: Mapping[str, object]) -> list[Markup | str]:
    spent = integer_at(mapping_at(told, "budget"), "spent_atoms")
    weekly = integer_at(mapping_at(told, "budget"), "weekly_atoms")
    ramp = mapping_at(told, "next_ramp")
    start, stop = integer_at(ramp, "starts_seconds"), integer_at(ramp, "stops_seconds")
    return [
        symbol,
        ", ".join(filter(None, (_margin(told), _fee(told, "maker_fee"), _fee(told, "taker_fee"))))
        or "–",
        tag("span", text_at(told, "next_write") or text_at(told, "why") or "–", class_="sentence"),
        "–" if spent is None or weekly is None else f"{dollars(spent)} of {dollars(weekly)} USD",
        "–"
        if start is None or stop is None
        else f"{minute(start)} to {minute(stop)}: {text_at(ramp, 'from')} to {text_at(ramp, 'to')}",
    ]


def _margin(told: Mapping[str, object]) -> str:
    margin = integer_at(mapping_at(told, "levers", "initial_margin"), "on_chain_ppm")
    return "" if not margin else f"up to {div_floor(100 * PERCENT, margin)}x"


def _fee(told: Mapping[str, object], name: str) -> str:
    fee = integer_at(mapping_at(told, "levers", name), "on_chain_ppm")
    return "" if fee is None else f"{_name(name).lower()} {fee} ppm"


def _name(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _grouped(decimal: str) -> str:
    whole, dot, part = decimal.partition(".")
    return f"{int(whole):,}{dot}{part}" if whole.removeprefix("-").isdecimal() else decimal
