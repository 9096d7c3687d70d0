"""A lane on a real chain with a real journal, and the levers a test needs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import coincurve
from prometheus_client import CollectorRegistry

from keepers.sender import (
    FeeBook,
    FeeRules,
    Lane,
    LaneSettings,
    LocalSigner,
    Outcome,
    Policy,
    RpcChain,
    SenderMetrics,
    SigningPolicy,
    Tools,
)
from keepers.sender.chain import Chain
from keepers.sender.transaction import address_text
from runtime.journal import Intent, Journal
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.pool import RpcPool
from runtime.rpc.submit import RawSubmitter
from tests.anvil import Anvil, JsonRpc
from venues.port import Call

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""Anvil's well-known first key."""
ADDRESS = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
CHAIN_ID = 31337
LOGGER = bytes.fromhex("e1" * 20)
REVERTER = bytes.fromhex("e2" * 20)
SELECTOR = b"\x12\x34\x56\x78"
GWEI = 10**9

_LOG_AND_STOP = "0x60006000a000"
_REVERT = "0x60006000fd"

QUICK = Policy(
    confirmations=2,
    fee_cap=100 * GWEI,
    cancel_fee_cap=150 * GWEI,
    lookup_every_seconds=0.0,
    foreign_misses=2,
)


class ShiftedClock:
    """The machine's clocks, ahead by as much as a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time() + self.ahead

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic() + self.ahead


def signing_policy() -> SigningPolicy:
    """Allow the two contracts of these tests."""
    both = SigningPolicy.calls(LOGGER, [SELECTOR]) | SigningPolicy.calls(REVERTER, [SELECTOR])
    return SigningPolicy(chain_id=CHAIN_ID, allowed=both, max_fee=150 * GWEI, max_gas=1_000_000)


def make_intent(number: int = 0) -> Intent:
    """One wish of many."""
    return Intent(
        kind="liquidation",
        market="TSLA",
        account=f"0xbb/{number}",
        judged_on=f"block {number}",
        expires_at=2**40,
        payload={"reason": "equity below maintenance margin"},
    )


def make_call(to: bytes = LOGGER, *, gas: int = 100_000) -> Call:
    """A call that the policy allows."""
    return Call(to=to, data=SELECTOR + bytes(32), gas=gas)


@dataclass(slots=True)
class Rig:
    """Everything around one lane."""

    lane: Lane
    journal: Journal
    clock: ShiftedClock
    rpc: JsonRpc
    tools: Tools
    registry: CollectorRegistry
    outcomes: list[Outcome] = field(default_factory=list)

    async def submit(self, number: int = 0, **facts: int) -> str:
        """Submit one intent and wait for the node's answer; gives the hash."""
        expires_at = facts.get("expires_at", 2**40)
        ticket = await self.lane.submit([make_intent(number)], make_call(), expires_at=expires_at)
        assert ticket.transaction_hash is not None, ticket
        await self.lane._care.drain()
        return ticket.transaction_hash

    async def turn(self, *, after_seconds: float = 0.0) -> None:
        """Let the lane look at the chain once, later."""
        self.clock.ahead += after_seconds
        await self.lane.run_once()
        await self.lane._care.drain()

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks."""
        for _ in range(blocks):
            self.rpc.call("evm_mine")

    def results(self) -> list[str]:
        """What listeners heard."""
        return [outcome.result.value for outcome in self.outcomes]

    async def hear(self, *results: str) -> None:
        """Wait until listeners have heard exactly these."""
        for _ in range(250):
            if self.results() == list(results):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"expected {results}, heard {self.results()}")

    def sample(self, name: str, **labels: str) -> float | None:
        """Read a metric of the lane."""
        return self.registry.get_sample_value(name, {"lane": self.lane.name, **labels})

    def pool_nonces(self) -> dict[int, str]:
        """The node's pool: nonce to hash, pending and queued."""
        content = self.rpc.call("txpool_content")
        found: dict[int, str] = {}
        for part in ("pending", "queued"):
            for address, waiting in content[part].items():
                if address.lower() == address_text(ADDRESS):
                    found |= {int(nonce): item["hash"] for nonce, item in waiting.items()}
        return found


def prepare_chain(rpc: JsonRpc, *, automine: bool) -> None:
    """Put the contracts of these tests in place."""
    rpc.call("anvil_setCode", address_text(LOGGER), _LOG_AND_STOP)
    rpc.call("anvil_setCode", address_text(REVERTER), _REVERT)
    rpc.call("evm_setAutomine", automine)


@contextlib.asynccontextmanager
async def running_submitter(anvil: Anvil, *, sync: bool = False) -> AsyncIterator[RpcChain]:
    """Connect to the node as a daemon would."""
    endpoint = Endpoint(name="anvil", http_url=anvil.http_url, ws_url=anvil.websocket_url)
    async with RpcPool([endpoint], random=Random(7)) as pool:
        if sync:
            await pool.probe()
        submitter = RawSubmitter(pool, reply_seconds=3.0)
        stop = asyncio.Event()
        running = asyncio.create_task(submitter.run(stop))
        await submitter.wait_connected(5.0)
        try:
            yield RpcChain(pool, submitter)
        finally:
            stop.set()
            await running


def make_tools(
    chain: Chain,
    journal: Journal,
    clock: ShiftedClock,
    registry: CollectorRegistry,
    policy: Policy = QUICK,
) -> Tools:
    """What a lane works with."""
    rules = FeeRules(floor=2 * GWEI, cap=policy.fee_cap, tip=GWEI)
    return Tools(
        chain=chain,
        signer=LocalSigner(coincurve.PrivateKey(KEY), signing_policy()),
        journal=journal,
        clock=clock,
        policy=policy,
        fees=FeeBook(rules),
        metrics=SenderMetrics.create(registry, lanes=["urgent"]).of("urgent"),
        cancel_gas=60_000,
    )


@contextlib.asynccontextmanager
async def running_rig(
    anvil: Anvil,
    folder: Path,
    *,
    policy: Policy = QUICK,
    settings: LaneSettings | None = None,
    wrap: Callable[[RpcChain], Chain] | None = None,
    automine: bool = False,
    sync: bool = False,
) -> AsyncIterator[Rig]:
    """Start a lane; `wrap` may put something between it and the chain."""
    clock, registry = ShiftedClock(), CollectorRegistry()
    with JsonRpc(anvil.http_url) as rpc, Journal.open(folder / "journal.sqlite", clock) as journal:
        prepare_chain(rpc, automine=automine)
        async with running_submitter(anvil, sync=sync) as chain:
            wrapped = chain if wrap is None else wrap(chain)
            tools = make_tools(wrapped, journal, clock, registry, policy)
            lane = Lane("urgent", tools, settings or LaneSettings())
            rig = Rig(lane, journal, clock, rpc, tools, registry)
            lane.subscribe(rig.outcomes.append)
            await lane.start()
            yield rig
