"""What the chain and the journal say of a keeper's writes, without asking the keeper.

The chain's logs tell which status was set by which transaction; the journal tells what was meant, what
was signed and how it ended. Both must tell the same story.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from drills.chain import DrillChain
from drills.journal_evidence import Evidence, gather
from keepers.breaker.keeper import DONE, KIND
from risk.units import MarketStatus
from runtime.journal import JournalReader, Purpose, State
from tests.scenarios.breach_stage import LANES, House
from venues.exchange.abi import load_abi

BLOCKS_PER_QUESTION: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWrite:
    """One `StatusChanged` on chain."""

    market: int
    status: MarketStatus
    block: int
    transaction: str


def status_writes(house: House) -> list[StatusWrite]:
    """Read every change of a status from the chain's logs, in order."""
    exchange = house.exchange
    rpc, topic = exchange.chain.rpc, f"0x{load_abi().event('StatusChanged').topic.hex()}"
    last = int(rpc.call("eth_blockNumber"), 16)
    found: list[StatusWrite] = []
    for first in range(exchange.first_block, last + 1, BLOCKS_PER_QUESTION):
        asked = {
            "address": exchange.address,
            "fromBlock": hex(first),
            "toBlock": hex(min(last, first + BLOCKS_PER_QUESTION - 1)),
            "topics": [topic],
        }
        for log in rpc.call("eth_getLogs", asked):
            event = exchange.abi.event(log)
            found.append(
                StatusWrite(
                    market=event["market"],
                    status=MarketStatus(event["status"]),
                    block=int(log["blockNumber"], 16),
                    transaction=log["transactionHash"],
                )
            )
    return found


def is_all_settled(house: House) -> bool:
    """Say whether the journal waits for nothing any more."""
    with JournalReader.open_to_read(house.journal) as reader:
        return not reader.in_flight() and not any(map(reader.open_transactions, LANES))


def disagreements(house: House, writes: Sequence[StatusWrite]) -> list[str]:
    """Say in sentences where journal and chain tell different stories, and what has no end."""
    return [*_unfinished(house), *_strangers(house, writes)]


def evidence(house: House, url: str) -> Evidence:
    """Ask the chain what became of every transaction that the journal holds."""

    async def ask() -> Evidence:
        chain = DrillChain(url)
        try:
            return await gather(house.journal, chain)
        finally:
            await chain.close()

    return asyncio.run(ask())


def _unfinished(house: House) -> Iterator[str]:
    with JournalReader.open_to_read(house.journal) as reader:
        for intent in reader.intents(kind=KIND):
            if intent.settled_at is None or not intent.outcome:
                yield f"{intent.key} has no outcome (it is {intent.state.value})"
            elif intent.state is State.FINAL and intent.outcome != DONE:
                yield f"{intent.key} is final, and its outcome is {intent.outcome}"
        for lane in LANES:
            for record in reader.open_transactions(lane):
                yield f"{record.hash} of {lane} is {record.state.value}"


def _strangers(house: House, writes: Sequence[StatusWrite]) -> Iterator[str]:
    """Compare the transactions that changed a status with those whose intents say that they did."""
    on_chain = {write.transaction: write for write in writes}
    meant: dict[str, tuple[str, str]] = {}
    with JournalReader.open_to_read(house.journal) as reader:
        for lane in LANES:
            for record in reader.transactions_at_or_above(lane, 0):
                intents = reader.intents_at(lane, record.nonce)
                is_final = record.state is State.FINAL and record.purpose is Purpose.CALL
                for intent in intents if is_final else ():
                    if intent.payload["what"] == "status":
                        meant[record.hash] = (intent.market, str(intent.payload["value"]))
    for name in on_chain.keys() | meant.keys():
        write = on_chain.get(name)
        told = None if write is None else (house.symbols[write.market], write.status.name.lower())
        if told != meant.get(name):
            yield f"{name}: the chain says {told}, the journal {meant.get(name)}"
