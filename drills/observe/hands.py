"""What a thief, an owner or a defect would do on chain, done by the node's own means.

The node signs for the accounts that it holds, takes any sender's place, and writes storage: what it does
is mined as everything else is, but for storage and balances, which change without a transaction.
"""

import asyncio
import subprocess
import sys
from typing import Final

from drills.anvil import ROOT
from drills.chain import DrillChain, DrillFault
from drills.dev_keys import BANK, KEEPER, OWNER
from drills.observe.stage import Stage
from risk.units import ATOMS_PER_USD
from venues.exchange.encoding import encode_call

LOOT: Final = 1_000 * ATOMS_PER_USD
STRANGER: Final = bytes.fromhex("00000000000000000000000000000000deadbeef")
GUARDIAN_ROLE: Final = 6
GAS: Final = 500_000
_HALF_WORD: Final = 128


async def order(stage: Stage, *words: str) -> None:
    """Give the keeper an order as its operator does: by the command."""
    arguments = [*words, "--config", str(stage.profile), "--reason", "a drill of the alerts"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "keepers",
        *arguments,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise DrillFault(f"bellkeeper {' '.join(words)} said: {said.decode()}")


async def set_balance(chain: DrillChain, address: str, wei: int) -> None:
    """Leave an account with so much for gas."""
    await chain.rpc.call("anvil_setBalance", [address, hex(wei)])


async def transact(chain: DrillChain, sender: str, to: str, data: bytes) -> None:
    """Send from an account that the node can speak for, and wait until it is mined."""
    request = {"from": sender, "to": to, "data": f"0x{data.hex()}", "gas": hex(GAS)}
    name = await chain.rpc.call("eth_sendTransaction", [request])
    await chain.receipts([str(name)])


async def rob_vault(stage: Stage) -> None:
    """Move tokens of the exchange as if a defect let them go."""
    chain = stage.chain
    vault = chain.exchange_address
    await set_balance(chain, vault, 10**18)
    await chain.rpc.call("anvil_impersonateAccount", [vault])
    transfer = chain.token.function("transfer")
    data = encode_call(transfer, (bytes.fromhex(BANK[2:]), LOOT))
    await transact(chain, vault, chain.token_address, data)


async def return_loot(stage: Stage) -> None:
    """Give it back."""
    chain = stage.chain
    data = encode_call(
        chain.token.function("transfer"), (bytes.fromhex(chain.exchange_address[2:]), LOOT)
    )
    await transact(chain, BANK, chain.token_address, data)


async def grant_role(stage: Stage) -> None:
    """Let the owner give a stranger the guardian's role."""
    data = stage.chain.exchange.call("grant", STRANGER, GUARDIAN_ROLE)
    await transact(stage.chain, OWNER, stage.chain.exchange_address, data)


async def revoke_role(stage: Stage) -> None:
    """Take it away again."""
    data = stage.chain.exchange.call("revoke", STRANGER)
    await transact(stage.chain, OWNER, stage.chain.exchange_address, data)


async def use_key(stage: Stage) -> None:
    """Send something with the urgent lane's key, behind the keeper's back."""
    await transact(stage.chain, KEEPER, BANK, b"")


async def halve_insurance(stage: Stage) -> None:
    """Take half of the insurance fund from the books."""
    await _write_insurance(stage.chain, await _insurance(stage.chain) // 2)


async def restore_insurance(stage: Stage) -> None:
    """Put it back."""
    await _write_insurance(stage.chain, await _insurance(stage.chain) * 2)


async def _insurance(chain: DrillChain) -> int:
    return int.from_bytes(
        (await chain.view(chain.exchange_address, chain.exchange.call("funds")))[:32], "big"
    )


async def _write_insurance(chain: DrillChain, atoms: int) -> None:
    """Write the upper half of the one word that holds the fund; the lower half is another pool's."""
    now, exchange = await _insurance(chain), chain.exchange_address
    question = {"from": BANK, "to": exchange, "data": f"0x{chain.exchange.call('funds').hex()}"}
    read = await chain.rpc.call("eth_createAccessList", [question, "latest"])
    slots = [slot for each in read["accessList"] for slot in each["storageKeys"]]
    for slot in slots:
        word = int(await chain.rpc.call("eth_getStorageAt", [exchange, slot, "latest"]), 16)
        if word >> _HALF_WORD == now:
            rest = word & ((1 << _HALF_WORD) - 1)
            value = f"0x{(atoms << _HALF_WORD | rest):064x}"
            await chain.rpc.call("anvil_setStorageAt", [exchange, slot, value])
            return
    raise DrillFault(
        f"expected the insurance fund in one of the {len(slots)} words that `funds` reads, found it"
        " in none: the contract keeps it elsewhere now"
    )
