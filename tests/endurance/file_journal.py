"""The real journal, in a file, under the lanes of a stage in memory: signed, sent, mined and final as by a lane."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from runtime.clock import Clock
from runtime.journal import Intent, IntentRecord, Journal, TransactionDraft

LANE: Final = "stage"
RAW_BYTES: Final = 420
"""A transaction of ten prices has about as many."""


class FileJournal:
    """Speaks as `drills.memory.journal.MemoryJournal` does, and keeps all of it on disk."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.journal = Journal.open(path, clock)
        self.journal.open_lane(LANE, address="0xaa", chain_id=1)
        self._nonce = 0
        self._carriers: dict[str, str] = {}

    def unknown(self, intents: Sequence[Intent]) -> list[Intent]:
        """Give those that were never planned."""
        return self.journal.unknown(intents)

    def plan(self, intents: Sequence[Intent]) -> None:
        """Note intents with the transaction that carries them, and that it left."""
        draft = TransactionDraft(
            lane=LANE,
            nonce=self._nonce,
            raw=self._nonce.to_bytes(RAW_BYTES),
            hash=f"0x{self._nonce:064x}",
            gas=900_000,
            max_fee=7,
            tip=1,
            expires_at=intents[0].expires_at,
        )
        self._nonce += 1
        self.journal.plan_and_sign(intents, draft)
        self.journal.sent(draft.hash)
        self._carriers |= {intent.key: draft.hash for intent in intents}

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled."""
        return self.journal.in_flight(kind)

    def ended(self, keys: Iterable[str]) -> None:
        """Close the transaction that carried these."""
        for tx_hash in {self._carriers.pop(key) for key in keys if key in self._carriers}:
            self.journal.mined(tx_hash, block=self._nonce, status=1, gas_used=1)
            self.journal.final(tx_hash)

    def settle_all(self, outcomes: Iterable[tuple[str, str, Mapping[str, object] | None]]) -> None:
        """Record what was seen on chain."""
        self.journal.settle_all(outcomes)
