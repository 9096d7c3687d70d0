"""20,000 accounts under margin at once: the real keeper against the same batches fired blind.

One publication lets every price fall by 5 %, on a node that makes a block every 10 ms.

- *blind*: the batches are signed beforehand (as many items in each as the keeper sends, with the gas
  limit of its cold estimate) and sent one after the other without waiting for anything. From the first
  send until the receipt of the last is seen. Done before and after the keeper's turn; the mean counts.
- *keeper*: the program as a process of its own, started before the fall. From the moment at which the
  publication is sent until the backstop is seen to hold everything that the crowd held: an independent
  read, asked for every few milliseconds. Then every account is read and must hold nothing.

Between them the node goes back to the same state. All send over one connection.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from keepers.sender.transaction import Transaction, address_of, assemble, signing_hash
from risk.gas_model import GasModel
from risk.units import AccountId, MarketId, Seconds
from tests.anvil import Anvil, JsonRpc
from tests.bench.chain_rig import (
    MAX_FEE,
    STRANGER_KEY,
    Opening,
    beating,
    forked,
    publish_data,
    read_everything,
    say,
    wait_receipt,
)
from tests.bench.crowd import Crowd, crowded_chain
from tests.bench.ticker import ticking
from tests.scenarios.keeper import KeeperProcess, write_profile
from tests.venues.exchange.contracts.harness import Chain, Exchange
from venues.exchange.abi import load_abi
from venues.exchange.calls import CallEncoder
from venues.port import LiquidationItem

ACCOUNTS: Final = 20_000
ITEMS: Final = 100
"""Liquidations in one transaction."""
IN_FLIGHT: Final = 8
"""The keeper's transactions on their way at once."""
FOLDER: Final = Path(__file__).parents[2] / "build" / "bench" / "cascade"

_POLL_SECONDS: Final = 0.02
_SLOW_BLOCKS: Final = 0.25
"""While the keeper starts: the node keeps the state of few blocks, and a snapshot names one."""
_MOST_SECONDS: Final = 240.0
_CHAIN_ID: Final = 31_337


_Result = TypeVar("_Result")


def run(crowd: Crowd | None = None) -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    if crowd is None:
        with crowded_chain() as own:
            return run(own)
    crowd.grow(ACCOUNTS)
    people = crowd.people[:ACCOUNTS]
    with forked(crowd.anvil) as anvil, JsonRpc(anvil.http_url) as rpc:
        say("cascade: the fork reads every account")
        exchange = _on(crowd.exchange, rpc)
        read_everything(anvil, exchange)
        before = _on_a_copy(rpc, lambda: _blind(anvil, exchange, crowd, people))
        say(f"cascade: {len(people) / before:.0f} accounts a second blind; now the keeper")
        kept, worked = _on_a_copy(rpc, lambda: _kept(anvil, exchange, crowd, people))
        say(f"cascade: {len(people) / kept:.0f} accounts a second by the keeper")
        after = _on_a_copy(rpc, lambda: _blind(anvil, exchange, crowd, people))
        say(f"cascade: {len(people) / after:.0f} accounts a second blind")
    blind = (before + after) / 2
    return {
        "cascade_blind_per_second": len(people) / blind,
        "cascade_keeper_per_second": len(people) / kept,
        "cascade_keeper_seconds": kept,
        "cascade_keeper_cpu_us_per_account": worked / len(people) * 1e6,
        "cascade_over_blind_ratio": blind / kept,
    }


def _on_a_copy(rpc: JsonRpc, work: Callable[[], _Result]) -> _Result:
    """Do something, then put the chain back to where it was."""
    start = rpc.call("evm_snapshot")
    result = work()
    if not rpc.call("evm_revert", start):
        raise RuntimeError("expected the node to go back to its snapshot")
    return result


def _blind(anvil: Anvil, exchange: Exchange, crowd: Crowd, people: Sequence[Opening]) -> float:
    rpc = exchange.chain.rpc
    rpc.call("anvil_setBalance", f"0x{address_of(STRANGER_KEY.public_key).hex()}", hex(10**24))
    signed = _signed(exchange, people)
    with beating(anvil):
        _fall(exchange, crowd)
        began = time.monotonic()
        hashes = [rpc.call("eth_sendRawTransaction", raw) for raw in signed]
        wait_receipt(rpc, hashes[-1])
        seconds = time.monotonic() - began
    _require_all_closed(exchange, people)
    return seconds


