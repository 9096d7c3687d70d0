"""The pricer, as a process of its own: sends transactions at an uneven pace, whatever becomes of them.

Reads one JSON object from its standard input: `url`, `transactions` and `pauses` (seconds after each).
"""

import json
import sys
import time

from tests.anvil import JsonRpc


def main() -> None:
    """Send all of them."""
    told = json.load(sys.stdin)
    with JsonRpc(told["url"]) as rpc:
        for transaction, pause in zip(told["transactions"], told["pauses"], strict=True):
            rpc.call("eth_sendTransaction", transaction)
            time.sleep(pause)


if __name__ == "__main__":
    main()
