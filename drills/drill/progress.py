"""What a person sees of long runs: a bar for each that is played, or a line now and then without a terminal."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from drills.drill.plan import Progress as Place
from drills.drill.plan import RunPlan
from drills.report.record import DrillRecord

LINE_SECONDS: Final = 15.0


class Shown:
    """Shows runs while the block lasts."""

    def __init__(self, *, is_quiet: bool, total: int) -> None:
        # With the report on standard output, people are spoken to on standard error.
        self._console = Console(stderr=is_quiet)
        self._total, self._done = total, 0
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[facts]}"),
            TimeElapsedColumn(),
            console=self._console,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def progress(self, name: str, place: Place) -> None:
        """Show how far a run is."""
        facts = f"under margin {place.under_margin:,}, liquidations {place.liquidations:,}, halts {place.halts}"
        played, length = place.now - place.begin, place.end - place.begin
        if self._console.is_terminal:
            task = self._tasks.get(name)
            if task is None:
                task = self._tasks[name] = self._bars.add_task(name, total=length, facts=facts)
            self._bars.update(task, completed=played, facts=facts)
            return
        now = time.monotonic()
        if now - self._said.get(name, 0.0) >= LINE_SECONDS:
            self._said[name] = now
            self._say(f"{name}: {100 * played // length} %, {facts}")

    def done(self, plan: RunPlan, record: DrillRecord) -> None:
        """Say that a run is over."""
        self._done += 1
        task = self._tasks.pop(plan.name, None)
        if task is not None:
            self._bars.remove_task(task)
        took = 0 if record.cost is None else record.cost.wall_seconds
        verdict = "something did not hold" if record.has_failed else "everything held"
        self._say(f"{self._done} of {self._total} done: {plan.name} in {took:,} s, {verdict}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
