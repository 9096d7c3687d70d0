"""Whatever comes in, a decoder gives a value or its one error of one sentence."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.hostile.table import NAME_TO_DECODER


@pytest.mark.parametrize("name", NAME_TO_DECODER)
def test_gives_a_value_or_one_sentence(name: str) -> None:
    decoder = NAME_TO_DECODER[name]

    # The same examples in every run: `make fuzz` is what looks for new ones.
    @settings(
        max_examples=40,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(example=decoder.examples)
    def holds(example: object) -> None:
        decoder.keeps_its_promise(example)

    holds()
