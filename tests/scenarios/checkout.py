"""The program in a folder of its own, beside another set of markets.

An operator lists markets by putting files into `config/markets` and naming them in `exchange.toml`.
A scenario with hundreds of markets does the same in a folder where all packages are links to ours and
`config` is a copy, so that the program itself needs no knob for it.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.scenarios.keeper import ROOT, KeeperProcess

MODEL: Final = "NVDA"
"""The shipped market that all of a scenario's markets are copies of."""
LINKED: Final = ("risk", "runtime", "venues", "monitors", "keepers")


@dataclass(slots=True, kw_only=True)
class KeeperHere(KeeperProcess):
    """`bellkeeper run` of such a folder, as a process of its own."""

    checkout: Path

    def start(self) -> None:
        """Start it; its lines go to the log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "keepers", "run"),
                    *("--config", str(self.profile), *self.options),
                ],
                cwd=self.checkout,
                stdout=log,
                stderr=log,
            )


def lay_out(folder: Path, symbols: Sequence[str]) -> Path:
    """Lay out a folder in which the program knows just these markets; give it."""
    folder.mkdir(parents=True)
    for package in LINKED:
        (folder / package).symlink_to(ROOT / package)
    config = folder / "config"
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("__pycache__"))
    markets = config / "markets"
    text = (markets / f"{MODEL.lower()}.toml").read_text()
    for symbol in symbols:
        own = text.replace(f'symbol = "{MODEL}"', f'symbol = "{symbol}"')
        (markets / f"{symbol.lower()}.toml").write_text(own)
    exchange = config / "exchange.toml"
    lines = exchange.read_text().splitlines()
    listed = ", ".join(f'"{symbol}"' for symbol in symbols)
    exchange.write_text(
        "\n".join(f"markets = [{listed}]" if line.startswith("markets") else line for line in lines)
    )
    return folder
