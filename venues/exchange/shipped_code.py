"""Whether code on chain is the exchange that this program was built with.

A Vyper contract carries the values it was created with behind its code, so its hash differs from one
deployment to the next. What comes before them is compared byte by byte.
"""

from pathlib import Path
from typing import Final

import orjson

from venues.exchange.abi import ARTIFACT_PATH
from venues.exchange.page_codec import from_hex

IMMUTABLES_BYTES: Final = 96
"""At most so many bytes behind the code."""


class ShippedCode:
    """The code of the shipped artifact."""

    def __init__(self, path: Path = ARTIFACT_PATH) -> None:
        artifact = orjson.loads(path.read_bytes())
        self._size: int = artifact["runtime_size_bytes"]
        self._created = from_hex(artifact["bytecode"])

    def is_in(self, code: bytes) -> bool:
        """Say whether code is the artifact's, followed by nothing but its immutables."""
        extra = len(code) - self._size
        return 0 <= extra <= IMMUTABLES_BYTES and code[: self._size] in self._created
