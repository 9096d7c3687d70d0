"""A fresh chain for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.anvil import Anvil, running_anvil
from tests.keepers.sender.rig import Rig, running_rig


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """A chain that mines when told."""
    with running_anvil(accounts=2) as started:
        yield started


@pytest.fixture
async def rig(anvil: Anvil, tmp_path: Path) -> AsyncIterator[Rig]:
    """A lane on it."""
    async with running_rig(anvil, tmp_path) as started:
        yield started
