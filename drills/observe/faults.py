"""The faults: what is done, what must be heard of it and what not, and how it is undone.

Each is done for real, to the chain, the providers, the orders or the process; nothing touches the keeper's
figures. What an alert's own window keeps alive after the fault is named too.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from drills.dev_keys import HOUSEKEEPER, PRICER
from drills.observe import hands
from drills.observe.stage import Stage
from drills.price_servers.door import Door
from drills.price_servers.misbehaviour import Print
from drills.price_settings import EXCHANGE_FEEDS
from risk.units import PriceE8, Seconds

ALWAYS: Final = frozenset({"DeadMansSwitch"})
"""What fires while all is well."""
PLAN: Final = "by_order"
HALTED: Final = "TSLA"
LIE_SECONDS: Final = 12
ETHER: Final = 10**18

Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, and all that must be heard of it."""

    name: str
    what: str
    fires: frozenset[str]
    inhibited: frozenset[str] = frozenset()
    """Those of which nobody is notified, since another says more."""
    afterwards: frozenset[str] = frozenset()
    """Those that fire only once it is undone."""
    lasting: frozenset[str] = frozenset()
    """Those that may go on after it is undone: their window is long, or a person must act."""
    hushes: frozenset[str] = frozenset()
    """What fires while all is well and must stop."""
    inject: Act
    heal: Act


async def _kill(stage: Stage) -> None:
    stage.keeper.kill()


async def _start(stage: Stage) -> None:
    stage.keeper.start()
    await stage.keeper.wait_until_ready()


async def _close_hermes(stage: Stage) -> None:
    stage.servers.hermes.door.go_down()


async def _open_hermes(stage: Stage) -> None:
    stage.servers.hermes.door.come_back()


def _two_doors(stage: Stage) -> tuple[Door, ...]:
    return (stage.servers.hermes.door, *(host.door for host in stage.servers.pyth_pro))


async def _close_two(stage: Stage) -> None:
    for door in _two_doors(stage):
        door.go_down()


async def _open_two(stage: Stage) -> None:
    for door in _two_doors(stage):
        door.come_back()


