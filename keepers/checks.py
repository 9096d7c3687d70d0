"""What must be true before a keeper runs: each check finds something and says what to do about it.

Nothing is sent and nothing is changed. A check that cannot be made (the server does not answer) counts
as failed, with the reason.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiohttp

from config.corporate_actions import existing_directory, load_actions
from config.settings import LaneKey, Settings
from keepers.admin.opening import open_doors
from keepers.lanes import LANE_FUNCTIONS, LANE_ROLES, URGENT
from keepers.notify.channels import open_channels
from keepers.signing import open_signer, signing_policy
from keepers.transports import Transports
from risk.units import Seconds
from runtime.admin_socket import check_folder
from runtime.clock import Clock
from runtime.errors import OperatorError
from runtime.journal import JournalError, JournalReader
from runtime.rpc.errors import RpcError
from runtime.rpc.probe import PLAIN_SEND, Capabilities
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.chain import quantity, read_sealed_head
from venues.exchange.readings import Role
from venues.exchange.slicers import UndecodableError

WEI_PER_ETHER: Final = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's answer; `advice` is empty when all is well."""

    name: str
    is_good: bool
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """The checks of one profile."""

    settings: Settings
    transports: Transports
    exchange: ExchangeVenue
    clock: Clock

    async def findings(self) -> AsyncIterator[Finding]:
        """Make one check after the other; first those that need no chain."""
        if self.settings.admin.is_on:
            yield self._admin()
        async for finding in self._notify():
            yield finding
        async for finding in self._on_chain():
            yield finding

    async def _on_chain(self) -> AsyncIterator[Finding]:
        found = await self.transports.pool.probe()
        for server in found.values():
            for finding in self._server(server):
                yield finding
        if all(server.chain_id is None for server in found.values()):
            return
        for name, check in (
            ("clock", self._clock),
            ("exchange", self._exchange_code),
            ("token", self._token),
            ("prices", self._prices),
        ):
            yield await _made(name, check)
        if self.settings.keys.corporate is not None:
            yield self._corporate()
        for role, holder in self.settings.roles:
            if holder is not None:
                yield await _made(f"role {role}", partial(self._role, role, holder))
        for lane, key in self.settings.keys:
            if key is not None or lane == URGENT:
                yield await _made(f"key {lane}", partial(self._lane_key, lane, key))
        yield await _made("journal", self._journal)

    def _admin(self) -> Finding:
        """Say whether the ways in to the admin listener can be opened."""
        knobs = self.settings.admin
        try:
            doors = open_doors(knobs)
            if knobs.socket is not None:
                check_folder(knobs.socket)
        except OperatorError as error:
            return Finding(name="admin", is_good=False, found=str(error), advice="see there")
        names = ", ".join(door.name for door in doors)
        return Finding(name="admin", is_good=True, found=f"{names}, {len(knobs.tokens)} tokens")

    async def _notify(self) -> AsyncIterator[Finding]:
        """Say whether the files of the channels can be read; nothing is sent."""
        async with aiohttp.ClientSession() as session:
            try:
                channels = open_channels(self.settings.notify, session, self.clock)
            except OperatorError as error:
                yield Finding(name="notify", is_good=False, found=str(error), advice="see there")
                return
        if channels:
            found = f"{', '.join(channels)}: `bellkeeper notify test` sends through each"
            yield Finding(name="notify", is_good=True, found=found)

    def _server(self, server: Capabilities) -> Sequence[Finding]:
        name, expected = server.endpoint, self.settings.network.chain_id
        if server.chain_id is None:
            return [
                Finding(
                    name=f"server {name}",
                    is_good=False,
                    found="it does not answer as a JSON-RPC node",
                    advice="check its URL, the network and your key with the provider",
                )
            ]
        chain = Finding(
            name=f"chain of {name}",
            is_good=server.chain_id == expected,
            found=f"chain {server.chain_id}",
            advice=f"the profile says chain {expected}: correct the URL or [network] chain_id",
        )
        has_ws = "eth_subscribe" in server.ws
        wants_ws = self.settings.network.require_websocket
        offered = sorted((server.http | server.ws) - {"eth_subscribe"}) or [PLAIN_SEND]
        methods = Finding(
            name=f"methods of {name}",
            is_good=has_ws or not wants_ws,
            found=f"sends by {', '.join(offered)}; subscriptions: {'yes' if has_ws else 'no'}",
            advice="give the endpoint a ws_url that answers, or set require_websocket = false",
        )
        return [chain, methods]

    async def _clock(self) -> Finding:
        head = await read_sealed_head(self.transports.pool)
        skew = self.clock.now() - head.ref.timestamp
        most = self.settings.network.max_clock_skew_seconds
        return Finding(
            name="clock",
            is_good=abs(skew) <= most,
            found=f"the newest block {head.number} is {skew:.1f} s behind this machine",
            advice=f"at most {most:g} s are allowed: run a time service, or find out why the chain stands",
        )

    async def _exchange_code(self) -> Finding:
        has_code = await self.exchange.has_code()
        return Finding(
            name="exchange",
            is_good=has_code,
            found=f"{'code' if has_code else 'no code'} at {self.settings.exchange.address}",
            advice="correct [exchange] address, or deploy with `bellkeeper exchange deploy`",
        )

    async def _token(self) -> Finding:
        token = "0x" + (await self.exchange.token()).hex()
        wanted = self.settings.exchange.token_address
        return Finding(
            name="token",
            is_good=wanted is None or wanted.lower() == token,
            found=f"the exchange's quote token is {token}",
            advice=f"the profile says {wanted}: one of them is of another exchange",
        )

    async def _prices(self) -> Finding:
        head = await read_sealed_head(self.transports.pool)
        markets = await self.exchange.markets(block=head.number)
        now = Seconds(head.ref.timestamp)
        stale = sorted(market.symbol for market in markets.values() if market.is_stale(now))
        return Finding(
            name="prices",
            is_good=not stale,
            found=f"{len(markets)} markets, stale: {', '.join(stale) or 'none'}",
            advice="nothing is liquidated in stale markets: see whether the price keeper runs",
        )

    def _corporate(self) -> Finding:
        """Say whether the files of corporate actions can be read, and how far they agree."""
        knobs = self.settings.corporate
        try:
            heard = load_actions(existing_directory(knobs.actions_directory))
        except OperatorError as error:
            return Finding(name="corporate", is_good=False, found=str(error), advice="see there")
        judged = heard.agreements(knobs.rules)
        agreed = sum(each.is_resolved for each in judged.values())
        return Finding(
            name="corporate",
            is_good=knobs.orders_file is not None,
            found=f"{len(judged)} actions told of, {agreed} agreed on",
            advice="name a [corporate] orders_file: without one nobody can approve, abort or resume",
        )

    async def _role(self, role: str, holder: str) -> Finding:
        address = bytes.fromhex(holder[2:])
        if role == "owner":
            found = "0x" + (await self.exchange.owner()).hex()
            is_good, what = found == holder.lower(), f"the owner is {found}"
        else:
            held = await self.exchange.role_of(address)
            is_good, what = held is Role[role.upper()], f"{holder} holds {held.name.lower()}"
        return Finding(
            name=f"role {role}",
            is_good=is_good,
            found=what,
            advice=f"[roles] says {role} = {holder}: have the owner grant it, or correct the profile",
        )

    async def _lane_key(self, lane: str, key: LaneKey | None) -> Finding:
        settings, abi = self.settings, load_abi()
        async with aiohttp.ClientSession() as session:
            selectors = [abi.function(function).selector for function in LANE_FUNCTIONS[lane]]
            try:
                signer = await open_signer(lane, key, signing_policy(settings, selectors), session)
            except OperatorError as error:
                return Finding(
                    name=f"key {lane}", is_good=False, found=str(error), advice="see there"
                )
        address = f"0x{signer.address.hex()}"
        pool = self.transports.pool
        balance = quantity(await pool.call("eth_getBalance", [address, "latest"]))
        held, wanted = await self.exchange.role_of(signer.address), LANE_ROLES[lane]
        floor = settings.sender.low_balance_wei
        if held is wanted:
            advice = f"top it up above sender.low_balance_wei = {floor}"
        elif wanted is Role.NONE:
            advice = "this lane's key needs no role: use a key that can do nothing else"
        else:
            advice = f"have the owner grant it the role {wanted.name.lower()}, and no other"
        return Finding(
            name=f"key {lane}",
            is_good=balance >= floor and held is wanted,
            found=f"{address} has {balance / WEI_PER_ETHER:.6f} ether and role {held.name.lower()}",
            advice=advice,
        )

    async def _journal(self) -> Finding:
        path = self.settings.journal.path
        if not path.exists():
            is_good = path.parent.is_dir()
            found = f"{path} will be created" if is_good else f"there is no folder {path.parent}"
            return Finding(name="journal", is_good=is_good, found=found, advice="create the folder")
        with JournalReader.open_to_read(path) as journal:
            waiting, damage = len(journal.in_flight()), journal.damage()
        return Finding(
            name="journal",
            is_good=damage is None,
            found=f"{path}: {damage or 'every page is whole'}, {waiting} intents in flight",
            advice="stop the keeper and restore the journal from the backup (docs/deployment.md)",
        )


async def _made(name: str, check: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await check()
    except (RpcError, UndecodableError, JournalError) as error:
        return Finding(
            name=name,
            is_good=False,
            found=f"could not be checked: {error}",
            advice="mend that first",
        )
