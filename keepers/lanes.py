"""From settings to senders: the lanes with their keys, or the shadow of a dry run."""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from config.settings import LaneKey, Settings
from keepers.liquidation.hand import Hand
from keepers.liquidation.intents import KIND
from keepers.sender import (
    FeeBook,
    FeeRules,
    Lane,
    LaneSettings,
    Policy,
    RpcChain,
    Sender,
    SenderMetrics,
    ShadowSender,
    Tools,
)
from keepers.signing import cancel_fee_cap, open_signer, signing_policy
from keepers.transports import Transports
from risk.units import MarketId, parse_account
from runtime.clock import Clock
from runtime.journal import Journal
from venues.exchange.abi import Abi
from venues.exchange.readings import Role

URGENT: Final = "urgent"
HOUSEKEEPING: Final = "housekeeping"
PRICER: Final = "pricer"
BREAKER: Final = "breaker"
GUARDIAN: Final = "guardian"
TUNER: Final = "tuner"
DELEVERAGER: Final = "deleverager"
CORPORATE: Final = "corporate"
LANE_FUNCTIONS: Final = {
    URGENT: ("liquidate",),
    HOUSEKEEPING: ("close_settled",),
    PRICER: ("publish",),
    BREAKER: ("set_band", "set_status"),
    GUARDIAN: ("restrict", "close_withdrawals"),
    TUNER: ("set_parameter",),
    DELEVERAGER: ("deleverage",),
    CORPORATE: (
        *("begin_split", "continue_split", "dividend", "settle_market"),
        *("close_settled", "cover_losses"),
    ),
}
"""What each lane's key may call on the exchange, and nothing else."""
LANE_ROLES: Final = {
    URGENT: Role.NONE,
    HOUSEKEEPING: Role.NONE,
    PRICER: Role.PRICER,
    BREAKER: Role.BREAKER,
    GUARDIAN: Role.GUARDIAN,
    TUNER: Role.TUNER,
    DELEVERAGER: Role.DELEVERAGER,
    CORPORATE: Role.CORPORATE,
}
"""The one role that each lane's key holds there."""
CANCEL_GAS: Final = 100_000
"""An empty transfer: 21,000 gas on Ethereum's rules, 60,000 on MegaETH's."""


class RunningSender(Sender, Protocol):
    """A sender that must be supervised."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look after what was sent until `stop`, then drain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneParts:
    """What every lane of a process shares."""

    settings: Settings
    transports: Transports
    journal: Journal
    metrics: SenderMetrics
    clock: Clock
    abi: Abi
    session: aiohttp.ClientSession
    acknowledge_foreign: bool = False


async def open_lane(name: str, key: LaneKey | None, parts: LaneParts) -> Lane:
    """Open a lane whose key may call the lane's functions of the exchange and nothing else."""
    settings, sender = parts.settings, parts.settings.sender
    selectors = [parts.abi.function(function).selector for function in LANE_FUNCTIONS[name]]
    signer = await open_signer(name, key, signing_policy(settings, selectors), parts.session)
    tools = Tools(
        chain=RpcChain(parts.transports.pool, parts.transports.submitter),
        signer=signer,
        journal=parts.journal,
        clock=parts.clock,
        policy=Policy(
            rebroadcast_after_seconds=(sender.rebroadcast_seconds,),
            replace_after_seconds=sender.replace_seconds,
            bump_ppm=sender.fee_bump_ppm,
            fee_cap=sender.max_fee_per_gas_wei,
            cancel_fee_cap=cancel_fee_cap(settings),
            confirmations=sender.confirmations,
        ),
        fees=FeeBook(
            FeeRules(
                floor=min(1_000_000, sender.max_fee_per_gas_wei),
                cap=sender.max_fee_per_gas_wei,
                tip=sender.priority_fee_per_gas_wei,
            )
        ),
        metrics=parts.metrics.of(name),
        cancel_gas=CANCEL_GAS,
    )
    lane_settings = LaneSettings(
        window=sender.max_in_flight,
        balance_floor_wei=sender.low_balance_wei,
        acknowledge_foreign=parts.acknowledge_foreign,
    )
    return Lane(name, tools, lane_settings)


def open_shadow(name: str, journal: Journal, clock: Clock) -> ShadowSender:
    """Make the sender of a dry run: it journals, signs nothing and has no key."""
    return ShadowSender(name, journal=journal, clock=clock)


def adopt_earlier_life(hand: Hand, journal: Journal, symbols: dict[str, MarketId]) -> int:
    """Tell the liquidation keeper what is on its way since before it started; count the items.

    A market that the exchange no longer knows by that symbol is left to the lane alone.
    """
    nonces = sorted({each.nonce for each in journal.open_transactions(URGENT)})
    adopted = 0
    for nonce in nonces:
        keys = {
            (parse_account(intent.account), symbols[intent.market]): intent.key
            for intent in journal.intents_at(URGENT, nonce)
            if intent.kind == KIND and intent.settled_at is None and intent.market in symbols
        }
        if keys:
            hand.adopt(nonce, keys)
            adopted += len(keys)
    return adopted
