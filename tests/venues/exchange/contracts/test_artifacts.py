"""The committed artifacts are what the committed sources compile to."""

import pytest

from venues.exchange.compile import CONTRACTS, artifacts


@pytest.mark.timeout(300)  # the compiler needs a dozen seconds of a whole core
def test_the_artifacts_are_fresh() -> None:
    for path, text in artifacts():
        assert path.read_text() == text, f"{path.name}: run python -m venues.exchange.compile"


def test_every_contract_says_what_it_is() -> None:
    for path in CONTRACTS.glob("*.vy"):
        text = path.read_text()
        assert text.startswith("# pragma version 0.4.3\n"), path.name
        assert "@title" in text, path.name
        assert "@notice" in text, path.name


def test_every_contract_file_is_small() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in CONTRACTS.glob("*.vy")}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}
