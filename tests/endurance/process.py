"""What a process holds: memory, descriptors; and whether a row of samples rises."""

import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

_KIBIBYTE: Final = 1_024


def peak_memory_bytes() -> int:
    """Give the most that this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE


def resident_bytes(pid: int | None = None) -> int:
    """Give what a process has resident now; ours by default."""
    pages = int(Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def descriptors(pid: int | None = None) -> int:
    """Count what a process holds open."""
    return len(list(Path(f"/proc/{pid or os.getpid()}/fd").iterdir()))


def rise(samples: Sequence[float]) -> float:
    """Give by how much the straight line through the later half of samples rises over that half."""
    later = samples[len(samples) // 2 :]
    slope, _ = np.polyfit(np.arange(len(later)), np.array(later, dtype=float), 1)
    return float(slope) * (len(later) - 1)