def _kept(
    anvil: Anvil, exchange: Exchange, crowd: Crowd, people: Sequence[Opening]
) -> tuple[float, float]:
    """Give the keeper's seconds, and how many of them it used a processor."""
    with _keeper(anvil, exchange) as keeper, beating(anvil):
        goal = _held(exchange, people)
        worked = _processor_seconds(keeper)
        began = time.monotonic()
        _fall(exchange, crowd)
        while any(_backstop(exchange).get(market, 0) < size for market, size in goal.items()):
            if time.monotonic() - began > _MOST_SECONDS:
                raise TimeoutError(f"expected the cascade to end within {_MOST_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
        seconds = time.monotonic() - began
        worked = _processor_seconds(keeper) - worked
    _require_all_closed(exchange, people)
    return seconds, worked


def _processor_seconds(keeper: KeeperProcess) -> float:
    assert keeper.process is not None, "expected a running keeper"
    stat = Path(f"/proc/{keeper.process.pid}/stat").read_text(encoding="ascii")
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _keeper(anvil: Anvil, exchange: Exchange) -> Iterator[KeeperProcess]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    profile = write_profile(FOLDER, anvil, exchange.address)
    knobs = {
        "[sender]": f"max_in_flight = {IN_FLIGHT}",
        "[liquidation]": f"max_items_per_transaction = {ITEMS}\n"
        f"max_batches_in_flight = {IN_FLIGHT}\nmax_gas_per_transaction = 60_000_000",
    }
    text = profile.read_text()
    for section, lines in knobs.items():
        text = text.replace(section, f"{section}\n{lines}")
    profile.write_text(text)
    keeper = KeeperProcess(profile, FOLDER / "keeper.log")
    keeper.start()
    try:
        with ticking(anvil.http_url, _SLOW_BLOCKS):
            keeper.wait_ready()
        yield keeper
    finally:
        keeper.kill()


def _fall(exchange: Exchange, crowd: Crowd) -> None:
    data = publish_data(exchange, crowd.marks_after_fall())
    pricer = exchange.chain.actors["pricer"]
    call = {"from": pricer, "to": exchange.address, "data": data, "gas": hex(3_000_000)}
    wait_receipt(exchange.chain.rpc, exchange.chain.rpc.call("eth_sendTransaction", call))


def _signed(exchange: Exchange, people: Sequence[Opening]) -> list[str]:
    encoder, gas = CallEncoder(load_abi()), GasModel().bound(items=ITEMS, positions=ITEMS)
    signed: list[str] = []
    for nonce, start in enumerate(range(0, len(people), ITEMS)):
        items = [
            LiquidationItem(
                account=AccountId(each.account), market=MarketId(each.market), max_size=0
            )
            for each in people[start : start + ITEMS]
        ]
        transaction = Transaction(
            chain_id=_CHAIN_ID,
            nonce=nonce,
            tip=0,
            max_fee=MAX_FEE,
            gas=gas,
            to=bytes.fromhex(exchange.address[2:]),
            value=0,
            data=encoder.liquidate(items, Seconds(2**40)),
        )
        signature = STRANGER_KEY.sign_recoverable(signing_hash(transaction), hasher=None)
        signed.append("0x" + assemble(transaction, signature).raw.hex())
    return signed


def _on(exchange: Exchange, rpc: JsonRpc) -> Exchange:
    """Speak to the same exchange on another node."""
    other: Exchange = object.__new__(Exchange)
    other.__dict__.update(exchange.__dict__)
    other.chain = Chain(rpc)
    return other


def _held(exchange: Exchange, people: Sequence[Opening]) -> dict[int, int]:
    """Give what the backstop holds of each market once it has everybody's position."""
    goal = _backstop(exchange)
    for each in people:
        goal[each.market] = goal.get(each.market, 0) + each.size
    return goal


def _backstop(exchange: Exchange) -> dict[int, int]:
    rows: dict[int, dict[str, Any]] = exchange.rows(exchange.backstop)[1]
    return {market: row["size"] for market, row in rows.items()}


def _require_all_closed(exchange: Exchange, people: Sequence[Opening]) -> None:
    for start in range(0, len(people), 128):
        accounts = [each.account for each in people[start : start + 128]]
        held = exchange.view("account_rows", accounts)["positions"]
        if held:
            raise RuntimeError(f"expected every account to be closed out, {len(held)} are not")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
