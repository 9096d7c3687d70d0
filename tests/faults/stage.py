"""The stage of every fault: a real node, the real exchange, traders, keepers, and waves of prices.

A wave opens fresh positions near their margin and moves the mark against them in one step. Who is
due is read from the exchange at the price's own block, before any keeper could act; each of them must
be liquidated once before the next wave. Waves alternate in direction, so that those of earlier
waves recover and a wave's due accounts are its own.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from drills.chain_events import ChainEvent, EventReader
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.faults.blocks import Blocks
from tests.faults.journals import open_work
from tests.faults.keeper import EndpointUrls, Keeper, wait_until
from tests.faults.keys import DevKey
from tests.venues.exchange.contracts.harness import Chain, Exchange, price, shares, usd
from venues.exchange.abi import load_abi

RICH: Final = 9_999
"""The subaccount of the maker on the other side of every position."""
HIGH, LOW = 100, 93
LIQUIDATED: Final = 0


@dataclass(slots=True, kw_only=True)
class Wave:
    """One move of the mark: at which block, who was due, when and where they were done."""

    block: int
    mark: int
    due: frozenset[int]
    began_at: float
    blocks: int | None = None
    """From the price, or the end of the fault, to the last liquidation."""
    milliseconds: int | None = None


@dataclass(slots=True, kw_only=True)
class Stage:
    """What a fault plays on."""

    anvil: Anvil
    rpc: JsonRpc
    exchange: Exchange
    blocks: Blocks
    folder: Path
    random: Random
    keepers: list[Keeper] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    traders: list[int] = field(default_factory=list)
    healed_at: tuple[int, float] = (0, 0.0)
    """Block and monotonic time at which the fault was over: recovery is measured from there."""
    acknowledged: dict[str, set[int]] = field(default_factory=dict)
    """By keeper's address: nonces that an operator has accepted as not its journal's."""

    faults: int = 0
    """How many were played: what the table counts as runs."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the table should know."""
    wanted_mark: int = HIGH
    _priced_at: int = 0

    def endpoint(self, name: str = "node") -> EndpointUrls:
        """Give the node itself, without a proxy."""
        return EndpointUrls(name=name, http=self.anvil.http_url, ws=self.anvil.websocket_url)

    def keeper(
        self,
        *endpoints: EndpointUrls,
        sections: Mapping[str, Mapping[str, object]] | None = None,
        wei: int = 10**20,
    ) -> Keeper:
        """Prepare a keeper with a key of its own and some gas; the case starts it."""
        name = f"keeper-{len(self.keepers)}"
        folder = self.folder / name
        folder.mkdir()
        key = DevKey.of(name)
        self.rpc.call("anvil_setBalance", key.address, hex(wei))
        keeper = Keeper(
            folder=folder,
            exchange=self.exchange.address,
            endpoints=endpoints or (self.endpoint(),),
            key=key,
            sections=sections or {},
        )
        self.keepers.append(keeper)
        return keeper

    # --- waves -----------------------------------------------------------------------------------

    @property
    def mark(self) -> int:
        """The mark in whole dollars."""
        return int(self.exchange.market()["mark"]) // 10**8

    def open_positions(self, count: int) -> None:
        """Open positions that the next move puts under margin, and one that it never does."""
        mark = self.mark
        sign = 1 if mark == HIGH else -1
        maker = self.exchange.account(RICH)
        for number in range(count + 1):
            account = self.exchange.account(len(self.traders) + 1)
            size = self.random.randrange(5, 40)
            collateral = size * mark * (11 if number < count else 40) // 100 + 1
            self.exchange.fund(account, collateral)
            entry = (account, maker, 0, sign * shares(size), price(mark))
            self.exchange.send("matcher", "settle_trades", [entry])
            self.traders.append(account)

    def publish(self, mark: int, *, alone: bool = False) -> int:
        """Publish a mark at the chain's time; give the block.

        With `alone`, while no blocks come: in a block of its own, after which none comes again.
        """
        now = self._priced_at = self.exchange.chain.now()
        self.wanted_mark = mark
        call = {
            "from": self.exchange.chain.actors["pricer"],
            "to": self.exchange.address,
            "data": self.exchange.abi.call_data("publish", [(0, price(mark), price(mark), now)]),
        }
        if not alone:
            return int(self.exchange.chain.transact(call)["blockNumber"], 16)
        name = self.rpc.call("eth_sendTransaction", {**call, "gas": hex(10**7)})
        self.rpc.call("evm_mine")
        return int(self.rpc.call("eth_getTransactionReceipt", name)["blockNumber"], 16)

    def move(self, *, alone: bool = False) -> Wave:
        """Move the mark against those who are open, and note who is due from there."""
        mark = LOW if self.mark == HIGH else HIGH
        block = self.publish(mark, alone=alone)
        wave = Wave(
            block=block,
            mark=mark,
            due=frozenset(account for account in self.traders if self.is_due(account, block)),
            began_at=time.monotonic(),
        )
        assert wave.due, "expected a wave that puts somebody under margin"
        self.waves.append(wave)
        return wave

    def wave(self, count: int = 4) -> Wave:
        """Open positions and move the mark."""
        self.open_positions(count)
        return self.move()

    def mend_wave(self) -> None:
        """After blocks were taken back: do what pricer and matcher would, and note who is due now."""
        wave = self.waves[-1]
        if self.mark != wave.mark or not self._is_priced_since(wave.block):
            wave.block = self.publish(wave.mark)
        due = [account for account in self.traders if self.is_due(account, wave.block)]
        wave.due = frozenset(due)

    def _is_priced_since(self, block: int) -> bool:
        return any(event.name == "PricePublished" for event in self.events(block))

    def is_due(self, account: int, block: int | str = "latest") -> bool:
        """Ask the exchange whether an account is below its maintenance margin at a block."""
        call = {
            "to": self.exchange.address,
            "data": self.exchange.abi.call_data("account_state", account),
        }
        tag = hex(block) if isinstance(block, int) else block
        state: dict[str, Any] = self.exchange.abi.result(
            "account_state", self.rpc.call("eth_call", call, tag)
        )
        return bool(state["equity"] < state["maintenance_margin"])

    def done(self, wave: Wave) -> bool:
        """Say whether nobody of a wave is due any more."""
        return not any(self.is_due(account) for account in wave.due)

    def finish(self, wave: Wave | None = None) -> None:
        """Wait until a wave's accounts are liquidated, and note how long it took."""
        wave = wave or self.waves[-1]
        self.wait(lambda: self.done(wave), f"all {len(wave.due)} due accounts are liquidated")
        healed_block, healed_at = self.healed_at
        last = max((each.block for each in self.liquidations(wave.block)), default=wave.block)
        wave.blocks = max(0, last - max(wave.block, healed_block))
        done_at = self.blocks.seen_at.get(last, 0.0)
        wave.milliseconds = round(1_000 * max(0.0, done_at - max(wave.began_at, healed_at)))

    def healed(self) -> None:
        """Note that the fault is over: from now on recovery counts."""
        self.healed_at = (self.head(), time.monotonic())

    def settle(self) -> None:
        """Wait until every keeper has nothing in flight and its last transaction is final."""
        for keeper in self.keepers:
            if keeper.is_alive:
                self.wait(partial(_has_nothing_open, keeper), "all is final")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait, while the pricer says the same mark again every second, as a pricer does."""

        def with_a_price() -> bool:
            if self.exchange.chain.now() > self._priced_at:
                self.publish(self.wanted_mark)
            return condition()

        wait_until(with_a_price, what)

    # --- the chain -------------------------------------------------------------------------------

    def head(self) -> int:
        """Give the newest block's number."""
        return int(self.rpc.call("eth_blockNumber"), 16)

    def wait_blocks(self, count: int) -> None:
        """Wait for so many more blocks."""
        until = self.head() + count
        wait_until(lambda: self.head() >= until, f"block {until} comes")

    def events(self, first: int = 0) -> list[ChainEvent]:
        """Read the exchange's events since a block, decoded apart from the keeper."""
        wanted = {"address": self.exchange.address, "fromBlock": hex(first), "toBlock": "latest"}
        return EventReader(load_abi()).read(self.rpc.call("eth_getLogs", wanted))

    def liquidations(self, first: int = 0) -> list[ChainEvent]:
        """List the liquidations that closed something since a block."""
        return [
            event
            for event in self.events(first)
            if event.name == "LiquidationResult" and event.values["code"] == LIQUIDATED
        ]


