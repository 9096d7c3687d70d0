"""A chain in memory for readers that must not be believed blindly: blocks, logs, limits, lies."""

from collections.abc import Sequence
from typing import Any

from runtime.rpc.errors import RangeError, RpcError


class FakeChain:
    """Implements ChainReader over blocks 0 to `head`; hooks make it behave like a bad endpoint."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.fork = 0
        """Mixed into every hash: another fork is another history."""
        self.logs: list[dict[str, Any]] = []
        self.most_logs = 10**9
        self.most_blocks = 10**9
        self.truncates_in_silence = False
        self.queries: list[tuple[int, int]] = []

    def header(self, number: int) -> dict[str, Any] | None:
        """Give a block's header, or nothing beyond the head."""
        if number > self.head:
            return None
        return {
            "number": hex(number),
            "timestamp": hex(1_800_000_000 + number),
            "hash": f"0x{number + (self.fork << 64):064x}",
            "parentHash": f"0x{number - 1 + (self.fork << 64):064x}",
        }

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Answer one call."""
        if method == "eth_getBlockByNumber":
            return self.header(self.head if params[0] == "latest" else int(params[0], 16))
        assert method == "eth_getLogs"
        first, to = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        self.queries.append((first, to))
        found = [log for log in self.logs if first <= int(log["blockNumber"], 16) <= to]
        if to - first + 1 > self.most_blocks:
            raise RangeError(-32602, "range exceeds limit")
        if len(found) > self.most_logs:
            if self.truncates_in_silence:
                return found[: self.most_logs]
            raise RangeError(-32005, "query returned more than 10000 results")
        return found

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Answer several calls; an error takes the place of its answer."""
        answers: list[Any] = []
        for method, params in calls:
            try:
                answers.append(await self.call(method, params))
            except RpcError as error:
                answers.append(error)
        return answers