async def _lie(stage: Stage) -> None:
    """Tell 3 % too much; it ends by itself."""
    now = stage.clock.now()
    true = stage.exchange.starts["NVDA"]
    stage.script.add(
        Print(
            provider=EXCHANGE_FEEDS,
            symbol="NVDA",
            start=now,
            stop=Seconds(now + LIE_SECONDS),
            price=PriceE8(true + 3 * true // 100),
        )
    )


async def _nothing(_stage: Stage) -> None:
    """It ends by itself, or cannot be undone."""


async def _close_books(stage: Stage) -> None:
    await stage.books.close()


async def _open_books(stage: Stage) -> None:
    await stage.books.open()


async def _stop_chain(stage: Stage) -> None:
    os.kill(stage.node.block_producer, signal.SIGSTOP)


async def _go_on(stage: Stage) -> None:
    os.kill(stage.node.block_producer, signal.SIGCONT)


def _order(*words: str) -> Act:
    async def act(stage: Stage) -> None:
        await hands.order(stage, *words)

    return act


def _balance(address: str, wei: int) -> Act:
    async def act(stage: Stage) -> None:
        await hands.set_balance(stage.chain, address, wei)

    return act


FAULTS: Final = (
    Fault(
        name="keeper killed",
        what="SIGKILL; started again",
        fires=frozenset({"KeeperDown"}),
        hushes=ALWAYS,
        inject=_kill,
        heal=_start,
    ),
    Fault(
        name="price source down",
        what="one of three providers answers 503 to everything",
        fires=frozenset({"PriceSourceLost"}),
        inject=_close_hermes,
        heal=_open_hermes,
    ),
    Fault(
        name="price quorum lost",
        what="two of three providers answer 503 to everything",
        fires=frozenset({"PriceQuorumLost", "PriceSourceLost"}),
        inhibited=frozenset({"PriceSourceLost"}),
        inject=_close_two,
        heal=_open_two,
    ),
    Fault(
        name="price source lies",
        what=f"one provider prints 3 % too high for {LIE_SECONDS} s",
        fires=frozenset({"PriceSourcesDiverge"}),
        inject=_lie,
        heal=_nothing,
    ),
    Fault(
        name="order books gone",
        what="the books' server goes away",
        fires=frozenset({"BookLost"}),
        inject=_close_books,
        heal=_open_books,
    ),
    Fault(
        name="chain stopped",
        what="SIGSTOP to whoever makes the blocks",
        # Its wait is divided, the 30 s that a chain may stand are not: so it comes before ChainStalled,
        # which silences it; at their own pace, 70 s and 60 s, it comes after.
        fires=frozenset({"ChainStalled", "StateNotTrusted", "IntegrityBreakerTripped"}),
        # The first block that comes halts the markets.
        afterwards=frozenset({"IntegrityBreakerTripped"}),
        lasting=frozenset({"IntegrityBreakerTripped"}),
        inject=_stop_chain,
        heal=_go_on,
    ),
    Fault(
        name="market halted by hand",
        what=f"bellkeeper halt {HALTED}, then resume",
        fires=frozenset({"MarketHalted"}),
        inject=_order("halt", HALTED),
        heal=_order("resume", HALTED),
    ),
    Fault(
        name="emergency plan started",
        what=f"bellkeeper plan start {PLAN}, then stop",
        fires=frozenset({"EmergencyPlanRunning"}),
        inject=_order("plan", "start", PLAN),
        heal=_order("plan", "stop", PLAN),
    ),
    Fault(
        name="gas wallet low",
        what="a key is left with 0.005 ether",
        fires=frozenset({"KeyBalanceLow"}),
        inject=_balance(HOUSEKEEPER, 5 * ETHER // 1_000),
        heal=_balance(HOUSEKEEPER, ETHER),
    ),
    Fault(
        name="gas wallet emptied",
        what="the pricer's key is left with nothing",
        # Nobody publishes: the mark grows old.
        fires=frozenset(
            {
                "LaneHalted",
                "KeyBalanceLow",
                "MarkFreshnessBudgetBurning",
                "IntegrityBreakerTripped",
            }
        ),
        inhibited=frozenset({"KeyBalanceLow"}),
        lasting=frozenset({"MarkFreshnessBudgetBurning", "IntegrityBreakerTripped"}),
        inject=_balance(PRICER, 0),
        heal=_balance(PRICER, ETHER),
    ),
    Fault(
        name="insurance fund drained",
        what="half of the fund goes from the contract's books, by no event",
        # InsuranceFundFalling goes by events: what goes without one is for the proof to find.
        fires=frozenset({"SolvencyBreach", "IntegrityBreakerTripped"}),
        # If all accounts were read in between, money that comes back is money that no event explains.
        lasting=frozenset({"SolvencyBreach", "IntegrityBreakerTripped"}),
        inject=hands.halve_insurance,
        heal=hands.restore_insurance,
    ),
    Fault(
        name="vault robbed",
        what="1,000 USD leave the vault, by no event of the exchange",
        fires=frozenset({"SolvencyBreach", "WithdrawalsClosed", "IntegrityBreakerTripped"}),
        lasting=frozenset({"WithdrawalsClosed", "IntegrityBreakerTripped"}),
        inject=hands.rob_vault,
        heal=hands.return_loot,
    ),
    Fault(
        name="role granted",
        what="the owner makes a stranger guardian",
        fires=frozenset({"RoleChanged", "WithdrawalsClosed", "IntegrityBreakerTripped"}),
        lasting=frozenset({"WithdrawalsClosed", "IntegrityBreakerTripped"}),
        inject=hands.grant_role,
        heal=hands.revoke_role,
    ),
    Fault(
        name="foreign nonce",
        what="somebody else signs with the liquidator's key",
        fires=frozenset({"ForeignNonce"}),
        lasting=frozenset({"ForeignNonce"}),
        inject=hands.use_key,
        heal=_nothing,
    ),
)
