"""Every event of the exchange by its name with all its fields, for readers that keep no state.

The feed's own decoder cuts only what the account book needs. Here nothing is left out: who audits
wants the reasons and the differences too.
"""

from collections.abc import Mapping
from typing import Any

from risk.solvency_flows import Event
from venues.exchange.abi import WORD, Abi
from venues.exchange.chain import block_number, log_entries, quantity
from venues.exchange.events import event_words
from venues.exchange.receipts import raw_log, topic_of
from venues.exchange.slicers import Defect, Slicer, UndecodableError, compile_slicer


class EventReader:
    """Decodes logs of one exchange."""

    def __init__(self, abi: Abi) -> None:
        self._by_topic: dict[str, tuple[str, list[str], int, Slicer]] = {}
        for event in abi.events.values():
            names, words = event_words(event)
            self._by_topic[f"0x{event.topic.hex()}"] = (
                event.name,
                names,
                len(words) * WORD,
                compile_slicer(words),
            )

    def read(self, logs: object) -> list[Event]:
        """Decode logs and give them in the order of the chain; raises UndecodableError."""
        placed = [
            ((block_number(log.get("blockNumber")), quantity(log.get("logIndex"))), log)
            for log in log_entries(logs)
        ]
        placed.sort(key=lambda each: each[0])
        return [self._one(log, place[0]) for place, log in placed]

    def _one(self, log: Mapping[str, Any], block: int) -> Event:
        topic = topic_of(log)
        known = self._by_topic.get(topic)
        if known is None:
            raise UndecodableError(
                f"expected an event of the exchange's ABI, found topic {topic[:66]!r}",
                Defect.UNKNOWN_EVENT,
            )
        name, fields, length, cut = known
        raw = raw_log(log)
        if len(raw) != length:
            raise UndecodableError(f"expected {length} bytes for {name}, found {len(raw)}")
        return Event(name=name, values=dict(zip(fields, cut(raw), strict=True)), block=block)
