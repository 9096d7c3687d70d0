"""The same independent checks at the end of every fault; the keeper is asked nothing.

*Lost*: an account that should have been liquidated and was not; an intent or a transaction without
an end; a nonce of a keeper's key that its journal cannot explain. *Doubled*: more than one
liquidation of an account in one wave, one of an account that was not due, two for one intent.
*Unbalanced*: any of the drill's invariants about the books, to the atom. Each finding is a
sentence; a good run has none.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from drills.breaks import Breaks
from drills.chain import DrillChain
from drills.chain_events import ChainEvent
from drills.final_state import FinalState, read_final_state
from drills.invariants import Findings, accounts_due, check_invariants
from drills.journal_evidence import Evidence
from drills.replay import Replay
from drills.tally import Tally
from risk.liquidation import LiquidationRules
from risk.units import AccountId, MarketId, parse_account
from runtime.journal.records import State
from tests.faults.journals import JournalStory, read_journal
from tests.faults.keeper import Keeper
from tests.faults.stage import LIQUIDATED, Stage
from tests.venues.exchange.contracts.harness import make_rules

_NOT_OF_THE_BOOKS: Final = frozenset(
    # The first is of the demo's lanes and is checked here by key; the second is "lost" here.
    {"each_nonce_is_mined_once", "nobody_is_left_to_liquidate", "no_transaction_failed"}
)
_ENDED: Final = frozenset(
    {State.FINAL, State.REPLACED, State.CANCELLED, State.EXPIRED, State.FAILED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found; empty everywhere is good."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    unbalanced: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Say whether nothing was found."""
        return not (self.lost or self.doubled or self.unbalanced)


def judge(stage: Stage) -> Verdict:
    """Judge a stage whose waves are done and whose keepers have settled."""
    state = asyncio.run(_final_state(stage))
    events = stage.events()
    mined = _mined_by(stage)
    stories = {keeper.key.address: read_journal(keeper.journal) for keeper in stage.keepers}
    lost = [
        *_waves_lost(stage, events),
        *(f"account {account} is still due" for account in _due(stage, state, events)),
    ]
    doubled = list(_waves_doubled(stage, events))
    for keeper in stage.keepers:
        story = stories[keeper.key.address]
        lost += _unfinished(keeper, story)
        lost += _unexplained(stage, keeper, story, mined.get(keeper.key.address, []))
        for is_double, finding in _intents_against_events(keeper, story, events):
            (doubled if is_double else lost).append(finding)
    return Verdict(
        lost=tuple(lost),
        doubled=tuple(doubled),
        unbalanced=tuple(name for name, holds in _books(stage, state, events).items() if not holds),
    )


# --- waves ---------------------------------------------------------------------------------------


def _windows(stage: Stage) -> Iterator[tuple[int, int, frozenset[int]]]:
    ends = [wave.block for wave in stage.waves[1:]] + [2**63]
    for wave, end in zip(stage.waves, ends, strict=True):
        yield wave.block, end, wave.due


def _counts(events: list[ChainEvent], first: int, end: int) -> Counter[int]:
    return Counter(
        event.values["account"]
        for event in events
        if event.name == "LiquidationResult"
        and event.values["code"] == LIQUIDATED
        and first <= event.block < end
    )


def _waves_lost(stage: Stage, events: list[ChainEvent]) -> Iterator[str]:
    for number, (first, end, due) in enumerate(_windows(stage)):
        counts = _counts(events, first, end)
        for account in sorted(due - counts.keys()):
            yield f"wave {number}: account {account} was due and never liquidated"


def _waves_doubled(stage: Stage, events: list[ChainEvent]) -> Iterator[str]:
    for number, (first, end, due) in enumerate(_windows(stage)):
        for account, count in sorted(_counts(events, first, end).items()):
            if account not in due:
                yield f"wave {number}: account {account} was liquidated and was not due"
            if count > 1:
                yield f"wave {number}: account {account} was liquidated {count} times"


# --- journals ------------------------------------------------------------------------------------


def _mined_by(stage: Stage) -> dict[str, list[tuple[int, str]]]:
    """Give (nonce, hash) of every mined transaction by sender, from the blocks themselves."""
    found: dict[str, list[tuple[int, str]]] = {}
    ours = {keeper.key.address for keeper in stage.keepers}
    for number in range(stage.head() + 1):
        for tx in stage.rpc.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
            if tx["from"] in ours:
                found.setdefault(tx["from"], []).append((int(tx["nonce"], 16), tx["hash"]))
    return found


def _unfinished(keeper: Keeper, story: JournalStory) -> Iterator[str]:
    for tx in story.transactions:
        if tx.state not in _ENDED:
            yield f"{keeper.folder.name}: transaction {tx.hash} at nonce {tx.nonce} is {tx.state}"
    for intent in story.intents:
        if intent.settled_at is None:
            yield f"{keeper.folder.name}: intent {intent.key} is {intent.state} and never settled"


