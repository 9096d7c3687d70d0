"""Write the tables of docs/scenarios.md and docs/drill_models.md anew: `python -m drills.model_pages`.

Each table stands between two comments in its page; the prose around it is written by hand. A test compares.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from drills.crowd import calibration as crowd
from drills.market_model import calibration as market
from drills.market_model.figure import table
from drills.scenario.loader import load_scenario, shipped_scenarios
from drills.scenario.values import Origin

DOCS: Final = Path(__file__).parent.parent / "docs"
BEGIN: Final = "<!-- written by `python -m drills.model_pages` -->"
END: Final = "<!-- end -->"


def figures_table() -> str:
    """Measure both models and give the table."""
    return table([*market.figures(), *crowd.figures()])


def scenarios_table() -> str:
    """Give the scenarios that ship, with how much of each is sourced."""
    lines = [
        "| name | what | markets | primary | secondary | recalled | ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in shipped_scenarios():
        each = load_scenario(name)
        markets = ", ".join(market.symbol for market in each.markets)
        counts = " | ".join(str(each.counted(origin)) for origin in Origin)
        lines.append(f"| `{name}` | {each.title} | {markets} | {counts} |")
    return "\n".join(lines) + "\n"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "scenarios.md": scenarios_table,
    "drill_models.md": figures_table,
}


def with_table(page: str, found: str) -> str:
    """Put a table between the comments of a page; raises ValueError for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected {BEGIN} and {END} in the page, found no pair: add them")
    return f"{before}{BEGIN}\n\n{found}\n{END}{after}"


def main() -> None:
    """Write both pages."""
    for name, make in PAGES.items():
        path = DOCS / name
        path.write_text(with_table(path.read_text(encoding="utf-8"), make()), encoding="utf-8")
        sys.stdout.write(f"wrote docs/{name}\n")


if __name__ == "__main__":
    main()
