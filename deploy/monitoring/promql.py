"""What expressions may name: the metrics that the program has, and those of Prometheus itself."""

import re
from pathlib import Path
from typing import Final

CONTRACT: Final = Path(__file__).with_name("metrics.txt")
"""Type, name and labels of every metric of the program, written by `keepers.metrics_document`."""
OF_PROMETHEUS: Final = {"up": frozenset({"instance", "job"})}
OF_THE_SCRAPE: Final = frozenset({"instance", "job"})

_NAME: Final = re.compile(r"\b(?:bellkeeper|process|python)_[a-z0-9_]+|\bup\b")
_SELECTOR: Final = re.compile(r"\b((?:bellkeeper|process|python)_[a-z0-9_]+|up)\{([^}]*)\}")
_LABEL: Final = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')


def known_samples(contract: str) -> dict[str, frozenset[str]]:
    """Give each sample that a rule may ask for, with its labels, from the text of the contract.

    A metric without any series at the start (`?`) is none: an alert would miss the first of them.
    """
    samples = dict(OF_PROMETHEUS)
    for line in contract.splitlines():
        kind, name, listed = line.split(" ")
        if listed == "?":
            continue
        own = (frozenset() if listed == "-" else frozenset(listed.split(","))) | OF_THE_SCRAPE
        if kind == "histogram":
            samples |= {f"{name}_bucket": own | {"le"}, f"{name}_sum": own, f"{name}_count": own}
        else:
            samples[name] = own
    return samples


def names_in(expression: str) -> set[str]:
    """Name the samples of an expression, without those that recording rules make."""
    return set(_NAME.findall(expression))


def labels_in(expression: str) -> dict[str, set[str]]:
    """Give, by sample, the labels that its selectors ask for."""
    asked: dict[str, set[str]] = {}
    for name, inner in _SELECTOR.findall(expression):
        asked.setdefault(name, set()).update(_LABEL.findall(inner))
    return asked
