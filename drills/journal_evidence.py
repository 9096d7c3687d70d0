"""Compare the keeper's journal with the chain: what it signed, what became of each, and why it set a status.

The journal only says which hashes there are, and why; what happened to them is asked of the chain.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from drills.chain import DrillChain
from keepers.breaker.deeds import What
from keepers.breaker.keeper import KIND
from runtime.journal.reader import JournalReader
from runtime.journal.records import IntentRecord, TransactionRecord
from venues.exchange.chain import quantity

HASHES_PER_REQUEST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the breaker set a status."""

    by: str
    """The machine that decided."""
    why: str


Reasons = Mapping[tuple[str, str], Reason]
"""By the transaction's hash and the market's symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The keeper's transactions by what became of them."""

    sent: int
    """Signed transactions that left, replacements included."""
    mined: int
    replaced: int
    """Attempts whose nonce another attempt took."""
    failed: int
    """Mined, and reverted."""
    lane_to_nonces: dict[str, dict[int, int]]
    """Mined transactions by lane and nonce; exactly one each is as it must be."""
    reasons: Reasons = field(default_factory=dict)
    """Of every status that the breaker asked for."""

    def is_each_nonce_mined_once(self, lane: str, chain_nonce: int) -> bool:
        """Say whether nonces 0 … n-1 were each mined once, by a transaction of the journal."""
        counts = self.lane_to_nonces.get(lane, {})
        return counts == dict.fromkeys(range(chain_nonce), 1)


async def gather(journal: Path, chain: DrillChain) -> Evidence:
    """Read the journal, without a lock, and ask the chain for every receipt."""
    with JournalReader.open_to_read(journal) as reader:
        records = [
            record
            for lane in reader.lanes()
            for record in reader.transactions_at_or_above(lane.lane, 0)
        ]
        writes = reader.intents(kind=KIND)
    statuses: dict[str, int] = {}
    for start in range(0, len(records), HASHES_PER_REQUEST):
        part = [record.hash for record in records[start : start + HASHES_PER_REQUEST]]
        for name, receipt in zip(part, await chain.find_receipts(part), strict=True):
            if receipt is not None:
                statuses[name] = quantity(receipt["status"])
    return replace(evidence(records, statuses), reasons=reasons_of(writes, records))


def evidence(records: list[TransactionRecord], statuses: dict[str, int]) -> Evidence:
    """Judge what was signed by what was mined; `statuses` are the receipts', by hash."""
    lanes: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for record in records:
        is_mined = record.hash in statuses
        nonces = lanes[record.lane]
        nonces[record.nonce] = nonces.get(record.nonce, 0) + is_mined
    return Evidence(
        sent=sum(record.sent_at is not None or record.hash in statuses for record in records),
        mined=len(statuses),
        replaced=sum(
            record.hash not in statuses and lanes[record.lane][record.nonce] > 0
            for record in records
        ),
        failed=sum(status != 1 for status in statuses.values()),
        lane_to_nonces=dict(lanes),
    )


def reasons_of(writes: Iterable[IntentRecord], records: Iterable[TransactionRecord]) -> Reasons:
    """Give the reason of every status asked for, under each attempt at its nonce."""
    places = {record.id: (record.lane, record.nonce) for record in records}
    hashes: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for record in records:
        hashes[record.lane, record.nonce].append(record.hash)
    return {
        (tx_hash, write.market): Reason(
            by=str(write.payload["by"]).replace("_", "-"), why=str(write.payload["why"])
        )
        for write in writes
        if write.payload.get("what") == What.STATUS.value and write.transaction_id is not None
        for tx_hash in hashes[places[write.transaction_id]]
    }