def _has_nothing_open(keeper: Keeper) -> bool:
    return open_work(keeper.journal) == 0


@contextlib.contextmanager
def running_stage(
    folder: Path, seed: int, *, start: int | None = None, **market: int
) -> Iterator[Stage]:
    """Set the stage: one market at 100 dollars, a rich backstop, a rich maker.

    The chain's clock begins at `start`, or with ours, and goes on as ours does.
    """
    options = () if start is None else ("--timestamp", str(start))
    with (
        running_anvil(accounts=12, options=("--no-mining", *options)) as anvil,
        JsonRpc(anvil.http_url) as rpc,
        Blocks(anvil).running() as blocks,
    ):
        exchange = Exchange(Chain(rpc))
        exchange.create_market(HIGH, **market)
        exchange.fund(exchange.backstop, 1_000_000)
        exchange.send("owner", "fund_insurance", usd(100_000))
        exchange.fund(exchange.account(RICH), 10_000_000)
        # The harness stops the chain's clock; here it goes on, as the price's age must.
        rpc.call("anvil_removeBlockTimestampInterval")
        stage = Stage(
            anvil=anvil,
            rpc=rpc,
            exchange=exchange,
            blocks=blocks,
            folder=folder,
            random=Random(seed),
        )
        try:
            yield stage
        finally:
            for keeper in stage.keepers:
                keeper.kill()
