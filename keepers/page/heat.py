"""The liquidation heat map: notional by market, side and distance of the price."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from keepers.page.facts import PageFacts
from keepers.page.figures import short_dollars
from keepers.page.html import Markup, joined, tag
from monitors.liquidation_map_metrics import EDGES
from risk.liquidation_map import LiquidationMap
from risk.units import ATOMS_PER_USD, PPM_SCALE, MarketId, QuoteAtoms, div_floor

SHADES: Final = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
"""Dollars from which a cell is a shade darker."""
MOST_MARKETS: Final = 24
"""More would be no map; those with most notional near are shown, and the sum of all."""
NEAR_BUCKETS: Final = 4

Cells = Sequence[QuoteAtoms]


def heat_section(facts: PageFacts) -> Markup:
    """Show the map, the markets with most notional near first."""
    found = facts.heat
    if found is None:
        return tag("p", "No survey of the accounts has ended yet.", class_="none")
    symbols = {line.id: line.symbol for line in facts.markets}
    numbers = [number for number in symbols if number in found.longs]
    numbers.sort(key=lambda number: (-_near(found, number), symbols[number]))
    shown, hidden = numbers[:MOST_MARKETS], len(numbers) - MOST_MARKETS
    body = [
        _row(name, side, cells)
        for number in shown
        for name, side, cells in (
            (symbols[number], "falls", found.longs[number]),
            (symbols[number], "rises", found.shorts[number]),
        )
    ]
    body.append(_row("All", "falls", _summed(found, found.longs.values())))
    body.append(_row("All", "rises", _summed(found, found.shorts.values())))
    note = (
        f"USD of positions of {found.accounts:,} accounts, the backstop's apart; distances are at least"
        " so far, the other prices unmoved."
    )
    if hidden > 0:
        note += f" {hidden} markets with less near are in the sum only."
    return joined(
        [
            tag(
                "div",
                tag(
                    "table",
                    tag("caption", "Notional that would be liquidated, by how far its price goes"),
                    tag("thead", tag("tr", [tag("th", each, scope="col") for each in headings()])),
                    tag("tbody", body),
                    class_="heat",
                ),
                class_="scroll",
                tabindex="0",
                role="region",
                aria_label="Liquidation heat map",
            ),
            tag("p", note, class_="none"),
        ]
    )


def headings() -> list[str]:
    """Name the columns: under margin, then each stretch of distance."""
    percents = [f"{div_floor(edge * 100, PPM_SCALE)}" for edge in EDGES]
    stretches = [f"{low}–{high} %" for low, high in pairwise(percents)]
    return ["Price of", "now", f"< {percents[0]} %", *stretches, f"> {percents[-1]} %"]


def shade(atoms: int) -> int:
    """Give a cell's shade, from 0 (nothing) to 7."""
    if atoms <= 0:
        return 0
    return 1 + sum(atoms >= step * ATOMS_PER_USD for step in SHADES)


def _row(name: str, side: str, cells: Cells) -> Markup:
    told = [
        tag("td", short_dollars(cell) if cell > 0 else "·", class_=f"h{shade(cell)}")
        for cell in cells
    ]
    arrow = "▼" if side == "falls" else "▲"
    head = tag(
        "th", f"{name} ", tag("span", arrow, class_=side, aria_label=side, role="img"), scope="row"
    )
    return tag("tr", head, told)


def _near(found: LiquidationMap, number: MarketId) -> int:
    return sum(found.longs[number][:NEAR_BUCKETS]) + sum(found.shorts[number][:NEAR_BUCKETS])


def _summed(found: LiquidationMap, rows: Iterable[Cells]) -> Cells:
    columns = zip(*rows, strict=True)
    sums = [QuoteAtoms(sum(column)) for column in columns]
    return sums or [QuoteAtoms(0)] * (len(found.edges) + 2)
