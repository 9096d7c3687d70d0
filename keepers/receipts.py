"""What a receipt says, as far as it can be read: a node's nonsense must not end a keeper.

A transaction of ours was mined all the same, and what it did is on chain: duties are told of state, not of
receipts, so what cannot be read is as if it were not told, and logged.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog

from venues.exchange.slicers import UndecodableError

_T = TypeVar("_T")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def readable(
    read: Callable[[Mapping[str, object]], list[_T]], receipt: Mapping[str, object]
) -> list[_T]:
    """Read what became of a transaction; nothing where its logs are not what the ABI promises."""
    try:
        return read(receipt)
    except UndecodableError as error:
        log.error("receipt_unreadable", error=str(error))  # noqa: TRY400 - a node's slip
        return []
