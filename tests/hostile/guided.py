"""One decoder fuzzed by Atheris, which keeps what reaches new code: `make fuzz` runs one process of it each.

    python -m tests.hostile.guided NAME CORPUS SECONDS SEED

The bytes that it makes drive hypothesis's strategies, so a corpus holds what a decoder's own examples are made
of. Ends by Atheris's own rules: exit code 77 when a promise was broken, with the input in CORPUS.
"""

import sys
from pathlib import Path
from typing import Final

import atheris
from hypothesis import HealthCheck, given, settings

PACKAGES: Final = ["config", "keepers", "monitors", "runtime", "venues"]


def main(name: str, corpus: str, seconds: str, seed: str) -> None:
    """Fuzz until the time is over; never returns."""
    with atheris.instrument_imports(include=PACKAGES):
        from tests.hostile.table import NAME_TO_DECODER  # noqa: PLC0415 - what is imported here is followed

    decoder = NAME_TO_DECODER[name]
    Path(corpus).mkdir(parents=True, exist_ok=True)

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(example=decoder.examples)
    def holds(example: object) -> None:
        decoder.keeps_its_promise(example)

    options = [
        corpus,
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-artifact_prefix={corpus}/",
        "-rss_limit_mb=2048",
        "-timeout=20",
        "-verbosity=0",
        "-print_final_stats=1",
        "-max_len=8192",
    ]
    atheris.Setup([sys.argv[0], *options], holds.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
