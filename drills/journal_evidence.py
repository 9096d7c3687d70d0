"""Compare the keeper's journal with the chain: what it signed, and what became of each.

The journal only says which hashes there are; what happened to them is asked of the chain.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drills.chain import DrillChain
from runtime.journal.reader import JournalReader
from runtime.journal.records import TransactionRecord
from venues.exchange.chain import quantity

HASHES_PER_REQUEST: Final = 50


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
    statuses: dict[str, int] = {}
    for start in range(0, len(records), HASHES_PER_REQUEST):
        part = [record.hash for record in records[start : start + HASHES_PER_REQUEST]]
        for name, receipt in zip(part, await chain.find_receipts(part), strict=True):
            if receipt is not None:
                statuses[name] = quantity(receipt["status"])
    return evidence(records, statuses)


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
