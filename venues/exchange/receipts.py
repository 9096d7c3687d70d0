"""Logs of one contract in a receipt, and their words cut out by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from venues.exchange.abi import WORD, Abi
from venues.exchange.chain import log_entries
from venues.exchange.events import event_words
from venues.exchange.slicers import Slicer, UndecodableError, compile_slicer


def logs_of(receipt: Mapping[str, object], address: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give (topic, log) of each log of a contract, in order; raises UndecodableError without logs."""
    logs = receipt.get("logs")
    if logs is None:
        raise UndecodableError("expected a receipt with logs, found none")
    for log in log_entries(logs):
        emitter = log.get("address")
        if isinstance(emitter, str) and emitter.lower() == address:
            yield topic_of(log), log


def topic_of(log: Mapping[str, Any]) -> str:
    """Give what says which event a log is of; raises UndecodableError for a log without."""
    topics = log.get("topics")
    if not isinstance(topics, list) or not topics or not isinstance(topics[0], str):
        raise UndecodableError("expected a log with topics, found none")
    return topics[0]


def event_slicer(abi: Abi, name: str, fields: list[str]) -> tuple[Slicer, str]:
    """Make what cuts these fields out of an event's words; give it with the event's topic."""
    event = abi.event(name)
    names, words = event_words(event)
    cut, length = compile_slicer(words, [names.index(field) for field in fields]), len(words) * WORD

    def exactly(raw: bytes) -> tuple[Any, ...]:
        if len(raw) != length:
            raise UndecodableError(f"expected {length} bytes for {name}, found {len(raw)}")
        return cut(raw)

    return exactly, f"0x{event.topic.hex()}"


def raw_log(log: Mapping[str, Any]) -> bytes:
    """Give a log's words, the indexed ones first; raises UndecodableError for what is no hex."""
    try:
        words = [*log["topics"][1:], log["data"]]
        return bytes.fromhex("".join([word.removeprefix("0x") for word in words]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UndecodableError(f"expected a log in hex, found {error!r:.200}") from error
