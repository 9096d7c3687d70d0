"""Load the scenarios of `stress/*.toml`: data of the venue's risk team, played on the live book."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError

from config.loader import CONFIG_DIRECTORY
from config.markets import MARKETS_DIRECTORY, load_market
from config.problems import problem_sentence
from config.schema.markets import MarketFile
from config.schema.stress import EVERYTHING, ScenarioFile
from config.toml import read_toml
from runtime.errors import OperatorError

STRESS_DIRECTORY: Final = CONFIG_DIRECTORY / "stress"
CLASSES: Final[tuple[str, ...]] = get_args(MarketFile.model_fields["asset_class"].annotation)
EQUITIES: Final = frozenset({"stock", "etf"})
"""Classes that move when all equities do."""
MOST_SCENARIOS: Final = 24
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9.]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario by the name of its file; moves in ppm by symbol, class or `ALL`."""

    name: str
    description: str
    moves: Mapping[str, int]

    def move_of(self, symbol: str, asset_class: str) -> int:
        """Give a market's move: its own, else its class's, else everybody's, else none."""
        for name in (symbol, asset_class, EVERYTHING):
            if name in self.moves:
                return self.moves[name]
        return 0


def load_scenarios(directory: Path = STRESS_DIRECTORY) -> tuple[Scenario, ...]:
    """Load every scenario by name; raises OperatorError with one sentence."""
    if not directory.is_dir():
        raise OperatorError(
            f"expected a folder of scenarios at {directory}, found none: correct [stress]"
            " scenario_directory, or make the folder, which may be empty"
        )
    paths = sorted(directory.glob("*.toml"))
    if len(paths) > MOST_SCENARIOS:
        raise OperatorError(
            f"expected at most {MOST_SCENARIOS} scenarios in {directory}, found {len(paths)}: each"
            " costs a valuation of the whole book, so move some elsewhere"
        )
    return tuple(map(load_scenario, paths))


def load_scenario(path: Path) -> Scenario:
    """Load one scenario; raises OperatorError with one sentence."""
    if not _NAME.fullmatch(path.stem) or path.stem.startswith("equities_"):
        raise OperatorError(
            "expected a scenario's file to be called in lower-case letters, digits and underscores,"
            f" at most 48, and not equities_…, found {path.name}: rename it"
        )
    try:
        file = ScenarioFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/stress/sunday_gap.toml is an example"
        sentence = problem_sentence(error, ScenarioFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None
    for name in file.moves_ppm:
        if name not in CLASSES and name != EVERYTHING and not _SYMBOL.fullmatch(name):
            raise OperatorError(
                f"{path}: moves_ppm must name a symbol in capitals, {EVERYTHING}, or one of"
                f' {", ".join(CLASSES)}, found "{name}": correct it'
            )
    return Scenario(name=path.stem, description=file.description, moves=file.moves_ppm)


def asset_classes() -> dict[str, str]:
    """Give the class of every market that has a file."""
    symbols = (path.stem.upper() for path in sorted(MARKETS_DIRECTORY.glob("*.toml")))
    return {symbol: load_market(symbol).asset_class for symbol in symbols}


def is_equity(symbol: str, classes: Mapping[str, str]) -> bool:
    """Say whether a market moves when all equities do; one without a file does: nobody said no."""
    return classes.get(symbol, "stock") in EQUITIES
