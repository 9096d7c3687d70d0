"""The drill's decoder of logs, against eth_abi's encoder."""

from typing import Any

import pytest
from eth_abi.abi import encode

from drills.chain_events import ChainEvent, EventReader
from venues.exchange.abi import AbiType, Kind, load_abi

ABI = load_abi()
KEEPER = "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f"


def sample(kind: AbiType) -> Any:
    """Give a value of a type that a careless decoder would get wrong."""
    match kind.kind:
        case Kind.UNSIGNED:
            return (1 << (kind.size or 256)) - 3
        case Kind.SIGNED:
            return -(1 << 200) + 7
        case Kind.BOOL:
            return True
        case Kind.ADDRESS:
            return KEEPER
        case Kind.TUPLE:
            return tuple(sample(item) for item in kind.items)
        case Kind.ARRAY:
            return [sample(kind.items[0])] * (kind.size or 2)
        case _:
            return b"\x07" * 32


def read(name: str) -> tuple[ChainEvent, dict[str, Any]]:
    event = ABI.event(name)
    values = {field.name: sample(field) for field in (*event.indexed, *event.plain)}
    words = [encode([field.canonical], [values[field.name]]) for field in event.indexed]
    data = encode(
        [field.canonical for field in event.plain], [values[field.name] for field in event.plain]
    )
    log = {
        "topics": [f"0x{word.hex()}" for word in (event.topic, *words)],
        "data": f"0x{data.hex()}",
        "blockNumber": "0x10",
        "blockTimestamp": "0x20",
        "transactionHash": "0x30",
    }
    (decoded,) = EventReader(ABI).read([log])
    return decoded, values


@pytest.mark.parametrize("name", sorted(ABI.events))
def test_every_event_of_the_exchange_is_read_as_it_was_written(name: str) -> None:
    decoded, values = read(name)
    found = {key: _plain(value) for key, value in decoded.values.items()}
    assert found == {key: _plain(value) for key, value in values.items()}
    assert (decoded.name, decoded.block, decoded.timestamp) == (name, 16, 32)


def _plain(value: Any) -> Any:
    return tuple(_plain(item) for item in value) if isinstance(value, (list, tuple)) else value


def test_an_event_that_the_abi_does_not_know_is_refused() -> None:
    with pytest.raises(KeyError):
        EventReader(ABI).read([{"topics": ["0x" + "00" * 32]}])
