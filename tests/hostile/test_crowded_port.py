"""A thousand connections that want nothing keep no account from being liquidated, and nobody from looking."""

from tests.hostile.crowding import crowded
from tests.scenarios.conftest import Scene, scene  # noqa: F401 - a fixture

CONNECTIONS = 1_000
"""`make endurance` does it with ten thousand."""


def test_a_crowded_status_port_costs_the_keeper_nothing(scene: Scene) -> None:  # noqa: F811
    seen = crowded(scene, CONNECTIONS)
    assert seen.liquidated == 2
    assert seen.pages >= 2
    # Two hundred and fifty-six places, and what a keeper has open anyway.
    assert seen.most_descriptors < 400
