"""Ask a node for a block every 10 ms, and note when each was there.

Its own small process, so that nothing the drill computes delays a block. The notes are the drill's
only clock for "how long did it take": number, timestamp and monotonic time of each block, binary
records of fixed size that are appended and never rewritten.
"""

import http.client
import json
import sys
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from drills.anvil import BLOCK_RECORD

PERIOD_SECONDS: Final = 0.01
_BODY: Final = b'{"jsonrpc":"2.0","id":1,"method":"evm_mine_detailed","params":[]}'
_HEADERS: Final = {"Content-Type": "application/json"}


def produce(url: str, notes: Path) -> None:
    """Mine until the process is ended; a block that is late is not made up for."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    due = time.monotonic()
    with notes.open("ab", buffering=0) as output:
        while True:
            connection.request("POST", "/", _BODY, _HEADERS)
            answer = json.loads(connection.getresponse().read())
            block = answer["result"][0]
            output.write(
                BLOCK_RECORD.pack(
                    int(block["number"], 16), int(block["timestamp"], 16), time.monotonic()
                )
            )
            due = max(due + PERIOD_SECONDS, time.monotonic() - PERIOD_SECONDS)
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    produce(sys.argv[1], Path(sys.argv[2]))
