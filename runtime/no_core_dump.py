"""No image of this process's memory on a disk: it would hold the keys."""

import ctypes
import os
import resource
import sys
from typing import Final

_SET_DUMPABLE: Final = 4
"""PR_SET_DUMPABLE of <sys/prctl.h>."""


def forbid_core_dumps() -> None:
    """Have the kernel write no core dump of this process, and let only root look into its memory.

    A limit of zero alone does not stop a dump that is piped to a collector (core(5)); what is not
    dumpable is not dumped at all (prctl(2)). Debuggers of the same user are kept out too. On other systems
    than Linux there is the limit alone. Raises OSError where the kernel refuses.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
