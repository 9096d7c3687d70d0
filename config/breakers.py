"""Load the rules of the market-wide and integrity breakers from `breakers/*.toml`.

The rules are data of the venue's risk team; the machines are in `risk/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from config.loader import CONFIG_DIRECTORY
from config.problems import problem_sentence
from config.schema.breaker_causes import WindowCause
from config.schema.breakers import BreakersFile
from config.toml import read_toml
from risk.fact_windows import FactWindow
from risk.integrity_rules import Cause, IntegrityRules
from risk.market_wide_rules import MarketWideRules
from risk.units import QuoteAtoms
from runtime.errors import OperatorError

BREAKERS_FILE: Final = CONFIG_DIRECTORY / "breakers" / "default.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakers:
    """The rules of a breakers' file."""

    groups: Mapping[str, MarketWideRules]
    """Market-wide rules by name of the group, in the order of the file."""
    class_to_groups: Mapping[str, tuple[str, ...]]
    market_to_groups: Mapping[str, tuple[str, ...]]
    """Markets that do not follow the groups of their class."""
    integrity: IntegrityRules
    windows: Mapping[Cause, FactWindow]
    """For each cause that is measured in a window."""

    def groups_of(self, symbol: str, asset_class: str) -> tuple[str, ...]:
        """Name the groups that a market follows: its own list, or else those of its class."""
        named = self.market_to_groups.get(symbol)
        return self.class_to_groups.get(asset_class, ()) if named is None else named


def load_breakers(path: Path = BREAKERS_FILE) -> Breakers:
    """Load the rules; raises OperatorError with one sentence."""
    try:
        file = BreakersFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/breakers/default.toml is an example"
        sentence = problem_sentence(error, BreakersFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None
    groups = file.market_wide.groups
    classes = dict.fromkeys(each for group in groups for each in group.asset_classes)
    return Breakers(
        groups={group.name: group.rules for group in groups},
        class_to_groups={
            each: tuple(group.name for group in groups if each in group.asset_classes)
            for each in classes
        },
        market_to_groups={each.market: each.groups for each in file.market_wide.follows},
        integrity=file.integrity.rules,
        windows={
            cause: FactWindow(rules=table.window, least_base=QuoteAtoms(table.least_base_atoms))
            for cause, table in file.integrity.tables.items()
            if isinstance(table, WindowCause)
        },
    )
