"""`make fuzz`: every decoder on examples that nobody has seen yet, for as long as you like.

    python -m tests.hostile.fuzz [--seconds 600] [--seed N] [--only TEXT] [--engine hypothesis|atheris]
                                 [--corpus DIR] [--json FILE]

Each decoder gets an equal part of the time. The seed of the run is printed first and decides everything:
the same seed and the same `--only` give the same examples in the same order, as far as the time goes.
Exit code 2 when a promise was broken; the example is printed, to become a test. With `--engine atheris` the
choice of examples follows what reaches new code, and what did is kept in `build/corpus` for the next time.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.hostile.decoder import Decoder
from tests.hostile.table import DECODERS

EXAMPLES_PER_ROUND: Final = 200
EXIT_BROKEN: Final = 2
ROOT: Final = Path(__file__).parents[2]
_EXECUTED: Final = re.compile(r"number_of_executed_units: ([0-9]+)")


def main(arguments: list[str] | None = None) -> int:
    """Fuzz; give the exit code."""
    options = _options(arguments)
    chosen = [each for each in DECODERS if options.only in each.name]
    print(f"seed {options.seed}, {len(chosen)} decoders, {options.seconds:g} s")
    report: dict[str, Any] = {"seed": options.seed, "decoders": {}}
    for decoder, seconds in _shares(chosen, options.seconds):
        fuzzed = _guided if options.engine == "atheris" else _fuzzed
        examples, problem = fuzzed(decoder, options, seconds)
        report["decoders"][decoder.name] = {"examples": examples, "problem": problem}
        print(f"{examples:>8} {decoder.name}{'' if problem is None else ': BROKEN'}", flush=True)
        if problem is not None:
            print(problem)
    broken = [name for name, found in report["decoders"].items() if found["problem"]]
    total = sum(found["examples"] for found in report["decoders"].values())
    print(f"{total} examples, {len(broken)} decoders broke their promise")
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return EXIT_BROKEN if broken else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--only", default="", help="decoders whose name holds this text")
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    parser.add_argument("--corpus", type=Path, default=ROOT / "build/corpus", help="of atheris")
    parser.add_argument("--json", type=Path, help="write a report")
    return parser.parse_args(arguments)


def _shares(decoders: list[Decoder], seconds: float) -> Iterator[tuple[Decoder, float]]:
    """Give each decoder its part of the time that is left."""
    end = time.monotonic() + seconds
    for place, decoder in enumerate(decoders):
        yield decoder, max(0.0, end - time.monotonic()) / (len(decoders) - place)


def _guided(
    decoder: Decoder, options: argparse.Namespace, seconds: float
) -> tuple[int, str | None]:
    """Have a process of its own fuzz one decoder by its coverage."""
    corpus = options.corpus / re.sub(r"[^A-Za-z0-9._-]+", "_", decoder.name)
    command = [sys.executable, "-m", "tests.hostile.guided", decoder.name, str(corpus)]
    # Atheris takes whole seconds, and 0 for ever.
    command += [str(max(1, round(seconds))), str(options.seed % 2**31 or 1)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    executed = _EXECUTED.search(done.stderr)
    problem = None if done.returncode == 0 else (done.stdout + done.stderr)[-4_000:]
    return (0 if executed is None else int(executed[1])), problem


def _fuzzed(
    decoder: Decoder, options: argparse.Namespace, seconds: float
) -> tuple[int, str | None]:
    """Fuzz one decoder; give how many examples it saw, and what went wrong."""
    end, count, number = time.monotonic() + seconds, 0, options.seed
    while count == 0 or time.monotonic() < end:
        seen: list[object] = []
        try:
            _round(decoder, number, seen)
        except Exception:  # noqa: BLE001 - whatever came out is the finding
            return count + len(seen), f"seed {number}\n{traceback.format_exc(limit=-4)}"
        count, number = count + len(seen), number + 1
    return count, None


def _round(decoder: Decoder, number: int, seen: list[object]) -> None:
    @seed(number)
    @settings(
        max_examples=EXAMPLES_PER_ROUND,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(example=decoder.examples)
    def holds(example: object) -> None:
        seen.append(None)
        decoder.keeps_its_promise(example)

    holds()


if __name__ == "__main__":
    sys.exit(main())
