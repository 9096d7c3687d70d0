"""The beat of the benchmark's chain, as a process of its own: a block every ten milliseconds.

anvil's own interval mining gathers transactions at every tick even while a block is being made, so
that it falls behind for ever once blocks take longer than a tick. Here a late block only delays the
next one. Arguments: the node's URL and the seconds between two blocks.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.anvil import JsonRpc


def main() -> None:
    """Make blocks until killed."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    with JsonRpc(url) as rpc:
        due = time.monotonic()
        while True:
            rpc.call("evm_mine")
            due = max(due + seconds, time.monotonic())
            time.sleep(due - time.monotonic() if due > time.monotonic() else 0)


@contextlib.contextmanager
def ticking(url: str, seconds: float) -> Iterator[None]:
    """Let a node make blocks for as long as this lasts."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.ticker", url, str(seconds)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
