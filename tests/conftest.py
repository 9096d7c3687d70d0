"""What all tests share: property tests have no deadlines, and what waits longest begins first."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

settings.register_profile("bellkeeper", deadline=None)
settings.load_profile("bellkeeper")

ROOT: Final = Path(__file__).parent
WAITS: Final = ("scenarios", "faults", "drills", "hostile", "deploy", "parity", "venues")
"""Folders whose tests wait for nodes and processes: begun last, one worker would end long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files by how long they wait; within a file nothing is moved."""
    places = {name: place for place, name in enumerate(WAITS)}
    items.sort(key=lambda item: places.get(item.path.relative_to(ROOT).parts[0], len(WAITS)))
