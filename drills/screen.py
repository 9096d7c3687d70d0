"""What a person sees while the day lasts: a live table, or one line a second without a terminal."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from drills.observer import Observer
from drills.summary import percentile, usd
from drills.venue_clock import VenueClock
from drills.weekend import LEGS, Leg, leg_at, local_text
from risk.market import Market
from risk.units import PriceE8

PRICE_UNITS: Final = 10**8
LIVE_SECONDS: Final = 0.25
LINE_SECONDS: Final = 1.0


@dataclass(slots=True)
class Scene:
    """What there is to show; parts appear as the drill gets to them."""

    stage: str
    started: float
    starts: Mapping[str, PriceE8]
    metrics_url: str = ""
    clock: VenueClock | None = None
    legs: Sequence[Leg] = LEGS
    observer: Observer | None = None


class Screen:
    """Shows a scene until told to stop."""

    def __init__(self, *, is_quiet: bool) -> None:
        # With the report on standard output, people are spoken to on standard error.
        self.console = Console(stderr=is_quiet)
        self.scene = Scene(stage="start", started=time.monotonic(), starts={})
        self._live: Live | None = None
        self._log: TextIO | None = None

    @contextlib.contextmanager
    def logging_to(self, path: Path) -> Iterator[None]:
        """Keep every line in a file too while the block lasts: what remains of a drill cut short."""
        with path.open("w", encoding="utf-8", buffering=1) as log:
            self._log = log
            try:
                yield
            finally:
                self._log = None

    def say(self, text: str) -> None:
        """Print one line, above the table if there is one."""
        elapsed = time.monotonic() - self.scene.started
        line = f"[{elapsed:6.1f} s] {text}"
        if self._log is not None:
            self._log.write(line + "\n")
        # Wrapped lines are for terminals; in a file each line stays one.
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def stage(self, name: str) -> None:
        """Say what begins now."""
        self.scene.stage = name
        self.say(name)

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Show the table while the block lasts, if there is a terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, auto_refresh=False) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            if self._live is not None:
                self._live.update(self._picture(), refresh=True)
                await asyncio.sleep(LIVE_SECONDS)
            else:
                if self.scene.observer is not None:
                    self.say(f"{self._when() or self.scene.stage}: {', '.join(self._facts())}")
                sys.stdout.flush()
                await asyncio.sleep(LINE_SECONDS)

    def _picture(self) -> Group:
        scene = self.scene
        head = Text(
            f"{scene.stage}   {self._when()}   {time.monotonic() - scene.started:.0f} s",
            style="bold",
        )
        facts = Text("\n".join(self._facts()))
        link = Text(f"metrics: {scene.metrics_url}" if scene.metrics_url else "", style="dim")
        return Group(head, self._markets(), facts, link)

    def _markets(self) -> Table:
        table = Table("market", "status", box=None, pad_edge=False)
        for name in ("mark", "since start"):
            table.add_column(name, justify="right")
        scene = self.scene
        markets = scene.observer.replay.markets.values() if scene.observer else ()
        for market in markets:
            change = self._change(market) * 100
            style = "red" if change < -1 else "green" if change > 1 else ""
            table.add_row(
                market.symbol,
                market.status.name,
                f"{market.mark / PRICE_UNITS:,.2f}",
                Text(f"{change:+.2f} %", style=style),
            )
        return table

    def _facts(self) -> list[str]:
        observer = self.scene.observer
        if observer is None:
            return []
        sight, tally = observer.sight(), observer.tally
        latencies = observer.latencies_ms()
        falling = self._falling()
        return [
            *([falling] if falling else []),
            f"accounts {sight.accounts:,}",
            f"under margin {sight.under_margin:,}",
            f"due {sight.due:,}",
            f"oldest waiting {sight.oldest_wait_blocks:,} blocks",
            f"liquidations {tally.liquidations:,}",
            f"full {tally.full:,} partial {tally.partial:,} sliced {tally.sliced:,}",
            f"latency p50 {percentile(latencies, 0.5)} ms p99 {percentile(latencies, 0.99)} ms",
            f"insurance fund {usd(tally.insurance_fund):,.0f} USD",
        ]

    def _when(self) -> str:
        """Tell the venue's clock as people read it, and what happens then."""
        scene, clock = self.scene, self.scene.clock
        if clock is None:
            return ""
        now = clock.now()
        return f"{local_text(now)} in New York, {leg_at(now, scene.legs).name}"

    def _falling(self) -> str:
        """Name the market that fell most; the table shows them all where there is one."""
        scene = self.scene
        if scene.observer is None or self._live is not None:
            return ""
        worst = min(scene.observer.replay.markets.values(), key=self._change)
        return f"{worst.symbol} {self._change(worst) * 100:+.2f} %"

    def _change(self, market: Market) -> float:
        observer, start = self.scene.observer, self.scene.starts[market.symbol]
        ratio = None if observer is None else observer.replay.ratios.get(market.id)
        return market.mark / (start if ratio is None else ratio.price(start)) - 1
