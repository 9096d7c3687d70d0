"""Endpoints and chains for the tests of the transports."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.anvil import Anvil, running_anvil
from tests.runtime.nodes import FakeClock, Node, running_node


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """An endpoint that answers 0x1 until a test says otherwise."""
    async with running_node("alpha") as started:
        yield started


@pytest.fixture
async def other_node() -> AsyncIterator[Node]:
    """A second endpoint."""
    async with running_node("beta") as started:
        yield started


@pytest.fixture
def clock() -> FakeClock:
    """Time that stands still."""
    return FakeClock()


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    """A chain that mines each transaction at once."""
    with running_anvil() as started:
        yield started


@pytest.fixture(scope="module")
def slow_anvil() -> Iterator[Anvil]:
    """A chain with a block a second."""
    with running_anvil(block_time_seconds=1) as started:
        yield started


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """Give a short path: a socket's must fit into 107 bytes, and a test's own folder may not."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "admin.sock"