def _unexplained(
    stage: Stage, keeper: Keeper, story: JournalStory, mined: list[tuple[int, str]]
) -> Iterator[str]:
    """Compare the nonces on chain with the journal, transaction by transaction."""
    accepted = stage.acknowledged.get(keeper.key.address, set())
    by_hash = {tx.hash: tx for tx in story.transactions}
    for nonce, name in mined:
        tx = by_hash.get(name)
        if tx is None:
            if nonce not in accepted:
                yield f"{keeper.folder.name}: nonce {nonce} was mined by {name}, not in the journal"
        elif tx.state not in (State.FINAL, State.FAILED) or (tx.state is State.FAILED) == (
            tx.status == 1
        ):
            yield f"{keeper.folder.name}: {name} is mined, the journal has it {tx.state}"
    hashes = {name for _, name in mined}
    for tx in story.transactions:
        if tx.state is State.FINAL and tx.hash not in hashes:
            yield f"{keeper.folder.name}: {tx.hash} is final in the journal and not on the chain"
    signed = {tx.nonce for tx in story.transactions}
    used = {nonce for nonce, _ in mined}
    for nonce in sorted(signed - used):
        yield f"{keeper.folder.name}: nonce {nonce} was signed for and never used"


def _intents_against_events(
    keeper: Keeper, story: JournalStory, events: list[ChainEvent]
) -> Iterator[tuple[bool, str]]:
    """Match liquidations with intents, one to one; give (is it a double, what is wrong)."""
    address = keeper.key.address
    results = [
        event
        for event in events
        if event.name == "LiquidationResult" and event.values["keeper"] == address
    ]
    by_hash = {tx.hash: tx for tx in story.transactions}
    told: Counter[tuple[str, int]] = Counter()
    for event in results:
        tx = by_hash.get(event.transaction)
        if tx is None:
            continue  # Told by _unexplained, unless an operator has accepted its nonce.
        account = event.values["account"]
        told[event.transaction, account] += 1
        carried = [each for each in story.carried(tx) if parse_account(each.account) == account]
        if len(carried) != 1:
            yield True, f"{len(carried)} intents of nonce {tx.nonce} for account {account}"
            continue
        is_done = event.values["code"] == LIQUIDATED
        if is_done != (carried[0].outcome == "liquidated"):
            yield False, f"intent {carried[0].key}: {carried[0].outcome}, chain {event.values}"
    for (name, account), count in told.items():
        if count > 1:
            yield True, f"{name} liquidated account {account} {count} times"
    done = sum(
        event.values["code"] == LIQUIDATED for event in results if event.transaction in by_hash
    )
    said = sum(intent.outcome == "liquidated" for intent in story.intents)
    if said != done:
        yield False, f"{keeper.folder.name}: {said} intents say liquidated, the chain {done}"


# --- books ---------------------------------------------------------------------------------------


async def _final_state(stage: Stage) -> FinalState:
    chain = DrillChain(stage.anvil.http_url)
    chain.stand_at(stage.exchange.address, stage.exchange.token)
    try:
        state = await read_final_state(chain)
    finally:
        await chain.close()
    rewards = {
        keeper.key.address: int(stage.exchange.view("keeper_rewards", keeper.key.address))
        for keeper in stage.keepers
    }
    return replace(state, keeper_rewards={**state.keeper_rewards, **rewards})


def _findings(stage: Stage, state: FinalState, events: list[ChainEvent]) -> Findings:
    replay, tally, breaks = Replay(state.markets), Tally(), Breaks()
    for event in events:
        if event.block > state.block:
            continue
        account = replay.apply(event)
        left = None
        if event.name == "LiquidationResult" and account is None:
            values = event.values
            left = replay.position(AccountId(values["account"]), MarketId(values["market"]))
        tally.count(event, left)
        breaks.count(event)
    nothing = Evidence(sent=0, mined=0, replaced=0, failed=0, lane_to_nonces={})
    return Findings(
        state=state,
        replay=replay,
        tally=tally,
        breaks=breaks,
        evidence=nothing,
        rules=LiquidationRules(**make_rules()),  # type: ignore[arg-type]
        backstop=AccountId(stage.exchange.backstop),
    )


def _due(stage: Stage, state: FinalState, events: list[ChainEvent]) -> list[AccountId]:
    return accounts_due(_findings(stage, state, events))


def _books(stage: Stage, state: FinalState, events: list[ChainEvent]) -> dict[str, bool]:
    found = check_invariants(_findings(stage, state, events))
    return {name: holds for name, holds in found.items() if name not in _NOT_OF_THE_BOOKS}
