"""A calm past for a Prometheus that has just begun.

One that knows ten seconds averages its three days over ten seconds: a blip would spend a month's budget.
So each is given what one that has run for days would know of the objectives (never broken) and of the insurance
fund (as it is now), at the interval of its rules, up to the moment at which it begins.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from deploy.monitoring.objectives import AUDIT, LIQUIDATION, MARK, WINDOWS
from deploy.monitoring.recording import NOW
from drills.observe.stage import SYMBOLS
from drills.observe.tools import tool
from runtime.errors import OperatorError

FUND: Final = "bellkeeper_insurance_fund_usd"
PART_OF_FUND: Final = 24
"""Of the three days: rules compare the fund with an hour ago."""
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400}


def longest_window_seconds(factor: int) -> int:
    """Give the longest window of any rule, in the drill's time."""
    return max(int(each[:-1]) * _SECONDS[each[-1]] for each in WINDOWS) // factor


async def write_past(
    folder: Path, data: Path, *, factor: int, interval_ms: int, fund: Mapping[str, str]
) -> None:
    """Write the blocks into Prometheus's folder; `fund` is the fund's labels and its value."""
    text = folder / "past.txt"
    now = time.time()
    began = now - longest_window_seconds(factor)

    def write() -> None:
        with text.open("w", encoding="utf-8") as file:
            file.writelines(_lines(began, now, interval_ms / 1_000, fund))
        done = subprocess.run(  # noqa: S603 - promtool
            [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q", text, data],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise OperatorError(
                f"expected promtool to write the past, it said: {' '.join(last)}: see {folder}"
            )
        text.unlink()

    await asyncio.to_thread(write)


def _lines(began: float, ended: float, step: float, fund: Mapping[str, str]) -> Iterator[str]:
    labels = [
        *(f'objective="{each.key}"' for each in (LIQUIDATION, AUDIT)),
        *(f'objective="{MARK.key}",market="{symbol}"' for symbol in SYMBOLS),
    ]
    moments = [began + place * step for place in range(int((ended - began) / step))]
    yield f"# TYPE {NOW} gauge\n"
    for each in labels:
        yield from (f"{NOW}{{{each}}} 0 {at:.3f}\n" for at in moments)
    yield f"# TYPE {FUND} gauge\n"
    recent = moments[-len(moments) // PART_OF_FUND :]
    for each, value in fund.items():
        yield from (f"{FUND}{{{each}}} {value} {at:.3f}\n" for at in recent)
    yield "# EOF\n"
