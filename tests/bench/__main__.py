"""`make bench`: every benchmark, one table, one file.

    python -m tests.bench [--only index,price_round,peers,latency,cascade,…] [--json FILE]

A target that is missed is shown as missed and is no failure: figures depend on the machine. The peers
are optional: when their packages cannot be had, one line says so and their key is left out.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench import (
    bench_breach_day,
    bench_breaker_panel,
    bench_breaker_reaction,
    bench_cascade,
    bench_cold_start,
    bench_deleverage,
    bench_index,
    bench_latency,
    bench_peers,
    bench_price_desk,
    bench_price_round,
    bench_scrape,
    bench_stress,
    bench_tracing,
)
from tests.bench.chain_rig import say
from tests.bench.crowd import Crowd, crowded_chain

NAMES: Final = (
    "index",
    "price_round",
    "peers",
    "latency",
    "cascade",
    "cold_start",
    "breaker_reaction",
    "breaker_panel",
    "breach_day",
    "deleverage",
    "scrape",
    "stress",
    "tracing",
)
DEFAULT_FILE: Final = Path(__file__).parents[2] / "build" / "bench.json"

_NO_PACKAGES: Final = (subprocess.CalledProcessError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure that was promised: at most, or at least, `bound`; None is for comparison only."""

    key: str
    bound: float | None = None
    is_least: bool = False

    def is_met(self, value: float) -> bool | None:
        """Say whether a value keeps the promise."""
        if self.bound is None:
            return None
        return value >= self.bound if self.is_least else value <= self.bound

    @property
    def text(self) -> str:
        """Spell the promise."""
        if self.bound is None:
            return ""
        return f"{'≥' if self.is_least else '≤'} {self.bound:,g}"


TARGETS: Final = (
    Target(key="quiet_tick_1m_us", bound=5),
    Target(key="quiet_tick_10k_us"),
    Target(key="quiet_tick_1m_over_10k_ratio", bound=2),
    Target(key="rescan_over_tick_ratio", bound=5_000, is_least=True),
    Target(key="gap_per_crossed_us", bound=10),
    Target(key="price_round_100x6_cpu_ms", bound=5),
    Target(key="price_desk_100x6_cpu_ms", bound=5),
    Target(key="event_to_wire_p50_ms", bound=1),
    Target(key="event_to_wire_p99_ms", bound=5),
    Target(key="total_over_bare_send_ratio", bound=1.5),
    Target(key="cascade_over_blind_ratio", bound=0.70, is_least=True),
    Target(key="memory_per_position_bytes", bound=800),
    Target(key="cold_start_over_bare_ratio", bound=1.5),
    Target(key="driftpy_over_tick_ratio"),
    Target(key="breaker_reaction_p50_blocks", bound=3),
    Target(key="breaker_reaction_p90_blocks", bound=3),
    Target(key="breaker_reaction_market_wide_p90_blocks"),
    Target(key="breaker_step_500_cpu_ms"),
    Target(key="breaker_flood_125_last_blocks"),
    Target(key="stress_100k_50_shocks_cpu_s", bound=2),
    Target(key="tracing_on_over_off_ratio", bound=1.05),
    Target(key="scrape_100x10_ms", bound=50),
    Target(key="scrape_100x10_loop_delay_ms", bound=5),
    Target(key="scrape_100x10_loop_cpu_ms", bound=5),
)


class Chains:
    """The crowd, made when the first benchmark needs it and shared by the others."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._crowd: Crowd | None = None

    def crowd(self) -> Crowd:
        """Give the crowd."""
        if self._crowd is None:
            self._crowd = self._stack.enter_context(crowded_chain())
        return self._crowd


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is asked for, show it, write it down."""
    arguments = _arguments(argv)
    began = time.monotonic()
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        benches = _benches(Chains(stack))
        for name in arguments.only:
            say(f"{name} …")
            figures |= benches[name]()
    _add_ratio(figures)
    console = Console(width=None if sys.stdout.isatty() else 100)
    _show(console, figures)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(_ordered(figures), indent=2) + "\n", encoding="utf-8")
    console.print(f"{time.monotonic() - began:.0f} s; written to {arguments.json}")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_names, default=NAMES, help=f"some of {','.join(NAMES)}")
    parser.add_argument("--json", type=Path, default=DEFAULT_FILE, help="where to write figures")
    return parser.parse_args(argv)


def _names(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(NAMES):
        raise argparse.ArgumentTypeError(
            f"expected some of {','.join(NAMES)}, found {','.join(sorted(unknown))}"
        )
    return tuple(name for name in NAMES if name in chosen)


def _benches(chains: Chains) -> dict[str, Callable[[], dict[str, float]]]:
    return {
        "index": bench_index.run,
        "price_round": lambda: bench_price_round.run() | bench_price_desk.run(),
        "peers": _peers,
        "latency": bench_latency.run,
        "cascade": lambda: bench_cascade.run(chains.crowd()),
        "cold_start": lambda: bench_cold_start.run(chains.crowd()),
        "breaker_reaction": bench_breaker_reaction.run,
        "breaker_panel": bench_breaker_panel.run,
        "breach_day": bench_breach_day.run,
        "deleverage": bench_deleverage.run,
        "scrape": bench_scrape.run,
        "stress": bench_stress.run,
        "tracing": bench_tracing.run,
    }


def _peers() -> dict[str, float]:
    try:
        bench_peers.prepare()
    except _NO_PACKAGES as error:
        say(f"peers are left out: their packages cannot be installed ({error})")
        return {}
    return bench_peers.run()


def _add_ratio(figures: dict[str, float]) -> None:
    if {"quiet_tick_1m_us", "quiet_tick_10k_us"} <= figures.keys():
        ratio = figures["quiet_tick_1m_us"] / figures["quiet_tick_10k_us"]
        figures["quiet_tick_1m_over_10k_ratio"] = ratio


def _show(console: Console, figures: Mapping[str, float]) -> None:
    table = Table(title="Numbers to reach")
    for heading, justify in (("figure", "left"), ("measured", "right"), ("target", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    table.add_column("met?")
    for target in TARGETS:
        if target.key in figures:
            value = figures[target.key]
            met = {True: "yes", False: "[bold red]NO[/]", None: ""}[target.is_met(value)]
            table.add_row(target.key, _number(value), target.text, met)
        else:
            table.add_row(target.key, "not run", target.text, "")
    console.print(table)
    promised = {target.key for target in TARGETS}
    more = Table(title="More figures")
    more.add_column("figure")
    more.add_column("measured", justify="right")
    for key, value in figures.items():
        if key not in promised:
            more.add_row(key, _number(value))
    console.print(more)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _ordered(figures: Mapping[str, float]) -> dict[str, float]:
    promised = [target.key for target in TARGETS if target.key in figures]
    return {key: figures[key] for key in (*promised, *figures)}


if __name__ == "__main__":
    main()
