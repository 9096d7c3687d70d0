"""Decode the exchange's logs apart from the keeper: word by word, anything larger with eth_abi.

The keeper cuts words with decoders that it compiles; what the drill reports must not rest on those.
The names are the ABI's, the numbers exactly what the chain says, addresses text in lower case.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode

from risk.units import Seconds
from venues.exchange.abi import WORD, Abi, AbiType, Event, Kind
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
    fields = (*event.indexed, *event.plain)
    texts = [*log["topics"][1:], log["data"]]
    raw = bytes.fromhex("".join(text.removeprefix("0x") for text in texts))
    names = [field.name for field in fields]
    if len(raw) == WORD * len(fields):
        words = [raw[start : start + WORD] for start in range(0, len(raw), WORD)]
        return dict(zip(names, map(_value, fields, words), strict=True))
    return dict(zip(names, decode([field.canonical for field in fields], raw), strict=True))


def _value(field: AbiType, word: bytes) -> int | bool | str | bytes:
    match field.kind:
        case Kind.UNSIGNED:
            return int.from_bytes(word, "big")
        case Kind.SIGNED:
            return int.from_bytes(word, "big", signed=True)
        case Kind.BOOL:
            return word[-1] == 1
        case Kind.ADDRESS:
            return f"0x{word[12:].hex()}"
        case _:
            return word
