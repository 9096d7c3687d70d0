"""The chain's heart: asks the node for a block every 50 ms, and can be stopped, or made dear.

The node's own interval could be stopped too, but not set going again at less than a second.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.anvil import Anvil, JsonRpc

BLOCK_SECONDS: Final = 0.05


class Blocks:
    """Blocks at a steady pace while the context lasts."""

    def __init__(self, anvil: Anvil) -> None:
        self.base_fee: int | None = None
        """What every block asks per unit of gas, in wei; None leaves it to the chain's rule."""
        self.seen_at: dict[int, float] = {}
        """When each block was there, monotonic; one that replaced another has its own time."""
        self._anvil = anvil
        self._ended = threading.Event()
        self._may_go = threading.Event()
        self._may_go.set()
        self._turn = threading.Lock()
        self._failure: Exception | None = None

    @contextmanager
    def running(self) -> Iterator["Blocks"]:
        """Make blocks while the block lasts."""
        thread = threading.Thread(target=self._run, name="blocks")
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._may_go.set()
            thread.join()
        if self._failure is not None:
            raise self._failure

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let no block come while the block lasts; one that is being made is made first."""
        self._may_go.clear()
        with self._turn:
            pass
        try:
            yield
        finally:
            self._may_go.set()

    def _run(self) -> None:
        try:
            with JsonRpc(self._anvil.http_url) as rpc:
                while not self._ended.wait(BLOCK_SECONDS):
                    self._may_go.wait()
                    with self._turn:
                        if self._may_go.is_set():
                            self._make(rpc)
        except Exception as error:  # noqa: BLE001 - raised again where the blocks were asked for
            self._failure = error

    def _make(self, rpc: JsonRpc) -> None:
        if self.base_fee is not None:
            rpc.call("anvil_setNextBlockBaseFeePerGas", hex(self.base_fee))
        rpc.call("evm_mine")
        self.seen_at[int(rpc.call("eth_blockNumber"), 16)] = time.monotonic()
