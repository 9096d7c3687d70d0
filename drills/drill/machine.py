"""What a run takes of the machine."""

import resource
import sys
from typing import Final

KIBIBYTES: Final = 1_024
MACOS: Final = "darwin"


def peak_mib() -> int:
    """Give the most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (KIBIBYTES * (KIBIBYTES if sys.platform == MACOS else 1))
