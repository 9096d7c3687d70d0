"""Decode the exchange's logs with eth_abi: slow, general, and nobody else's code.

The keeper cuts words with decoders of its own; what the drill reports must not rest on those. The
names are the ABI's, the numbers exactly what the chain says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode

from risk.units import Seconds
from venues.exchange.abi import Abi, Event
from venues.exchange.chain import quantity

LIQUIDATION_CODES: Final = (
    "liquidated",
    "not_liquidatable",
    "no_position",
    "stale_price",
    "market_closed",
    "cooling_down",
    "unknown_market",
    "backstop_full",
    "deleverage_needed",
    "expired",
)
"""What an item of a liquidation batch ends in, by its number on chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEvent:
    """One log, decoded."""

    name: str
    values: Mapping[str, Any]
    block: int
    timestamp: Seconds
    transaction: str


class EventReader:
    """Decodes logs of one contract."""

    def __init__(self, abi: Abi) -> None:
        self._by_topic = {f"0x{event.topic.hex()}": event for event in abi.events.values()}

    def read(self, logs: Iterable[Mapping[str, Any]]) -> list[ChainEvent]:
        """Decode logs in order; raises KeyError for an event that the ABI does not know."""
        return [self._one(log) for log in logs]

    def _one(self, log: Mapping[str, Any]) -> ChainEvent:
        event = self._by_topic[log["topics"][0]]
        return ChainEvent(
            name=event.name,
            values=_values(event, log),
            block=quantity(log["blockNumber"]),
            timestamp=Seconds(quantity(log["blockTimestamp"])),
            transaction=log["transactionHash"],
        )


def _values(event: Event, log: Mapping[str, Any]) -> dict[str, Any]:
    indexed = decode(
        [field.canonical for field in event.indexed],
        bytes.fromhex("".join(topic.removeprefix("0x") for topic in log["topics"][1:])),
    )
    plain = decode(
        [field.canonical for field in event.plain], bytes.fromhex(log["data"].removeprefix("0x"))
    )
    names = [field.name for field in (*event.indexed, *event.plain)]
    return dict(zip(names, (*indexed, *plain), strict=True))
