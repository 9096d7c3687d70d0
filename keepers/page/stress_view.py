"""What a move would do to the book: each scenario, and each market at its worst."""

from collections.abc import Mapping
from typing import Final

from keepers.page.facts import PageFacts
from keepers.page.figures import dollars, whole_moment
from keepers.page.html import Markup, joined, table, tag
from keepers.page.status_words import integer_at, mapping_at, text_at
from risk.units import div_trunc

HEADINGS: Final = (
    *("If", "Under margin", "Notional", "Bankrupt", "Bad debt"),
    *("Insurance left", "Backstop left", "Uncovered"),
)
PERCENT: Final = 10_000
"""Parts per million in a percent."""


def stress_section(facts: PageFacts) -> Markup:
    """Show what would be left of insurance fund and backstop, scenario by scenario."""
    told = facts.stress
    if told is None:
        return tag(
            "p", "The duty solvency, which shocks the book, does not run here.", class_="none"
        )
    why, at = text_at(told, "why"), integer_at(told, "at_seconds")
    scenarios, markets = mapping_at(told, "scenarios"), mapping_at(told, "worst_by_market")
    if at is None:
        return tag("p", why or "nothing was looked at yet", class_="none")
    return joined(
        [
            tag("p", f"Not up to date: {why}", class_="bad") if why else None,
            tag("p", f"All marks moved at once, nobody had acted yet; of {whole_moment(at)}."),
            table(
                "If all of these moved",
                HEADINGS,
                [
                    _row(_scenario(name, mapping_at(scenarios, name)), mapping_at(scenarios, name))
                    for name in scenarios
                ],
            ),
            table(
                "If one market moved, at its worst",
                HEADINGS,
                [
                    _row(_market(symbol, mapping_at(markets, symbol)), mapping_at(markets, symbol))
                    for symbol in markets
                ],
            ),
        ]
    )


def _row(name: Markup | str, found: Mapping[str, object]) -> list[Markup | str]:
    left: Markup | str = _usd(found, "insurance_left_atoms")
    if found.get("exhausts_fund") is True:
        left = tag("b", f"{left} – exhausted", class_="bad")
    return [
        name,
        _count(found, "accounts"),
        _usd(found, "liquidated_atoms"),
        _count(found, "bankrupt_accounts"),
        _usd(found, "bad_debt_atoms"),
        left,
        _usd(found, "backstop_left_atoms"),
        _usd(found, "uncovered_atoms"),
    ]


def _scenario(name: str, found: Mapping[str, object]) -> Markup | str:
    words, description = name.replace("_", " "), text_at(found, "description")
    if not description:
        return words
    return joined([tag("b", words), " ", tag("span", description, class_="sentence")])


def _market(symbol: str, found: Mapping[str, object]) -> str:
    move = integer_at(found, "move_ppm")
    # Moves are whole percents: the schema says so.
    return symbol if move is None else f"{symbol} {div_trunc(move, PERCENT):+d} %"


def _count(found: Mapping[str, object], key: str) -> str:
    number = integer_at(found, key)
    return "–" if number is None else f"{number:,}"


def _usd(found: Mapping[str, object], key: str) -> str:
    atoms = integer_at(found, key)
    return "–" if atoms is None else f"{dollars(atoms)} USD"
