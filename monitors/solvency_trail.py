"""What the solvency monitor keeps between two readings of all accounts, and how it reads one.

A reading is pinned to a block. While it goes on, looks go on too; the events they bring are kept, so
that the new base catches up with them at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from risk.columns import AccountColumns
from risk.solvency_claims import claims_of
from risk.solvency_flows import Event, FlowCount
from risk.solvency_rules import SolvencyRules
from risk.solvency_running import RunningBook
from risk.solvency_sheet import (
    Authority,
    BalanceSheet,
    BlockFacts,
    BookTotals,
    Claims,
    CodeFacts,
    TokenFacts,
)
from risk.units import AccountId, Seconds
from runtime.errors import TransientError
from venues.port import BlockRef


class SolvencyReading(Protocol):
    """Reads pinned to sealed blocks. Each raises RpcError or TransientError."""

    async def head(self, block: int | None = None) -> BlockRef:
        """Give the newest sealed block, or that of a number."""

    async def backstop(self) -> AccountId:
        """Give the backstop's account."""

    async def facts(self, block: int) -> BlockFacts:
        """Give pools, vault and markets."""

    async def accounts(self, block: int, count: int) -> list[AccountColumns]:
        """Give the first `count` accounts."""

    async def events(self, first: int, last: BlockRef) -> list[Event]:
        """Give all events of blocks `first` to `last` in order."""

    async def granted(self, first: int, last: int) -> set[bytes]:
        """Give everybody who was granted a role in these blocks."""

    async def authority(self, block: int, suspects: set[bytes]) -> Authority:
        """Give the owner and the roles of the suspects."""

    async def code(self, block: int) -> CodeFacts:
        """Give the code at the exchange's address."""

    async def token(self, block: int) -> TokenFacts:
        """Give the quote token."""


MOST_READINGS: Final = 3
"""After the first, the block is the newest no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvencySettings:
    """How often to look and to read; `roles_from` is the block the exchange was created in."""

    look_seconds: float = 0.5
    accounts_seconds: float = 10.0
    roles_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a sealed block brought, for those who listen."""

    sheet: BalanceSheet
    events: Sequence[Event]
    outage: Seconds
    """For how long no block came after the one looked at before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """At which block all accounts are read, and what the events said of it."""

    at: BlockRef
    suspects: frozenset[bytes]
    totals: BookTotals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read at a pin."""

    pin: Pin
    sheet: BalanceSheet
    running: RunningBook


@dataclass(slots=True)
class Trail:
    """From a reading on: the base, what events made of it, and those since the newest pin."""

    base: BalanceSheet
    running: RunningBook
    flows: FlowCount
    at: BlockRef
    suspects: set[bytes]
    since_pin: list[Event] = field(default_factory=list)

    @classmethod
    def after(cls, reading: Reading) -> "Trail":
        """Begin where a reading was pinned."""
        markets = reading.sheet.markets or {}
        return cls(
            base=reading.sheet,
            running=reading.running,
            flows=FlowCount(
                {number: (each.mark, each.open_interest) for number, each in markets.items()},
                first=reading.sheet.block + 1,
            ),
            at=reading.pin.at,
            suspects=set(reading.pin.suspects),
        )

    def follow(self, events: Sequence[Event], at: BlockRef) -> None:
        """Take in the events up to a block."""
        for event in events:
            self.running.apply(event)
            self.flows.add(event)
        self.since_pin += events
        self.suspects |= {each.values["who"] for each in events if each.name == "RoleChanged"}
        self.at = at

    def pin(self) -> Pin:
        """Pin a reading to where the trail stands; remember events from here on."""
        self.since_pin = []
        return Pin(at=self.at, suspects=frozenset(self.suspects), totals=self.running.totals)


async def settled_facts(reads: SolvencyReading, block: int) -> BlockFacts:
    """Read a block's facts, again if the next block came meanwhile.

    A node may answer for its newest block out of the state that it is just making the next one of.
    """
    facts = await reads.facts(block)
    if (await reads.head()).number > block:
        facts = await reads.facts(block)
    return facts


async def read_all(
    reads: SolvencyReading, pin: Pin, rules: SolvencyRules, previous: Claims | None
) -> Reading:
    """Read everything at a pin, of a block that is not the newest or stays so until all is read.

    Raises RpcError or TransientError.
    """
    block = pin.at.number
    for _ in range(MOST_READINGS):
        newest = await reads.head()
        reading = await _read_once(reads, pin, rules, previous)
        if newest.number > block or (await reads.head()).number == block:
            return reading
    raise TransientError(
        f"expected block {block} to be read in one piece, found new ones meanwhile"
    )


async def _read_once(
    reads: SolvencyReading, pin: Pin, rules: SolvencyRules, previous: Claims | None
) -> Reading:
    block = pin.at.number
    facts = await reads.facts(block)
    backstop = await reads.backstop()
    authority = await reads.authority(block, set(pin.suspects))
    code = await reads.code(block)
    token = await reads.token(block)
    pages = await reads.accounts(block, facts.account_count)
    after = await reads.head(block)
    if after.hash != pin.at.hash:
        raise TransientError(f"block {block} was replaced while it was read")
    claims, running = await asyncio.to_thread(_add_up, pages, facts, pin, backstop, rules, previous)
    sheet = BalanceSheet(
        block=block,
        timestamp=pin.at.timestamp,
        pools=facts.pools,
        markets=facts.markets,
        book=pin.totals or claims.book,
        claims=claims,
        authority=authority,
        code=code,
        token=token,
    )
    return Reading(pin=pin, sheet=sheet, running=running)


def _add_up(
    pages: Sequence[AccountColumns],
    facts: BlockFacts,
    pin: Pin,
    backstop: AccountId,
    rules: SolvencyRules,
    previous: Claims | None,
) -> tuple[Claims, RunningBook]:
    """Do the sums of a million accounts beside the loop that answers others."""
    claims = claims_of(
        pages,
        facts.markets,
        now=pin.at.timestamp,
        block=pin.at.number,
        backstop=backstop,
        rules=rules,
        previous=previous,
    )
    return claims, RunningBook(pages, market_count=len(facts.markets))
