"""Logs as a node gives them, encoded by eth_abi: the slow twin of our decoders."""

from typing import Any

from eth_abi import encode  # type: ignore[attr-defined]

from venues.exchange.abi import load_abi

ABI = load_abi()
ADDRESS = bytes.fromhex("e7f1725e7734ce288f8367e1bb143e90bb3f0512")


def make_log(
    name: str, *values: Any, block: int = 11, index: int = 0, **facts: Any
) -> dict[str, Any]:
    """Compose a log of an event; `values` in the order of the ABI, the indexed ones first."""
    event = ABI.event(name)
    indexed, plain = values[: len(event.indexed)], values[len(event.indexed) :]
    topics = [event.topic.hex()]
    topics += [
        encode([kind.canonical], [value]).hex()
        for kind, value in zip(event.indexed, indexed, strict=True)
    ]
    log: dict[str, Any] = {
        "address": f"0x{ADDRESS.hex()}",
        "topics": [f"0x{topic}" for topic in topics],
        "data": f"0x{encode([kind.canonical for kind in event.plain], plain).hex()}",
        "blockNumber": hex(block),
        "logIndex": hex(index),
        "transactionHash": f"0x{block:032x}{index:032x}",
        "blockHash": f"0x{block:064x}",
    }
    return log | facts


def random_value(kind: Any, draw: Any) -> Any:
    """Give a value of an ABI type from a function that draws integers in a range."""
    if kind.canonical.startswith("uint"):
        return draw(0, 2**256 - 1)
    if kind.canonical.startswith("int"):
        return draw(-(2**255), 2**255 - 1)
    if kind.canonical == "bool":
        return bool(draw(0, 1))
    if kind.canonical == "address":
        return draw(0, 2**160 - 1).to_bytes(20, "big")
    return draw(0, 2**256 - 1).to_bytes(32, "big")
